from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from governance.limits import quotas
from governance.limits.quotas import Wanted
from governance.models import Quota, Unit
from governance.rules.spans import Every
from tenancy import clock
from tenancy.administration import AmountsAdmin, May, TenantForm, actor_of
from tenancy.refusals import Invalid


class QuotaForm(TenantForm):
    """Refuses what `quotas.set_limit` would."""

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return said
        wanted = Wanted(
            said.get("limit"),
            unit=Unit(said["unit"]),
            every=Every(said["span"]),
            thresholds=tuple(said.get("thresholds") or ()),
        )
        try:
            quotas.check(
                wanted, from_instant=said["effective_from"], until=said.get("effective_until")
            )
        except Invalid as refused:
            name = {"until": "effective_until"}.get(str(refused.values["field"]))
            self.add_error(name or str(refused.values["field"]), str(refused.values["fix"]))
        return said


@admin.register(Quota)
class QuotaAdmin(AmountsAdmin):
    """A limit never changes: another takes its place from its start on. Decisions rest on it.

    The page of quotas shows what a limit would do before it is set; here it is entered as it is.
    """

    form = QuotaForm
    admins_may = May.ADD
    list_display = (
        "__str__",
        "amount",
        "span",
        "hardness",
        "effective_from",
        "effective_until",
        "set_by",
    )
    list_filter = ("unit", "span", "hardness", "product")
    list_select_related = ("product", "subscription", "team", "cost_center")
    search_fields = (
        "subscription__name",
        "subscription__display_name",
        "product__name",
        "team__name",
        "cost_center__code",
        "reason",
    )
    autocomplete_fields = ("product", "subscription", "team", "cost_center")
    readonly_fields = ("set_by", "recorded_at")
    date_hierarchy = "effective_from"

    @admin.display(description="limit", ordering="limit")
    def amount(self, row: Any) -> str:
        if row.limit is None:
            return "none: cleared"
        unit = "tokens" if row.unit == Unit.TOKENS else row.billing_currency
        return f"{row.limit.normalize():f} {unit}"

    def prepare(self, request: HttpRequest, obj: Any, form: Any) -> None:
        obj.set_by = actor_of(request).email
        obj.recorded_at = clock.now()

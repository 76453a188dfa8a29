from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from billing import attribution
from inventory.models import Ownership
from inventory.ownership import Attribution
from tenancy import clock
from tenancy.administration import May, TenantForm, TenantModelAdmin, actor_of
from tenancy.refusals import Refused

_SAID = ("subscription", "team", "cost_center", "environment", "application", "from_day", "reason")


class OwnershipForm(TenantForm):
    """Says at its field why an assignment is refused."""

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                attribution.check(
                    said["subscription"],
                    _to(said),
                    from_day=said["from_day"],
                    at=clock.now(),
                    reason=said["reason"],
                )
            except Refused as refused:
                self.add_error(refused.field, str(refused))
        return said


@admin.register(Ownership)
class OwnershipAdmin(TenantModelAdmin):
    """An amount follows its subscription's owner of the day; none has to be computed anew.

    A row never changes and is never removed: another for the same day takes its place.
    """

    admins_may = May.ADD
    form = OwnershipForm
    list_display = (
        "subscription",
        "team",
        "cost_center",
        "environment",
        "application",
        "from_day",
        "reason",
        "recorded_at",
        "recorded_by",
    )
    list_filter = ("team", "cost_center", "environment", "application")
    list_select_related = ("subscription", "team", "cost_center")
    search_fields = (
        "subscription__name",
        "subscription__display_name",
        "team__name",
        "environment",
        "application",
    )
    autocomplete_fields = ("subscription", "team", "cost_center")
    date_hierarchy = "from_day"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*_SAID, "recorded_at", "recorded_by") if obj else _SAID

    def save_model(
        self,
        request: HttpRequest,
        obj: Any,
        form: Any,
        change: bool,  # noqa: FBT001 - Django's signature
    ) -> None:
        """Assign by the verb, which keeps its own record."""
        said = form.cleaned_data
        obj.pk = attribution.assign(
            said["subscription"],
            _to(said),
            from_day=said["from_day"],
            by=actor_of(request).email,
            at=clock.now(),
            reason=said["reason"],
        ).pk


def _to(said: dict[str, Any]) -> Attribution:
    return Attribution(said["team"], said["cost_center"], said["environment"], said["application"])

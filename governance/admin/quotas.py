from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from governance.models import Quota
from tenancy import clock
from tenancy.administration import AmountsAdmin, May, actor_of


@admin.register(Quota)
class QuotaAdmin(AmountsAdmin):
    """A limit never changes: another takes its place from its start on. Decisions rest on it."""

    admins_may = May.ADD
    list_display = (
        "__str__",
        "unit",
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

    def prepare(self, request: HttpRequest, obj: Any, form: Any) -> None:
        obj.set_by = actor_of(request).email
        obj.recorded_at = clock.now()

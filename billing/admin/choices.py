from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from billing import marking
from billing.models import BillingSettings, ExchangeRate, MeterMapping
from tenancy.administration import May, TenantModelAdmin, actor_of


@admin.register(BillingSettings)
class BillingSettingsAdmin(TenantModelAdmin):
    admins_may = May.CHANGE
    list_display = ("__str__", "confirm_from_confidence", "look_back_hours")


@admin.register(ExchangeRate)
class ExchangeRateAdmin(TenantModelAdmin):
    """A rate that is wrong is corrected, not removed: amounts were computed with it."""

    admins_may = May.ADD | May.CHANGE
    list_display = ("from_currency", "to_currency", "rate", "effective_from", "source")
    list_filter = ("from_currency", "to_currency")
    search_fields = ("source",)
    date_hierarchy = "effective_from"

    def follow(self, obj: Any, form: Any) -> None:
        marking.mark_days(since=_earliest(obj, form))


@admin.register(MeterMapping)
class MeterMappingAdmin(TenantModelAdmin):
    """A mapping that is wrong is corrected, not removed; its deployment and class stay."""

    admins_may = May.ADD | May.CHANGE
    list_display = ("deployment", "token_class", "meter", "effective_from", "confirmed_by")
    list_filter = ("token_class", "deployment__model")
    list_select_related = ("deployment", "meter")
    search_fields = ("deployment__name", "meter__meter_name", "confirmed_by", "reason")
    autocomplete_fields = ("deployment", "meter")
    readonly_fields = ("confirmed_by",)
    date_hierarchy = "effective_from"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("confirmed_by", "deployment", "token_class") if obj else ("confirmed_by",)

    def prepare(self, request: HttpRequest, obj: Any, form: Any) -> None:
        obj.confirmed_by = actor_of(request).email

    def follow(self, obj: Any, form: Any) -> None:
        marking.mark_days(since=_earliest(obj, form), deployments=[obj.deployment_id])


def _earliest(obj: Any, form: Any) -> Any:
    """The first instant whose amounts can differ: of the old start and the new."""
    return min(obj.effective_from, form.initial.get("effective_from") or obj.effective_from)

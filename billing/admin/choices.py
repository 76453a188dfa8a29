from __future__ import annotations

from typing import Any

from django.contrib import admin

from billing import marking
from billing.models import BillingSettings, ExchangeRate, MeterMapping
from tenancy.administration import May, TenantModelAdmin


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
    """For looking: a mapping is confirmed on the page that shows its effect first."""

    list_display = (
        "deployment",
        "token_class",
        "meter",
        "units_per_price",
        "effective_from",
        "confirmed_by",
    )
    list_filter = ("token_class", "deployment__model")
    list_select_related = ("deployment", "meter")
    search_fields = ("deployment__name", "meter__meter_name", "confirmed_by", "reason")
    date_hierarchy = "effective_from"


def _earliest(obj: Any, form: Any) -> Any:
    """The first instant whose amounts can differ: of the old start and the new."""
    return min(obj.effective_from, form.initial.get("effective_from") or obj.effective_from)

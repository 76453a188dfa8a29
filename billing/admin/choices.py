from __future__ import annotations

from django.contrib import admin

from billing.models import BillingSettings, ExchangeRate, MeterMapping, PriceDecision
from tenancy.administration import May, TenantModelAdmin


@admin.register(BillingSettings)
class BillingSettingsAdmin(TenantModelAdmin):
    admins_may = May.CHANGE
    list_display = ("__str__", "confirm_from_confidence", "look_back_hours")


@admin.register(ExchangeRate)
class ExchangeRateAdmin(TenantModelAdmin):
    """For looking: a rate is set on the page that shows its effect first."""

    list_display = ("from_currency", "to_currency", "rate", "effective_from", "source", "origin")
    list_filter = ("from_currency", "to_currency", "origin")
    search_fields = ("source",)
    date_hierarchy = "effective_from"


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


@admin.register(PriceDecision)
class PriceDecisionAdmin(TenantModelAdmin):
    """For looking: a suspect price is decided on the page that shows its effect first."""

    list_display = ("price", "verdict", "decided_by", "decided_at")
    list_filter = ("verdict",)
    list_select_related = ("price__meter",)
    search_fields = ("price__meter__meter_name", "decided_by", "reason")
    date_hierarchy = "decided_at"

"""Capacity paid by the hour: to be looked at. Its page shows the effect of a change first."""

from __future__ import annotations

from django.contrib import admin

from billing.models import CapacityDay, CapacityMapping, Reservation, ReservationDay
from tenancy.administration import AmountsAdmin, TenantModelAdmin, amount


@admin.register(CapacityMapping)
class CapacityMappingAdmin(TenantModelAdmin):
    """For looking: a meter is confirmed, or corrected, on the page of capacity."""

    list_display = ("deployment", "sku", "meter", "effective_from", "confirmed_by")
    list_select_related = ("deployment", "meter")
    search_fields = ("deployment__name", "meter__meter_name", "confirmed_by", "reason")
    date_hierarchy = "effective_from"


@admin.register(Reservation)
class ReservationAdmin(TenantModelAdmin):
    """Entered and withdrawn on the page of capacity, which shows the effect first."""

    list_display = ("name", "units", "scope", "region", "term", "starts_at", "withdrawn_at")
    list_filter = ("scope", "region", "term")
    search_fields = ("name", "source", "purchased_by")
    date_hierarchy = "starts_at"


@admin.register(CapacityDay)
class CapacityDayAdmin(AmountsAdmin):
    list_display = (
        "day",
        "deployment",
        "kind",
        "reservation",
        "unit_minutes",
        amount("cost", described="cost, estimated"),
    )
    list_filter = ("kind", "deployment")
    list_select_related = ("deployment", "reservation")
    search_fields = ("deployment__name",)
    date_hierarchy = "day"


@admin.register(ReservationDay)
class ReservationDayAdmin(AmountsAdmin):
    list_display = (
        "day",
        "reservation",
        "deployment",
        "unit_minutes",
        amount("cost", described="cost, amortized"),
    )
    list_filter = ("reservation",)
    list_select_related = ("deployment", "reservation")
    search_fields = ("reservation__name", "deployment__name")
    date_hierarchy = "day"

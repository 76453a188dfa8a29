"""Capacity paid by the hour: its meters may be named here, the rest is to be looked at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from billing.models import CapacityDay, CapacityMapping, Reservation, ReservationDay
from tenancy.administration import AmountsAdmin, May, TenantModelAdmin, actor_of, amount


@admin.register(CapacityMapping)
class CapacityMappingAdmin(TenantModelAdmin):
    """For deployments whose hours no name of a meter says; a wrong one is corrected."""

    admins_may = May.ADD | May.CHANGE
    list_display = ("deployment", "sku", "meter", "effective_from", "confirmed_by")
    list_select_related = ("deployment", "meter")
    search_fields = ("deployment__name", "meter__meter_name", "confirmed_by", "reason")
    autocomplete_fields = ("deployment", "meter")
    date_hierarchy = "effective_from"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("confirmed_by", "deployment", "sku") if obj else ("confirmed_by",)

    def prepare(self, request: HttpRequest, obj: Any, form: Any) -> None:
        obj.confirmed_by = actor_of(request).email


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

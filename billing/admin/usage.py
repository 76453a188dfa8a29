"""What was read and computed: to be looked at, never to be changed by hand."""

from __future__ import annotations

from django.contrib import admin

from billing.models import DayToRate, PeriodToDate, RatedDay, UsageFeed
from tenancy.administration import AmountsAdmin, TenantModelAdmin, amount


@admin.register(UsageFeed)
class UsageFeedAdmin(TenantModelAdmin):
    list_display = ("gateway", "through")
    list_select_related = ("gateway",)


@admin.register(DayToRate)
class DayToRateAdmin(TenantModelAdmin):
    list_display = ("day",)
    date_hierarchy = "day"


@admin.register(RatedDay)
class RatedDayAdmin(AmountsAdmin):
    list_display = (
        "day",
        "subscription",
        "deployment",
        "token_class",
        "quantity",
        amount("cost", described="cost, estimated"),
    )
    list_filter = ("token_class", "deployment__model", "subscription")
    list_select_related = ("subscription", "deployment")
    search_fields = ("subscription__name", "subscription__display_name", "deployment__name")
    date_hierarchy = "day"


@admin.register(PeriodToDate)
class PeriodToDateAdmin(AmountsAdmin):
    list_display = (
        "first_day",
        "subscription",
        amount("cost", described="cost, estimated"),
        "tokens",
        "unpriced_tokens",
    )
    list_filter = ("first_day",)
    list_select_related = ("subscription",)
    search_fields = ("subscription__name", "subscription__display_name")

"""What was read and computed: to be looked at, never to be changed by hand."""

from __future__ import annotations

from django.contrib import admin

from billing.models import (
    ClassUsage,
    ClosedMonth,
    DayToRate,
    PeriodToDate,
    ProposedAdjustment,
    PushedEvent,
    RatedDay,
    Series,
    SourceComparison,
    UsageDay,
    UsageFeed,
    UsageWindow,
)
from tenancy.administration import AmountsAdmin, TenantModelAdmin, amount


@admin.register(UsageFeed)
class UsageFeedAdmin(TenantModelAdmin):
    list_display = ("gateway", "through")
    list_select_related = ("gateway",)


@admin.register(UsageWindow)
class UsageWindowAdmin(TenantModelAdmin):
    """Reading an hour again is asked for on the page Reading."""

    list_display = (
        "start",
        "gateway",
        "state",
        "source",
        "reads",
        "late_rows",
        "read_at",
        "due_at",
    )
    list_filter = ("state", "gateway", "source")
    list_select_related = ("gateway",)
    date_hierarchy = "start"


@admin.register(Series)
class SeriesAdmin(TenantModelAdmin):
    list_display = ("subscription", "deployment", "product", "api", "application", "use_case")
    list_filter = ("gateway", "product", "application")
    list_select_related = ("subscription", "deployment")
    search_fields = ("subscription__name", "deployment__name", "application", "use_case", "agent")


@admin.register(PushedEvent)
class PushedEventAdmin(TenantModelAdmin):
    list_display = ("at", "gateway", "source", "event_id", "subscription", "deployment", "status")
    list_filter = ("gateway", "source")
    list_select_related = ("gateway",)
    search_fields = ("event_id", "subscription", "deployment")
    date_hierarchy = "at"


@admin.register(SourceComparison)
class SourceComparisonAdmin(TenantModelAdmin):
    list_display = ("day", "gateway", "source", "tokens_source", "tokens_stored", "compared_at")
    list_filter = ("gateway",)
    list_select_related = ("gateway",)
    date_hierarchy = "day"


@admin.register(UsageDay)
class UsageDayAdmin(TenantModelAdmin):
    list_display = ("day", "subscription", "deployment", "requests", "successful_requests")
    list_select_related = ("subscription", "deployment")
    search_fields = ("subscription__name", "deployment__name")
    date_hierarchy = "day"


@admin.register(DayToRate)
class DayToRateAdmin(TenantModelAdmin):
    list_display = ("day",)
    date_hierarchy = "day"


@admin.register(ClassUsage)
class ClassUsageAdmin(TenantModelAdmin):
    list_display = ("bucket_start", "subscription", "deployment", "token_class", "quantity")
    list_filter = ("token_class",)
    list_select_related = ("subscription", "deployment")
    search_fields = ("subscription__name", "deployment__name")
    date_hierarchy = "bucket_start"


@admin.register(ClosedMonth)
class ClosedMonthAdmin(TenantModelAdmin):
    list_display = ("first_day", "closed_by", "closed_at")
    date_hierarchy = "first_day"


@admin.register(ProposedAdjustment)
class ProposedAdjustmentAdmin(AmountsAdmin):
    list_display = (
        "first_day",
        "subscription",
        "deployment",
        "token_class",
        amount("cost_before", described="cost as closed"),
        amount("cost_after", described="cost today"),
    )
    list_filter = ("first_day", "token_class")
    list_select_related = ("subscription", "deployment")
    search_fields = ("subscription__name", "deployment__name")


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

from __future__ import annotations

from django.contrib import admin

from governance.models import Budget
from tenancy.administration import AmountsAdmin


@admin.register(Budget)
class BudgetAdmin(AmountsAdmin):
    """What was said of budgets. They are set on the portal's page, which shows the effect first."""

    list_display = ("__str__", "span", "from_day", "forecast_alert", "set_by", "recorded_at")
    list_filter = ("span", "forecast_alert")
    list_select_related = ("team", "cost_center")
    search_fields = ("team__name", "team__slug", "cost_center__code", "cost_center__name", "reason")
    date_hierarchy = "from_day"

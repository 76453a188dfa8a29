from __future__ import annotations

from django.contrib import admin

from governance.models import Alert
from tenancy.administration import TenantModelAdmin


@admin.register(Alert)
class AlertAdmin(TenantModelAdmin):
    """Which thresholds are reached, and which were; written by the watch alone."""

    list_display = ("__str__", "span", "period", "threshold", "fired_at", "resolved_at")
    list_filter = ("kind", "unit", "span", "threshold")
    list_select_related = ("subscription__gateway", "product", "team", "cost_center")
    search_fields = (
        "subscription__name",
        "product__name",
        "team__name",
        "cost_center__code",
    )
    date_hierarchy = "fired_at"

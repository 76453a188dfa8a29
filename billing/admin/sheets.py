"""Price sheets: to be looked at. They are applied and ended where their effect is shown first."""

from __future__ import annotations

from django.contrib import admin

from billing.models import PriceSheet, SheetLine
from tenancy.administration import TenantModelAdmin


@admin.register(PriceSheet)
class PriceSheetAdmin(TenantModelAdmin):
    list_display = ("name", "effective_from", "effective_until", "source", "applied_by")
    search_fields = ("name", "source", "applied_by")
    date_hierarchy = "effective_from"


@admin.register(SheetLine)
class SheetLineAdmin(TenantModelAdmin):
    list_display = (
        "sheet",
        "number",
        "kind",
        "meter",
        "product_filter",
        "meter_filter",
        "region_filter",
        "listed_price",
        "currency",
        "percent",
    )
    list_filter = ("kind", "sheet")
    list_select_related = ("sheet", "meter")
    search_fields = (
        "sheet__name",
        "product_filter",
        "meter_filter",
        "meter__meter_name",
        "meter__azure_id",
    )

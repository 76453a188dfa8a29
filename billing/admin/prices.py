from __future__ import annotations

from django.contrib import admin

from billing.models import Meter, Price
from tenancy.administration import MembersAdmin


@admin.register(Meter)
class MeterAdmin(MembersAdmin):
    list_display = ("meter_name", "product_name", "region", "unit_of_measure", "azure_id")
    list_filter = ("region",)
    search_fields = ("meter_name", "product_name", "region", "azure_id")


@admin.register(Price)
class PriceAdmin(MembersAdmin):
    list_display = ("meter", "effective_from", "listed_price", "currency", "unit_of_measure")
    list_select_related = ("meter",)
    search_fields = ("meter__meter_name", "meter__product_name", "meter__azure_id")
    date_hierarchy = "effective_from"

from __future__ import annotations

from django.contrib import admin

from inventory.models import Ownership
from tenancy.administration import May, TenantModelAdmin


@admin.register(Ownership)
class OwnershipAdmin(TenantModelAdmin):
    """An amount follows its subscription's owner of the day; none has to be computed anew."""

    admins_may = May.ADD | May.CHANGE | May.DELETE
    list_display = ("subscription", "team", "from_day", "reason")
    list_filter = ("team",)
    list_select_related = ("subscription", "team")
    search_fields = ("subscription__name", "subscription__display_name", "team__name")
    autocomplete_fields = ("subscription", "team")
    date_hierarchy = "from_day"

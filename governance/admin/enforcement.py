from __future__ import annotations

from django.contrib import admin

from governance.models import Action, EnforcementSettings, Suspension
from tenancy.administration import May, TenantModelAdmin


@admin.register(EnforcementSettings)
class EnforcementSettingsAdmin(TenantModelAdmin):
    admins_may = May.CHANGE
    list_display = ("__str__", "mode", "most_suspensions", "stale_after_minutes")


@admin.register(Action)
class ActionAdmin(TenantModelAdmin):
    list_display = ("intended_at", "verb", "subscription", "outcome", "reason", "verified_at")
    list_filter = ("verb", "outcome")
    list_select_related = ("subscription",)
    search_fields = ("subscription__name", "subscription__display_name", "reason", "error")
    date_hierarchy = "intended_at"


@admin.register(Suspension)
class SuspensionAdmin(TenantModelAdmin):
    list_display = ("subscription", "since", "lifted_at", "reason")
    list_filter = ("lifted_at",)
    list_select_related = ("subscription",)
    search_fields = ("subscription__name", "subscription__display_name", "reason")
    date_hierarchy = "since"

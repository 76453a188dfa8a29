from __future__ import annotations

from django.contrib import admin

from inventory.models import CostCenter, Team, TeamMember
from tenancy.administration import May, TenantModelAdmin


@admin.register(CostCenter)
class CostCenterAdmin(TenantModelAdmin):
    admins_may = May.ADD | May.CHANGE | May.DELETE
    list_display = ("code", "name")
    search_fields = ("code", "name")


@admin.register(Team)
class TeamAdmin(TenantModelAdmin):
    admins_may = May.ADD | May.CHANGE | May.DELETE
    list_display = ("name", "slug", "cost_center")
    list_filter = ("cost_center",)
    list_select_related = ("cost_center",)
    search_fields = ("name", "slug")


@admin.register(TeamMember)
class TeamMemberAdmin(TenantModelAdmin):
    admins_may = May.ADD | May.CHANGE | May.DELETE
    list_display = ("person", "team", "part")
    list_filter = ("part", "team")
    list_select_related = ("person", "team")
    search_fields = ("person__email", "person__name", "team__name")

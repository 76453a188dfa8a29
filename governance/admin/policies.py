from __future__ import annotations

from django.contrib import admin

from governance.models import ApprovalPolicy, ApproverGroup, Delegation, GroupMember
from tenancy.administration import May, TenantModelAdmin


@admin.register(ApprovalPolicy)
class ApprovalPolicyAdmin(TenantModelAdmin):
    """Kept on its own page, where what a policy would do is shown before it counts."""

    list_display = (
        "name",
        "position",
        "demand",
        "group",
        "team",
        "product",
        "effective_from",
        "effective_until",
        "set_by",
    )
    list_filter = ("demand", "group", "team")
    list_select_related = ("group", "team", "product", "escalate_to")
    search_fields = ("name", "environment", "set_by")


@admin.register(ApproverGroup)
class ApproverGroupAdmin(TenantModelAdmin):
    admins_may = May.ADD | May.CHANGE
    list_display = ("name",)
    search_fields = ("name",)


@admin.register(GroupMember)
class GroupMemberAdmin(TenantModelAdmin):
    """Somebody in a group decides only while they also have a role that approves."""

    admins_may = May.ADD | May.DELETE
    list_display = ("group", "person")
    list_filter = ("group",)
    list_select_related = ("group", "person")
    search_fields = ("group__name", "person__email", "person__name")


@admin.register(Delegation)
class DelegationAdmin(TenantModelAdmin):
    """Kept on its own page: people name a stand-in for themselves."""

    list_display = ("absent", "stand_in", "effective_from", "effective_until", "made_by")
    list_select_related = ("absent", "stand_in")
    search_fields = ("absent__email", "stand_in__email", "reason")
    date_hierarchy = "effective_from"

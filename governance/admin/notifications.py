from __future__ import annotations

from django.contrib import admin

from governance.models import Delivery, Endpoint, Notice
from tenancy.administration import TenantModelAdmin


@admin.register(Notice)
class NoticeAdmin(TenantModelAdmin):
    list_display = ("happened_at", "title", "topic", "team", "subject_key")
    list_filter = ("topic", "team")
    list_select_related = ("team",)
    search_fields = ("title", "subject_key")
    date_hierarchy = "happened_at"


@admin.register(Delivery)
class DeliveryAdmin(TenantModelAdmin):
    list_display = ("notice", "channel", "person", "endpoint", "state", "tries", "due_at", "error")
    list_filter = ("channel", "state", "timing")
    list_select_related = ("notice", "person", "endpoint")
    search_fields = ("notice__title", "error", "person__email", "endpoint__name")
    date_hierarchy = "recorded_at"


@admin.register(Endpoint)
class EndpointAdmin(TenantModelAdmin):
    """Kept on its own page: the address, which may be a secret, is not shown here."""

    list_display = ("name", "kind", "team", "active", "set_by", "set_at")
    list_filter = ("kind", "active", "team")
    list_select_related = ("team",)
    search_fields = ("name", "set_by")
    exclude = ("url",)
    unsaid = TenantModelAdmin.unsaid | {"url"}

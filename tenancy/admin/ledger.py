from __future__ import annotations

from django.contrib import admin

from tenancy.administration import MembersAdmin, TenantModelAdmin
from tenancy.models import AuditRecord, InstallationRun, Run

_RUN_COLUMNS = (
    "step",
    "subject",
    "outcome",
    "started_at",
    "finished_at",
    "window_end",
    "rows_read",
    "rows_written",
    "error_code",
)


@admin.register(Run)
class RunAdmin(TenantModelAdmin):
    list_display = _RUN_COLUMNS
    list_filter = ("step", "outcome")
    search_fields = ("subject", "error_code", "error")
    date_hierarchy = "started_at"


@admin.register(InstallationRun)
class InstallationRunAdmin(MembersAdmin):
    list_display = _RUN_COLUMNS
    list_filter = ("step", "outcome")
    date_hierarchy = "started_at"


@admin.register(AuditRecord)
class AuditRecordAdmin(TenantModelAdmin):
    list_display = ("number", "at", "actor", "action", "subject", "reason")
    list_filter = ("action",)
    search_fields = ("actor", "action", "subject", "reason")
    date_hierarchy = "at"

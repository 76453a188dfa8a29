from __future__ import annotations

from django.contrib import admin

from tenancy.administration import May, TenantModelAdmin
from tenancy.models import TenantProfile


@admin.register(TenantProfile)
class TenantProfileAdmin(TenantModelAdmin):
    admins_may = May.CHANGE
    list_display = ("name", "billing_currency", "time_zone")
    # Amounts and periods there already are in them: another currency or zone is another tenant.
    readonly_fields = ("billing_currency", "time_zone")

from __future__ import annotations

from django.contrib import admin

from tenancy.administration import May, TenantModelAdmin
from tenancy.models import TenantProfile


@admin.register(TenantProfile)
class TenantProfileAdmin(TenantModelAdmin):
    admins_may = May.CHANGE
    list_display = ("name", "billing_currency", "time_zone")

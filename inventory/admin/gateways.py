from __future__ import annotations

from django.contrib import admin
from django.db import models

from inventory.models import (
    Deployment,
    DeploymentState,
    Gateway,
    ModelAccount,
    Product,
    Subscription,
)
from tenancy.administration import May, TenantModelAdmin


@admin.register(Gateway)
class GatewayAdmin(TenantModelAdmin):
    admins_may = May.ADD | May.CHANGE
    list_display = (
        "name",
        "service",
        "resource_group",
        "usage_source",
        "credential",
        "usage_from",
    )
    list_filter = ("usage_source",)
    search_fields = ("name", "service", "resource_group")
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}  # Django 6's default


@admin.register(ModelAccount)
class ModelAccountAdmin(TenantModelAdmin):
    admins_may = May.ADD | May.CHANGE | May.DELETE
    list_display = ("account", "gateway", "resource_group", "azure_subscription_id")
    list_filter = ("gateway",)
    list_select_related = ("gateway",)
    search_fields = ("account", "resource_group")


@admin.register(Product)
class ProductAdmin(TenantModelAdmin):
    """As Azure has them; the gateway's policy sets their limits."""

    list_display = (
        "display_name",
        "name",
        "gateway",
        "tokens_per_minute",
        "token_quota",
        "token_quota_period",
        "seen_at",
        "vanished_at",
    )
    list_filter = ("gateway",)
    list_select_related = ("gateway",)
    search_fields = ("name", "display_name")


@admin.register(Subscription)
class SubscriptionAdmin(TenantModelAdmin):
    """As Azure has them; who owns one is said under ownership."""

    list_display = ("__str__", "display_name", "gateway", "product", "state", "origin", "seen_at")
    list_filter = ("state", "origin", "gateway", "product")
    list_select_related = ("gateway", "product")
    search_fields = ("name", "display_name")


@admin.register(Deployment)
class DeploymentAdmin(TenantModelAdmin):
    """As Azure has them; the accounts behind a gateway say model, version, type and region."""

    list_display = ("__str__", "host", "model", "version", "sku", "region", "origin", "seen_at")
    list_filter = ("origin", "model", "sku", "gateway")
    search_fields = ("name", "host", "model")


@admin.register(DeploymentState)
class DeploymentStateAdmin(TenantModelAdmin):
    """What was deployed from when on, as it was read from Azure; capacity 0: there was none."""

    list_display = ("deployment", "from_instant", "sku", "capacity")
    list_filter = ("sku",)
    list_select_related = ("deployment",)
    search_fields = ("deployment__name", "deployment__host")
    date_hierarchy = "from_instant"

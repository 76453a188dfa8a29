from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from governance.models import Quota
from tenancy.administration import AmountsAdmin, May, actor_of, amount


@admin.register(Quota)
class QuotaAdmin(AmountsAdmin):
    """A limit ends by a later one or by its end; it is not removed: decisions rest on it."""

    admins_may = May.ADD | May.CHANGE
    list_display = (
        "__str__",
        "product",
        "subscription",
        amount("limit", described="limit a month"),
        "hardness",
        "effective_from",
        "effective_until",
        "set_by",
    )
    list_filter = ("hardness", "product")
    list_select_related = ("product", "subscription")
    search_fields = ("subscription__name", "subscription__display_name", "product__name", "reason")
    autocomplete_fields = ("product", "subscription")
    readonly_fields = ("set_by",)
    date_hierarchy = "effective_from"

    def prepare(self, request: HttpRequest, obj: Any, form: Any) -> None:
        obj.set_by = actor_of(request).email

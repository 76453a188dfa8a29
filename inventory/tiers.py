"""Tiers: the products of API Management gateways that a subscription can be scoped to."""

from __future__ import annotations

from inventory.models import Product


def offered() -> tuple[Product, ...]:
    """Every tier still in the list of a gateway of the tenant in scope, by gateway and name.

    They are the same for every team: whoever may ask for a subscription may choose among all.
    """
    rows = Product.objects.filter(vanished_at=None).exclude(gateway__service="")
    return tuple(rows.select_related("gateway").order_by("gateway__name", "display_name", "id"))

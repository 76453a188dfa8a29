"""Shapes that several resources answer with: amounts, months, and pages of anything."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from portal.api.fields import Exact, Rounded
from tenancy.money import Basis, Money


class RoundedMoney(serializers.Serializer[Any]):
    """An amount as a statement has it, in the currency's smallest unit."""

    amount = Rounded()
    currency = serializers.CharField(help_text="ISO 4217.")
    basis = serializers.ChoiceField([basis.value for basis in Basis])


class ExactMoney(serializers.Serializer[Any]):
    """An amount that is not rounded yet; round sums of these, never the parts."""

    amount = Exact()
    currency = serializers.CharField(help_text="ISO 4217.")
    basis = serializers.ChoiceField([basis.value for basis in Basis])


class Month(serializers.Serializer[Any]):
    """A billing period: a calendar month of the tenant's time zone."""

    month = serializers.CharField(source="key", help_text="Such as 2026-11.")
    start = serializers.DateTimeField(help_text="Its first instant.")
    end = serializers.DateTimeField(help_text="The instant after its last.")
    time_zone = serializers.CharField(source="zone")


def estimated(money: Money) -> dict[str, object]:
    """An amount on the estimated basis, for the two shapes of money above."""
    return {"amount": money.amount, "currency": money.currency, "basis": Basis.ESTIMATED}


def page_of(item: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """The shape of a page of these items."""
    fields = {
        "next": serializers.URLField(
            allow_null=True, help_text="Address of the next page; null on the last."
        ),
        "results": item(many=True),
    }
    return type(f"{item.__name__}Page", (serializers.Serializer,), fields)

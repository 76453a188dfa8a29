"""Prices and their ratios in words. Pure."""

from __future__ import annotations

from decimal import Context, Decimal

from billing.rules.sanity.values import Former, Listed
from billing.rules.units import units_in

INFINITE = Decimal("Infinity")
_THREE_DIGITS = Context(prec=3)


def price(listed: Listed) -> str:
    """As it is listed: ``USD 1.75 per 1M``."""
    return f"{same_measure(listed.unit_price, listed)} per {listed.unit_of_measure}"


def in_force(listed: Listed, before: Former) -> str:
    """The price in force, for as many units as the new one is listed for."""
    return same_measure(before.unit_price, listed)


def same_measure(unit_price: Decimal, listed: Listed) -> str:
    """A price for as many units as ``listed`` is listed for."""
    return f"{listed.currency} {figure(unit_price * (units_in(listed.unit_of_measure) or 1))}"


def times(one: Decimal, other: Decimal) -> str:
    """What one is of the other: ``32 times``, ``1/1000 of``; of nothing there is no part."""
    if not one or not other:
        return "not"
    if one * 10 < other:
        return f"1/{rounded(other / one)} of"
    return f"{rounded(one / other)} times"


def rounded(ratio: Decimal) -> str:
    """In three digits."""
    return figure(_THREE_DIGITS.plus(ratio))


def figure(number: Decimal) -> str:
    """All its digits, without an exponent."""
    return f"{number.normalize():f}"


def distance(one: Decimal, other: Decimal) -> Decimal:
    """How many times one is the other or the other is the one."""
    return max(one / other, other / one) if one and other else INFINITE

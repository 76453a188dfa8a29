"""A meter's price beside its prices in other regions. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from billing.rules.meters.families import USUAL, Kind
from billing.rules.sanity.values import Found, Listed, Rule, comparable, per_token
from billing.rules.sanity.wording import distance, price, same_measure, times

_REGIONS = USUAL[Kind.REGION]
#: So many other regions must agree before one is said to stand apart.
_ENOUGH_REGIONS = 3


def apart(prices: Sequence[Listed]) -> Iterator[Found]:
    """Regions that stand apart from the middle of the others."""
    ordered = sorted(comparable(prices), key=lambda listed: listed.unit_price)
    others = len(ordered) - 1
    if others <= 1 or ordered[0].unit_price == ordered[-1].unit_price:
        return
    for place, listed in enumerate(ordered):
        middle = _nearest_middle(ordered, place)
        if _REGIONS.low * middle <= listed.unit_price <= _REGIONS.high * middle:
            continue
        off = distance(listed.unit_price, middle)
        says = (
            f"{price(listed)} is {times(listed.unit_price, middle)} the middle of this meter's"
            f" {others} other regions, {same_measure(middle, listed)}."
        )
        if others >= _ENOUGH_REGIONS and per_token(listed):
            yield Found(listed, Rule.REGION_APART, off, says)
        if not _REGIONS.least * middle <= listed.unit_price <= _REGIONS.most * middle:
            yield Found(listed, Rule.OUTLIER, off, says)


def _nearest_middle(ordered: Sequence[Listed], place: int) -> Decimal:
    """The median of all but one; of two middle ones that which speaks for it."""
    others = len(ordered) - 1
    low, high = (
        ordered[middle if middle < place else middle + 1].unit_price
        for middle in ((others - 1) // 2, others // 2)
    )
    return min(max(ordered[place].unit_price, low), high)

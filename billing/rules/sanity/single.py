"""What a price says by itself, and beside the one it is to replace. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal

from billing.rules.meters.families import USUAL, Kind
from billing.rules.meters.meanings import Why
from billing.rules.meters.reading import Unread
from billing.rules.sanity.values import Former, Found, Listed, Meters, Rule, read
from billing.rules.sanity.wording import (
    INFINITE,
    distance,
    figure,
    in_force,
    price,
    times,
)
from billing.rules.units import units_in

_ONE = Decimal(1)
_REGIONS = USUAL[Kind.REGION]
#: The number at the head of a unit of measure: what follows is what is counted.
_COUNT = re.compile(r"^[\d\s.]*[KMB]?(?![A-Za-z])[\s/]*")


def look(listed: Listed, former: Mapping[str, Former], factor: Decimal) -> Iterator[Found]:
    """What is wrong with a new price whatever else is listed."""
    if listed.unit_price < 0:
        yield Found(listed, Rule.OUTLIER, INFINITE, f"{price(listed)} is below zero.")
    says = read(listed.product_name, listed.meter_name, listed.unit_of_measure)
    if isinstance(says, Unread) and says.why is Why.UNIT:
        wrong = f"The unit of measure does not fit the meter's name: {says.because}."
        yield Found(listed, Rule.NAME_AGAINST_UNIT, _ONE, wrong)
    if before := former.get(listed.key):
        yield from _replacing(listed, before, factor)


def _replacing(listed: Listed, before: Former, factor: Decimal) -> Iterator[Found]:
    if before.currency != listed.currency:
        changed = f"{price(listed)}; the price in force is in {before.currency}."
        yield Found(listed, Rule.CURRENCY_CHANGE, _ONE, changed)
        return
    if _unit_changed(listed, before):
        was = f"{in_force(listed, before)}, listed per {before.unit_of_measure}"
        changed = f"{price(listed)}; the price in force is {was}."
        yield Found(listed, Rule.UNIT_CHANGE, _ONE, changed)
    yield from _jump(listed, before, factor)


def _unit_changed(listed: Listed, before: Former) -> bool:
    """Whether another thing is counted, or it is counted otherwise and the price differs too.

    A list that turns from per 1K to per 1M at the same price per token has changed nothing.
    """
    measures = (listed.unit_of_measure, before.unit_of_measure)
    what, what_before = (_COUNT.sub("", measure).lower() for measure in measures)
    count, count_before = map(units_in, measures)
    moved = listed.unit_price != before.unit_price
    return what != what_before or (count != count_before and moved)


def _jump(listed: Listed, before: Former, factor: Decimal) -> Iterator[Found]:
    now, then = listed.unit_price, before.unit_price
    if now == then:
        return
    off = distance(now, then)
    says = f"{price(listed)} is {times(now, then)} the price in force, {in_force(listed, before)}"
    if now > then * factor or now * factor < then:
        yield Found(
            listed, Rule.JUMP, off, f"{says}; expected up to {figure(factor)} times either way."
        )
    if then and not then * _REGIONS.least <= now <= then * _REGIONS.most:
        yield Found(listed, Rule.OUTLIER, off, f"{says}, as by a mistake between 1K and 1M.")


def tiered(meters: Meters) -> Iterator[Found]:
    """What is sold in bands of volume: one price for each unit would be wrong."""
    for prices in meters.values():
        if not any(listed.from_units for listed in prices):
            continue
        bands: dict[str, set[Decimal]] = defaultdict(set)
        for listed in prices:
            bands[listed.region].add(listed.from_units)
        for listed in prices:
            if any(bands[listed.region]):
                starts = ", ".join(figure(start) for start in sorted(bands[listed.region]))
                says = f"The price depends on the volume: its bands begin at {starts} units."
                yield Found(listed, Rule.TIERED, _ONE, says)

"""The prices agree with what the names are read to say, but for the list's own known errors.

A check on readings, not a part of them: a swapped direction, a tier or a size overlooked would
show here as a pair of prices in the wrong order.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from billing.rules.meters.meanings import Context, MeterClass, Modality, Scope, Tier, UnitKind
from tests.rules.meters import coverage
from tests.rules.meters.labels import Label, said_by
from tests.rules.meters.lists import Listed, PriceList, prices

_ERRORS = Path(__file__).with_name("list_errors.txt")
_SMALLER = {"-mini": "", "-nano": "-mini"}
Key = tuple[Label, str]
Fits = Callable[[Decimal, Decimal], bool]


def _half(one: Decimal, other: Decimal) -> bool:
    return abs(one / other - Decimal("0.5")) <= Decimal("0.05")


_CLASSES: Mapping[MeterClass, tuple[str, MeterClass, Fits]] = {
    MeterClass.CACHED_INPUT: ("cached at most input", MeterClass.INPUT, operator.le),
    MeterClass.INPUT: ("input at most output", MeterClass.OUTPUT, operator.le),
    MeterClass.CACHE_WRITE: ("write above input", MeterClass.INPUT, operator.gt),
}
_TIERS: Mapping[Tier, tuple[str, Fits]] = {
    Tier.BATCH: ("batch half of standard", _half),
    Tier.PRIORITY: ("priority above standard", operator.gt),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two prices of one region that are to be in an order, by a rule."""

    rule: str
    one: Listed
    other: Listed
    fits: Fits


@cache
def _current(price_list: PriceList) -> Mapping[Key, Listed]:
    """By reading and region, the price that began last; what is reserved is bought otherwise."""
    found: dict[Key, Listed] = {}
    for listed in sorted(prices(price_list), key=lambda listed: listed.since):
        label = said_by(coverage.reading(listed.meter))
        if label and label.meter_class is not MeterClass.RESERVATION:
            found[label, listed.region] = listed
    return found


@cache
def _pairs(price_list: PriceList) -> tuple[Pair, ...]:
    current = _current(price_list)
    return tuple(
        Pair(rule, one, current[partner, region], fits)
        for (label, region), one in current.items()
        if label.unit is UnitKind.TOKEN
        for rule, partner, fits in _partners(label)
        if (partner, region) in current
    )


def _partners(label: Label) -> Iterator[tuple[str, Label, Fits]]:
    """Readings that differ from this one in one thing, and how the prices then differ."""
    if label.meter_class in _CLASSES:
        rule, meter_class, fits = _CLASSES[label.meter_class]
        yield rule, replace(label, meter_class=meter_class), fits
    if label.tier in _TIERS:
        rule, fits = _TIERS[label.tier]
        yield rule, replace(label, tier=Tier.STANDARD), fits
    if label.scope in (Scope.DATA_ZONE, Scope.REGIONAL):
        yield "near at least global", replace(label, scope=Scope.GLOBAL), operator.ge
    if label.context is Context.LONG:
        for band in (Context.SHORT, Context.ANY):
            yield "long above short", replace(label, context=band), operator.gt
    if label.modality is Modality.AUDIO:
        yield "audio at least text", replace(label, modality=Modality.TEXT), operator.ge
    yield from _larger(label)


def _larger(label: Label) -> Iterator[tuple[str, Label, Fits]]:
    name = label.model or ""
    for smaller, larger in _SMALLER.items():
        if name.endswith(smaller):
            model = name.removesuffix(smaller) + larger
            yield "smaller below larger", replace(label, model=model), operator.lt


def _known(price_list: PriceList) -> set[tuple[str, str, str]]:
    year = "2025" if price_list is PriceList.AUGUST_2025 else "2026"
    lines = _ERRORS.read_text(encoding="utf-8").splitlines()
    rows = [line.split(" | ") for line in lines if not line.startswith("#")]
    return {(rule, one, other) for found, rule, one, other, _ in rows if found == year}


@pytest.mark.parametrize("price_list", PriceList)
def test_prices_stand_in_the_order_that_the_readings_say(price_list: PriceList) -> None:
    wrong = {
        (pair.rule, pair.one.meter.name, pair.other.meter.name)
        for pair in _pairs(price_list)
        if not pair.fits(pair.one.unit_price, pair.other.unit_price)
    }
    assert wrong == _known(price_list)


@pytest.mark.parametrize(
    ("price_list", "rules"),
    [(PriceList.AUGUST_2025, 6), (PriceList.AUGUST_2026, 9)],
)
def test_thousands_of_pairs_are_held_against_each_other(price_list: PriceList, rules: int) -> None:
    held = Counter(pair.rule for pair in _pairs(price_list))
    assert len(held) == rules
    assert min(held.values()) >= 200
    assert held.total() > 10_000


def test_exchanged_directions_would_be_seen() -> None:
    unequal = [
        pair
        for pair in _pairs(PriceList.AUGUST_2026)
        if pair.rule == "input at most output" and pair.one.unit_price != pair.other.unit_price
    ]
    seen = [pair for pair in unequal if not pair.fits(pair.other.unit_price, pair.one.unit_price)]
    assert seen == unequal
    assert len(seen) > 5000

"""Two prices that should be in an order, or near each other, and which of them is wrong. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.rules.meters import families
from billing.rules.meters.families import USUAL, Alike, Kind
from billing.rules.meters.meanings import MeterClass
from billing.rules.meters.reading import Unread
from billing.rules.sanity.values import Found, Listed, Meters, Rule, comparable, read
from billing.rules.sanity.wording import distance, price, rounded, same_measure


@dataclass(frozen=True, slots=True)
class Order:
    """The rule that a pair breaks whose ratio is outside of these bounds."""

    rule: Rule
    least: Decimal = Decimal(0)
    most: Decimal | None = None

    @property
    def says(self) -> str:
        bound = f"at least {self.least}" if self.most is None else f"at most {self.most}"
        return f"expected {bound}"


_ONE = Decimal(1)
ORDERS: Mapping[Kind, Order] = {
    Kind.INPUT_OUTPUT: Order(Rule.INPUT_ABOVE_OUTPUT, most=_ONE),
    Kind.CACHED_INPUT: Order(Rule.CACHED_ABOVE_INPUT, most=_ONE),
    # o3-mini's cached tokens are a tenth above o3's, which was cut to a fifth in 2025.
    Kind.SMALLER: Order(Rule.MINI_ABOVE_FULL, most=Decimal("1.25")),
    Kind.DATA_ZONE_GLOBAL: Order(Rule.DATA_ZONE_BELOW_GLOBAL, least=_ONE),
    Kind.REGIONAL_GLOBAL: Order(Rule.REGIONAL_BELOW_GLOBAL, least=_ONE),
    Kind.BATCH: Order(Rule.BATCH_ABOVE_STANDARD, most=_ONE),
    Kind.PRIORITY: Order(Rule.PRIORITY_BELOW_STANDARD, least=_ONE),
    Kind.LONG_CONTEXT: Order(Rule.LONG_BELOW_SHORT, least=_ONE),
}


@dataclass(frozen=True, slots=True)
class Strain:
    """Two prices of one region, or one meter's of two, whose ratio is not a usual one."""

    kind: Kind
    one: Listed
    other: Listed

    @property
    def guilty(self) -> tuple[Listed, ...]:
        """Which of the two it speaks against: of a price and a zero, the zero."""
        zeros = tuple(listed for listed in (self.one, self.other) if not listed.unit_price)
        return zeros or (self.one, self.other)


def of_families(meters: Meters) -> Iterator[Strain]:
    """Pairs of one region and currency, alike but for one thing, at an unusual ratio."""
    shelves: dict[Alike, dict[tuple[str, str], list[Listed]]] = defaultdict(dict)
    placed: list[tuple[Alike, list[Listed]]] = []
    for (product, name, unit, _), prices in meters.items():
        says = read(product, name, unit)
        if isinstance(says, Unread) or says.meter_class is MeterClass.RESERVATION:
            continue
        those = comparable(prices)
        placed.append((says, those))
        shelf = shelves[says]
        for listed in those:
            shelf.setdefault((listed.region, listed.currency), []).append(listed)
    for says, prices in placed:
        for kind, relative in families.relatives(says):
            shelf = shelves.get(relative, {})
            for one in prices if shelf else ():
                for other in shelf.get((one.region, one.currency), ()):
                    yield from _strained(kind, one, other)


def of_regions(meters: Meters) -> Iterator[Strain]:
    """Meters sold in two regions: neither is the middle."""
    for prices in meters.values():
        those = comparable(prices)
        if len(those) == 2:
            yield from _strained(Kind.REGION, *sorted(those, key=lambda listed: listed.key))


def _strained(kind: Kind, one: Listed, other: Listed) -> Iterator[Strain]:
    usual = USUAL[kind]
    if not usual.low * other.unit_price <= one.unit_price <= usual.high * other.unit_price:
        yield Strain(kind, one, other)


def blame(
    strain: Strain, fresh: Mapping[str, Listed], evidence: Mapping[str, int]
) -> Iterator[Found]:
    """What a strained pair says against those of the two that cannot be told innocent.

    A price in force is innocent; of two new ones that which nothing else speaks against.
    """
    rules = tuple(_broken(strain))
    suspects = [listed for listed in strain.guilty if listed.key in fresh]
    if len(suspects) > 1:
        accused = [listed for listed in suspects if evidence[listed.key] > 1]
        suspects = accused or suspects
    for listed in suspects:
        for rule, expected in rules:
            off = distance(strain.one.unit_price, strain.other.unit_price)
            says = _beside(strain, listed, expected, suspects)
            yield Found(listed, rule, off, says)


def _broken(strain: Strain) -> Iterator[tuple[Rule, str]]:
    """The rules that a strained pair breaks, and what was expected."""
    one, other = strain.one.unit_price, strain.other.unit_price
    usual, order = USUAL[strain.kind], ORDERS.get(strain.kind)
    if one and other and order:
        above = order.most is not None and one > order.most * other
        if above or one < order.least * other:
            yield order.rule, order.says
    if not usual.least * other <= one <= usual.most * other:
        yield Rule.OUTLIER, f"usually {usual.low} to {usual.high}"


def _beside(strain: Strain, listed: Listed, expected: str, suspects: Sequence[Listed]) -> str:
    beside = strain.other if listed is strain.one else strain.one
    where = beside.meter_name
    if strain.kind is Kind.REGION:
        where = f"the same meter in {beside.region}"
    says = f"{price(listed)}, where {where} costs {same_measure(beside.unit_price, listed)}"
    if strain.one.unit_price and strain.other.unit_price:
        ratio = rounded(strain.one.unit_price / strain.other.unit_price)
        says += f": the ratio of {strain.kind} is {ratio}, {expected}"
    return f"{says}; either of the two may be wrong." if len(suspects) > 1 else f"{says}."

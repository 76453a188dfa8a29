"""Spend taken apart for a page: by model and class, and by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from billing.spend import DaySpend, PriceSpend
from portal import figures
from portal.figures import Figure, Reckoning
from portal.plots import Point
from tenancy.money import EXACT, Basis, Money


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One model's token class at one price. ``listed``: what the list would have charged.

    ``deployment`` is empty where it is called as its model is.
    """

    model: str
    deployment: str
    token_class: str
    tokens: int
    unit_price: Decimal | None
    units: int
    currency: str | None
    since: datetime | None
    holds_from: datetime | None
    meter_id: str
    sheet: str
    markup: Decimal | None
    listed: Figure
    cost: Figure

    @property
    def negotiated(self) -> bool:
        """Whether a price sheet made the price."""
        return bool(self.sheet) or self.markup is not None


@dataclass(frozen=True, slots=True)
class Breakdown:
    """What has a price, dearest first, with its total; and what has none."""

    priced: tuple[PriceRow, ...]
    unpriced: tuple[PriceRow, ...]
    total: Figure
    unpriced_tokens: int

    @property
    def negotiated(self) -> bool:
        """Whether a price sheet made some of the prices: then list cost is told beside."""
        return any(row.negotiated for row in self.priced)


@dataclass(frozen=True, slots=True)
class Day:
    """One local day, and the period up to its end."""

    day: date
    cost: Figure
    so_far: Figure
    tokens: int
    unpriced_tokens: int


def of(rows: Sequence[PriceSpend], reckoning: Reckoning) -> Breakdown:
    """By model, class and price; what is shown sums to the total shown."""
    column = figures.column([row.cost for row in rows], reckoning)
    shown = [_row(row, cost, reckoning) for row, cost in zip(rows, column.figures, strict=True)]
    gaps = tuple(row for row, of in zip(shown, rows, strict=True) if of.cost is None)
    return Breakdown(
        priced=tuple(row for row, of in zip(shown, rows, strict=True) if of.cost is not None),
        unpriced=gaps,
        total=column.total,
        unpriced_tokens=sum(row.tokens for row in gaps),
    )


def days(rows: Sequence[DaySpend], reckoning: Reckoning) -> tuple[Day, ...]:
    """By day, each with the period so far."""
    column = figures.column([row.cost for row in rows], reckoning)
    return tuple(
        Day(
            row.day,
            cost,
            figures.one(Money(point.amount, reckoning.currency), reckoning),
            row.tokens,
            row.unpriced_tokens,
        )
        for row, cost, point in zip(rows, column.figures, points(rows), strict=True)
    )


def points(rows: Sequence[DaySpend]) -> tuple[Point, ...]:
    """The sum up to each day's end."""
    so_far = Decimal(0)
    found = []
    for row in rows:
        so_far = EXACT.add(so_far, row.cost.amount if row.cost else Decimal(0))
        found.append(Point(row.day, so_far))
    return tuple(found)


def each_day(rows: Sequence[DaySpend]) -> tuple[Point, ...]:
    """What each day cost by itself."""
    return tuple(Point(row.day, row.cost.amount if row.cost else Decimal(0)) for row in rows)


def _row(row: PriceSpend, cost: Figure, reckoning: Reckoning) -> PriceRow:
    currency = row.list_cost.currency if row.list_cost else reckoning.currency
    at_list = replace(reckoning, basis=Basis.LIST, currency=currency)
    return PriceRow(
        model=row.model or row.deployment or "unknown deployment",
        deployment="" if row.deployment == row.model else row.deployment,
        token_class=row.token_class,
        tokens=row.quantity,
        unit_price=row.unit_price,
        units=row.units_per_price,
        currency=row.price_currency,
        since=row.price_from,
        holds_from=row.holds_from,
        meter_id=row.meter_id,
        sheet=row.sheet,
        markup=row.markup,
        listed=figures.one(row.list_cost, at_list, "no list price"),
        cost=cost,
    )

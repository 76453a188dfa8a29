"""Estimates side by side, as the calculator's page shows them: rows of models. Pure.

What is shown of a month adds up: its classes are rounded by the largest remainder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.prices.estimates import Estimate, Priced
from billing.prices.throughput import Way
from billing.rules import estimating
from billing.rules.estimating import WIDE, Month
from portal import crossing
from tenancy import money
from tenancy.money import Money


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One token class: its price with each model, and its cost in the first month; None: none."""

    label: str
    tokens: int
    prices: tuple[Priced | None, ...]
    costs: tuple[Money | None, ...]


@dataclass(frozen=True, slots=True)
class TotalRow:
    """What some months cost with each model; None: not known."""

    label: str
    about: str
    costs: tuple[Money | None, ...]


@dataclass(frozen=True, slots=True)
class MonthRow:
    """One month: its calls, and what they cost with each model."""

    first_day: date
    calls: int
    costs: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One way to pay: by use (``way`` None) or for PTUs. ``best``: the cheapest in month one."""

    way: Way | None
    first: Money | None
    whole: Money | None
    used: str
    best: bool


@dataclass(frozen=True, slots=True)
class Units:
    """A model with the ways to pay for it; none where its size cannot be told."""

    estimate: Estimate
    rows: tuple[UnitRow, ...]

    @property
    def sentence(self) -> str:
        """From where PTUs pay, and what is cheapest now; empty where that cannot be told."""
        priced = [row.way for row in self.rows if row.way and row.way.months]
        if not priced:
            return ""
        met = [(way.break_even, way) for way in priced if way.break_even]
        best = next(row for row in self.rows if row.best)
        now = "paying by use" if best.way is None else f"PTUs {best.way.price.label}"
        now = f"In the first month, with {round(self.estimate.months[0].calls):,} calls, {now}"
        if not met:
            return f"PTUs never pay for calls like these. {now} is cheapest."
        even, way = min(met, key=lambda one: one[0].calls)
        return (
            f"PTUs {way.price.label} pay from {even.calls:,} calls a month on: {even.units:,} PTUs,"
            f" {crossing.percent(even.used)} used at the peak. {now} "
            f"{'are' if best.way else 'is'} cheapest."
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that the page shows of one question."""

    estimates: tuple[Estimate, ...]
    first_day: date
    classes: tuple[ClassRow, ...]
    totals: tuple[TotalRow, ...]
    months: tuple[MonthRow, ...]
    units: tuple[Units, ...]


def of(estimates: Sequence[Estimate], days: Sequence[date]) -> Comparison:
    """The models that have an estimate, over months that begin on these days."""
    return Comparison(
        estimates=tuple(estimates),
        first_day=days[0],
        classes=_classes(estimates),
        totals=_totals(estimates, days),
        months=_months(estimates, days),
        units=tuple(Units(one, tuple(_units(one))) for one in estimates),
    )


def _classes(estimates: Sequence[Estimate]) -> tuple[ClassRow, ...]:
    shown = [_shown(estimate.months[0], estimate.currency) for estimate in estimates]
    priced = [{one.token_class: one for one in estimate.prices} for estimate in estimates]
    order = dict.fromkeys(one.token_class for estimate in estimates for one in estimate.prices)
    return tuple(
        ClassRow(
            label=token_class.label,
            tokens=next(one[token_class].tokens for one in priced if token_class in one),
            prices=tuple(one.get(token_class) for one in priced),
            costs=tuple(one.get(token_class.value) for one in shown),
        )
        for token_class in order
    )


def _shown(month: Month, currency: str) -> dict[str, Money]:
    exact = [Money(part.cost, currency) for part in month.parts]
    parts = money.apportion(exact, currency)
    return {part.token_class.value: cost for part, cost in zip(month.parts, parts, strict=True)}


def _totals(estimates: Sequence[Estimate], days: Sequence[date]) -> tuple[TotalRow, ...]:
    rows = [_total(f"{days[0]:%B %Y}", "", [(one, one.months[:1]) for one in estimates])]
    if len(days) > 1:
        last = [(one, one.months[-1:]) for one in estimates]
        every = [(one, one.months) for one in estimates]
        rows += [
            _total(f"{days[-1]:%B %Y}", "with growth", last),
            _total(f"All {len(days)} months", "", every),
        ]
    listed = [(one, one.at_list) for one in estimates]
    about = "without your price sheets"
    name = f"All {len(days)} months" if len(days) > 1 else rows[0].label
    return (*rows, _total(f"{name} at list price", about, listed))


def _total(
    label: str, about: str, months: Sequence[tuple[Estimate, Sequence[Month] | None]]
) -> TotalRow:
    return TotalRow(label, about, tuple(_sum(of, found) for of, found in months))


def _sum(estimate: Estimate, months: Sequence[Month] | None) -> Money | None:
    return None if months is None else _cost(estimate, estimating.whole(months).cost)


def _cost(estimate: Estimate, amount: Decimal) -> Money:
    """An amount without the zeros that only say how it was computed."""
    return Money(WIDE.normalize(amount), estimate.currency)


def _months(estimates: Sequence[Estimate], days: Sequence[date]) -> tuple[MonthRow, ...]:
    return tuple(
        MonthRow(
            day,
            round(estimates[0].months[number].calls),
            tuple(_cost(one, one.months[number].cost) for one in estimates),
        )
        for number, day in enumerate(days)
    )


def _units(estimate: Estimate) -> list[UnitRow]:
    ways = estimate.provisioned.ways
    if not ways:
        return []
    by_use = _cost(estimate, estimate.months[0].cost)
    first = {way: _cost(estimate, way.months[0]) for way in ways if way.months}
    best = min((by_use, *first.values()), key=lambda cost: cost.amount)
    rows = [
        UnitRow(
            None,
            by_use,
            _cost(estimate, estimate.whole.cost),
            "",
            by_use == best,
        )
    ]
    for way in ways:
        whole = way.whole
        rows.append(
            UnitRow(
                way=way,
                first=first.get(way),
                whole=None if whole is None else _cost(estimate, whole),
                used=crossing.percent(way.break_even.used) if way.break_even else "",
                best=first.get(way) == best,
            )
        )
    return rows

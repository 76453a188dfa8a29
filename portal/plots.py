"""Small charts as numbers for SVG attributes; each page has the same figures as a table. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext

from tenancy.money import EXACT, Money
from tenancy.periods import Period

_LEFT, _TOP, _BOTTOM = 52, 16, 226
#: Where the days end: with room for labels beside the line, or without.
_LABELLED, _WHOLE = 640, 752
_DAY = timedelta(days=1)
_LABELLED_DAYS = (1, 8, 15, 22, 29)
_STEPS = tuple(Decimal(step) for step in ("1", "2", "2.5", "5", "10"))


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on an axis, and what stands there."""

    at: str
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points, with the place of its last one and of its label."""

    points: str
    x: str
    y: str
    label: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot of one period, ready to be written: every number is text with one decimal.

    ``limit`` is the height of the limit's line.
    """

    right: int
    across: tuple[Mark, ...]
    up: tuple[Mark, ...]
    line: Line | None = None
    limit: str = ""
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """The end of a day, and what it stands at."""

    day: date
    amount: Decimal


def cumulative(points: Sequence[Point], period: Period, limit: Money | None) -> Plot:
    """A line from the period's start through each day's end, with the limit across it."""
    with localcontext(EXACT):
        top = _top([point.amount for point in points] + ([limit.amount] if limit else []))
        bound = _y(limit.amount, top) if limit else None
        return Plot(
            right=_LABELLED,
            across=_days(period, _LABELLED),
            up=_amounts(top),
            line=_line(points, period, top, bound) if points else None,
            limit="" if bound is None else _text(bound),
        )


def daily(points: Sequence[Point], period: Period) -> Plot:
    """A bar for each day."""
    with localcontext(EXACT):
        top = _top([point.amount for point in points])
        step = Decimal(_WHOLE - _LEFT) / _length(period)
        bars = tuple(
            Bar(
                x=_text(_x(point.day, period, _WHOLE) + step / 8),
                y=_text(_y(point.amount, top)),
                width=_text(step * 3 / 4),
                height=_text(_BOTTOM - _y(point.amount, top)),
            )
            for point in points
        )
        return Plot(_WHOLE, _days(period, _WHOLE), _amounts(top), bars=bars)


def _line(points: Sequence[Point], period: Period, top: Decimal, bound: Decimal | None) -> Line:
    ends = [
        (_text(_x(point.day + _DAY, period, _LABELLED)), _text(_y(point.amount, top)))
        for point in points
    ]
    places = [f"{_LEFT},{_BOTTOM}", *(f"{x},{y}" for x, y in ends)]
    label = _y(points[-1].amount, top)
    return Line(" ".join(places), *ends[-1], _text(_apart(label, bound)))


def _top(amounts: Sequence[Decimal]) -> Decimal:
    """A round number not below any amount, of which a quarter is round too."""
    most = max(amounts, default=Decimal(0))
    if most <= 0:
        return Decimal(1)
    scale = Decimal(1).scaleb(most.adjusted())
    return next(step * scale for step in _STEPS if step * scale >= most)


def _amounts(top: Decimal) -> tuple[Mark, ...]:
    marks = (top * quarter / 4 for quarter in range(5))
    return tuple(Mark(_text(_y(mark, top)), f"{mark.normalize():,f}") for mark in marks)


def _days(period: Period, right: int) -> tuple[Mark, ...]:
    days = (period.first_day.replace(day=number) for number in _LABELLED_DAYS if number <= 28)
    marks = [Mark(_text(_x(day, period, right)), f"{day.day} {day:%b}") for day in days]
    if period.last_day.day >= 29:
        late = period.first_day.replace(day=29)
        marks.append(Mark(_text(_x(late, period, right)), f"{late.day} {late:%b}"))
    return tuple(marks)


def _apart(end: Decimal, bound: Decimal | None) -> Decimal:
    """Where the line's label stands so that it does not cover the limit's."""
    least = Decimal(15)
    if bound is None or abs(end - bound) >= least:
        return end
    return bound - least if end < bound else bound + least


def _x(when: date, period: Period, right: int) -> Decimal:
    gone = Decimal((when - period.first_day).days)
    return _LEFT + (right - _LEFT) * gone / _length(period)


def _y(amount: Decimal, top: Decimal) -> Decimal:
    return _BOTTOM - (_BOTTOM - _TOP) * amount / top


def _length(period: Period) -> Decimal:
    return Decimal((period.end_day - period.first_day).days)


def _text(number: Decimal) -> str:
    return f"{number:.1f}"

"""A drawing of what calls cost by use and with PTUs, and its table. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction

from billing.prices.estimates import Estimate
from billing.prices.throughput import Way
from billing.rules import estimating
from billing.rules.capacity import Term
from billing.rules.estimating import WIDE
from portal import figures
from portal.plots import Mark
from tenancy.money import Money

_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 600, 16, 226
#: Points a line is drawn through: one for every few pixels of its steps.
_POINTS = 180
_ROWS = 8
#: How far apart labels stand.
_APART = Decimal(15)
_STEPS = tuple(Decimal(step) for step in ("1", "2", "4", "10"))
_KINDS = {None: "expected", Term.MONTH: "range-line", Term.YEAR: "limit-next"}


@dataclass(frozen=True, slots=True)
class Drawn:
    """A line: how it looks, through which points, and where its label stands."""

    kind: str
    points: str
    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Dot:
    x: str
    y: str


@dataclass(frozen=True, slots=True)
class Row:
    """What a number of calls a month costs: by use, and for each way its PTUs and cost."""

    calls: int
    asked: bool
    by_use: Money
    ways: tuple[tuple[int, Money], ...]


@dataclass(frozen=True, slots=True)
class Crossing:
    """The drawing, ready to be written, with its table. ``here`` is where the load asked is."""

    across: tuple[Mark, ...]
    up: tuple[Mark, ...]
    lines: tuple[Drawn, ...]
    dots: tuple[Dot, ...]
    here: str
    ways: tuple[Way, ...]
    rows: tuple[Row, ...]


def crossing(estimate: Estimate) -> Crossing | None:
    """The lines from no calls to beyond the load and the nearest break-even; None: no PTU price."""
    ways = tuple(way for way in estimate.provisioned.ways if way.per_month is not None)
    if not ways:
        return None
    load = round(estimate.months[0].calls)
    nearest = min((way.break_even.calls for way in ways if way.break_even), default=0)
    most = int(_round_up(Decimal(max(load, nearest) * 3 // 2 + 4)))
    with localcontext(WIDE):
        return _drawn(estimate, ways, most=most, load=load)


def _drawn(estimate: Estimate, ways: tuple[Way, ...], *, most: int, load: int) -> Crossing:
    call = estimate.months[0].cost / estimate.months[0].calls
    at = [most * number // _POINTS for number in range(_POINTS + 1)]
    curves = [[_units_cost(estimate, way, calls) for calls in at] for way in ways]
    top = _round_up(max(call * most, *(curve[-1] for curve in curves)))

    def x(calls: int) -> Decimal:
        return _LEFT + Decimal(_RIGHT - _LEFT) * calls / most

    def y(cost: Decimal) -> Decimal:
        return _BOTTOM - (_BOTTOM - _TOP) * cost / top

    ends = [y(call * most), *(y(curve[-1]) for curve in curves)]
    labels = _apart(ends)
    lines = [
        Drawn("line", _points([(x(0), y(Decimal(0))), (x(most), ends[0])]), "by use", labels[0])
    ]
    for way, curve, label in zip(ways, curves, labels[1:], strict=True):
        points = [(x(calls), y(cost)) for calls, cost in zip(at, curve, strict=True)]
        lines.append(
            Drawn(_KINDS[way.price.term], _points(_stepped(points)), way.price.label, label)
        )
    met = [way.break_even.calls for way in ways if way.break_even and way.break_even.calls <= most]
    return Crossing(
        across=tuple(
            Mark(_text(x(most * part // 4)), f"{most * part // 4:,}") for part in range(5)
        ),
        up=tuple(Mark(_text(y(top * part / 4)), f"{(top * part / 4):,f}") for part in range(5)),
        lines=tuple(lines),
        dots=tuple(Dot(_text(x(calls)), _text(y(call * calls))) for calls in met),
        here=_text(x(load)),
        ways=ways,
        rows=_rows(estimate, ways, call, {*met, load, *at[:: _POINTS // _ROWS]} - {0}, load),
    )


def _rows(
    estimate: Estimate, ways: Sequence[Way], call: Decimal, counts: set[int], load: int
) -> tuple[Row, ...]:
    return tuple(
        Row(
            calls,
            calls == load,
            Money(WIDE.normalize(call * calls), estimate.currency),
            tuple(
                (
                    _units(estimate, calls),
                    Money(WIDE.normalize(_units_cost(estimate, way, calls)), estimate.currency),
                )
                for way in ways
            ),
        )
        for calls in sorted(counts)
    )


def _units(estimate: Estimate, calls: int) -> int:
    held = estimate.provisioned.capacity
    assert held is not None  # noqa: S101 - there are ways to pay for units, so they have a size
    return estimating.units_for(Fraction(calls) * estimate.provisioned.each, held)


def _units_cost(estimate: Estimate, way: Way, calls: int) -> Decimal:
    return _units(estimate, calls) * (way.per_month or Decimal(0))


def _stepped(points: Sequence[tuple[Decimal, Decimal]]) -> list[tuple[Decimal, Decimal]]:
    """Only the corners of a line that goes along and up."""
    found = [points[0]]
    for before, here in itertools.pairwise(points):
        if here[1] != before[1]:
            found += [(here[0], before[1]), here]
    return [*found, points[-1]]


def _apart(ends: Sequence[Decimal]) -> list[str]:
    """Where labels stand beside their lines' ends without covering each other."""
    order = sorted(range(len(ends)), key=lambda place: ends[place])
    found: dict[int, Decimal] = {}
    last = Decimal(-100)
    for place in order:
        last = max(ends[place], last + _APART)
        found[place] = last
    over = max(Decimal(0), last - _BOTTOM)
    return [_text(found[place] - over) for place in range(len(ends))]


def _round_up(number: Decimal) -> Decimal:
    """A round number not below it, of which a quarter is round too."""
    if number <= 0:
        return Decimal(1)
    scale = Decimal(1).scaleb(number.adjusted())
    return next(step * scale for step in _STEPS if step * scale >= number)


def _points(places: Sequence[tuple[Decimal, Decimal]]) -> str:
    return " ".join(f"{_text(x)},{_text(y)}" for x, y in places)


def _text(number: Decimal) -> str:
    return f"{number:.1f}"


def percent(share: Fraction) -> str:
    """``83.3 %``, for people."""
    return f"{figures.exact(round(Decimal(share.numerator) * 100 / share.denominator, 1))} %"

"""What a change would do, as pages and the administration show it: lines of now and then.

Templates do no arithmetic: every line here is ready, with its amounts exact beneath.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from billing.forecasts import RunsOut
from governance.budgets import percent
from governance.consequences.figures import SAYS, Caution, Consequences, Expected
from governance.consequences.granted import Increase
from governance.consequences.shares import Share
from governance.limits.binding import Limit
from governance.models import RequestKind, Unit
from governance.rules.spans import Every, Stretch
from portal import figures
from portal.standing import ICONS, Tone
from tenancy import periods
from tenancy.money import EXACT, Money

UNKNOWN = "not known"
_THIS = {
    Every.HOUR: "this hour",
    Every.DAY: "today",
    Every.WEEK: "this week",
    Every.MONTH: "this month",
    Every.YEAR: "this year",
}
_GRAVE = (Caution.BELOW_USE, Caution.BREAKS_BUDGET)
_WORDS = {
    Caution.BELOW_USE: "Below use",
    Caution.BREAKS_BUDGET: "Budget",
    Caution.NO_LIMIT: "No limit",
    Caution.COST_UNKNOWN: "Cost not known",
    Caution.NO_FORECAST: "No forecast",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure: an amount, or a number of tokens, or words; and what is to be said beside it."""

    money: Money | None = None
    tokens: int | None = None
    text: str = ""
    note: str = ""
    absent: str = ""

    @property
    def blank(self) -> bool:
        """Whether there is nothing to say here."""
        return self == Cell()


@dataclass(frozen=True, slots=True)
class Line:
    """A figure as it is now, and with the change."""

    label: str
    now: Cell
    then: Cell


@dataclass(frozen=True, slots=True)
class Told:
    """Something not to overlook, in an icon and words."""

    tone: Tone
    word: str
    text: str

    @property
    def icon(self) -> str:
        return ICONS[self.tone]


@dataclass(frozen=True, slots=True)
class Granted:
    """An increase of before."""

    day: date
    amount: Cell
    until: date | None
    request: int
    by: str


@dataclass(frozen=True, slots=True)
class Shown:
    """The panel. ``about`` says basis, period, zone, currency and freshness of all its figures."""

    about: str
    now: Cell
    then: Cell
    lines: tuple[Line, ...]
    told: tuple[Told, ...]
    tier: tuple[Cell, ...]
    increases: tuple[Granted, ...]
    unpriced: str


def of(found: Consequences) -> Shown:
    """The panel of what a change would do."""
    return Shown(
        about=_about(found),
        now=_limit(found.before, "no limit"),
        then=_limit(found.after, "no limit"),
        lines=tuple(_lines(found)),
        told=tuple(_told(found)),
        tier=tuple(
            _cell(one.limit, one.unit, found.currency, note=f"each {one.every}, {one.hardness}")
            for one in found.tier
        ),
        increases=tuple(_granted(one, found) for one in found.increases),
        unpriced=figures.tokens(found.unpriced_tokens) if found.unpriced_tokens else "",
    )


def period(stretch: Stretch, zone: str) -> str:
    """``November 2026``, ``2026``, ``16 to 22 Nov 2026``, ``20 Nov 2026``, or an hour's start."""
    match stretch.every:
        case Every.MONTH:
            return f"{stretch.first_day:%B %Y}"
        case Every.YEAR:
            return f"{stretch.first_day:%Y}"
        case Every.WEEK:
            last = periods.local_day(stretch.end, zone).toordinal() - 1
            return f"{_short(stretch.first_day)} to {figures.day(date.fromordinal(last))}"
        case Every.DAY:
            return figures.day(stretch.first_day)
        case Every.HOUR:
            return f"the hour from {figures.instant(stretch.start)}"


def share(part: Decimal | None) -> str:
    """``41.3 %``; empty where there is none."""
    if part is None:
        return ""
    with localcontext(EXACT):
        return f"{part.quantize(Decimal('0.1'), rounding=ROUND_HALF_EVEN)} %"


def _about(found: Consequences) -> str:
    counted = found.currency if found.unit is Unit.CURRENCY else f"tokens and {found.currency}"
    said = f"{found.basis}, {counted}, {period(found.period, found.zone)} ({found.zone})"
    if found.kind is RequestKind.SUBSCRIPTION:
        return f"{said}; nothing is used of it yet"
    through = found.usage_through
    fresh = f"usage through {figures.instant(through)}" if through else "no usage read yet"
    return f"{said}, {fresh}"


def _limit(limit: Limit | None, absent: str) -> Cell:
    if limit is None:
        return Cell(absent=absent)
    return _cell(limit.limit, limit.unit, limit.currency, note=f"each {limit.every}")


def _cell(amount: Decimal | None, unit: Unit, currency: str, *, note: str = "") -> Cell:
    """An amount in the currency, or tokens; nothing known of none."""
    if amount is None:
        return Cell(absent=UNKNOWN, note=note)
    if unit is Unit.CURRENCY:
        return Cell(money=Money(amount, currency), note=note)
    return Cell(tokens=int(amount), note=note)


def _lines(found: Consequences) -> Iterator[Line]:
    if found.kind is not RequestKind.SUBSCRIPTION:
        yield Line("Used so far", _used(found, found.before), _used(found, found.after))
        yield from _ahead(found)
        yield Line(
            "Runs out",
            _runs_out(found.without, found.before, found.period),
            _runs_out(found.with_change, found.after, found.period),
        )
    yield from _costs(found)
    for one in found.shares:
        label = f"{one.name}'s budget for the {one.every}, {_text(one.budget, one.currency)}"
        yield Line(label, _part(one, one.before), _part(one, one.after))


def _used(found: Consequences, limit: Limit | None) -> Cell:
    part = share(percent(found.used, limit.limit)) if limit else ""
    return _cell(found.used, found.unit, found.currency, note=f"{part} of it" if part else "")


def _ahead(found: Consequences) -> Iterator[Line]:
    """What is expected by the period's end, and by the end of a temporary change within it."""
    if found.at_its_end:
        label = f"Expected by its end, {_short(found.at_its_end.last_day)}"
        yield _expected(found, found.at_its_end, label, found.after)
    if found.expected:
        label = f"Expected by {_short(found.expected.last_day)}"
        back = found.before if found.at_its_end else found.after
        yield _expected(found, found.expected, label, back)


def _expected(found: Consequences, by: Expected, label: str, then: Limit | None) -> Line:
    low, high = (_cell(one, found.unit, found.currency) for one in (by.p10, by.p90))
    between = f"{_words(low)} to {_words(high)}"

    def beside(limit: Limit | None) -> Cell:
        part = share(percent(by.p50, limit.limit)) if limit else ""
        note = f"{between}; {part} of it" if part else between
        return _cell(by.p50, found.unit, found.currency, note=note)

    return Line(label, beside(found.before), beside(then))


def _runs_out(out: RunsOut | None, limit: Limit | None, stretch: Stretch) -> Cell:
    """The day a limit is reached, and between which days it lies."""
    if limit is None:
        return Cell(text="never: no limit")
    if out is None:
        return Cell(absent=UNKNOWN)
    if out.likely is None:
        note = f"{_short(out.earliest)} at the earliest" if out.earliest else ""
        return Cell(text=f"not {_THIS[stretch.every]}", note=note)
    first = _short(out.earliest or out.likely)
    last = f"to {_short(out.latest)}" if out.latest else "or later, or not"
    note = "" if out.earliest == out.latest else f"{first} {last}"
    return Cell(text=figures.day(out.likely), note=note)


def _costs(found: Consequences) -> Iterator[Line]:
    """What it allows a month, and what the calls of late cost a month."""
    money, nothing = Unit.CURRENCY, Cell()
    dearer = found.dearer_change if found.unit is Unit.TOKENS else None
    note = f"{_text(dearer, found.currency)} at the dearest" if dearer is not None else ""
    yield Line(
        "Change a month, all of it used",
        nothing,
        _cell(found.monthly_change, money, found.currency, note=note),
    )
    if found.kind is RequestKind.SUBSCRIPTION:
        return
    note = "recent mix, last 30 days"
    yield Line("Cost a month", _cell(found.a_month, money, found.currency, note=note), nothing)
    if found.dearest and found.a_month_dearer is not None:
        yield Line(
            f"The same calls, all on {found.dearest}",
            _cell(found.a_month_dearer, money, found.currency, note="the dearest it used"),
            nothing,
        )
    if found.unit_cost is not None:
        yield Line("Cost of an outcome", _cell(found.unit_cost, money, found.currency), nothing)


def _part(one: Share, amount: Decimal | None) -> Cell:
    """What of a budget is expected to be spent."""
    if amount is None:
        return Cell(absent=UNKNOWN)
    return Cell(
        text=share(percent(amount, one.budget)) or UNKNOWN, note=_text(amount, one.currency)
    )


def _told(found: Consequences) -> Iterator[Told]:
    for one in found.cautions:
        if one is Caution.BREAKS_BUDGET:
            continue
        yield Told(Tone.BAD if one in _GRAVE else Tone.WARN, _WORDS[one], SAYS[one])
    for budget in found.shares:
        if budget.says:
            tone = Tone.BAD if budget.breaks else Tone.WARN
            yield Told(tone, _WORDS[Caution.BREAKS_BUDGET], budget.says)


def _granted(one: Increase, found: Consequences) -> Granted:
    return Granted(
        day=periods.local_day(one.at, found.zone),
        amount=_cell(one.amount, one.unit, found.currency, note=f"each {one.every}"),
        until=periods.local_day(one.until, found.zone) if one.until else None,
        request=one.request,
        by=", ".join(one.decided_by) or "a policy, at once",
    )


def _words(cell: Cell) -> str:
    if cell.money:
        return figures.with_symbol(cell.money)
    return figures.tokens(cell.tokens or 0)


def _text(amount: Decimal, currency: str) -> str:
    return figures.with_symbol(Money(amount, currency))


def _short(when: date) -> str:
    return f"{when.day} {when:%b}"

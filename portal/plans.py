"""Plan before apply: a change is shown in money first, and is made only as it was shown.

A plan's token binds the change to its inputs, the tenant and the day: whoever applies has been
shown the effect of exactly this. Amounts are not bound, since usage goes on arriving.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256

from django.core import signing

from billing.capacity import Sums
from billing.effects import Effect, Part, Sides
from billing.rules.capacity import MINUTES_AN_HOUR
from portal import figures
from tenancy import money, scope
from tenancy.money import Basis, Money
from tenancy.refusals import Refused

LIFE = timedelta(days=1)
#: How many subscriptions a plan names; the sums hold the rest too.
MOST_NAMED = 200
_SALT = "apportion.plan"
_CAPACITY = (
    ("Hours beyond reservations", Basis.ESTIMATED),
    ("Reserved and used", Basis.AMORTIZED),
    ("Reserved and unused", Basis.AMORTIZED),
)


class PlanMismatch(Refused):
    code = "plan-mismatch"
    field = "plan"
    text = (
        "This plan is not of this change, or is older than a day. Ask for the plan again and"
        " look at its effect before you apply it."
    )


def token(verb: str, inputs: Mapping[str, object]) -> str:
    """What says that the effect of this change was shown in the tenant in scope."""
    return signing.dumps(_digest(verb, inputs), salt=_SALT)


def require(given: str, verb: str, inputs: Mapping[str, object]) -> None:
    """Let a change pass whose effect was shown.

    Raises:
        PlanMismatch: the token is of another change, another tenant, or older than `LIFE`.
    """
    try:
        said = signing.loads(given, salt=_SALT, max_age=LIFE)
    except signing.BadSignature:
        raise PlanMismatch() from None
    if said != _digest(verb, inputs):
        raise PlanMismatch()


def _digest(verb: str, inputs: Mapping[str, object]) -> str:
    text = json.dumps([scope.tenant_id(), verb, inputs], sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plan, as it is shown."""

    name: str
    about: str
    before: str
    after: str
    difference: str
    exact: str
    tone: str
    unpriced_before: int
    unpriced_after: int


@dataclass(frozen=True, slots=True)
class Table:
    """An effect as pages and commands show it. ``unnamed`` subscriptions are in the sums only.

    ``capacity`` is what is paid by the hour or reserved, where the change makes a difference to
    it; its lines add up to ``capacity_total``.
    """

    currency: str
    days: int
    total: Line
    teams: tuple[Line, ...]
    subscriptions: tuple[Line, ...]
    unnamed: int
    adjustments: tuple[Line, ...]
    adjusted: Line
    capacity: tuple[Line, ...]
    capacity_total: Line


def table(effect: Effect) -> Table:
    """The effect with its amounts rounded so that what is shown adds up."""
    still_open = [part for part in effect.parts if not part.closed]
    closed = [part for part in effect.parts if part.closed]
    named = still_open[:MOST_NAMED]
    return Table(
        currency=effect.currency,
        days=effect.days,
        total=_line("All open months", "", effect.open, effect.currency),
        teams=_lines(
            [(name or "Unallocated", "", sides) for _slug, name, sides in effect.teams],
            effect.currency,
        ),
        subscriptions=_lines([_named(part) for part in named], effect.currency),
        unnamed=len(still_open) - len(named),
        adjustments=_lines([_named(part) for part in closed[:MOST_NAMED]], effect.currency),
        adjusted=_line("All closed months", "", effect.closed, effect.currency),
        capacity=_capacity(effect),
        capacity_total=_line(
            "All capacity",
            "",
            _sides(effect.capacity_before, effect.capacity_after),
            effect.currency,
        ),
    )


def _capacity(effect: Effect) -> tuple[Line, ...]:
    before, after = effect.capacity_before, effect.capacity_after
    if before == after:
        return ()
    parts = zip(
        _CAPACITY,
        (before.hourly, before.used, before.unused),
        (after.hourly, after.used, after.unused),
        strict=True,
    )
    rows = [(name, basis.value, Sides(was, becomes)) for (name, basis), was, becomes in parts]
    return _lines(rows, effect.currency)


def _sides(before: Sums, after: Sums) -> Sides:
    """Totals of capacity; its hours without a price are told as whole unit-hours."""
    unpriced = (sums.unpriced_minutes // MINUTES_AN_HOUR for sums in (before, after))
    return Sides(before.total, after.total, *unpriced)


def _named(part: Part) -> tuple[str, str, Sides]:
    where = f"{part.team or 'unallocated'}, {part.gateway}, {part.first_day:%B %Y}"
    return part.subscription, where, part.sides


def _lines(rows: Sequence[tuple[str, str, Sides]], currency: str) -> tuple[Line, ...]:
    """Lines whose rounded amounts sum to the rounded sums of the exact ones."""
    before = money.apportion([Money(row[2].before, currency) for row in rows], currency)
    after = money.apportion([Money(row[2].after, currency) for row in rows], currency)
    return tuple(
        _shown(name, about, sides, was, becomes)
        for (name, about, sides), was, becomes in zip(rows, before, after, strict=True)
    )


def _line(name: str, about: str, sides: Sides, currency: str) -> Line:
    was, becomes = Money(sides.before, currency), Money(sides.after, currency)
    return _shown(name, about, sides, money.rounded(was), money.rounded(becomes))


def _shown(name: str, about: str, sides: Sides, was: Money, becomes: Money) -> Line:
    gap = becomes - was
    return Line(
        name=name,
        about=about,
        before=figures.plain(was),
        after=figures.plain(becomes),
        difference=_signed(gap, sides.difference),
        exact=f"{figures.exact(sides.difference)} {was.currency}",
        tone="" if not sides.difference else "more" if sides.difference > 0 else "less",
        unpriced_before=sides.unpriced_before,
        unpriced_after=sides.unpriced_after,
    )


def _signed(shown: Money, exact: Decimal) -> str:
    """``+1.20``, ``−0.30``; a difference too small to show says so."""
    if shown.amount:
        return figures.plain(shown) if shown.amount < 0 else f"+{figures.plain(shown)}"
    if not exact:
        return figures.plain(shown)
    least = money.minor_unit(shown.currency)
    return f"{'+' if exact > 0 else '−'} less than {least}"

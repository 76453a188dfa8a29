"""What the list of requests says of each: one line, made for all rows of a page at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from governance.models import UNDECIDED, QuotaRequest, RequestKind, RequestState, Span, Unit
from tenancy import money, periods, tenants
from tenancy.access import Actor
from tenancy.money import Money

#: A limit that is reached within so many days is urgent.
URGENT = 3


class Tone(StrEnum):
    """How a badge looks; its words say the same."""

    QUIET = "quiet"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Badge:
    says: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Line:
    """One request in the list: each text as it is shown. ``days_left`` is None where it is
    decided or its limit is not known to run out, ``state`` where it waits as all others do.
    """

    subject: str
    change: str
    days_left: int | None
    waits: str
    progress: str
    notes: tuple[Badge, ...]
    state: Badge | None

    @property
    def urgent(self) -> bool:
        return self.days_left is not None and self.days_left <= URGENT


def of(
    rows: Iterable[QuotaRequest], *, by: Actor, over_budget: frozenset[int], at: datetime
) -> tuple[tuple[QuotaRequest, Line], ...]:
    """Each request with its line; ``over_budget`` has the ids of those that would break a budget.

    The rows come with what they link to, and with ``needed`` and ``given`` (see the list's query).
    """
    billing = tenants.billing()
    today = periods.local_day(at, billing.zone)
    return tuple(
        (
            row,
            Line(
                subject=subject(row),
                change=change(row, currency=billing.currency, zone=billing.zone),
                days_left=_days_left(row, today),
                waits=waits(row, at=at),
                progress=_progress(row),
                notes=tuple(_notes(row, by, broken=over_budget & {row.pk})),
                state=_state(row),
            ),
        )
        for row in rows
    )


def subject(row: QuotaRequest) -> str:
    """What a request is about, in words."""
    if row.subscription is not None:
        return row.subscription.display_name or str(row.subscription)
    if row.kind == RequestKind.SUBSCRIPTION:
        return f"{row.display_name}, at {row.gateway}"
    return f"all of {row.team}"


def change(row: QuotaRequest, *, currency: str, zone: str) -> str:
    """What a request would change, with unit and period: ``+3.00 USD a month until 4 Dec 2026``."""
    match RequestKind(row.kind):
        case RequestKind.TIER:
            return f"to {row.product}"
        case RequestKind.SUBSCRIPTION:
            return f"{row.product}"
        case RequestKind.REACTIVATION:
            return "serve again"
        case RequestKind.DECREASE:
            return f"−{_much(row, currency)}"
        case RequestKind.TEMPORARY:
            return f"+{_much(row, currency)} until {last_day(row, zone)}"
        case RequestKind.INCREASE:
            return f"+{_much(row, currency)}"


def last_day(row: QuotaRequest, zone: str) -> str:
    """The last local day of a temporary one; a dash for the others."""
    if row.until is None:
        return "–"
    return spoken(periods.local_day(row.until - timedelta(microseconds=1), zone))


def spoken(day: date) -> str:
    """``4 Dec 2026``."""
    return f"{day.day} {day:%b %Y}"


def waits(row: QuotaRequest, *, at: datetime) -> str:
    """For how long an open request has waited since it was submitted: ``2 h``, ``3 days``."""
    if row.submitted_at is None or row.state not in UNDECIDED:
        return ""
    hours = int((at - row.submitted_at).total_seconds() // 3600)
    if hours < 1:
        return "less than 1 h"
    if hours < 48:
        return f"{hours} h"
    return f"{hours // 24} days"


def quantity(amount: Decimal, unit: str, currency: str) -> str:
    """``1,200.00 USD`` or ``2,000,000 tokens``, with all the digits it has."""
    if unit == Unit.TOKENS:
        return f"{amount:,.0f} tokens"
    least = money.rounded(Money(amount, currency)).amount
    return f"{least if least == amount else amount.normalize():,f} {currency}"


def rounded(amount: Decimal, unit: str, currency: str) -> str:
    """``5.02 USD`` or ``2,000,000 tokens``: what was used, to the smallest unit that is paid."""
    if unit == Unit.TOKENS:
        return f"{amount:,.0f} tokens"
    return f"{money.rounded(Money(amount, currency)).amount:,f} {currency}"


def _much(row: QuotaRequest, currency: str) -> str:
    return f"{quantity(row.amount or Decimal(0), row.unit, currency)} {Span(row.span).label}"


def _days_left(row: QuotaRequest, today: date) -> int | None:
    if row.runs_out_on is None or row.state not in UNDECIDED:
        return None
    return max((row.runs_out_on - today).days, 0)


def _progress(row: QuotaRequest) -> str:
    """How many of the approvals it needs it has, as the list's query counted them."""
    needed, given = getattr(row, "needed", None) or 0, getattr(row, "given", None) or 0
    return f"{min(given, needed)} of {needed}" if needed else "–"


def _notes(row: QuotaRequest, by: Actor, *, broken: frozenset[int]) -> Iterator[Badge]:
    if row.requested_by_id == by.person_id:
        yield Badge("own request: not yours to decide", Tone.QUIET)
    if broken:
        yield Badge("over budget", Tone.BAD)
    if row.kind == RequestKind.TEMPORARY:
        yield Badge("temporary", Tone.QUIET)
    if row.version > 1:
        yield Badge(f"version {row.version}", Tone.QUIET)


def _state(row: QuotaRequest) -> Badge | None:
    match RequestState(row.state):
        case RequestState.SUBMITTED:
            return None
        case RequestState.QUESTION:
            return Badge("question open", Tone.WARN)
        case RequestState.FAILED as failed:
            return Badge(failed.label, Tone.BAD)
        case state:
            return Badge(state.label, Tone.QUIET)

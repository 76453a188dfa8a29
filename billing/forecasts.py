"""What subscriptions, teams and cost centers will have come to by a period's end, and how sure.

Every figure is an estimate on the estimated basis, in the tenant's billing currency or in tokens,
by local days of the tenant's zone; it is never what anybody is charged. The method is
`rules.forecast`: seasonal naive by weekday (Hyndman and Athanasopoulos, *Forecasting: Principles
and Practice*, 3rd edition, 5.2), P10 to P90 from its errors on the subject's own last eight weeks.
How well it did on real traces is in docs/forecast.md.

A day counts as whole once usage has been read through its end: then no row is no usage. The day up
to which usage was read is taken by the hour for what it is, the rest of it is forecast. Days before
a subject's first usage within eight weeks are not known; they are no zeros.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

from django.db import connection

from billing.rules import forecast as rule
from billing.rules.forecast import Forecast, Percentile, RunsOut
from tenancy import periods, scope, tenants
from tenancy.money import EXACT, Basis
from tenancy.tenants import Billing

__all__ = [
    "Forecast",
    "Outlook",
    "Percentile",
    "RunsOut",
    "Unit",
    "of_cost_center",
    "of_cost_centers",
    "of_subscriptions",
    "of_team",
    "of_teams",
]

#: How far back history is read.
HISTORY = timedelta(weeks=8)
_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)
_FORECAST_DAYS = Path(__file__).with_name("forecast_days.sql").read_text()


class Unit(StrEnum):
    """What is forecast: cost in the billing currency, or tokens."""

    CURRENCY = "currency"
    TOKENS = "tokens"


class _Kind(StrEnum):
    SUBSCRIPTION = "subscription"
    TEAM = "team"
    COST_CENTER = "cost_center"


@dataclass(frozen=True, slots=True)
class Outlook:
    """One subject's forecast for the local days from ``first_day`` to before ``end_day``.

    Attributes:
        currency: what amounts are in; empty where they are tokens.
        usage_through: the instant that ``forecast.so_far`` holds up to, the oldest of the gateways
            concerned. None: no usage was ever read, and nothing is known.
        unpriced_tokens: tokens of the history and the period without a price: in a forecast of
            cost they are missing.
        forecast: its ``known_days`` say how many whole days it rests on.
    """

    unit: Unit
    currency: str
    zone: str
    first_day: date
    end_day: date
    usage_through: datetime | None
    unpriced_tokens: int
    forecast: Forecast

    @property
    def last_day(self) -> date:
        return self.end_day - _DAY

    @property
    def basis(self) -> Basis:
        """What the amounts rest on."""
        return Basis.ESTIMATED


@dataclass(frozen=True, slots=True)
class _Row:
    """What a subject bore on a day; without one, in the period before the history begins."""

    through: datetime
    day: date | None
    cost: Decimal
    tokens: int
    unpriced_tokens: int

    def amount(self, unit: Unit) -> Decimal:
        match unit:
            case Unit.CURRENCY:
                return self.cost
            case Unit.TOKENS:
                return Decimal(self.tokens)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A period, and what of it is asked when."""

    first_day: date
    end_day: date
    unit: Unit
    at: datetime
    billing: Billing

    @property
    def today(self) -> date:
        return periods.local_day(self.at, self.billing.zone)


def of_subscriptions(
    subscriptions: Iterable[int], *, first_day: date, end_day: date, unit: Unit, at: datetime
) -> dict[int, Outlook]:
    """By subscription id, each asked one's; a subscription bears all of its days.

    However many there are, they are read in one query. Of one without usage nothing is known.

    Raises:
        NoTenant: no tenant's scope is open.
    """
    return _of(_Kind.SUBSCRIPTION, subscriptions, first_day, end_day, unit, at)


def of_teams(
    teams: Iterable[int], *, first_day: date, end_day: date, unit: Unit, at: datetime
) -> dict[int, Outlook]:
    """By team id, each asked one's; a team bears the days on which it owned a subscription.

    Raises:
        NoTenant: no tenant's scope is open.
    """
    return _of(_Kind.TEAM, teams, first_day, end_day, unit, at)


def of_cost_centers(
    cost_centers: Iterable[int], *, first_day: date, end_day: date, unit: Unit, at: datetime
) -> dict[int, Outlook]:
    """By cost center id, each asked one's: the days that were booked to it.

    An ownership's own cost center comes before that of its team.

    Raises:
        NoTenant: no tenant's scope is open.
    """
    return _of(_Kind.COST_CENTER, cost_centers, first_day, end_day, unit, at)


def of_team(team: int, *, first_day: date, end_day: date, unit: Unit, at: datetime) -> Outlook:
    """One team's: see `of_teams`."""
    return of_teams([team], first_day=first_day, end_day=end_day, unit=unit, at=at)[team]


def of_cost_center(
    cost_center: int, *, first_day: date, end_day: date, unit: Unit, at: datetime
) -> Outlook:
    """One cost center's: see `of_cost_centers`."""
    asked = of_cost_centers([cost_center], first_day=first_day, end_day=end_day, unit=unit, at=at)
    return asked[cost_center]


def _of(
    kind: _Kind, subjects: Iterable[int], first_day: date, end_day: date, unit: Unit, at: datetime
) -> dict[int, Outlook]:
    wanted = tuple(dict.fromkeys(subjects))
    asked = _Asked(first_day, end_day, unit, at, tenants.billing())
    rows = _read(kind, wanted, asked) if wanted else {}
    return {subject: _outlook(rows.get(subject, ()), asked) for subject in wanted}


def _read(kind: _Kind, subjects: Sequence[int], asked: _Asked) -> dict[int, list[_Row]]:
    """The rows of each subject that has any, by day."""
    with connection.cursor() as cursor:
        cursor.execute(
            _FORECAST_DAYS,
            {
                "tenant": scope.tenant_id(),
                "kind": kind.value,
                "subjects": list(subjects),
                "since": asked.today - HISTORY,
                "first_day": asked.first_day,
                "end_day": asked.end_day,
                "until": asked.today + _DAY,
            },
        )
        found: dict[int, list[_Row]] = {}
        for subject, *told in cursor.fetchall():
            found.setdefault(subject, []).append(_Row(*told))
    return found


def _outlook(rows: Sequence[_Row], asked: _Asked) -> Outlook:
    through = min(rows[0].through, asked.at) if rows else None
    return Outlook(
        unit=asked.unit,
        currency=asked.billing.currency if asked.unit is Unit.CURRENCY else "",
        zone=asked.billing.zone,
        first_day=asked.first_day,
        end_day=asked.end_day,
        usage_through=through,
        unpriced_tokens=sum(row.unpriced_tokens for row in rows),
        forecast=_ahead(rows, through or asked.at, asked),
    )


def _ahead(rows: Sequence[_Row], through: datetime, asked: _Asked) -> Forecast:
    """From the day up to which usage was read to the period's end.

    Where that day lies before the period, as after midnight on a month's first, the days between
    count as what is expected of them.
    """
    running = periods.local_day(through, asked.billing.zone)
    by_day = {row.day: row.amount(asked.unit) for row in rows if row.day and row.day <= running}
    days = _whole_days(by_day, running)
    share = _share(running, through, asked.billing.zone)
    lead = max(0, (asked.first_day - running).days)
    if lead:
        days = _bridged(days, running, lead, by_day.get(running, Decimal(0)), share)
        running, share = asked.first_day, Decimal(0)
    before = (row.amount(asked.unit) for row in rows if row.day is None)
    within = (amount for day, amount in by_day.items() if asked.first_day <= day < asked.end_day)
    return rule.forecast(
        days,
        today=running,
        horizon=max(0, (asked.end_day - running).days),
        so_far=_sum([*before, *within]),
        share_of_today=share,
    )


def _whole_days(by_day: dict[date, Decimal], running: date) -> list[Decimal]:
    """Every day from the first with usage to before the running one."""
    first = min(by_day, default=running)
    return [
        by_day.get(first + timedelta(days=place), Decimal(0))
        for place in range((running - first).days)
    ]


def _bridged(
    days: list[Decimal], running: date, lead: int, known: Decimal, share: Decimal
) -> list[Decimal]:
    """The days up to the period's first: those of before, and what the next ``lead`` come to."""
    if not days:
        return days
    path = rule.forecast(days, today=running, horizon=lead, so_far=known, share_of_today=share).days
    ends = [Decimal(0), *(one.p50 for one in path)]
    return [
        *days,
        *(EXACT.subtract(end, start) for start, end in pairwise(ends)),
    ]


def _share(day: date, through: datetime, zone: str) -> Decimal:
    """How much of a local day lies before an instant, by the clock: 23 to 25 hours are one."""
    start, end = periods.midnight(day, zone), periods.midnight(day + _DAY, zone)
    read, whole = (through - start) // _SECOND, (end - start) // _SECOND
    return EXACT.divide(Decimal(read), Decimal(whole))


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total

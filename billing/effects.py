"""What a change would do to money, before it is made: the plan.

A change of a price, a mapping, a sheet, a rate or a reservation is made inside the transaction,
the days it touches are computed by the very statement that rates them, and all of it is rolled
back. Both sides are computed from the same usage, so that the difference is the change's and
nothing else's. What capacity costs stands beside it: it is charged to no team.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from django.db import connection

from billing import capacity, day_costs, marking, rating
from billing.capacity import Sums
from billing.day_costs import DeploymentDay, Table
from billing.models import DayToRate
from inventory.models import Subscription, Team
from tenancy import scope, tenants
from tenancy.money import EXACT

_EFFECT = Path(__file__).with_name("effect.sql").read_text()
_NONE = Decimal(0)
Change = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Sides:
    """Cost before and after in the billing currency, exact, on the estimated basis.

    The unpriced quantities stand beside it: what they cost is in neither side.
    """

    before: Decimal = Decimal(0)
    after: Decimal = Decimal(0)
    unpriced_before: int = 0
    unpriced_after: int = 0

    @property
    def difference(self) -> Decimal:
        return EXACT.subtract(self.after, self.before)

    def __add__(self, other: Sides) -> Sides:
        return Sides(
            EXACT.add(self.before, other.before),
            EXACT.add(self.after, other.after),
            self.unpriced_before + other.unpriced_before,
            self.unpriced_after + other.unpriced_after,
        )


@dataclass(frozen=True, slots=True)
class Part:
    """One team's or one subscription's share of an effect, in one month.

    ``closed``: the month is closed, and the difference would be a proposed adjustment.
    ``team`` None: nobody owned the subscription on those days.
    """

    closed: bool
    first_day: date
    team: str | None
    team_slug: str | None
    subscription: str
    gateway: str
    sides: Sides


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change does. ``days`` are the deployments' local days that it touches.

    ``parts`` are those whose cost or unpriced quantity differs, the greatest difference first.
    ``capacity_before`` and ``capacity_after`` are what open months cost up to now that is paid by
    the hour or reserved; in none of the sides.
    """

    currency: str
    days: int
    open: Sides
    closed: Sides
    parts: tuple[Part, ...]
    capacity_before: Sums
    capacity_after: Sums

    @property
    def teams(self) -> tuple[tuple[str | None, str | None, Sides], ...]:
        """Slug, name and sum of each team's open months, the greatest difference first."""
        summed: dict[tuple[str | None, str | None], Sides] = {}
        for part in self.parts:
            if not part.closed:
                key = (part.team_slug, part.team)
                summed[key] = summed.get(key, Sides()) + part.sides
        ordered = sorted(summed.items(), key=lambda item: -abs(item[1].difference))
        return tuple((slug, name, sides) for (slug, name), sides in ordered)

    @property
    def is_nothing(self) -> bool:
        """Whether no amount differs."""
        return not self.parts and self.capacity_before == self.capacity_after


def of(change: Change, *, at: datetime) -> Effect:
    """What a change in the tenant in scope would do at ``at``; nothing of it stays.

    Raises:
        whatever the change raises, as it would when applied.
    """
    touched = _touched(change)
    with scope.rehearsed():
        hours_before = capacity.sums_at(at)
        day_costs.stage(touched)
        day_costs.scratch(Table.BEFORE, Table.AFTER)
        day_costs.compute(Table.BEFORE)
        change()
        day_costs.compute(Table.AFTER)
        return _difference(len(touched), hours_before, capacity.sums_at(at))


def of_marked() -> Effect:
    """What rating would do now: the rated days as they stand against what they would be.

    A newer price list counts, though nothing is marked for it before the next rating.
    """
    with scope.rehearsed():
        rating.mark_repriced()
        days = day_costs.stage(day_costs.marked())
        day_costs.scratch(Table.BEFORE, Table.AFTER)
        day_costs.copy_rated(Table.BEFORE)
        day_costs.compute(Table.AFTER)
        return _difference(days, Sums(), Sums())


def _touched(change: Change) -> tuple[DeploymentDay, ...]:
    """The days that a change marks, apart from those that are marked already."""
    with scope.rehearsed():
        marking.begin()
        DayToRate.objects.all().delete()
        change()
        return day_costs.marked()


@dataclass(frozen=True, slots=True)
class _Row:
    closed: bool
    first_day: date
    team_id: int | None
    subscription_id: int
    sides: Sides


def _difference(days: int, hours_before: Sums, hours_after: Sums) -> Effect:
    with connection.cursor() as cursor:
        cursor.execute(_EFFECT, {"tenant": scope.tenant_id()})
        rows = [
            _Row(closed, day, team, subscription, Sides(before or _NONE, after or _NONE, *unpriced))
            for closed, day, team, subscription, before, after, *unpriced in cursor.fetchall()
        ]
    parts = _named([row for row in rows if _differs(row.sides)])
    return Effect(
        currency=tenants.billing().currency,
        days=days,
        open=sum((row.sides for row in rows if not row.closed), Sides()),
        closed=sum((row.sides for row in rows if row.closed), Sides()),
        parts=tuple(sorted(parts, key=lambda part: -abs(part.sides.difference))),
        capacity_before=hours_before,
        capacity_after=hours_after,
    )


def _differs(sides: Sides) -> bool:
    return bool(sides.difference) or sides.unpriced_before != sides.unpriced_after


def _named(rows: Sequence[_Row]) -> Iterator[Part]:
    """The rows with the names of their teams and subscriptions, by one query each."""
    teams = Team.objects.in_bulk({row.team_id for row in rows if row.team_id is not None})
    subscriptions = Subscription.objects.select_related("gateway").in_bulk(
        {row.subscription_id for row in rows}
    )
    for row in rows:
        team = None if row.team_id is None else teams[row.team_id]
        subscription = subscriptions[row.subscription_id]
        yield Part(
            closed=row.closed,
            first_day=row.first_day,
            team=team.name if team else None,
            team_slug=team.slug if team else None,
            subscription=str(subscription),
            gateway=subscription.gateway.name,
            sides=row.sides,
        )

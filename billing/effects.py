"""What a change would do to money, before it is made: the plan.

A change of a price, a mapping, a sheet or a rate is made inside the transaction, the days it
touches are computed by the very statement that rates them, and all of it is rolled back. Both
sides are computed from the same usage, so that the difference is the change's and nothing else's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from django.db import connection, transaction

from billing import day_costs, marking
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
    """

    currency: str
    days: int
    open: Sides
    closed: Sides
    parts: tuple[Part, ...]

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
        return not self.parts


def of(change: Change) -> Effect:
    """What a change in the tenant in scope would do; nothing of it stays.

    Raises:
        whatever the change raises, as it would when applied.
    """
    touched = _touched(change)
    with _thrown_away():
        if not day_costs.stage(touched):
            return Effect(tenants.billing().currency, 0, Sides(), Sides(), ())
        day_costs.scratch(Table.BEFORE, Table.AFTER)
        day_costs.compute(Table.BEFORE)
        change()
        day_costs.compute(Table.AFTER)
        return _difference(len(touched))


def of_marked() -> Effect:
    """What rating would do now: the rated days as they stand against what they would be."""
    with _thrown_away():
        days = day_costs.stage(day_costs.marked())
        day_costs.scratch(Table.BEFORE, Table.AFTER)
        day_costs.copy_rated(Table.BEFORE)
        day_costs.compute(Table.AFTER)
        return _difference(days)


def _touched(change: Change) -> tuple[DeploymentDay, ...]:
    """The days that a change marks, apart from those that are marked already."""
    with _thrown_away():
        marking.begin()
        DayToRate.objects.all().delete()
        change()
        return day_costs.marked()


@contextmanager
def _thrown_away() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@dataclass(frozen=True, slots=True)
class _Row:
    closed: bool
    first_day: date
    team_id: int | None
    subscription_id: int
    sides: Sides


def _difference(days: int) -> Effect:
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

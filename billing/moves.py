"""Moves afterwards: subscriptions that were given to a team or cost center for days that were over.

A statement that was seen before shows other sums since; it names each move that made them so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from django.db import connection

from inventory.models import Team
from tenancy import money, scope
from tenancy.money import Money
from tenancy.periods import Period

_MOVES = Path(__file__).with_name("moves.sql").read_text()


class Way(StrEnum):
    """Which way a move took its days, seen from the statement's team."""

    IN = "in"
    OUT = "out"
    WITHIN = "within"


@dataclass(frozen=True, slots=True)
class Move:
    """Days of a subscription that were moved once they were over.

    ``from_team`` and ``to_team`` are empty for nobody. ``from_day`` is what was said when it was
    recorded; the days moved in the period are ``first_day`` to ``last_day``, local and inclusive.
    ``exact`` is what they cost as rated now, on the estimated basis, ``amount`` the same rounded:
    told beside the statement's lines, never added to them. ``unpriced_tokens`` have no price.
    """

    way: Way
    subscription: str
    gateway: str
    from_team: str
    from_cost_center: str
    to_team: str
    to_cost_center: str
    from_day: date
    first_day: date
    last_day: date
    recorded_at: datetime
    recorded_by: str
    reason: str
    exact: Money
    amount: Money
    unpriced_tokens: int


def of(team: Team, period: Period, *, currency: str) -> tuple[Move, ...]:
    """The moves that changed the team's period after the fact, in the order of recording."""
    with connection.cursor() as cursor:
        cursor.execute(
            _MOVES,
            {
                "tenant": scope.tenant_id(),
                "team": team.pk,
                "zone": period.zone,
                "first_day": period.first_day,
                "end_day": period.end_day,
            },
        )
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return tuple(_move(row, currency) for row in rows)


def _move(row: dict[str, Any], currency: str) -> Move:
    exact = Money(row.pop("cost"), currency)
    way = Way(row.pop("way"))
    return Move(**row, way=way, exact=exact, amount=money.rounded(exact))

"""What teams bore, month by month: the totals of their statements, without the lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from django.db import connection

from tenancy import money, periods, scope, tenants
from tenancy.money import Money
from tenancy.periods import Period

_TEAM_MONTHS = Path(__file__).with_name("team_months.sql").read_text()


@dataclass(frozen=True, slots=True)
class TeamMonth:
    """One team's month on the estimated basis; ``total`` is its statement's, to the cent."""

    team_id: int
    team_slug: str
    team: str
    period: Period
    total: Money
    tokens: int
    unpriced_tokens: int


def of_teams(
    teams: Iterable[int],
    *,
    first_day: date,
    end_day: date,
    most: int | None = None,
    after: tuple[date, str] | None = None,
) -> tuple[TeamMonth, ...]:
    """The months with usage of these teams, from one local day to before another.

    By month, then team. ``after`` is a (first day of a month, team slug) to go on from.
    """
    billing = tenants.billing()
    after_day, after_team = after or (date.min, "")
    with connection.cursor() as cursor:
        cursor.execute(
            _TEAM_MONTHS,
            {
                "tenant": scope.tenant_id(),
                "teams": list(teams),
                "first_day": first_day,
                "end_day": end_day,
                "after_day": after_day,
                "after_team": after_team,
                "most": most,
            },
        )
        return tuple(
            TeamMonth(
                team_id=team_id,
                team_slug=slug,
                team=name,
                period=periods.month_of_day(month, billing.zone),
                total=money.rounded(Money(cost, billing.currency)),
                tokens=tokens,
                unpriced_tokens=unpriced,
            )
            for month, team_id, slug, name, cost, tokens, unpriced in cursor.fetchall()
        )

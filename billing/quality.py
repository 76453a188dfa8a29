"""Metadata quality: the share of a team's cost whose calls told what the tenant requires.

A team may be charged back for a month from a quality on that the tenant chooses; below that the
statement is for looking at. Where nothing has a price the share is that of the tokens.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal, localcontext
from itertools import groupby
from pathlib import Path

from django.db import connection

from billing.models import BillingSettings
from inventory.models import Team
from inventory.rules.dimensions import OVERFLOW, Dimension
from tenancy import scope
from tenancy.money import EXACT
from tenancy.periods import Period
from tenancy.refusals import Refused

_QUALITY = Path(__file__).with_name("quality.sql").read_text()
_TENTH_OF_A_PERCENT = Decimal("0.001")


class BelowQuality(Refused):
    code = "metadata-quality-too-low"
    status = 409
    field = "team"
    text = (
        "{team} cannot be charged back for {month}: {says}. Have its calls send {missing}, or"
        " lower the quality asked for under Administration, Billing settings."
    )


@dataclass(frozen=True, slots=True)
class Missing:
    """A required dimension that calls did not tell, with the share of them and by which
    subscriptions; ``share`` is of the cost, or of the tokens where nothing has a price.
    """

    dimension: Dimension
    share: Decimal
    subscriptions: tuple[str, ...]

    @property
    def percent(self) -> str:
        return percent(self.share)


@dataclass(frozen=True, slots=True)
class Quality:
    """A team's metadata quality in a period.

    ``share`` lies between 0 and 1, exact; ``by_cost`` says whether it is of the cost or, where
    nothing has a price, of the tokens. ``least`` is what chargeback asks for; None: no gate.
    """

    team: Team
    share: Decimal
    by_cost: bool
    tokens: int
    missing: tuple[Missing, ...]
    least: Decimal | None

    @property
    def percent(self) -> str:
        return percent(self.share)

    @property
    def is_enough(self) -> bool:
        """Whether the team may be charged back."""
        return self.least is None or self.share >= self.least

    @property
    def says(self) -> str:
        """Why the team is only shown its cost; empty: it may be charged back."""
        if self.least is None or self.is_enough:
            return ""
        return f"showback only: metadata quality {self.percent} % is below {percent(self.least)} %"


@dataclass(frozen=True, slots=True)
class Rule:
    """What the tenant requires, and from which quality on a team may be charged back."""

    required: tuple[Dimension, ...]
    least: Decimal | None


def rule() -> Rule:
    """The rule of the tenant in scope."""
    chosen = BillingSettings.objects.first() or BillingSettings()
    return Rule(
        tuple(Dimension(one) for one in chosen.required_metadata), chosen.chargeback_from_quality
    )


def of_teams(period: Period) -> tuple[Quality, ...]:
    """Of every team that bore anything in the period, the worst first; in the tenant in scope."""
    found = _found(period, None, rule())
    return tuple(sorted(found, key=lambda one: (one.share, one.team.name)))


def of(team: Team, period: Period) -> Quality | None:
    """Of one team; None: it bore nothing in the period."""
    return next(iter(_found(period, team, rule())), None)


def showback_only(team: Team, period: Period) -> str:
    """Why a team's statement of a period is for looking at only; empty: it may be charged back."""
    chosen = rule()
    if chosen.least is None:
        return ""
    return next((one.says for one in _found(period, team, chosen)), "")


def require(team: Team, period: Period) -> None:
    """Let only pass whom the tenant in scope may charge back for a period.

    Raises:
        BelowQuality: too little of the team's cost tells what is required.
    """
    if rule().least is not None:
        _require(_found(period, team, rule()), period)


def require_all(period: Period) -> None:
    """Let only pass a period of which every team may be charged back.

    Raises:
        BelowQuality: too little of a team's cost tells what is required; names the worst.
    """
    if rule().least is not None:
        _require(of_teams(period), period)


def percent(share: Decimal) -> str:
    """A share as percent with at most one place, never rounded up: ``89.9``."""
    with localcontext(EXACT):
        floored = share.quantize(_TENTH_OF_A_PERCENT, rounding=ROUND_FLOOR) * 100
        return f"{floored.normalize():f}"


def _require(found: Iterable[Quality], period: Period) -> None:
    for one in found:
        if not one.is_enough:
            names = " and ".join(missing.dimension.label for missing in one.missing)
            raise BelowQuality(team=one.team, month=period.key, says=one.says, missing=names)


@dataclass(frozen=True, slots=True)
class _Row:
    team_id: int
    subscription: str
    missing: tuple[Dimension, ...]
    cost: Decimal
    tokens: int


def _found(period: Period, team: Team | None, chosen: Rule) -> list[Quality]:
    rows = _rows(period, team, chosen)
    teams = Team.objects.in_bulk({row.team_id for row in rows})
    return [
        _quality(teams[team_id], tuple(part), chosen)
        for team_id, part in groupby(rows, key=lambda row: row.team_id)
    ]


def _rows(period: Period, team: Team | None, chosen: Rule) -> list[_Row]:
    with connection.cursor() as cursor:
        cursor.execute(
            _QUALITY,
            {
                "tenant": scope.tenant_id(),
                "first_day": period.first_day,
                "end_day": period.end_day,
                "team": team.pk if team else None,
                "required": [one.value for one in chosen.required],
                "more": OVERFLOW,
            },
        )
        return [
            _Row(owner, name, tuple(map(Dimension, missing)), cost or Decimal(0), tokens)
            for owner, name, missing, cost, tokens in cursor.fetchall()
        ]


def _quality(team: Team, rows: tuple[_Row, ...], chosen: Rule) -> Quality:
    by_cost = any(row.cost for row in rows)

    def weight(part: Iterable[_Row]) -> Decimal:
        with localcontext(EXACT):
            return sum((row.cost if by_cost else Decimal(row.tokens) for row in part), Decimal(0))

    whole = weight(rows)

    def share(part: Iterable[_Row]) -> Decimal:
        return _quotient(weight(part), whole)

    def missing(dimension: Dimension) -> Missing:
        part = [row for row in rows if dimension in row.missing]
        names = sorted({row.subscription for row in part})
        return Missing(dimension, share(part), tuple(names))

    lacking = (missing(one) for one in chosen.required)
    return Quality(
        team=team,
        share=share([row for row in rows if not row.missing]) if whole else Decimal(1),
        by_cost=by_cost,
        tokens=sum(row.tokens for row in rows),
        missing=tuple(one for one in lacking if one.subscriptions),
        least=chosen.least,
    )


def _quotient(part: Decimal, whole: Decimal) -> Decimal:
    """A share; never 1 where anything is missing, however little."""
    if not whole:
        return Decimal(0)
    with localcontext() as context:
        context.prec = 60
        context.rounding = ROUND_FLOOR
        return part / whole

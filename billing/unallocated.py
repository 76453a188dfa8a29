"""Unallocated: what was used that belongs to no team, why, and what can be done about it.

Whose a day is says who owned its subscription then. What nobody owned is told here by reason, with
its tokens and its money, so that what teams bear and what is told here is everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any  # what a statement gives

from django.db import connection, transaction

from billing import attribution, spend
from inventory import subscriptions
from inventory.models import Subscription, Team
from inventory.ownership import Attribution
from tenancy import scope
from tenancy.money import Money
from tenancy.periods import Period
from tenancy.refusals import Refused

_HERE = Path(__file__)
_ROWS = _HERE.with_name("unallocated.sql").read_text()
_DEPLOYMENTS = _HERE.with_name("unknown_deployments.sql").read_text()
#: What gateways call the keys that belong to no subscription of anybody: API Management's own
#: all-access key, and what common policies write where a call carries none.
BUILT_IN = ("master", "built-in", "built-in all-access", "portal-admin")
#: How many subscriptions are assigned at once.
MOST_AT_ONCE = 200


class Reason(StrEnum):
    """Why a day's usage belongs to no team. Each has one, the first of these that holds."""

    LEFT = "left"
    NONE = "none"
    BUILT_IN = "built-in"
    UNKNOWN = "unknown"
    NOT_OWNED = "not-owned"

    @property
    def label(self) -> str:
        return _SAID[self][0]

    @property
    def fix(self) -> str:
        """What can be done about it."""
        return _SAID[self][1]


_SAID = {
    Reason.LEFT: (
        "Left unallocated on purpose",
        "Somebody decided so and gave a reason. Assign it to a team to end that.",
    ),
    Reason.NONE: (
        "Calls without a subscription",
        "Have the API require a subscription key, so that a call says whose it is; or assign all"
        " such calls of this gateway to one team.",
    ),
    Reason.BUILT_IN: (
        "All-access or built-in key",
        "Give the caller a subscription of its own and renew the key; or assign it to a team.",
    ),
    Reason.UNKNOWN: (
        "Subscription that the inventory does not know",
        "It was deleted or never listed by the gateway. Assign it to who used it.",
    ),
    Reason.NOT_OWNED: (
        "Known subscription without an owner on the day",
        "Assign it to its team from the first of these days on.",
    ),
}


class AlreadyNobodys(Refused):
    code = "already-nobodys"
    status = 409
    field = "from_day"
    text = "{name} is nobody's by an assignment from that day on already. Choose another day."


class ReasonWanted(Refused):
    code = "reason-wanted"
    status = 400
    field = "reason"
    text = "Say why it is nobody's: whoever asks later finds the reason here."


class NoSuchRows(Refused):
    code = "nothing-chosen"
    status = 400
    field = "subscription"
    text = "Choose at least one subscription, and at most {most}."


@dataclass(frozen=True, slots=True)
class Row:
    """A subscription's days of one reason. ``said`` is why it was left so; ``cost`` None: nothing
    of it has a price. Tokens without a price are told beside the cost, never in it.
    """

    subscription: Subscription
    reason: Reason
    said: str
    cost: Money | None
    tokens: int
    unpriced_tokens: int
    requests: int
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class Sum:
    """All rows of one reason, or of all."""

    reason: Reason | None
    subscriptions: int
    cost: Money | None
    tokens: int
    unpriced_tokens: int
    requests: int


@dataclass(frozen=True, slots=True)
class UnknownDeployment:
    """A deployment that calls named, and of which no account tells the model."""

    id: int
    gateway: str
    host: str
    name: str
    cost: Money | None
    tokens: int
    unpriced_tokens: int
    first_day: date
    last_day: date


def of(period: Period, *, currency: str) -> tuple[Row, ...]:
    """What belongs to no team in a period, in the tenant in scope; the dearest first.

    On the estimated basis, exact.
    """
    rows = _asked(_ROWS, period, built_in=BUILT_IN)
    known = subscriptions.by_id(row["subscription_id"] for row in rows)
    return tuple(
        Row(
            subscription=known[row["subscription_id"]],
            reason=Reason(row["reason"]),
            said=row["said"] or "",
            cost=_money(row["cost"], currency),
            tokens=row["tokens"],
            unpriced_tokens=row["unpriced_tokens"],
            requests=row["requests"],
            first_day=row["first_day"],
            last_day=row["last_day"],
        )
        for row in rows
    )


def unknown_deployments(period: Period, *, currency: str) -> tuple[UnknownDeployment, ...]:
    """Deployments without a model that were used in a period, by tokens without a price."""
    return tuple(
        UnknownDeployment(
            id=row["id"],
            gateway=row["gateway"],
            host=row["host"],
            name=row["name"],
            cost=_money(row["cost"], currency),
            tokens=row["tokens"],
            unpriced_tokens=row["unpriced_tokens"],
            first_day=row["first_day"],
            last_day=row["last_day"],
        )
        for row in _asked(_DEPLOYMENTS, period)
    )


def by_reason(rows: Sequence[Row], *, currency: str) -> tuple[Sum, ...]:
    """The rows summed by reason, in the order of `Reason`; reasons without a row are left out."""
    parts = [(reason, [row for row in rows if row.reason is reason]) for reason in Reason]
    return tuple(_sum(reason, part, currency) for reason, part in parts if part)


def total(rows: Sequence[Row], *, currency: str) -> Sum:
    """All rows: what `billing.spend.shares` has without a team."""
    return _sum(None, rows, currency)


def assign(
    chosen: Sequence[Subscription],
    team: Team | None,
    *,
    from_day: date,
    reason: str,
    by: str,
    at: datetime,
) -> int:
    """Give subscriptions to a team from a local day on, or leave them unallocated with a reason.

    All of them or none; how many there are.

    Raises:
        NoSuchRows: none was chosen, or too many.
        ReasonWanted: it is left unallocated, and no reason is given.
        NeedsReason: the day is over, and no reason is given.
        MonthClosed: it would change a day of a closed month.
        AlreadyNobodys: it is said to be nobody's from that day on, for another reason.
    """
    if not 0 < len(chosen) <= MOST_AT_ONCE:
        raise NoSuchRows(most=MOST_AT_ONCE)
    if team is None and not reason.strip():
        raise ReasonWanted()
    with transaction.atomic():
        for subscription in chosen:
            row = attribution.assign(
                subscription, Attribution(team), from_day=from_day, by=by, at=at, reason=reason
            )
            if team is None and row.reason != reason.strip():
                raise AlreadyNobodys(name=subscription)
    return len(chosen)


def _sum(reason: Reason | None, rows: Sequence[Row], currency: str) -> Sum:
    return Sum(
        reason=reason,
        subscriptions=len({row.subscription.pk for row in rows}),
        cost=spend.total(tuple(row.cost for row in rows), currency),
        tokens=sum(row.tokens for row in rows),
        unpriced_tokens=sum(row.unpriced_tokens for row in rows),
        requests=sum(row.requests for row in rows),
    )


def _asked(statement: str, period: Period, *, built_in: Sequence[str] = ()) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "tenant": scope.tenant_id(),
                "first_day": period.first_day,
                "end_day": period.end_day,
                "built_in": list(built_in),
            },
        )
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _money(amount: Decimal | None, currency: str) -> Money | None:
    return None if amount is None else Money(amount, currency)

"""Decisions: the desired state of every subscription, read in one statement, with reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connection

from governance.rules import desired
from governance.rules.desired import Decision, Desired, Situation
from tenancy import scope, tenants
from tenancy.periods import Period

#: What the decisions rest on, one row a subscription.
SITUATIONS = Path(__file__).with_name("decisions.sql").read_text()
_CROSSING = Path(__file__).with_name("crossing.sql").read_text()


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision about one subscription, and everything it rests on."""

    subscription_id: int
    name: str
    gateway_id: int
    gateway: str
    situation: Situation
    decision: Decision
    quota_id: int | None
    tokens: int
    unpriced_tokens: int
    period: Period
    currency: str
    crossed_at: datetime | None = None

    @property
    def differs(self) -> bool:
        """Whether the gateway must be changed."""
        match self.decision.desired:
            case Desired.REFUSED:
                return self.situation.observed == "active"
            case Desired.SERVED:
                return self.situation.observed == "suspended"
            case Desired.LEAVE:
                return False

    @property
    def reactivated_by_others(self) -> bool:
        """Whether Apportion holds it for suspended, and it is served and may be."""
        situation = self.situation
        held = situation.suspended_in is not None
        return held and situation.observed == "active" and self.decision.desired is Desired.SERVED

    @property
    def says(self) -> str:
        """Why, in a sentence's words."""
        return desired.SAYS[self.decision.reason]

    def evidence(self) -> dict[str, Any]:
        """What the decision rests on, to be kept with what was done."""
        situation = self.situation
        return {
            "reason": self.decision.reason,
            "cost": situation.cost,
            "limit": situation.limit,
            "currency": self.currency,
            "basis": "estimated",
            "quota": self.quota_id,
            "period": self.period.key,
            "time_zone": self.period.zone,
            "usage_through": situation.usage_through,
            "crossed_in_hour_of": self.crossed_at,
            "tokens": self.tokens,
            "unpriced_tokens": self.unpriced_tokens,
            "observed": situation.observed,
        }


def of_tenant(*, at: datetime, stale_after: timedelta) -> tuple[Decided, ...]:
    """What should be so for each subscription of the tenant in scope, by gateway and name."""
    return _decided(at=at, stale_after=stale_after, only=None)


def of_subscription(
    subscription_id: int, *, at: datetime, stale_after: timedelta
) -> Decided | None:
    """What should be so for one subscription of the tenant in scope."""
    found = _decided(at=at, stale_after=stale_after, only=subscription_id)
    return found[0] if found else None


def crossing(subscription_id: int, limit: Decimal, period: Period) -> datetime | None:
    """The start of the bucket of usage in which a subscription's cost reached a limit."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CROSSING,
            {
                "tenant": scope.tenant_id(),
                "subscription": subscription_id,
                "first_day": period.first_day,
                "end_day": period.end_day,
                "start": period.start,
                "end": period.end,
                "zone": period.zone,
                "limit": limit,
            },
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _decided(*, at: datetime, stale_after: timedelta, only: int | None) -> tuple[Decided, ...]:
    billing = tenants.billing()
    period = billing.month_at(at)
    with connection.cursor() as cursor:
        cursor.execute(
            SITUATIONS,
            {
                "tenant": scope.tenant_id(),
                "at": at,
                "first_day": period.first_day,
                "only": only,
            },
        )
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return tuple(
        _one(row, period=period, currency=billing.currency, fresh_since=at - stale_after)
        for row in rows
    )


def _one(row: dict[str, Any], *, period: Period, currency: str, fresh_since: datetime) -> Decided:
    since = row["suspended_since"]
    situation = Situation(
        observed=row["observed"],
        listed=row["listed"],
        limit=row["limit"],
        hard=row["hard"],
        cost=row["cost"],
        usage_through=row["usage_through"],
        period_start=period.start,
        suspended_in=_period_start_of(since, period) if since else None,
        fresh_since=fresh_since,
    )
    return Decided(
        subscription_id=row["subscription_id"],
        name=row["name"],
        gateway_id=row["gateway_id"],
        gateway=row["gateway"],
        situation=situation,
        decision=desired.decide(situation),
        quota_id=row["quota_id"],
        tokens=row["tokens"],
        unpriced_tokens=row["unpriced_tokens"],
        period=period,
        currency=currency,
    )


def _period_start_of(instant: datetime, period: Period) -> datetime:
    """The start of the billing period that holds an instant, in the same zone as ``period``."""
    return tenants.billing().month_at(instant).start if instant not in period else period.start

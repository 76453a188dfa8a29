"""Decisions: the desired state of every subscription, read in one statement, with reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection

from governance.limits import quotas
from governance.models import Level, Unit
from governance.rules import desired, spans
from governance.rules.desired import Decision, Desired, Situation
from governance.rules.spans import Every, Stretch
from tenancy import scope, tenants
from tenancy.money import Money
from tenancy.tenants import Billing

#: What the decisions rest on, one row a subscription.
SITUATIONS = Path(__file__).with_name("decisions.sql").read_text()
_CROSSING = Path(__file__).with_name("crossing.sql").read_text()


@dataclass(frozen=True, slots=True)
class Bound:
    """The limit that binds a subscription. ``period`` is the one it counts in now."""

    quota_id: int
    level: Level
    unit: Unit
    period: Stretch


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision about one subscription, and everything it rests on."""

    subscription_id: int
    name: str
    gateway_id: int
    gateway: str
    situation: Situation
    decision: Decision
    bound: Bound | None
    unpriced_tokens: int
    zone: str
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
        served = self.decision.desired is Desired.SERVED
        return self.situation.ours and self.situation.observed == "active" and served

    @property
    def says(self) -> str:
        """Why, in a sentence's words."""
        return desired.SAYS[self.decision.reason]

    @property
    def used(self) -> Money | None:
        """What of the limit is used, where it is one in the currency."""
        return self._money(self.situation.used)

    @property
    def limit(self) -> Money | None:
        """The limit that binds, where it is one in the currency."""
        return self._money(self.situation.limit)

    def evidence(self) -> dict[str, Any]:
        """What the decision rests on, to be kept with what was done."""
        situation, bound = self.situation, self.bound
        in_tokens = bound is not None and bound.unit is Unit.TOKENS
        return {
            "reason": self.decision.reason,
            "used": situation.used,
            "cost": None if in_tokens else situation.used,
            "limit": situation.limit,
            "unit": bound.unit if bound else None,
            "level": bound.level if bound else None,
            "span": bound.period.every if bound else None,
            "currency": None if in_tokens else self.currency,
            "basis": "observed" if in_tokens else "estimated",
            "quota": bound.quota_id if bound else None,
            "period": _said(bound.period, self.zone) if bound else None,
            "time_zone": self.zone,
            "usage_through": situation.usage_through,
            "crossed_in_hour_of": self.crossed_at,
            "unpriced_tokens": self.unpriced_tokens,
            "observed": situation.observed,
        }

    def _money(self, amount: Decimal | None) -> Money | None:
        if amount is None or self.bound is None or self.bound.unit is Unit.TOKENS:
            return None
        return Money(amount, self.currency)


def of_tenant(*, at: datetime, stale_after: timedelta) -> tuple[Decided, ...]:
    """What should be so for each subscription of the tenant in scope, by gateway and name."""
    return _decided(at=at, stale_after=stale_after, only=None)


def of_subscription(
    subscription_id: int, *, at: datetime, stale_after: timedelta
) -> Decided | None:
    """What should be so for one subscription of the tenant in scope."""
    found = _decided(at=at, stale_after=stale_after, only=subscription_id)
    return found[0] if found else None


def crossing(one: Decided) -> datetime | None:
    """The start of the bucket of usage in which a subscription's cost reached its limit.

    None where it is not told: of tokens, and of what a whole team uses.
    """
    bound, limit = one.bound, one.situation.limit
    if bound is None or limit is None or bound.unit is not Unit.CURRENCY:
        return None
    if bound.level not in (Level.SUBSCRIPTION, Level.PRODUCT):
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            _CROSSING,
            {
                "tenant": scope.tenant_id(),
                "subscription": one.subscription_id,
                "first_day": bound.period.first_day,
                "end_day": bound.period.end_day,
                "start": bound.period.start,
                "end": bound.period.end,
                "zone": one.zone,
                "limit": limit,
            },
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _decided(*, at: datetime, stale_after: timedelta, only: int | None) -> tuple[Decided, ...]:
    billing = tenants.billing()
    stretches = {every.value: spans.at(at, every, billing.zone) for every in Every}
    with connection.cursor() as cursor:
        subscriptions = None if only is None else [only]
        cursor.execute(SITUATIONS, quotas.parameters(at=at, zone=billing.zone, only=subscriptions))
        rows = [_Row(*row) for row in cursor.fetchall()]
    rows.sort(key=lambda row: (row.gateway, row.name))
    month = stretches[Every.MONTH.value].start
    return tuple(
        _one(row, stretches, month=month, billing=billing, fresh_since=at - stale_after)
        for row in rows
    )


class _Row(NamedTuple):
    """The columns of decisions.sql, in their order."""

    subscription_id: int
    name: str
    gateway_id: int
    gateway: str
    observed: str
    listed: bool
    quota_id: int | None
    level: str
    unit: str
    span: str
    limit: Decimal | None
    hard: bool
    used: Decimal
    unpriced_tokens: int
    counts_from: datetime | None
    usage_through: datetime | None
    suspended_since: datetime | None
    suspended_span: str | None


def _one(
    row: _Row,
    stretches: dict[str, Stretch],
    *,
    month: datetime,
    billing: Billing,
    fresh_since: datetime,
) -> Decided:
    since, span = row.suspended_since, row.suspended_span or Every.MONTH.value
    situation = Situation(
        observed=row.observed,
        listed=row.listed,
        limit=row.limit,
        hard=row.hard,
        used=row.used,
        usage_through=row.usage_through,
        counts_from=row.counts_from or month,
        suspended_since=since,
        suspended_for=stretches[span].start if since else None,
        fresh_since=fresh_since,
    )
    return Decided(
        subscription_id=row.subscription_id,
        name=row.name,
        gateway_id=row.gateway_id,
        gateway=row.gateway,
        situation=situation,
        decision=desired.decide(situation),
        bound=None if row.quota_id is None else _bound(row.quota_id, row, stretches),
        unpriced_tokens=row.unpriced_tokens,
        zone=billing.zone,
        currency=billing.currency,
    )


def _bound(quota_id: int, row: _Row, stretches: dict[str, Stretch]) -> Bound:
    return Bound(quota_id, Level(row.level), Unit(row.unit), stretches[row.span])


def _said(period: Stretch, zone: str) -> str:
    """The period as one says it: ``2026-11``, ``2026``, ``2026-11-16``, or an hour's start."""
    match period.every:
        case Every.MONTH:
            return f"{period.first_day:%Y-%m}"
        case Every.YEAR:
            return f"{period.first_day:%Y}"
        case Every.HOUR:
            return f"{period.start.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
        case Every.DAY | Every.WEEK:
            return period.first_day.isoformat()

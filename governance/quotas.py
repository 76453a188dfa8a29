"""Quotas: setting a limit, and what binds a subscription at an instant, by how much, and why.

`of` is the one answer: every page, task and endpoint uses it. The database's function behind it
(`governance_limits`) is the one that enforcement decides by, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from governance.models import Hardness, Level, Quota, Rollover, Span, Subject, Unit
from governance.rules import spans, thresholds
from governance.rules.spans import Every, Stretch
from inventory.models import CostCenter, Product, Subscription, Team
from tenancy import audit, scope, tenants
from tenancy.money import Money
from tenancy.refusals import Invalid

_LIMITS = Path(__file__).with_name("limits.sql").read_text()
_KINDS: dict[type[Subject], Level] = {
    Product: Level.PRODUCT,
    Subscription: Level.SUBSCRIPTION,
    Team: Level.TEAM,
    CostCenter: Level.COST_CENTER,
}


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that applies to a subscription at an instant, and how much of it is used.

    ``limit`` is ``base`` (the quota) plus ``extra`` (overrides, until ``extra_until`` at the
    earliest change) plus ``carried`` (left over from the period before), in ``currency`` or, where
    ``unit`` is tokens, in tokens. ``used`` is estimated cost, or tokens, of all that the limit
    counts: of the whole team, say.
    """

    quota_id: int
    level: Level
    subject_id: int
    subject: str
    unit: Unit
    period: Stretch
    hardness: Hardness
    thresholds: tuple[int, ...]
    base: Decimal
    extra: Decimal
    extra_until: datetime | None
    carried: Decimal
    limit: Decimal
    used: Decimal
    unpriced_tokens: int
    currency: str

    @property
    def every(self) -> Every:
        return self.period.every

    @property
    def money(self) -> Money | None:
        """The limit as an amount; None where it is one in tokens."""
        return Money(self.limit, self.currency) if self.unit is Unit.CURRENCY else None

    @property
    def left(self) -> Decimal:
        """What is left; below zero where more was used."""
        return self.limit - self.used

    @property
    def reached(self) -> bool:
        return self.used >= self.limit

    @property
    def percent(self) -> Decimal | None:
        """How much of it is used, in percent; None of nothing."""
        return self.used * 100 / self.limit if self.limit else None

    @property
    def source(self) -> str:
        """Whose limit it is, in words."""
        match self.level:
            case Level.SUBSCRIPTION:
                return "this subscription"
            case Level.PRODUCT:
                return f"product {self.subject}"
            case Level.TEAM:
                return f"team {self.subject}"
            case Level.COST_CENTER:
                return f"cost center {self.subject}"


@dataclass(frozen=True, slots=True)
class Binding:
    """All limits of a subscription, the one that binds first: a hard one that is reached, or the
    one of which most is used.
    """

    limits: tuple[Limit, ...] = ()

    @property
    def tightest(self) -> Limit | None:
        """What binds; None: nothing limits it."""
        return self.limits[0] if self.limits else None

    @property
    def monthly(self) -> Limit | None:
        """The subscription's own (or its product's) limit of cost in a month, if it has one."""
        return self.its(Unit.CURRENCY, Every.MONTH)

    def its(self, unit: Unit, every: Every) -> Limit | None:
        """The subscription's own (or its product's) limit of this kind, if it has one."""
        own = (Level.SUBSCRIPTION, Level.PRODUCT)
        kinds = (one for one in self.limits if one.level in own)
        return next((one for one in kinds if (one.unit, one.every) == (unit, every)), None)


NO_LIMIT = Binding()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A limit to be set. ``limit`` None clears it, and the product's counts again."""

    limit: Decimal | None
    unit: Unit = Unit.CURRENCY
    every: Every = Every.MONTH
    hardness: Hardness = Hardness.HARD
    rollover: Rollover = Rollover.NONE
    thresholds: tuple[int, ...] = thresholds.THRESHOLDS


def of(subscription_ids: Iterable[int], *, at: datetime) -> dict[int, Binding]:
    """By subscription id, what limits each at an instant; absent: nothing does.

    Periods are those of the tenant in scope that hold ``at``.
    """
    wanted = sorted(set(subscription_ids))
    return _read(at=at, only=wanted) if wanted else {}


def monthly(subscription_ids: Iterable[int], *, at: datetime) -> dict[int, Limit]:
    """By subscription id, its own limit of cost in a month (or its product's); absent: none."""
    found = {id: one.monthly for id, one in of(subscription_ids, at=at).items()}
    return {id: limit for id, limit in found.items() if limit}


def of_tenant(*, at: datetime) -> dict[int, Binding]:
    """As `of`, for every subscription of the tenant in scope that has a limit."""
    return _read(at=at, only=None)


def parameters(*, at: datetime, only: Sequence[int] | None) -> dict[str, Any]:
    """What `governance_limits` is called with: the tenant in scope, and its periods at ``at``."""
    zone = tenants.billing().zone
    stretches = {every: spans.at(at, every, zone) for every in Every}
    return {
        "tenant": scope.tenant_id(),
        "at": at,
        "zone": zone,
        "hour": stretches[Every.HOUR].start,
        "day": stretches[Every.DAY].first_day,
        "week": stretches[Every.WEEK].first_day,
        "month": stretches[Every.MONTH].first_day,
        "year": stretches[Every.YEAR].first_day,
        "only": None if only is None else list(only),
    }


def set_limit(
    subject: Subject,
    wanted: Wanted,
    *,
    from_instant: datetime,
    until: datetime | None = None,
    by: str,
    at: datetime,
    reason: str = "",
) -> Quota:
    """From an instant on (until another), limit what a subject uses in each period.

    The same as what is in force from that instant already changes nothing. What was said before
    stays in the history, and no key changes.

    Raises:
        Invalid: a negative limit, tokens that are no whole number, a threshold that is no
            percentage, rollover of an hour, or an end that is not after the start.
    """
    _check(wanted, from_instant=from_instant, until=until)
    kind = _KINDS[type(subject)]
    values: dict[str, Any] = {
        "limit": wanted.limit,
        "hardness": wanted.hardness,
        "rollover": wanted.rollover,
        "thresholds": sorted(set(wanted.thresholds)),
        "effective_until": until,
    }
    of_kind: dict[str, Any] = {
        kind.value: subject,
        "unit": wanted.unit,
        "span": Span(wanted.every.value),
        "effective_from": from_instant,
    }
    row = Quota.objects.filter(**of_kind).order_by("-id").first()
    before = {name: getattr(row, name) for name in values} if row else None
    if row and before == values:
        return row
    row = Quota.objects.create(**of_kind, **values, set_by=by, reason=reason, recorded_at=at)
    audit.record(
        "quota.set",
        f"{kind.value} {_named(subject)}",
        by=by,
        at=at,
        before=before,
        after={
            **values,
            "unit": wanted.unit,
            "period": wanted.every,
            "effective_from": from_instant,
        },
        reason=reason,
    )
    return row


def history(subject: Subject) -> QuerySet[Quota]:
    """All that was ever said of a subject's limits, newest first."""
    rows: QuerySet[Quota] = Quota.objects.filter(**{_KINDS[type(subject)].value: subject})
    return rows.order_by("-effective_from", "-id")


def _check(wanted: Wanted, *, from_instant: datetime, until: datetime | None) -> None:
    if wanted.limit is not None and not (wanted.limit.is_finite() and wanted.limit >= 0):
        raise Invalid(field="limit", fix="Give zero or more, or nothing to clear it.")
    tokens = wanted.unit is Unit.TOKENS and wanted.limit is not None
    if tokens and wanted.limit != wanted.limit.to_integral_value():
        raise Invalid(field="limit", fix="Give a whole number of tokens.")
    if until is not None and until <= from_instant:
        raise Invalid(field="until", fix="Give an instant after the start.")
    if any(not 1 <= one <= 1000 for one in wanted.thresholds):
        raise Invalid(field="thresholds", fix="Give percentages from 1 to 1000.")


def _named(subject: Subject) -> str:
    gateway = getattr(subject, "gateway", None)
    return f"{gateway.name}/{subject.name}" if gateway else str(subject)


def _read(*, at: datetime, only: Sequence[int] | None) -> dict[int, Binding]:
    billing = tenants.billing()
    stretches = {every.value: spans.at(at, every, billing.zone) for every in Every}
    with connection.cursor() as cursor:
        cursor.execute(_LIMITS, parameters(at=at, only=only))
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    found: dict[int, list[Limit]] = {}
    for row in rows:
        limit = _limit(row, stretches[row["span"]], billing.currency)
        found.setdefault(row["subscription_id"], []).append(limit)
    return {id: Binding(tuple(limits)) for id, limits in found.items()}


def _limit(row: dict[str, Any], period: Stretch, currency: str) -> Limit:
    return Limit(
        quota_id=row["quota_id"],
        level=Level(row["level"]),
        subject_id=row["subject_id"],
        subject=row["subject"],
        unit=Unit(row["unit"]),
        period=period,
        hardness=Hardness(row["hardness"]),
        thresholds=tuple(row["thresholds"]),
        base=row["base"],
        extra=row["extra"],
        extra_until=row["extra_until"],
        carried=row["carried"],
        limit=row["limit"],
        used=row["used"],
        unpriced_tokens=row["unpriced_tokens"],
        currency=currency,
    )

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
from django.db.models import Max, QuerySet

from governance.limits.binding import Binding, Limit
from governance.models import Hardness, Level, Quota, Rollover, Span, Subject, Unit
from governance.rules import spans, thresholds
from governance.rules.spans import Every, Stretch
from inventory.models import CostCenter, Product, Subscription, Team
from tenancy import audit, scope, tenants
from tenancy.money import EXACT
from tenancy.refusals import Invalid, NotFound, Refused

_LIMITS = Path(__file__).with_name("limits.sql").read_text()
_KINDS: dict[type[Subject], Level] = {
    Product: Level.PRODUCT,
    Subscription: Level.SUBSCRIPTION,
    Team: Level.TEAM,
    CostCenter: Level.COST_CENTER,
}
#: What one limit follows another of.
_KIND = (*(f"{kind.value}_id" for kind in _KINDS.values()), "unit", "span")
_PERIODS = {
    Every.HOUR: "an hour",
    Every.DAY: "a day",
    Every.WEEK: "a week",
    Every.MONTH: "a month",
    Every.YEAR: "a year",
}
#: What a limit's column holds: 24 digits, 4 of them after the point.
_LEAST, _BEYOND = Decimal("0.0001"), Decimal(10) ** 20


class LimitChanged(Refused):
    code = "limit-changed"
    status = 409
    text = (
        "Somebody else has changed this limit since you looked at it. Look at what it is now, then"
        " decide again."
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """A limit to be set. ``limit`` None clears it, and the product's counts again."""

    limit: Decimal | None
    unit: Unit = Unit.CURRENCY
    every: Every = Every.MONTH
    hardness: Hardness = Hardness.HARD
    rollover: Rollover = Rollover.NONE
    thresholds: tuple[int, ...] = thresholds.THRESHOLDS

    def says(self, currency: str) -> str:
        """In words: ``100 USD a month``, ``no limit in tokens a day``."""
        unit = currency if self.unit is Unit.CURRENCY else "tokens"
        if self.limit is None:
            return f"no limit of {unit} {_PERIODS[self.every]}"
        return f"{EXACT.normalize(self.limit):,f} {unit} {_PERIODS[self.every]}"


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


def parameters(*, at: datetime, zone: str, only: Sequence[int] | None) -> dict[str, Any]:
    """What `governance_limits` is called with: the tenant in scope, and its periods at ``at``."""
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
    seen: int | None = None,
) -> Quota:
    """From an instant on (until another), limit what a subject uses in each period.

    The same as what is in force from that instant already changes nothing. What was said before
    stays in the history, and no key changes. ``seen`` is the `newest` that the person looked at.

    Raises:
        LimitChanged: something newer than ``seen`` was said of the subject's limits meanwhile.
        Invalid: a negative limit or one of more digits than are kept, tokens that are no whole
            number, a threshold that is no percentage, or an end that is not after the start.
    """
    check(wanted, from_instant=from_instant, until=until)
    kind = _KINDS[type(subject)]
    _one_at_a_time(subject)
    if seen is not None and newest(subject) != seen:
        raise LimitChanged()
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


def in_force(rows: QuerySet[Quota], *, at: datetime) -> list[Quota]:
    """Of these rows those that count at an instant, at most one of a subject, unit and period.

    The rule of `governance_limits`: of several with one start the one written last, even where it
    is over by now; then the latest that is not over. One that clears the limit is among them.
    """
    begun = rows.filter(effective_from__lte=at).order_by(*_KIND, "effective_from", "-id")
    said = Quota.objects.filter(pk__in=begun.distinct(*_KIND, "effective_from").values("pk"))
    lasting = said.exclude(effective_until__lte=at)
    return list(lasting.order_by(*_KIND, "-effective_from").distinct(*_KIND))


def newest(subject: Subject) -> int:
    """Which row of a subject's limits was written last: their version; 0 where there is none."""
    return history(subject).aggregate(newest=Max("id"))["newest"] or 0


def history(subject: Subject) -> QuerySet[Quota]:
    """All that was ever said of a subject's limits, newest first."""
    rows: QuerySet[Quota] = Quota.objects.filter(**{_KINDS[type(subject)].value: subject})
    return rows.order_by("-effective_from", "-id")


def check(wanted: Wanted, *, from_instant: datetime, until: datetime | None) -> None:
    """Let a limit pass that can be set.

    Raises:
        Invalid: as `set_limit` says.
    """
    if wanted.limit is not None and not (wanted.limit.is_finite() and wanted.limit >= 0):
        raise Invalid(field="limit", fix="Give zero or more, or nothing to clear it.")
    if wanted.limit is not None and not _kept(wanted.limit):
        raise Invalid(field="limit", fix="Give at most 20 digits, and 4 after the point.")
    in_tokens = wanted.unit is Unit.TOKENS
    if in_tokens and wanted.limit is not None and wanted.limit % 1:
        raise Invalid(field="limit", fix="Give a whole number of tokens.")
    if until is not None and until <= from_instant:
        raise Invalid(field="until", fix="Give an instant after the start.")
    if any(not 1 <= one <= 1000 for one in wanted.thresholds):
        raise Invalid(field="thresholds", fix="Give percentages from 1 to 1000.")


def _one_at_a_time(subject: Subject) -> None:
    """Let whoever changes a limit of the same subject wait until this transaction ends."""
    rows = type(subject).objects.select_for_update(no_key=True).filter(pk=subject.pk)
    if not rows.values_list("pk", flat=True).first():
        raise NotFound(kind=type(subject)._meta.verbose_name)


def _kept(limit: Decimal) -> bool:
    """Whether the database keeps every digit of it."""
    return limit < _BEYOND and limit == limit.quantize(_LEAST, context=EXACT)


def _named(subject: Subject) -> str:
    gateway = getattr(subject, "gateway", None)
    return f"{gateway.name}/{subject.name}" if gateway else str(subject)


def _read(*, at: datetime, only: Sequence[int] | None) -> dict[int, Binding]:
    billing = tenants.billing()
    stretches = {every.value: spans.at(at, every, billing.zone) for every in Every}
    with connection.cursor() as cursor:
        cursor.execute(_LIMITS, parameters(at=at, zone=billing.zone, only=only))
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
        thresholds=tuple(row["thresholds"]) or thresholds.THRESHOLDS,
        base=row["base"],
        extra=row["extra"],
        extra_until=row["extra_until"],
        carried=row["carried"],
        limit=row["limit"],
        used=row["used"],
        unpriced_tokens=row["unpriced_tokens"],
        currency=currency,
    )

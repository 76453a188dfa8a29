"""Retention: months of hourly usage are made ahead and, when nobody needs them, let go whole.

What a day cost and what was observed on it (`RatedDay`, `UsageDay`) stays for ever. A month that
no tenant keeps any longer is detached as one table, which takes no time whatever its size. Where
others keep it longer, a tenant's own rows are deleted. How far a tenant's hours reach back moves
in the same transaction, so that no day is ever rated from a part of its usage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Q

from billing import kept, marking, rating
from billing.models import (
    BillingSettings,
    ClassUsage,
    DayToRate,
    PushedEvent,
    Usage,
    UsageWindow,
    WindowState,
)
from tenancy import audit, periods, runs, scope, tenants
from tenancy.runs import Contention
from tenancy.scope import TenantRef

STEP = "maintain_usage"
#: Who it was, in the audit log.
BY = "retention"
#: How many months ahead have their partition.
AHEAD = 2
#: What a tenant keeps at least, whatever it chose: late rows and corrections need it.
LEAST_MONTHS = 3
#: Everybody's reading and rating waits behind a lock that is waited for: better tomorrow.
_PATIENCE = "SET LOCAL lock_timeout = '10s'"
_HELD_MONTHS = """
SELECT to_date(right(part.relname, 7), 'YYYY_MM')
  FROM pg_inherits JOIN pg_class part ON part.oid = pg_inherits.inhrelid
 WHERE pg_inherits.inhparent = 'billing_usage'::regclass
 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class LetGo:
    """What a run let go.

    ``months`` are those that were detached, as their first days; ``moved`` the tenants that keep
    their hours from a later day on, ``waiting`` those with days that are not rated yet; ``rows``
    how many rows were deleted by themselves.
    """

    months: tuple[date, ...]
    moved: tuple[str, ...]
    waiting: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class _Tenant:
    """A tenant, before which instant its hours may go, and whether they may go now."""

    ref: TenantRef
    until: datetime
    ready: bool


def maintain(*, at: datetime, contention: Contention) -> LetGo:
    """Make the months ahead, and let go what every tenant's own choice lets go at ``at``.

    Raises:
        Busy: another run is under way, and ``contention`` is to give way.
        OperationalError: reading or rating did not finish in time; nothing was let go.
    """
    with runs.of_installation(STEP, contention=contention) as run:
        _make_ahead(at)
        with transaction.atomic():
            run.hold()
            done = _let_go(at)
        run.count(written=done.rows)
        run.note(
            months=[f"{month:%Y-%m}" for month in done.months],
            tenants_moved=len(done.moved),
            tenants_waiting=len(done.waiting),
        )
    return done


def months_before(at: datetime, count: int) -> datetime:
    """The first instant, UTC, of the month that lies ``count`` months before that of ``at``."""
    utc = at.astimezone(UTC)
    months = utc.year * 12 + utc.month - 1 - count
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


def first_whole_day(until: datetime, zone: str) -> date:
    """The first local day that begins at ``until`` or later."""
    day = periods.local_day(until, zone)
    return day if periods.midnight(day, zone) >= until else day + timedelta(days=1)


def _make_ahead(at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_usage_months(%s, %s)", [at, months_before(at, -AHEAD)])


def _let_go(at: datetime) -> LetGo:
    """All tenants in one transaction: a month goes for all of them or for none."""
    with connection.cursor() as cursor:
        cursor.execute(_PATIENCE)
    found = [_looked_at(ref, at) for ref in tenants.every()]
    kept_by_some = min((one.until for one in found), default=kept.BEGINNING)
    rows, moved = 0, []
    for one in found:
        if one.ready and one.until > kept.BEGINNING:
            with scope.of(one.ref):
                rows += _delete(since=kept_by_some, until=one.until)
                if _move(first_whole_day(one.until, tenants.billing().zone), at=at):
                    moved.append(one.ref.slug)
    waiting = tuple(one.ref.slug for one in found if not one.ready)
    months = () if waiting else tuple(_detach(_months(before=kept_by_some)))
    return LetGo(months, tuple(moved), waiting, rows)


def _looked_at(ref: TenantRef, at: datetime) -> _Tenant:
    """How far back the tenant needs its hours. Rating of it waits from here on."""
    with scope.of(ref):
        chosen = BillingSettings.objects.first()
        months = chosen.usage_retention_months if chosen else None
        if months is None:
            return _Tenant(ref, kept.BEGINNING, ready=True)
        until = months_before(at, max(months, LEAST_MONTHS))
        marking.rest()
        rating.mark_repriced()
        kept_from = first_whole_day(until, tenants.billing().zone)
        return _Tenant(ref, until, ready=not DayToRate.objects.filter(day__lt=kept_from).exists())


def _delete(*, since: datetime, until: datetime) -> int:
    """Delete what is the tenant's own of hours before ``until``; how many rows that were.

    Usage before ``since`` goes with its month.
    """
    deleted = [
        Usage.objects.filter(bucket_start__gte=since, bucket_start__lt=until).delete()[0],
        ClassUsage.objects.filter(bucket_start__lt=until).delete()[0],
        PushedEvent.objects.filter(at__lt=until).delete()[0],
    ]
    old = UsageWindow.objects.filter(end__lte=until)
    # What was never read never will be: it must not hold the watermark back.
    old.filter(Q(through=None) | Q(through__lt=F("end"))).delete()
    old.exclude(due_at=None, lease=None).update(
        state=WindowState.COMPLETE, due_at=None, lease=None, leased_until=None
    )
    return sum(deleted)


def _move(kept_from: date, *, at: datetime) -> bool:
    """Say that the tenant's hours are kept from this day on; whether that is news."""
    rows = BillingSettings.objects.filter(
        Q(usage_kept_from=None) | Q(usage_kept_from__lt=kept_from)
    )
    before = BillingSettings.objects.values_list("usage_kept_from", flat=True).first()
    if not rows.update(usage_kept_from=kept_from):
        return False
    audit.record(
        "usage.let-go",
        "hourly usage",
        by=BY,
        at=at,
        before={"kept_from": before},
        after={"kept_from": kept_from},
    )
    return True


def _months(*, before: datetime) -> tuple[date, ...]:
    """The months that have a table and end at or before an instant."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD_MONTHS)
        held = [row[0] for row in cursor.fetchall()]
    return tuple(month for month in held if month < before.date())


def _detach(months: Iterable[date]) -> Iterator[date]:
    with connection.cursor() as cursor:
        for month in months:
            cursor.execute("SELECT billing_usage_let_go(%s)", [month])
            if cursor.fetchone()[0]:
                yield month

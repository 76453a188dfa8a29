"""The hours of a gateway's usage: which are to be read, by whom, and how each reading ended.

A worker takes the lease of a few hours in a row, reads them outside any transaction and stores
them with their new state in one. A lease that ran out is anybody's; who lost it can write nothing
more. So two workers, a task delivered twice or a worker that was killed change nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.db import connection
from django.db.models import Avg, Case, F, Max, Q, QuerySet, Value, When

from billing import kept
from billing.models import BillingSettings, UsageFeed, UsageWindow, WindowState
from billing.rules import windows as rules
from billing.rules.windows import FRESH, Lane
from billing.stored import Tally, hour_of
from inventory.models import UsageSource
from tenancy import audit, scope
from tenancy.refusals import Refused
from tenancy.runs import SILENCE, Contention

_HERE = Path(__file__)
_LAY_OUT = _HERE.with_name("lay_out_windows.sql").read_text()
_CLAIM = _HERE.with_name("claim_windows.sql").read_text()
_COMPLETE = _HERE.with_name("complete_windows.sql").read_text()
#: How failures are named that are no passing trouble: such an hour is taken alone the next time,
#: so that one bad hour does not keep others from being read.
LASTING = ("BadQuery", "Partial", "usage-totals-differ")
#: By how many of the last hours read their usual number of rows is told.
_RECENT = 48


class LeaseLost(Refused):
    code = "usage-window-taken-over"
    status = 409
    text = "Another worker has taken over hours of {gateway} from {start:%Y-%m-%d %H:%M} UTC on."


@dataclass(frozen=True, slots=True)
class Window:
    """One hour; the first may begin within it."""

    id: int
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """Hours in a row that one worker may read and store."""

    gateway: str
    token: uuid.UUID
    windows: tuple[Window, ...]

    @property
    def start(self) -> datetime:
        return self.windows[0].start

    @property
    def end(self) -> datetime:
        return self.windows[-1].end

    def halves(self) -> tuple[Lease, Lease]:
        """The earlier and the later half of its hours."""
        middle = len(self.windows) // 2
        first, second = self.windows[:middle], self.windows[middle:]
        return Lease(self.gateway, self.token, first), Lease(self.gateway, self.token, second)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which hours to take: a lane's due ones, or all of a span whether due or not; those that
    were set aside only where it is said.
    """

    since: datetime
    until: datetime
    unread: tuple[bool, ...] = (True, False)
    anyway: bool = False
    aside: bool = False


def code_of(error: Exception) -> str:
    """How a failure of this kind is named in the ledger."""
    return str(getattr(error, "code", type(error).__name__))[:64]


def lay_out(gateway_id: int, *, since: datetime, at: datetime) -> None:
    """Have a window for every hour of the gateway that has begun before ``at``."""
    with connection.cursor() as cursor:
        cursor.execute(
            _LAY_OUT,
            {"tenant": scope.tenant_id(), "gateway": gateway_id, "since": since, "at": at},
        )


def of_lane(lane: Lane, *, at: datetime) -> Wanted:
    """What a lane takes: fresh hours, older ones never read to their end, or older ones due
    again.
    """
    if lane is Lane.FRESH:
        return Wanted(at - FRESH, at)
    return Wanted(kept.BEGINNING, at - FRESH, unread=(lane is Lane.BACKLOG,))


def lanes_due(*, at: datetime) -> dict[int, frozenset[Lane]]:
    """By gateway of the tenant in scope, which lanes of older hours have something to read.

    An hour that another worker holds is not due.
    """
    unread = Q(through=None) | Q(through__lt=F("end"))
    due = UsageWindow.objects.filter(
        Q(lease=None) | Q(leased_until__lt=_now()), due_at__lte=at, start__lt=at - FRESH
    ).exclude(state=WindowState.QUARANTINED)
    lanes_due = due.annotate(unread=unread).values_list("gateway_id", "unread").distinct()
    found: dict[int, set[Lane]] = {}
    for gateway, first in lanes_due.order_by():
        found.setdefault(gateway, set()).add(Lane.BACKLOG if first else Lane.AGAIN)
    return {gateway: frozenset(lanes) for gateway, lanes in found.items()}


def claim(
    gateway: str,
    gateway_id: int,
    wanted: Wanted,
    *,
    at: datetime,
    after: datetime,
    most: int,
    contention: Contention,
) -> Lease | None:
    """Take the lease of the next hours in a row that begin after ``after``; None: there are none.

    Who gives way leaves hours that another worker holds; who takes over takes them from it.
    """
    token = uuid.uuid4()
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            {
                "tenant": scope.tenant_id(),
                "gateway": gateway_id,
                "since": max(wanted.since, kept.first_hour()),
                "until": wanted.until,
                "unread": list(wanted.unread),
                "anyway": wanted.anyway,
                "aside": wanted.aside,
                "lasting": list(LASTING),
                "take_over": contention is Contention.TAKE_OVER,
                "after": after,
                "at": at,
                "most": most,
                "lease": token,
                "seconds": SILENCE.total_seconds(),
            },
        )
        taken = tuple(sorted((Window(*row) for row in cursor.fetchall()), key=lambda w: w.start))
    return Lease(gateway, token, taken) if taken else None


def hold(lease: Lease) -> None:
    """Keep the lease for as long again.

    Raises:
        LeaseLost: it ran out and another worker has it.
    """
    if _leased(lease).update(leased_until=_now() + SILENCE) != len(lease.windows):
        raise LeaseLost(gateway=lease.gateway, start=lease.start)


def complete(
    lease: Lease,
    tallies: Mapping[datetime, Tally],
    *,
    source: UsageSource,
    look_back: timedelta,
    at: datetime,
) -> None:
    """Record that the leased hours have been stored, in the transaction that stored them.

    ``tallies`` are what `stored.replace` gives: every leased hour has one.

    Raises:
        LeaseLost: another worker has taken over; nothing may be stored.
        IntegrityError: what came in is not what is stored.
    """
    told = [tallies[hour_of(one.start)] for one in lease.windows]
    with connection.cursor() as cursor:
        cursor.execute(
            _COMPLETE,
            {
                "tenant": scope.tenant_id(),
                "lease": lease.token,
                "source": source.value,
                "at": at,
                "ids": [one.id for one in lease.windows],
                "due": [
                    rules.next_read(one.end, read_at=at, look_back=look_back)
                    for one in lease.windows
                ],
                "rows_read": [one.rows for one in told],
                "rows_changed": [one.changed for one in told],
                "calls_read": [one.calls_read for one in told],
                "calls_stored": [one.calls_stored for one in told],
                "tokens_read": [one.tokens_read for one in told],
                "tokens_stored": [one.tokens_stored for one in told],
            },
        )
        if cursor.rowcount != len(lease.windows):
            raise LeaseLost(gateway=lease.gateway, start=lease.start)


def split(lease: Lease) -> None:
    """Record that the source answered these hours in part: they are read in smaller pieces."""
    _leased(lease).update(state=WindowState.PARTIAL)


def release(lease: Lease) -> None:
    """Let go of hours that were not read after all."""
    before = Case(
        When(state=WindowState.PARTIAL, then=Value(WindowState.PARTIAL)),
        When(read_at=None, then=Value(WindowState.PENDING)),
        default=Value(WindowState.COMPLETE),
    )
    _leased(lease).update(state=before, lease=None, leased_until=None)


def fail(lease: Lease, error: Exception, *, after: float | None, at: datetime) -> None:
    """Record a failure of the leased hours and when they are tried again.

    ``after``: not before so many seconds. Trouble that lasts sets an hour aside after a few tries,
    if others of the gateway were read meanwhile: where nothing can be read, it is not the hour's
    fault.
    """
    code, rows = code_of(error), _leased(lease)
    lasting = code in LASTING
    for before in sorted(set(rows.values_list("failures", flat=True))):
        failures = before + 1
        aside = lasting and failures >= rules.MOST_FAILURES and _others_are_read(lease, at=at)
        rows.filter(failures=before).update(
            state=WindowState.QUARANTINED if aside else WindowState.FAILED,
            failures=failures,
            due_at=None if aside else rules.next_try(failures, at=at, after=after),
            lease=None,
            leased_until=None,
            error_code=code,
            error=str(error),
        )


def read_again(ids: Sequence[int], *, by: str, at: datetime) -> int:
    """Have windows of the tenant in scope read again now, set aside or not; how many there are."""
    rows = UsageWindow.objects.filter(id__in=list(ids)).select_related("gateway")
    names = [f"{row.gateway.name} {row.start:%Y-%m-%dT%H:%MZ}" for row in rows]
    rows.filter(state=WindowState.QUARANTINED).update(state=WindowState.PENDING, failures=0)
    changed = rows.update(due_at=at)
    if names:
        audit.record("usage.read_again", names[0], by=by, at=at, after={"windows": names})
    return changed


def due_again(gateway_id: int, instants: Sequence[datetime], *, at: datetime) -> None:
    """Have the hours that these instants lie in read at the next cycle."""
    hours = {hour_of(one) for one in instants}
    ends = [hour + rules.HOUR for hour in hours]
    rows = UsageWindow.objects.filter(gateway_id=gateway_id, end__in=ends)
    _make_due(rows.exclude(state=WindowState.QUARANTINED), at=at)


def due_within_look_back(gateway_id: int, *, at: datetime) -> None:
    """Have the hours of the look-back read at the next cycle: they may read differently now."""
    chosen = BillingSettings.objects.first() or BillingSettings()
    since = at - timedelta(hours=chosen.look_back_hours)
    rows = UsageWindow.objects.filter(gateway_id=gateway_id, end__gt=since, read_at__isnull=False)
    _make_due(rows.exclude(state=WindowState.QUARANTINED), at=at)


def due_from_another(
    gateway_id: int, source: UsageSource, *, since: datetime, at: datetime
) -> None:
    """Have hours that end after ``since`` and were read from another source read from this one."""
    rows = UsageWindow.objects.filter(gateway_id=gateway_id, end__gt=since)
    rows = rows.exclude(source__in=("", source)).exclude(state=WindowState.QUARANTINED)
    _make_due(rows.filter(Q(due_at=None) | Q(due_at__gt=at)), at=at)


def _make_due(rows: QuerySet[UsageWindow], *, at: datetime) -> None:
    """Held in one order, so that two who mark the same hours cannot wait for each other."""
    held = list(rows.order_by("id").select_for_update(no_key=True).values_list("id", flat=True))
    UsageWindow.objects.filter(id__in=held).update(due_at=at)


def sources_of(lease: Lease) -> frozenset[UsageSource]:
    """From where the leased hours were read before."""
    told = _leased(lease).exclude(source="").values_list("source", flat=True).distinct()
    return frozenset(map(UsageSource, told))


def watermark(gateway_id: int) -> datetime | None:
    """Before this instant usage of a gateway has been read without a gap; None: nothing yet."""
    rows = UsageWindow.objects.filter(gateway_id=gateway_id)
    first_gap = (
        rows.filter(Q(through=None) | Q(through__lt=F("end")))
        .order_by("start")
        .values_list("start", "through")
        .first()
    )
    if first_gap is None:
        last: datetime | None = rows.aggregate(last=Max("end"))["last"]
        return last
    start, through = first_gap
    if through is None and not rows.filter(start__lt=start).exists():
        return None
    return through or start


def advance(gateway_id: int) -> None:
    """Move the gateway's watermark to where it can be; it never goes back."""
    reached = watermark(gateway_id)
    if reached is None:
        return
    feed, _ = UsageFeed.objects.get_or_create(gateway_id=gateway_id, defaults={"through": reached})
    UsageFeed.objects.filter(pk=feed.pk, through__lt=reached).update(through=reached)


def usual_rows(gateway_id: int, *, before: datetime) -> int:
    """How many rows an hour of the gateway has had of late."""
    recent = UsageWindow.objects.filter(
        gateway_id=gateway_id, start__gte=before - rules.HOUR * _RECENT, reads__gt=0
    )
    return int(recent.aggregate(usual=Avg("rows_read"))["usual"] or 0)


def _others_are_read(lease: Lease, *, at: datetime) -> bool:
    """Whether an hour of the same gateway was read since about the last try of these."""
    ids = [one.id for one in lease.windows]
    others = UsageWindow.objects.filter(
        gateway__windows__id=ids[0], read_at__gt=at - rules.LAST_WAIT
    )
    return others.exclude(id__in=ids).exists()


def _leased(lease: Lease) -> QuerySet[UsageWindow]:
    return UsageWindow.objects.filter(id__in=[one.id for one in lease.windows], lease=lease.token)


def _now() -> datetime:
    """The database's clock: leases of several machines are compared."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found

"""What a gateway's source says of a local day, beside what is stored of it, and why they differ.

The source is asked for its own sums, by another query than the one that reads. Where they differ
the day is looked into down to the hour: what was not read, failed or was set aside; what changed
at the source since, which reading the hour once more proves; what was let go. The rest has no
explanation, and is a finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any  # Any: what JSON holds

from billing import kept, sources, stored
from billing.models import SourceComparison, UsageWindow, WindowState
from billing.rules import differences
from billing.rules.differences import Part, Reason, Sums, Why
from billing.rules.windows import HOUR
from billing.sources.seam import Source
from billing.stored import Held, hour_of
from connectors.failures import Partial
from inventory import gateways
from inventory.gateways import GatewayRef
from inventory.models import UsageSource
from tenancy import access, periods, runs, scope, tenants
from tenancy.access import Actor
from tenancy.refusals import Invalid
from tenancy.runs import Contention, Recorded
from tenancy.scope import TenantRef

if TYPE_CHECKING:
    from django.db.models import QuerySet

STEP = "compare_usage"
#: The worker's task that compares a gateway's days.
TASK = "billing.compare_gateway_usage"
#: How many local days are compared every day, and the most that are at once.
LATEST_DAYS = 7
MOST_DAYS = 92
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Compared:
    """A local day of a gateway: the source's sums, what is stored, and what explains the rest."""

    gateway: str
    day: date
    compared_at: datetime
    source: UsageSource
    of_source: Sums
    of_stored: Sums
    reasons: tuple[Mapping[str, Any], ...]

    @property
    def difference(self) -> Sums:
        """By how much the source has more."""
        return self.of_source.minus(self.of_stored)

    @property
    def agrees(self) -> bool:
        return self.difference == Sums()

    @property
    def unexplained(self) -> bool:
        """Whether a part of the difference has no explanation."""
        return any(reason["kind"] == Why.UNEXPLAINED for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class _Plan:
    tenant: TenantRef
    gateway: GatewayRef
    source: Source
    zone: str
    bucket: timedelta
    kept_from: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class _Hour:
    """An hour, or the part of it that lies in the day, as it is held.

    ``why`` None: its reading succeeded, and ``read`` is what it brought to the whole hour.
    """

    start: datetime
    end: datetime
    stored: Sums
    whole: Sums
    read: Sums
    why: Why | None
    about: str


def compare(
    tenant: TenantRef,
    gateway: str,
    first: date,
    last: date,
    *,
    at: datetime,
    contention: Contention,
) -> tuple[Compared, ...]:
    """Compare one gateway's local days from ``first`` to ``last`` with its source, and keep it.

    A day that is running is compared up to ``at``; one that has not begun, or that lies before
    the gateway's usage begins, is left out. Not inside a transaction.

    Raises:
        Invalid: the last day is before the first, or there are too many.
        NotFound: the tenant has no such gateway.
        Busy, Superseded: another run of this step has the gateway.
        ConnectorError: the source refused or was unreachable; days compared before that stay.
    """
    require(first, last)
    with scope.of(tenant):
        plan = _plan(tenant, gateways.named(gateway), at)
    found = []
    with runs.of_tenant(tenant, STEP, gateway, contention=contention) as run:
        for number in range((last - first).days + 1):
            one = _day(plan, first + number * _DAY, run)
            if one is not None:
                found.append(one)
                run.count(read=1)
        run.note(
            days_that_differ=sum(not one.agrees for one in found),
            days_unexplained=sum(one.unexplained for one in found),
        )
    return tuple(found)


def require(first: date, last: date) -> None:
    """Let only spans of days pass that can be compared at once.

    Raises:
        Invalid: the last day is before the first, or there are too many.
    """
    if not timedelta() <= last - first < MOST_DAYS * _DAY:
        raise Invalid(field="to", fix=f"Give a day not before the first, at most {MOST_DAYS} days.")


def latest(*, at: datetime) -> tuple[date, date]:
    """The first and the last of the whole local days of the tenant in scope that are compared
    daily."""
    today = periods.local_day(at, tenants.billing().zone)
    return today - LATEST_DAYS * _DAY, today - _DAY


def listed(
    actor: Actor, *, gateway: str = "", first: date | None = None, last: date | None = None
) -> QuerySet[SourceComparison]:
    """The comparisons that an actor may see, newest day first; of a gateway, and of days."""
    rows = access.many(SourceComparison, actor).select_related("gateway")
    if gateway:
        rows = rows.filter(gateway__name=gateway)
    if first:
        rows = rows.filter(day__gte=first)
    if last:
        rows = rows.filter(day__lte=last)
    return rows.order_by("-day", "gateway__name")


def unexplained(actor: Actor) -> tuple[Compared, ...]:
    """The days of which something is unexplained, newest first."""
    rows = listed(actor).filter(reasons__contains=[{"kind": Why.UNEXPLAINED.value}])
    return tuple(of(row) for row in rows)


def differing(rows: QuerySet[SourceComparison]) -> QuerySet[SourceComparison]:
    """Those of them that have anything to tell: a difference, or tokens in no class."""
    return rows.exclude(reasons=[])


def of(row: SourceComparison) -> Compared:
    """A comparison as it was kept."""
    return Compared(
        gateway=row.gateway.name,
        day=row.day,
        compared_at=row.compared_at,
        source=UsageSource(row.source),
        of_source=Sums(row.calls_source, row.tokens_source),
        of_stored=Sums(row.calls_stored, row.tokens_stored),
        reasons=tuple(row.reasons),
    )


def _plan(tenant: TenantRef, ref: GatewayRef, at: datetime) -> _Plan:
    billing = tenants.billing()
    return _Plan(
        tenant=tenant,
        gateway=ref,
        source=sources.of(ref.usage_source),
        zone=billing.zone,
        bucket=billing.bucket(around=at),
        kept_from=kept.since(),
        at=at,
    )


def _day(plan: _Plan, day: date, run: Recorded) -> Compared | None:
    """Compare one day: what is held first, then the source, hour by hour where they differ."""
    start = max(periods.midnight(day, plan.zone), plan.gateway.usage_from)
    end = min(periods.midnight(day + _DAY, plan.zone), plan.at)
    if start >= end:
        return None
    with scope.of(plan.tenant):
        hours, unclassified = _held(plan, start, end)
    source, parts = Sums(), list[Part]()
    for _, group in groupby(hours, key=lambda hour: hour.why):
        alike = list(group)
        said = _totals(plan, alike[0].start, alike[-1].end)
        source = source.plus(said)
        parts += _parts(plan, alike, said)
    reasons = differences.told(parts, unclassified=unclassified, first=start)
    with scope.of(plan.tenant):
        run.hold()
        return _kept(plan, day, source, _sum(hours), reasons)


def _held(plan: _Plan, start: datetime, end: datetime) -> tuple[list[_Hour], int]:
    """The hours of a span as they are held, and how many tokens of it are in no class."""
    first, last = hour_of(start), hour_of(end - timedelta(microseconds=1)) + HOUR
    buckets = stored.held(plan.gateway.id, start=first, end=last, classes=plan.source.classes)
    windows = {
        hour_of(row.start): row
        for row in UsageWindow.objects.filter(
            gateway_id=plan.gateway.id, start__gte=first, start__lt=last
        )
    }
    hours, unclassified, at = list[_Hour](), 0, first
    while at < last:
        piece = (max(at, start), min(at + HOUR, end))
        inside = [buckets[one] for one in buckets if piece[0] <= one < piece[1]]
        whole = [buckets[one] for one in buckets if at <= one < at + HOUR]
        hours.append(_hour(plan, windows.get(at), piece, _added(inside), _added(whole)))
        unclassified += sum(one.unclassified for one in inside)
        at += HOUR
    return hours, unclassified


def _hour(
    plan: _Plan,
    window: UsageWindow | None,
    piece: tuple[datetime, datetime],
    stored: Sums,
    whole: Sums,
) -> _Hour:
    why, about = _standing(plan, window, *piece)
    read = Sums(window.calls_stored, window.tokens_stored) if window else Sums()
    if why is None and window is not None and window.read_at is not None:
        about = f"{window.read_at:%d %b %H:%M} UTC"
    return _Hour(*piece, stored=stored, whole=whole, read=read, why=why, about=about)


def _standing(
    plan: _Plan, window: UsageWindow | None, start: datetime, end: datetime
) -> tuple[Why | None, str]:
    """What there is to say of how an hour was read; None: nothing, it was read whole."""
    if start < plan.kept_from:
        return Why.LET_GO, ""
    if window is None:
        return Why.UNREAD, ""
    if window.state == WindowState.FAILED:
        return Why.FAILED, window.error_code
    if window.state == WindowState.QUARANTINED:
        return Why.SET_ASIDE, window.error_code
    if window.through is None or window.through < end:
        return Why.UNREAD, ""
    if window.source != plan.gateway.usage_source:
        return Why.OTHER_SOURCE, UsageSource(window.source).label
    return None, ""


def _parts(plan: _Plan, hours: Sequence[_Hour], said: Sums) -> Iterator[Part]:
    """What explains by how much the source's sum of hours that stand alike is another."""
    difference = said.minus(_sum(hours))
    if difference == Sums():
        return
    why = hours[0].why
    if why is not None:
        about = ", ".join(dict.fromkeys(hour.about for hour in hours if hour.about))
        yield Part(why, hours[0].start, len(hours), difference, about)
        return
    found = list(_looked_into(plan, hours, said))
    yield from found
    rest = difference
    for part in found:
        rest = rest.minus(part.sums)
    if rest != Sums():
        says = "the source answered otherwise when asked again"
        yield Part(Why.UNEXPLAINED, hours[0].start, len(hours), rest, says)


def _looked_into(plan: _Plan, hours: Sequence[_Hour], said: Sums) -> Iterator[Part]:
    """The hours that differ, found by halves."""
    if said == _sum(hours):
        return
    if len(hours) == 1:
        yield from _of_hour(plan, hours[0], said)
        return
    middle = len(hours) // 2
    for half in (hours[:middle], hours[middle:]):
        yield from _looked_into(plan, half, _totals(plan, half[0].start, half[-1].end))


def _of_hour(plan: _Plan, hour: _Hour, said: Sums) -> Iterator[Part]:
    """What reading one hour once more says of its difference."""
    try:
        rows = plan.source.read(
            plan.tenant, plan.gateway, start=hour.start, end=hour.end, bucket=plan.bucket
        )
    except Partial:
        again = None
    else:
        again = Sums(sum(row.counts[0] for row in rows), sum(row.total for row in rows))
    # Control totals are of whole hours: of a part of one they only say that nothing was lost.
    read = hour.read if hour.end - hour.start == HOUR else hour.stored
    if read == hour.stored and hour.read != hour.whole:
        read = again or hour.stored
    yield from differences.parts_of_hour(
        hour.start, source=said, reread=again, read=read, stored=hour.stored, read_at=hour.about
    )


def _totals(plan: _Plan, start: datetime, end: datetime) -> Sums:
    """The source's own sums; where it does not answer in full, those of each half."""
    try:
        said = plan.source.totals(plan.tenant, plan.gateway, start=start, end=end)
    except Partial:
        if end - start <= HOUR:
            raise
        middle = max(hour_of(start + (end - start) / 2), hour_of(start) + HOUR)
        return _totals(plan, start, middle).plus(_totals(plan, middle, end))
    return Sums(said.calls, said.tokens)


def _sum(hours: Sequence[_Hour]) -> Sums:
    return _added([hour.stored for hour in hours])


def _added(parts: Sequence[Held | Sums]) -> Sums:
    return Sums(sum(one.calls for one in parts), sum(one.tokens for one in parts))


def _kept(
    plan: _Plan, day: date, source: Sums, stored: Sums, reasons: Sequence[Reason]
) -> Compared:
    row, _ = SourceComparison.objects.update_or_create(
        tenant_id=scope.tenant_id(),
        gateway_id=plan.gateway.id,
        day=day,
        defaults={
            "compared_at": plan.at,
            "source": plan.gateway.usage_source,
            "calls_source": source.calls,
            "calls_stored": stored.calls,
            "tokens_source": source.tokens,
            "tokens_stored": stored.tokens,
            "reasons": [reason.plain() for reason in reasons],
        },
    )
    return of(row)

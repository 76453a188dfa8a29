"""Usage: hours are read from their gateway's source, and stored so that nothing is lost or twice.

The source's records stay where they are; it is asked for hourly sums. Hours are taken by lease,
read outside any transaction and replaced whole in one that also records their state and moves the
watermark, so that a repeat changes nothing and a crash loses nothing. What comes late is caught by
reading again. An answer that is not whole is asked for again in halves, down to a minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from billing import kept, sources, stored, windows
from billing.models import BillingSettings, UsageFeed
from billing.rules import windows as rules
from billing.rules.token_classes import TokenClass
from billing.rules.windows import HOUR, Lane
from billing.sources.seam import Hour, Source
from billing.windows import Lease, Wanted
from connectors.failures import ConnectorError, Partial
from inventory import gateways
from inventory.gateways import GatewayRef
from tenancy import runs, scope, tenants
from tenancy.refusals import Refused
from tenancy.runs import Contention, Recorded
from tenancy.scope import TenantRef

STEP = "sync_usage"
#: The most hours, and about the most rows, that are asked for at once: a worker's memory.
LONGEST_WINDOW = timedelta(days=7)
MOST_ROWS = 50_000
#: The shortest piece that is asked for when an answer is not whole.
SHORTEST = timedelta(minutes=1)
#: How many answers in a row that are not whole a run bears before it takes the source to be in
#: trouble; from a week down to a minute it takes fifteen.
MOST_PARTIAL = 20
#: How many times a lane takes hours before it lets others have the worker.
MOST_TURNS = 12


class TotalsDiffer(Refused):
    code = "usage-totals-differ"
    status = 409
    text = (
        "What was read of {gateway} from {start:%Y-%m-%d %H:%M} UTC on is not what would be stored:"
        " {read} tokens and {stored}. Nothing was changed."
    )


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is asked for at once, in hours and about in rows; how many turns a lane has, and
    how many answers in a row need not be whole.
    """

    longest_window: timedelta = LONGEST_WINDOW
    most_rows: int = MOST_ROWS
    most_turns: int = MOST_TURNS
    most_partial: int = MOST_PARTIAL


_USUAL = Pace()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be read, and how: the gateway, its source, and the bucket of time."""

    tenant: TenantRef
    gateway: GatewayRef
    source: Source
    bucket: timedelta
    look_back: timedelta
    at: datetime
    wanted: tuple[Wanted, ...]
    most_hours: int
    most_turns: int | None


class _Overwhelmed(Partial):
    """Nothing is whole, however small: the source is in trouble, and no hour is to blame."""

    code = Partial.__name__


@dataclass(slots=True)
class _Done:
    """What a run has come to so far."""

    run: Recorded
    most_partial: int
    changed: int = 0
    unclassified: int = 0
    left_out: int = 0
    troubles: list[ConnectorError] = field(default_factory=list)
    since: datetime | None = None
    partial: int = 0

    def bear(self, error: Partial) -> None:
        """Count an answer that is not whole; too many are no matter of size."""
        self.partial += 1
        if self.partial > self.most_partial:
            says = f"{self.most_partial} answers in a row were not whole; the last one: {error}"
            raise _Overwhelmed(says, service=error.service)


def sync(
    tenant: TenantRef,
    gateway: str,
    *,
    at: datetime,
    contention: Contention,
    lane: Lane | None = None,
    span: tuple[datetime, datetime] | None = None,
    pace: Pace = _USUAL,
) -> int:
    """Read one gateway's usage up to ``at`` and give the number of rows that changed.

    Without a lane what was never read or is due is read, and the whole look-back again; of a lane
    what is due, and that stops after a few turns. Of a ``span`` every hour that it touches is read
    again whatever its state, those that were set aside too; nothing else is.

    Raises:
        NotFound: the tenant has no such gateway.
        Busy, Superseded: another run of this step has the gateway.
        LeaseLost: another worker has taken over hours that this one was reading.
        Partial: an hour was answered in part even by the minute; it is tried again later.
        TotalsDiffer: not everything that came in would have been stored; nothing of it was.
        ConnectorError: the source refused or was unreachable; hours stored before that stay.
    """
    with scope.of(tenant):
        plan = _plan(tenant, gateways.named(gateway), lane, span, pace, at=at)
        since = max(plan.gateway.usage_from, kept.first_hour())
        windows.lay_out(plan.gateway.id, since=since, at=at)
        windows.due_from_another(
            plan.gateway.id, plan.gateway.usage_source, since=at - plan.look_back, at=at
        )
    with runs.of_tenant(tenant, STEP, _subject(gateway, lane), contention=contention) as run:
        done = _Done(run, pace.most_partial)
        for wanted in plan.wanted:
            for lease in _leases(plan, wanted, contention):
                with _released(plan, lease):
                    _read(plan, lease, done)
        if done.unclassified:
            run.note(tokens_not_in_a_class=done.unclassified)
        if done.left_out:
            run.note(tokens_beyond_their_whole=done.left_out)
        if done.troubles:
            raise done.troubles[0]
    return done.changed


def through(gateway_id: int) -> datetime | None:
    """Usage before this instant has been read, without a gap, for a gateway of the tenant in
    scope."""
    feed = UsageFeed.objects.filter(gateway_id=gateway_id).first()
    return feed.through if feed else None


def _subject(gateway: str, lane: Lane | None) -> str:
    """Lanes are runs of their own: they may be under way side by side."""
    return gateway if lane in (None, Lane.FRESH) else f"{gateway} {lane}"


def _plan(
    tenant: TenantRef,
    ref: GatewayRef,
    lane: Lane | None,
    span: tuple[datetime, datetime] | None,
    pace: Pace,
    *,
    at: datetime,
) -> Plan:
    chosen = BillingSettings.objects.first() or BillingSettings()
    look_back = timedelta(hours=chosen.look_back_hours)
    return Plan(
        tenant=tenant,
        gateway=ref,
        source=sources.of(ref.usage_source),
        bucket=tenants.billing().bucket(around=at),
        look_back=look_back,
        at=at,
        wanted=_wanted(ref, lane, span, look_back, at=at),
        most_hours=rules.hours_at_once(
            windows.usual_rows(ref.id, before=at),
            most_rows=pace.most_rows,
            most_hours=pace.longest_window // HOUR,
        ),
        most_turns=None if lane is None else pace.most_turns,
    )


def _wanted(
    ref: GatewayRef,
    lane: Lane | None,
    span: tuple[datetime, datetime] | None,
    look_back: timedelta,
    *,
    at: datetime,
) -> tuple[Wanted, ...]:
    if span is not None:
        return (Wanted(stored.hour_of(span[0]), min(span[1], at), anyway=True, aside=True),)
    if lane is not None:
        return (windows.of_lane(lane, at=at),)
    again = stored.hour_of((through(ref.id) or ref.usage_from) - look_back)
    return (
        Wanted(kept.BEGINNING, again, unread=(True,), anyway=True),
        Wanted(kept.BEGINNING, again, unread=(False,)),
        Wanted(again, at, anyway=True),
    )


def _leases(plan: Plan, wanted: Wanted, contention: Contention) -> Iterator[Lease]:
    """The hours to read, a few in a row at a time, oldest first."""
    after, turns = kept.BEGINNING, 0
    while plan.most_turns is None or turns < plan.most_turns:
        with scope.of(plan.tenant):
            lease = windows.claim(
                plan.gateway.name,
                plan.gateway.id,
                wanted,
                at=plan.at,
                after=after,
                most=plan.most_hours,
                contention=contention,
            )
        if lease is None:
            return
        yield lease
        after, turns = lease.windows[-1].start, turns + 1


@contextmanager
def _released(plan: Plan, lease: Lease) -> Iterator[None]:
    """Let go of what has not been read when something fails: others need not wait."""
    try:
        yield
    except (ConnectorError, Refused):
        with scope.of(plan.tenant):
            windows.release(lease)
        raise


def _read(plan: Plan, lease: Lease, done: _Done) -> None:
    """Read and store leased hours; if the answer is not whole, each half by itself."""
    _hold(plan, lease, done)
    try:
        hours = _asked(plan, done, lease.start, lease.end)
    except Partial as error:
        with scope.of(plan.tenant):
            windows.split(lease)
        done.bear(error)
        _read_halves(plan, lease, done)
    except ConnectorError as error:
        _failed(plan, lease, error)
        raise
    else:
        _store(plan, lease, hours, done)


def _read_halves(plan: Plan, lease: Lease, done: _Done) -> None:
    if len(lease.windows) > 1:
        for half in lease.halves():
            _read(plan, half, done)
        return
    try:
        hours = list(_by_the_minute(plan, lease, done, (lease.start, min(lease.end, plan.at))))
    except _Overwhelmed:
        raise
    except Partial as smallest:
        _failed(plan, lease, smallest)
        done.troubles.append(smallest)
    except ConnectorError as trouble:
        _failed(plan, lease, trouble)
        raise
    else:
        _store(plan, lease, hours, done)


def _by_the_minute(
    plan: Plan, lease: Lease, done: _Done, piece: tuple[datetime, datetime]
) -> Iterator[Hour]:
    """The rows of a part of an hour, in pieces down to a minute; pieces are added when stored."""
    _hold(plan, lease, done)
    middle = rules.cut(*piece, SHORTEST)
    if middle is None:
        yield from _asked(plan, done, *piece)
        return
    for half in ((piece[0], middle), (middle, piece[1])):
        try:
            yield from _asked(plan, done, *half)
        except Partial as error:
            done.bear(error)
            if rules.cut(*half, SHORTEST) is None:
                raise
            yield from _by_the_minute(plan, lease, done, half)


def _asked(plan: Plan, done: _Done, start: datetime, end: datetime) -> Sequence[Hour]:
    hours = plan.source.read(
        plan.tenant, plan.gateway, start=start, end=min(end, plan.at), bucket=plan.bucket
    )
    done.partial = 0
    return hours


def _hold(plan: Plan, lease: Lease, done: _Done) -> None:
    """Keep the run and the lease for as long again: reading in many pieces takes its time."""
    with scope.of(plan.tenant):
        done.run.hold()
        windows.hold(lease)


def _store(plan: Plan, lease: Lease, hours: Sequence[Hour], done: _Done) -> None:
    try:
        with scope.of(plan.tenant):
            done.run.hold()
            windows.hold(lease)
            tallies = _replaced(plan, lease, hours)
            windows.complete(
                lease,
                tallies,
                source=plan.gateway.usage_source,
                look_back=plan.look_back,
                at=plan.at,
            )
            windows.advance(plan.gateway.id)
    except TotalsDiffer as error:
        _failed(plan, lease, error)
        raise
    changed = sum(one.changed for one in tallies.values())
    done.since = done.since or lease.start
    done.run.window(min(done.since, lease.start), min(lease.end, plan.at))
    done.run.count(read=len(hours), written=changed)
    done.changed += changed
    done.left_out += sum(hour.left_out for hour in hours)
    done.unclassified += sum(
        count for hour in hours for one, count in hour.further if one is TokenClass.UNCLASSIFIED
    )


def _replaced(plan: Plan, lease: Lease, hours: Sequence[Hour]) -> dict[datetime, stored.Tally]:
    """Replace what is stored of the leased hours, also what another source told of them before.

    Raises:
        TotalsDiffer: what came in is not what is stored; the transaction must not commit.
    """
    told_before = (sources.of(kind).classes for kind in windows.sources_of(lease))
    tallies = stored.replace(
        plan.gateway.id,
        hours,
        start=stored.hour_of(lease.start),  # a bucket may begin before the usage that counts
        end=lease.end,
        classes=plan.source.classes.union(*told_before),
        at=plan.at,
    )
    for one in tallies.values():
        if (one.calls_read, one.tokens_read) != (one.calls_stored, one.tokens_stored):
            raise TotalsDiffer(
                gateway=plan.gateway.name,
                start=lease.start,
                read=one.tokens_read,
                stored=one.tokens_stored,
            )
    return tallies


def _failed(plan: Plan, lease: Lease, error: ConnectorError | TotalsDiffer) -> None:
    with scope.of(plan.tenant):
        windows.fail(lease, error, after=getattr(error, "after", None), at=plan.at)

"""Whatever late rows, repeats, crashes and rivals there are in whatever order: the same totals.

The source is one in memory, the database is the real one. What must come out is what a naive
reckoning of the raw calls says, a dict of whole numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import sources, usage, windows
from billing.rules.token_classes import TokenClass
from billing.rules.windows import HOUR, Lane
from billing.sources.seam import NO_CALLS, Hour, Totals
from billing.usage import Pace
from connectors.failures import BadQuery, Partial, Service, Transient
from inventory.gateways import GatewayRef
from inventory.models import Gateway, UsageSource
from inventory.rules.dimensions import Dimension
from portal.embedded import Role
from tenancy import scope
from tenancy.refusals import Refused
from tenancy.runs import Contention
from tenancy.scope import TenantRef
from tests import bed
from tests.flows.lapses import all_is_silent, leases_run_out
from tests.flows.steps import rows
from tests.world import World

#: India: an hour of UTC has two buckets, and usage begins in the middle of one.
BEGIN = datetime(2026, 11, 17, 18, 30, tzinfo=UTC)
NOW = datetime(2026, 11, 19, 6, 10, tzinfo=UTC)
#: Few rows and hours at once, so that there are many turns.
PACE = Pace(most_rows=20, longest_window=timedelta(hours=9))
CLASSES = ("input_tokens", "output_tokens", "long_input", "requests")
Totalled = dict[tuple[datetime, str, str, str], int]


class Killed(Exception):
    """The worker is gone: nothing after this happens, and nothing is tidied up."""


@dataclass(frozen=True)
class Call:
    """One call as the raw log has it."""

    at: datetime
    known_at: datetime
    subscription: str
    deployment: str
    prompt: int
    completion: int

    @property
    def is_long(self) -> bool:
        return self.prompt > 900


@dataclass
class Log:
    """A source that answers as it is told to: whole, in part, or not at all."""

    calls: list[Call] = field(default_factory=list)
    now: datetime = NOW
    most: int = 1_000_000
    troubles: list[Exception] = field(default_factory=list)
    meanwhile: list[Callable[[], None]] = field(default_factory=list)
    kind = UsageSource.LLM_LOG
    tells = frozenset[Dimension]()
    counts = frozenset({"requests", "successful_requests"})
    classes = frozenset({TokenClass.LONG_INPUT})

    def read(
        self,
        tenant: TenantRef,
        gateway: GatewayRef,
        *,
        start: datetime,
        end: datetime,
        bucket: timedelta,
    ) -> Sequence[Hour]:
        """The calls that are known by now, each a row of its own."""
        found = [one for one in self._known() if start <= one.at < end]
        if self.meanwhile:
            self.meanwhile.pop()()
        if self.troubles:
            raise self.troubles.pop()
        if len(found) > self.most and end - start > timedelta(minutes=1):
            raise Partial("too many", service=Service.LOG_ANALYTICS)
        return [self._row(one, bucket) for one in found]

    def totals(
        self, tenant: TenantRef, gateway: GatewayRef, *, start: datetime, end: datetime
    ) -> Totals:
        """As the seam has it."""
        found = [one for one in self._known() if start <= one.at < end]
        return Totals(len(found), sum(one.prompt + one.completion for one in found))

    def reckoned(self, until: datetime) -> Totalled:
        """By half hour, subscription, deployment and class: what there is to be read."""
        total: Counter[tuple[datetime, str, str, str]] = Counter()
        for one in self._known():
            if BEGIN <= one.at < until:
                half = one.at.replace(minute=one.at.minute // 30 * 30, second=0)
                place = (half, one.subscription, one.deployment)
                total[*place, "long_input" if one.is_long else "input_tokens"] += one.prompt
                total[*place, "output_tokens"] += one.completion
                total[*place, "requests"] += 1
        return {key: count for key, count in total.items() if count}

    def _known(self) -> list[Call]:
        return [one for one in self.calls if one.known_at <= self.now]

    def _row(self, one: Call, bucket: timedelta) -> Hour:
        start = one.at - (one.at - datetime(2026, 1, 1, tzinfo=UTC)) % bucket
        return Hour(
            start=start,
            subscription=one.subscription,
            host="ai.example",
            deployment=one.deployment,
            tokens=(0 if one.is_long else one.prompt, 0, one.completion, 0),
            counts=(1, 1, *NO_CALLS[2:]),
            total=one.prompt + one.completion,
            further=((TokenClass.LONG_INPUT, one.prompt),) if one.is_long else (),
        )


@dataclass
class Reader:
    """One tenant's gateway, read from such a log while the clock goes on."""

    tenant: TenantRef
    gateway: str
    log: Log

    def advance(self, by: timedelta) -> None:
        self.log.now += by

    def ingest(self, age: int, minute: int, prompt: int, late: int) -> None:
        """A call of some hours ago that becomes known only some hours from now."""
        at = (self.log.now - timedelta(hours=age)).replace(minute=minute, second=7)
        name = f"key-{prompt % 3}"
        known = self.log.now + timedelta(hours=late)
        self.log.calls.append(Call(at, known, name, f"model-{minute % 2}", prompt, prompt // 7))

    def read(
        self,
        lane: Lane | None = None,
        contention: Contention = Contention.GIVE_WAY,
        span: tuple[datetime, datetime] | None = None,
    ) -> int:
        return usage.sync(
            self.tenant,
            self.gateway,
            at=self.log.now,
            contention=contention,
            lane=lane,
            span=span,
            pace=PACE,
        )

    def try_to_read(self, lane: Lane | None, contention: Contention) -> None:
        """As a worker does: whatever goes wrong, another turn comes."""
        with suppress(Refused, Partial, BadQuery, Transient, Killed):
            self.read(lane, contention)

    def settle(self) -> None:
        """A day and an hour pass in peace; the lanes are read as beat has it, until nothing is
        due.
        """
        self.log.troubles.clear()
        self.log.meanwhile.clear()
        all_is_silent()
        self.advance(timedelta(hours=25))
        self.read(Lane.FRESH)
        for _ in range(40):
            with scope.of(self.tenant):
                due = windows.lanes_due(at=self.log.now)
            lanes = {lane for found in due.values() for lane in found}
            if not lanes:
                return
            for lane in sorted(lanes):
                self.read(lane)
            # What was read at this very instant may be due again within the same cycle.
            self.advance(timedelta(seconds=1))
            if lanes == {Lane.AGAIN} and self._only_just_due():
                return
        raise AssertionError("there is always more to read")

    def held(self) -> Totalled:
        """By half hour, subscription, deployment and class: what is stored."""
        found = rows(
            "SELECT used.bucket_start, subscription.name, deployment.name, told.class, told.count"
            "  FROM billing_usage used"
            "  JOIN inventory_subscription subscription ON subscription.id = used.subscription_id"
            "  JOIN inventory_deployment deployment ON deployment.id = used.deployment_id"
            " CROSS JOIN LATERAL (VALUES ('input_tokens', used.input_tokens),"
            "       ('output_tokens', used.output_tokens), ('requests', used.requests))"
            "       AS told (class, count)"
            " WHERE used.tenant_id = %s AND told.count > 0"
            " UNION ALL "
            "SELECT used.bucket_start, subscription.name, deployment.name, used.token_class,"
            "       used.quantity::bigint"
            "  FROM billing_classusage used"
            "  JOIN inventory_subscription subscription ON subscription.id = used.subscription_id"
            "  JOIN inventory_deployment deployment ON deployment.id = used.deployment_id"
            " WHERE used.tenant_id = %s",
            self.tenant.id,
            self.tenant.id,
        )
        return {(at.astimezone(UTC), *names, told): n for at, *names, told, n in found}

    def unsound(self) -> list[tuple[Any, ...]]:
        """Windows that are not whole, or of which something is missing."""
        return rows(
            "SELECT start, state, failures, lease FROM billing_usagewindow WHERE tenant_id = %s"
            " AND (state <> 'complete' OR lease IS NOT NULL OR calls_read <> calls_stored)",
            self.tenant.id,
        )

    def _only_just_due(self) -> bool:
        """Whether what is due is the hour that goes over from the fresh ones."""
        with scope.of(self.tenant):
            wanted = windows.of_lane(Lane.AGAIN, at=self.log.now)
        found = rows(
            "SELECT count(*) FROM billing_usagewindow WHERE tenant_id = %s AND due_at <= %s"
            " AND start < %s AND start < %s",
            self.tenant.id,
            self.log.now,
            wanted.until,
            wanted.until - HOUR,
        )
        return bool(found[0][0] == 0)


@pytest.fixture
def reader(committed_world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """Fabrikam's gateway with its log; nothing read yet."""
    log, place = Log(), committed_world.fabrikam
    monkeypatch.setitem(sources._SOURCES, UsageSource.LLM_LOG, log)
    with scope.of(place.ref):
        Gateway.objects.update(usage_from=BEGIN)
    _forget(place.ref)
    yield Reader(place.ref, place.gateway.name, log)
    all_is_silent()


def _forget(tenant: TenantRef) -> None:
    with psycopg.connect(bed.url(Role.SUPERUSER)) as connection:
        for table in ("usagewindow", "usagefeed", "classusage", "usage", "daytorate"):
            connection.execute(
                f"DELETE FROM billing_{table} WHERE tenant_id = {tenant.id}".encode()
            )
        connection.execute(f"DELETE FROM tenancy_run WHERE tenant_id = {tenant.id}".encode())


def _crash_in_store(reader: Reader) -> None:
    """The worker is killed when all is written and nothing committed."""

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "advance", killed)
        reader.try_to_read(None, Contention.TAKE_OVER)


def _crash_after_read(reader: Reader) -> None:
    reader.log.troubles.append(Killed())
    reader.try_to_read(None, Contention.TAKE_OVER)


def _rival(reader: Reader) -> None:
    """While one waits for its answer its leases run out, and another reads the same hours."""

    def other() -> None:
        leases_run_out()
        reader.try_to_read(Lane.BACKLOG, Contention.GIVE_WAY)
        reader.try_to_read(Lane.AGAIN, Contention.GIVE_WAY)

    reader.log.meanwhile.append(other)
    reader.try_to_read(None, Contention.GIVE_WAY)


def _connection_lost(reader: Reader) -> None:
    """The database ends the worker's connections while it waits for its answer."""

    def lost() -> None:
        rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = %s",
            str(Role.APP),
        )

    reader.log.meanwhile.append(lost)
    with suppress(DatabaseError):
        reader.try_to_read(None, Contention.TAKE_OVER)
    connections.close_all()  # as a worker does after every task


def _trouble(reader: Reader) -> None:
    reader.log.troubles.append(Transient("busy", service=Service.LOG_ANALYTICS, after=30.0))


def _partial(reader: Reader) -> None:
    reader.log.troubles += [Partial("cut short", service=Service.LOG_ANALYTICS)] * 3


_EVENTS: dict[str, Callable[[Reader], None]] = {
    "read all": lambda reader: reader.try_to_read(None, Contention.TAKE_OVER),
    "fresh": lambda reader: reader.try_to_read(Lane.FRESH, Contention.GIVE_WAY),
    "backlog": lambda reader: reader.try_to_read(Lane.BACKLOG, Contention.GIVE_WAY),
    "again": lambda reader: reader.try_to_read(Lane.AGAIN, Contention.GIVE_WAY),
    "crash in store": _crash_in_store,
    "crash after read": _crash_after_read,
    "connection lost": _connection_lost,
    "rival": _rival,
    "trouble": _trouble,
    "partial": _partial,
    "silence": lambda _reader: all_is_silent(),
    "few rows": lambda reader: setattr(reader.log, "most", 4),
}
_INGESTED = st.tuples(
    st.integers(0, 30), st.integers(0, 59), st.integers(1, 1200), st.integers(0, 20)
)
_STEPS = st.lists(
    st.one_of(st.sampled_from(sorted(_EVENTS)), st.integers(10, 360), _INGESTED),
    min_size=3,
    max_size=12,
)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(calls=st.lists(_INGESTED, max_size=25), steps=_STEPS)
def test_any_order_of_events_ends_with_the_same_totals(
    reader: Reader, calls: list[tuple[int, int, int, int]], steps: list[Any]
) -> None:
    _forget(reader.tenant)
    vars(reader.log).update(calls=[], now=NOW, most=1_000_000, troubles=[], meanwhile=[])
    for call in calls:
        reader.ingest(*call)
    for step in steps:
        if isinstance(step, str):
            _EVENTS[step](reader)
        elif isinstance(step, int):
            reader.advance(timedelta(minutes=step))
        else:
            reader.ingest(*step)

    reader.settle()

    assert reader.held() == reader.log.reckoned(reader.log.now)
    assert reader.unsound() == []
    assert reader.read(span=(BEGIN, reader.log.now)) == 0


def test_workers_side_by_side_end_with_the_same_totals(reader: Reader) -> None:
    """Eight tasks at once of four threads, the same lane twice and more: as duplicates would."""
    for number in range(120):
        reader.ingest(number % 34, number % 60, number + 1, 0)

    def work(lane: Lane | None) -> None:
        try:
            reader.try_to_read(lane, Contention.GIVE_WAY)
        finally:
            connections.close_all()

    lanes = [None, Lane.BACKLOG, Lane.AGAIN, Lane.FRESH] * 2
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, lanes)) == [None] * 8

    reader.settle()
    assert reader.held() == reader.log.reckoned(reader.log.now)
    assert reader.unsound() == []


def test_usage_that_begins_within_a_bucket_is_counted_from_then_on(reader: Reader) -> None:
    begin = BEGIN.replace(minute=47)
    with scope.of(reader.tenant):
        Gateway.objects.update(usage_from=begin)
    for at in (begin - timedelta(minutes=1), begin):
        reader.log.calls.append(Call(at, at, "key-0", "model-0", 100, 10))

    assert reader.read() == 1
    assert reader.read() == 0

    assert reader.held() == {
        (BEGIN, "key-0", "model-0", "input_tokens"): 100,
        (BEGIN, "key-0", "model-0", "output_tokens"): 10,
        (BEGIN, "key-0", "model-0", "requests"): 1,
    }

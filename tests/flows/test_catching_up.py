"""Lanes: fresh hours first, the backlog in order, late rows found again; leases between workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
import redis
from django.db import connections

from billing import sources, usage, windows
from billing.rules.windows import HOUR, Lane
from billing.sources.llm_log import LlmLog
from billing.sources.seam import Hour
from billing.tasks import sync_gateway_usage, sync_usage
from billing.usage import Pace
from billing.windows import LeaseLost
from inventory.models import UsageSource
from tenancy import scope
from tenancy.refusals import Refused
from tenancy.runs import SILENCE, Contention
from tests.azure import AT
from tests.flows.forks import Commands, until
from tests.flows.lapses import all_is_silent, leases_run_out, unread
from tests.flows.steps import Steps, everything, rows
from tests.flows.test_killed import blocked, held, later
from tests.flows.test_reading_usage import call, log, tokens
from tests.flows.test_windows import window
from tests.isolation.test_tasks import _sent

SINCE = "2026-11-18T00:00:00+00:00"
VOLATILE = ("tenancy_run", "billing_usagewindow", "billing_usagefeed", "billing_daytorate")


def through(tenant: Steps) -> datetime | None:
    with scope.of(tenant.ref):
        found = rows("SELECT gateway_id FROM billing_usagefeed WHERE tenant_id = %s", tenant.ref.id)
        return usage.through(found[0][0]) if found else None


def due(tenant: Steps, at: datetime) -> set[Lane]:
    with scope.of(tenant.ref):
        return {lane for lanes in windows.lanes_due(at=at).values() for lane in lanes}


def sound(tenant: Steps) -> bool:
    """Whether every hour is whole and nobody's."""
    amiss = (
        "SELECT start FROM billing_usagewindow WHERE tenant_id = %s AND (state <> 'complete'"
        " OR lease IS NOT NULL OR calls_read <> calls_stored OR tokens_read <> tokens_stored)"
    )
    return rows(amiss, tenant.ref.id) == []


def test_after_three_days_down_fresh_hours_go_first_and_the_backlog_follows_in_order(
    contoso: Steps,
) -> None:
    slow = Pace(longest_window=timedelta(hours=6), most_turns=4)
    up = AT + timedelta(days=3)
    log(
        contoso,
        *[
            call(contoso, AT + timedelta(hours=hours), subscription="back")
            for hours in range(1, 72)
        ],
    )
    contoso.azure.post("/clock", {"now": up.isoformat()})

    contoso.usage(at=up, lane=Lane.FRESH, pace=slow)
    assert tokens(contoso, "back")[0] == 200  # of the newest hours alone
    assert through(contoso) == AT  # not before what lies between is read
    assert due(contoso, up) == {Lane.BACKLOG, Lane.AGAIN}

    reached = []
    while Lane.BACKLOG in due(contoso, up):
        contoso.usage(at=up, lane=Lane.BACKLOG, pace=slow)
        reached.append(through(contoso))
    running = AT.replace(minute=0)
    assert reached == [running + HOUR * 24, running + HOUR * 48, up]
    assert tokens(contoso, "back") == (7100, 710)
    assert sound(contoso)


def test_late_rows_are_found_again_and_recorded(contoso: Steps) -> None:
    """One 30 hours late, one six days."""
    recent, old = AT - timedelta(hours=26), AT - timedelta(days=5, hours=22)
    for at, late in ((recent, 30), (old, 144)):
        log(
            contoso,
            call(contoso, at, subscription="late", ingestion_delay_seconds=late * 3600),
        )
    assert contoso.usage() == 0

    for by, counted in ((timedelta(hours=5), 100), (timedelta(hours=25), 200)):
        contoso.azure.post("/clock", {"now": (AT + by).isoformat()})
        contoso.usage(at=AT + by, lane=Lane.AGAIN)
        assert tokens(contoso, "late")[0] == counted
    found = [window(contoso, at.replace(minute=0)) for at in (recent, old)]
    assert [(one["late_rows"], one["state"]) for one in found] == [(1, "complete")] * 2, found


def test_beat_asks_for_older_lanes_only_where_some_are_due(
    contoso: Steps, fabrikam: Steps, queue: redis.Redis, clock_at: Callable[[datetime], None]
) -> None:
    clock_at(AT)
    unread(contoso.ref.id, SINCE)

    sync_usage.run()

    first, second = [contoso.ref.id, contoso.gateway], [fabrikam.ref.id, fabrikam.gateway]
    assert _sent(queue)[::-1] == [
        [*first, "fresh"],
        [*second, "fresh"],
        [*first, "backlog"],
        [*second, "again"],  # the hour that has just ceased to be fresh
    ]


def test_a_task_is_told_its_lane_and_one_of_before_reads_what_is_fresh(
    contoso: Steps, queue: redis.Redis
) -> None:
    complete = everything(*VOLATILE)
    unread(contoso.ref.id, SINCE)

    sync_gateway_usage.apply(args=(contoso.ref.id, contoso.gateway), throw=True)
    assert Lane.BACKLOG in due(contoso, AT)
    for _ in range(2):  # and one that is delivered twice
        for lane in Lane:
            sync_gateway_usage.apply(args=(contoso.ref.id, contoso.gateway, lane), throw=True)

    assert Lane.BACKLOG not in due(contoso, AT)
    assert everything(*VOLATILE) == complete
    assert sound(contoso)


def test_tasks_of_all_lanes_at_once_end_as_one(contoso: Steps, queue: redis.Redis) -> None:
    complete = everything(*VOLATILE)
    unread(contoso.ref.id, SINCE)

    def work(lane: Lane) -> None:
        try:
            sync_gateway_usage.apply(args=(contoso.ref.id, contoso.gateway, lane.value), throw=True)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, [*Lane, *Lane])) == [None] * 6
    all_is_silent()
    contoso.usage()

    assert everything(*VOLATILE) == complete
    assert sound(contoso)


@pytest.mark.parametrize("table", ["billing_daytorate", "billing_usagefeed"])
def test_a_worker_killed_while_it_stores_is_followed_by_another_once_its_lease_ran_out(
    contoso: Steps, commands: Commands, settings: object, table: str
) -> None:
    complete = everything(*VOLATILE)
    unread(contoso.ref.id, SINCE)
    with held(f"LOCK TABLE {table} IN SHARE MODE"):
        command = commands.start("sync_usage", "--tenant", "contoso", "--lane", "backlog")
        until(blocked)
        command.kill()
    until(lambda: not blocked())
    later(settings, SILENCE + timedelta(seconds=1))
    loading = "SELECT count(*) > 0 FROM billing_usagewindow WHERE state = 'loading'"
    assert rows(loading) == [(True,)]

    with suppress(Refused):
        contoso.usage(contention=Contention.GIVE_WAY, lane=Lane.BACKLOG)
    assert rows(loading) == [(True,)]  # the lease goes by the database's clock, and still holds
    leases_run_out()
    contoso.usage(contention=Contention.GIVE_WAY, lane=Lane.BACKLOG)
    contoso.usage(contention=Contention.GIVE_WAY)

    assert everything(*VOLATILE) == complete
    assert sound(contoso)


class _Slow(LlmLog):
    """Answers so late that the lease has run out and another has read the same hours."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self.meanwhile: list[Callable[[], None]] = [meanwhile]

    def read(self, *args: Any, **kwargs: Any) -> Sequence[Hour]:
        found = super().read(*args, **kwargs)
        if self.meanwhile:
            self.meanwhile.pop()()
        return [one._replace(tokens=(1, 0, 0, 0), further=(), total=1) for one in found]


def test_who_lost_the_lease_writes_nothing(contoso: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    complete = everything(*VOLATILE)
    unread(contoso.ref.id, SINCE)

    def other() -> None:
        leases_run_out()
        monkeypatch.setitem(sources._SOURCES, UsageSource.LLM_LOG, LlmLog())
        contoso.usage(contention=Contention.GIVE_WAY)

    monkeypatch.setitem(sources._SOURCES, UsageSource.LLM_LOG, _Slow(other))
    with pytest.raises(LeaseLost):
        contoso.usage(contention=Contention.GIVE_WAY, lane=Lane.BACKLOG)

    assert everything(*VOLATILE) == complete
    assert sound(contoso)


def test_the_command_reads_a_span_again_whatever_its_state(
    contoso: Steps, commands: Commands
) -> None:
    complete = everything(*VOLATILE)
    unread(contoso.ref.id, SINCE)
    told = ("sync_usage", "--tenant", "contoso")

    command = commands.run(*told, "--from", "2026-11-18T00:00Z", "--to", "2026-11-19T00:00Z")
    assert command.wait() == 0, command.text
    read = "SELECT count(*)::int FROM billing_usagewindow WHERE tenant_id = %s AND reads > 0"
    assert rows(f"{read} AND start >= %s", contoso.ref.id, SINCE) == [(24,)]
    assert commands.run(*told).wait() == 0
    assert everything(*VOLATILE) == complete

    for wrong in (["--to", "2026-11-19"], ["--from", "2026-11-18T00:00"], ["--lane", "fast"]):
        assert commands.run(*told, *wrong).wait() != 0

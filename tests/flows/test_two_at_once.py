"""Two runs of a step at the same time: a fence stands between them, and the totals hold."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from tenancy.runs import Busy, Contention, Superseded
from tests.flows.forks import Commands, struck, until
from tests.flows.steps import Steps, everything, rows
from tests.flows.test_killed import QUERIES, RUNS, blocked, finished, forgotten, held
from tests.flows.test_reading_usage import NOON, call, log


def test_whoever_gives_way_is_told_who_runs(contoso: Steps, commands: Commands) -> None:
    contoso.azure.fault("latency", QUERIES, method="POST", seconds=60)
    command = commands.start("sync_usage", "--tenant", "contoso")
    until(lambda: struck(contoso.azure))

    with pytest.raises(Busy, match="sync_usage apim-contoso is already running since"):
        contoso.usage(contention=Contention.GIVE_WAY)

    command.kill()


def test_whoever_is_taken_over_from_writes_nothing_more(contoso: Steps, commands: Commands) -> None:
    """The older run waits for its answer; a newer one reads everything meanwhile."""
    before = forgotten(contoso)
    contoso.azure.fault("latency", QUERIES, method="POST", seconds=3)
    older = commands.start("sync_usage", "--tenant", "contoso")
    until(lambda: struck(contoso.azure))

    assert contoso.usage() > 0
    written = everything(*RUNS)

    assert older.wait() == 1
    assert Superseded.code in older.text
    assert everything(*RUNS) == written
    finished(commands, contoso, before)


def test_two_ratings_at_once_end_as_one(contoso: Steps, commands: Commands) -> None:
    before = forgotten(contoso)
    contoso.usage()
    with held("LOCK TABLE billing_periodtodate IN SHARE MODE"):
        older = commands.start("rate", "--tenant", "contoso")
        until(blocked)
        newer = commands.start("rate", "--tenant", "contoso")
        until(lambda: waiting() == 2)

    codes = {older.wait(), newer.wait()}
    assert codes <= {0, 1}, older.text + newer.text
    assert 0 in codes
    finished(commands, contoso, before)


def test_usage_that_arrives_while_its_day_is_being_rated_is_rated_too(
    contoso: Steps, commands: Commands
) -> None:
    """The day is marked already; the rating that takes the mark must not miss the new rows."""
    spent = contoso.spent()["subscription1"]
    log(contoso, call(contoso, NOON))
    assert contoso.usage() == 1
    log(contoso, call(contoso, NOON + timedelta(hours=2)))
    with held("LOCK TABLE billing_usagefeed IN SHARE MODE"):
        reading = commands.start("sync_usage", "--tenant", "contoso")
        until(blocked)
        rating = commands.start("rate", "--tenant", "contoso")
        until(lambda: rating.ended.exists() or waiting() == 2)
    assert (reading.wait(), rating.wait()) == (0, 0), reading.text + rating.text
    contoso.rate()

    assert contoso.spent()["subscription1"] - spent == 2 * Decimal("0.000315")


def test_two_cycles_of_enforcement_at_once_suspend_once(contoso: Steps, commands: Commands) -> None:
    contoso.limit("subscription4", "0.0001")
    path = f"{contoso.simulated.service_id}/subscriptions/subscription4"
    contoso.azure.fault("latency", path, method="PATCH", seconds=2)
    older = commands.start("enforce", "--tenant", "contoso")
    until(lambda: struck(contoso.azure))

    contoso.enforce()
    older.wait()
    contoso.enforce()

    patches = contoso.azure.requests(contoso.gateway, "PATCH")
    assert [patch["status"] for patch in patches].count(200) == 1
    assert contoso.state("subscription4") == "suspended"
    open_ones = "SELECT count(*)::int FROM governance_suspension WHERE lifted_at IS NULL"
    assert rows(open_ones) == [(1,)]
    assert rows("SELECT FROM governance_action WHERE outcome = 'intended'") == []


def test_different_tenants_do_not_wait_for_each_other(
    contoso: Steps, fabrikam: Steps, commands: Commands
) -> None:
    workspace = f"{QUERIES}/{contoso.simulated.workspace_id}"
    contoso.azure.fault("latency", workspace, method="POST", seconds=60)
    command = commands.start("sync_usage", "--tenant", "contoso")
    until(lambda: struck(contoso.azure))

    assert fabrikam.usage(contention=Contention.GIVE_WAY) == 0

    assert not command.ended.exists()
    command.kill()


def waiting() -> int:
    """How many sessions wait for a lock."""
    found = (
        "SELECT count(*)::int FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return int(rows(found)[0][0])

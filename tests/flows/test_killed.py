"""A step that is killed in the middle and run again ends as one that was never disturbed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from billing import usage
from portal.embedded import Role
from tenancy.runs import SILENCE, Busy, Contention
from tests import bed
from tests.flows.forks import Commands, struck, until
from tests.flows.steps import Steps, everything, rows

#: What differs between any two runs: when they were, and what they are called.
RUNS = ("tenancy_run", "tenancy_installationrun", "tenancy_auditrecord")
SINCE = datetime(2026, 10, 28, 0, 0, tzinfo=ZoneInfo("Europe/Berlin"))
QUERIES = "/v1/workspaces"
NOT_WHOLE = (
    "SELECT gateway_id, start, state FROM billing_usagewindow"
    " WHERE state <> 'complete' OR lease IS NOT NULL OR through IS NULL"
)
UNREAD = "SELECT count(*) FROM billing_usage WHERE tenant_id = %s AND bucket_start >= %s"
BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"


@contextmanager
def held(statement: str, *values: object) -> Iterator[None]:
    """Hold locks that a statement takes, so that a step waits in the middle of its work."""
    with psycopg.connect(bed.url(Role.SUPERUSER)) as connection:
        connection.execute(statement.encode(), values)
        yield
        connection.rollback()


def blocked() -> bool:
    """Whether a session of this worker's database waits for a lock."""
    return bool(rows(BLOCKED, bed.DATABASE)[0][0])


def forgotten(tenant: Steps) -> dict[str, list[str]]:
    """All there should be; after which the tenant has read and rated nothing since October's end.

    What is left to do then are four windows, over the turn of a month.
    """
    complete = everything(*RUNS)
    with psycopg.connect(bed.url(Role.SUPERUSER)) as connection:
        for statement in (
            "DELETE FROM billing_usage WHERE tenant_id = %(tenant)s AND bucket_start >= %(since)s",
            "UPDATE billing_usagewindow SET state = 'pending', read_at = NULL, through = NULL"
            " WHERE tenant_id = %(tenant)s AND start >= %(since)s",
            "DELETE FROM billing_ratedday WHERE tenant_id = %(tenant)s AND day >= %(since)s",
            "DELETE FROM billing_usageday WHERE tenant_id = %(tenant)s AND day >= %(since)s",
            "DELETE FROM billing_periodtodate"
            " WHERE tenant_id = %(tenant)s AND first_day >= '2026-10-01'",
            "UPDATE billing_usagefeed SET through = %(since)s + interval '2 days'"
            " WHERE tenant_id = %(tenant)s",
        ):
            connection.execute(statement.encode(), {"tenant": tenant.ref.id, "since": SINCE})
    return complete


def finished(commands: Commands, tenant: Steps, before: dict[str, list[str]]) -> None:
    """Run the steps again: all is as if nothing had happened, and the ledger tells what did."""
    for step in ("sync_usage", "rate"):
        ended = commands.run(step, "--tenant", tenant.ref.slug)
        assert ended.wait() == 0, ended.text
    present = everything(*RUNS)
    for went_on in ("billing_usagefeed", "billing_usagewindow"):  # with the clock, a little
        present.pop(went_on)
        before.pop(went_on)
    assert _without_ids(present) == _without_ids(before)
    outcomes = {outcome for (outcome,) in rows("SELECT outcome FROM tenancy_run")}
    assert outcomes == {"succeeded", "superseded"}
    assert rows(NOT_WHOLE) == []


def _without_ids(tables: dict[str, list[str]]) -> dict[str, list[str]]:
    shortened = {"billing_periodtodate", "billing_ratedday", "billing_usageday"}
    return {
        name: sorted(row.split(",", 1)[1] for row in kept) if name in shortened else kept
        for name, kept in tables.items()
    }


@pytest.mark.parametrize("windows", [0, 1, 3])
def test_usage_killed_while_a_window_is_being_read(
    contoso: Steps, commands: Commands, windows: int
) -> None:
    before = forgotten(contoso)
    azure = contoso.azure
    azure.fault("latency", QUERIES, method="POST", seconds=60, after=windows)

    command = commands.start("sync_usage", "--tenant", "contoso")
    until(lambda: struck(azure))
    assert _through(contoso) == _after(windows)
    command.kill()
    azure.forgive()

    assert len(azure.requests(QUERIES, "POST")) == windows
    finished(commands, contoso, before)


def test_usage_killed_inside_the_transaction_that_stores_a_window(
    contoso: Steps, commands: Commands
) -> None:
    before = forgotten(contoso)
    with held("LOCK TABLE billing_daytorate IN SHARE MODE"):
        command = commands.start("sync_usage", "--tenant", "contoso")
        until(blocked)
        command.kill()
    until(lambda: not blocked())

    assert _through(contoso) == _after(0)
    assert rows(UNREAD, contoso.ref.id, SINCE) == [(0,)]
    finished(commands, contoso, before)


def test_usage_killed_between_the_rows_and_the_watermark(
    contoso: Steps, commands: Commands
) -> None:
    before = forgotten(contoso)
    with held("LOCK TABLE billing_usagefeed IN SHARE MODE"):
        command = commands.start("sync_usage", "--tenant", "contoso")
        until(blocked)
        command.kill()
    until(lambda: not blocked())

    assert rows(UNREAD, contoso.ref.id, SINCE) == [(0,)]
    finished(commands, contoso, before)


@pytest.mark.parametrize("day", ["2026-10-29", "2026-11-20"])
def test_rating_killed_in_each_of_its_months(contoso: Steps, commands: Commands, day: str) -> None:
    before = forgotten(contoso)
    assert contoso.usage() > 0
    count = "SELECT count(*) FROM billing_daytorate WHERE tenant_id = %s AND day = %s"
    marks = rows(count, contoso.ref.id, day)
    assert marks != [(0,)]
    marked = "SELECT FROM billing_daytorate WHERE tenant_id = %s AND day = %s FOR UPDATE"
    with held(marked, contoso.ref.id, day):
        command = commands.start("rate", "--tenant", "contoso")
        until(blocked)
        command.kill()
    until(lambda: not blocked())

    assert rows(count, contoso.ref.id, day) == marks
    finished(commands, contoso, before)


def test_rating_killed_between_the_days_and_the_period_keeps_them_together(
    contoso: Steps, commands: Commands
) -> None:
    before = forgotten(contoso)
    assert contoso.usage() > 0
    with held("LOCK TABLE billing_periodtodate IN SHARE MODE"):
        command = commands.start("rate", "--tenant", "contoso")
        until(blocked)
        command.kill()
    until(lambda: not blocked())

    rated = "SELECT count(*) FROM billing_ratedday WHERE tenant_id = %s AND day >= %s"
    assert rows(rated, contoso.ref.id, SINCE) == [(0,)]
    finished(commands, contoso, before)


def test_inventory_killed_while_it_is_being_read(contoso: Steps, commands: Commands) -> None:
    subscriptions = "SELECT id, name, state, vanished_at FROM inventory_subscription ORDER BY id"
    before = rows(subscriptions)
    contoso.azure.fault("latency", "/subscriptions/", method="GET", seconds=60, after=4)

    command = commands.start("sync_inventory", "--tenant", "contoso")
    until(lambda: struck(contoso.azure))
    command.kill()
    contoso.azure.forgive()

    assert rows(subscriptions) == before
    assert commands.run("sync_inventory", "--tenant", "contoso").wait() == 0
    assert rows(subscriptions) == before


def test_a_killed_run_holds_beat_off_until_it_has_been_silent_long_enough(
    contoso: Steps, commands: Commands, settings: object
) -> None:
    contoso.azure.fault("latency", QUERIES, method="POST", seconds=60)
    command = commands.start("sync_usage", "--tenant", "contoso")
    until(lambda: struck(contoso.azure))
    command.kill()
    contoso.azure.forgive()

    with pytest.raises(Busy):
        contoso.usage(contention=Contention.GIVE_WAY)
    later(settings, SILENCE + timedelta(seconds=1))
    assert contoso.usage(contention=Contention.GIVE_WAY) == 0

    newest = rows("SELECT outcome FROM tenancy_run WHERE step = 'sync_usage' ORDER BY id DESC")
    assert [outcome for (outcome,) in newest[:2]] == ["succeeded", "superseded"]


def later(settings: object, by: timedelta) -> None:
    """Move the product's clock on."""
    held = settings.APPORTION  # type: ignore[attr-defined]  # pytest-django's wrapper
    moved = held.clock_offset_seconds + int(by.total_seconds())
    settings.APPORTION = held.model_copy(  # type: ignore[attr-defined]  # as above
        update={"clock_offset_seconds": moved}
    )


def _through(tenant: Steps) -> datetime:
    found = "SELECT through FROM billing_usagefeed WHERE tenant_id = %s"
    through: datetime = rows(found, tenant.ref.id)[0][0]
    return through


def _after(windows: int) -> datetime:
    """The watermark after so many windows; it never goes back, though the look-back is read."""
    return SINCE + (timedelta(days=2) if windows == 0 else usage.LONGEST_WINDOW * windows)

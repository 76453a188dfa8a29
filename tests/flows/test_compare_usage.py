"""Comparing by hand and by the worker: what is said, how it ends, and what only one tenant has."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import redis

from billing import comparing
from billing.tasks import compare_gateway_usage, compare_usage
from tenancy import runs
from tenancy.runs import Contention
from tests.azure import AT
from tests.flows.forks import Commands
from tests.flows.steps import Steps, rows
from tests.flows.test_comparing import NOON, as_superuser, call, log

LOST = "DELETE FROM billing_usage WHERE tenant_id = %s AND bucket_start = %s"
KEPT = "SELECT tenant_id::int, day::text FROM billing_sourcecomparison ORDER BY 1, 2"


def days(tenant: Steps) -> list[str]:
    """The days that were compared of a tenant."""
    return [day for number, day in rows(KEPT) if number == tenant.ref.id]


def test_a_command_shows_each_day_and_ends_well_when_all_is_explained(
    contoso: Steps, commands: Commands
) -> None:
    log(contoso, call(contoso, NOON))
    span = ("--tenant=contoso", "--from=2026-11-18", "--to=2026-11-19")

    done = commands.run("compare_usage", *span)

    assert done.wait() == 0, done.text
    lines = done.text.splitlines()
    assert [line.split()[0] for line in lines[2:4]] == ["2026-11-18", "2026-11-19"]
    assert lines[2].endswith("agrees")
    assert "+1" in lines[3]
    assert "+110" in lines[3]
    assert "changed at the source since read last" in lines[3]


def test_a_command_ends_with_one_when_something_is_unexplained(
    contoso: Steps, commands: Commands
) -> None:
    assert as_superuser(LOST, contoso.ref.id, NOON.replace(minute=0))

    done = commands.run("compare_usage", "--tenant=contoso", "--gateway=apim-contoso")

    assert done.wait() == 1, done.text
    assert "1 hour unexplained" in done.text
    assert "1 day with a difference that nothing explains" in done.text
    assert len(days(contoso)) == 7


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (("--from=soon",), "--from: 'soon' is no day"),
        (("--from=2026-11-19", "--to=2026-11-18"), "Give a day not before the first"),
        (("--gateway=apim-fabrikam",), "There is no such gateway"),
    ],
)
def test_a_command_says_what_is_wrong(
    contoso: Steps, commands: Commands, typed: tuple[str, ...], says: str
) -> None:
    done = commands.run("compare_usage", "--tenant=contoso", *typed)

    assert done.wait() == 1, done.text
    assert says in done.text
    assert days(contoso) == []


def test_the_worker_compares_the_last_seven_days_and_can_be_called_twice(
    contoso: Steps, fabrikam: Steps
) -> None:
    for _ in range(2):
        compare_gateway_usage.apply(args=(contoso.ref.id, contoso.gateway), throw=True)

    assert days(contoso) == [f"2026-11-{day}" for day in range(13, 20)]
    assert days(fabrikam) == []
    compare_gateway_usage.apply(
        args=(fabrikam.ref.id, fabrikam.gateway, "2026-11-10", "2026-11-11"), throw=True
    )
    assert days(fabrikam) == ["2026-11-10", "2026-11-11"]


def test_the_worker_gives_way_to_a_comparison_under_way(contoso: Steps) -> None:
    with runs.of_tenant(
        contoso.ref, comparing.STEP, contoso.gateway, contention=Contention.TAKE_OVER
    ):
        compare_gateway_usage.apply(args=(contoso.ref.id, contoso.gateway), throw=True)

        assert days(contoso) == []


def test_beat_asks_for_every_gateway(contoso: Steps, fabrikam: Steps, queue: redis.Redis) -> None:
    compare_usage.apply(throw=True)

    sent = [json.loads(one)["headers"] for one in queue.lrange("celery", 0, -1)]
    assert {one["task"] for one in sent} == {comparing.TASK}
    assert {one["argsrepr"] for one in sent} == {
        f"[{tenant.ref.id}, '{tenant.gateway}']" for tenant in (contoso, fabrikam)
    }


def test_half_hours_of_india_are_compared_by_its_own_days(fabrikam: Steps) -> None:
    midnight = NOON.replace(day=18, hour=18, minute=30)  # of the 19th in India
    log(
        fabrikam,
        call(fabrikam, midnight - timedelta(seconds=1), subscription="support-bot"),
        call(fabrikam, midnight, subscription="support-bot", prompt=300),
    )
    compare_gateway_usage.apply(
        args=(fabrikam.ref.id, fabrikam.gateway, "2026-11-18", "2026-11-19"), throw=True
    )

    told = rows(
        "SELECT day::text, (tokens_source - tokens_stored)::int, reasons->0->>'kind'"
        " FROM billing_sourcecomparison ORDER BY day"
    )
    assert told == [("2026-11-18", 110, "late"), ("2026-11-19", 310, "late")]
    fabrikam.usage(at=AT)
    compare_gateway_usage.apply(
        args=(fabrikam.ref.id, fabrikam.gateway, "2026-11-18", "2026-11-19"), throw=True
    )
    agree = "SELECT sum(tokens_source - tokens_stored)::int FROM billing_sourcecomparison"
    assert rows(agree) == [(0,)]

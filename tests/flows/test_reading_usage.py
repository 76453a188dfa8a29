"""Usage over the wire: what comes late, what goes away, and answers that must not be believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from billing.models import UsageFeed
from billing.usage import Pace
from connectors.failures import BadQuery, ConnectorError, Forbidden, Partial
from portal.embedded import Role
from tenancy import scope
from tests import bed
from tests.azure import AT
from tests.flows.steps import Steps, everything, rows

QUERIES = "/v1/workspaces"
LEDGERS = ("tenancy_run", "billing_usagewindow", "billing_usagefeed")
NOON = datetime(2026, 11, 19, 12, 5, tzinfo=UTC)


def tokens(tenant: Steps, subscription: str) -> tuple[int, int]:
    """Input and output tokens of one subscription, all there are."""
    found = rows(
        "SELECT sum(used.input_tokens)::bigint, sum(used.output_tokens)::bigint"
        "  FROM billing_usage used"
        "  JOIN inventory_subscription subscription ON subscription.id = used.subscription_id"
        " WHERE used.tenant_id = %s AND subscription.name = %s",
        tenant.ref.id,
        subscription,
    )
    return (found[0][0] or 0, found[0][1] or 0)


def newest_run(tenant: Steps) -> tuple[Any, ...]:
    return rows(
        "SELECT outcome, error_code, error, rows_written FROM tenancy_run"
        " WHERE tenant_id = %s AND step = 'sync_usage' ORDER BY id DESC LIMIT 1",
        tenant.ref.id,
    )[0]


def call(tenant: Steps, at: datetime, **more: Any) -> dict[str, Any]:
    """A row of the gateway's logs."""
    wanted = {"subscription": "subscription1", "prompt": 100, "completion": 10}
    return {"workspace": tenant.simulated.workspace_id, "at": at.isoformat()} | wanted | more


def log(tenant: Steps, *calls: dict[str, Any]) -> None:
    tenant.azure.post("/rows", {"rows": list(calls)})


def days_to_rate(tenant: Steps) -> list[str]:
    marked = "SELECT day::text FROM billing_daytorate WHERE tenant_id = %s ORDER BY 1"
    return [day for (day,) in rows(marked, tenant.ref.id)]


def test_late_rows_are_caught_by_the_look_back(contoso: Steps) -> None:
    before, spent = tokens(contoso, "subscription1"), contoso.spent()["subscription1"]
    log(contoso, call(contoso, NOON, ingestion_delay_seconds=27 * 3600))
    assert contoso.usage() == 0

    later = AT + timedelta(hours=2)
    contoso.azure.post("/clock", {"now": later.isoformat()})
    assert contoso.usage(at=later) == 1

    assert tokens(contoso, "subscription1") == (before[0] + 100, before[1] + 10)
    assert days_to_rate(contoso) == ["2026-11-19"]
    contoso.rate()
    # 100 × 1.75 and 10 × 14.00 USD a million
    assert contoso.spent()["subscription1"] - spent == Decimal("0.000315")


def test_rows_that_vanish_from_the_log_are_taken_back(contoso: Steps) -> None:
    before = everything(*LEDGERS)
    log(contoso, *[call(contoso, NOON + timedelta(minutes=minute)) for minute in range(3)])
    assert contoso.usage() == 1
    contoso.rate()
    assert everything(*LEDGERS) != before

    contoso.azure.post("/reset")

    assert contoso.usage() == 1
    contoso.rate()
    assert _without_ids(everything(*LEDGERS)) == _without_ids(before)


def test_a_token_row_that_comes_before_its_gateway_row_is_not_lost(contoso: Steps) -> None:
    before = tokens(contoso, "")
    log(contoso, call(contoso, NOON, tables="llm"))

    contoso.usage()

    assert tokens(contoso, "") == (before[0] + 100, before[1] + 10)


def test_a_request_over_the_edge_of_two_buckets_counts_once_where_it_was_answered(
    contoso: Steps,
) -> None:
    before = tokens(contoso, "subscription1")
    at = datetime(2026, 11, 19, 12, 59, 59, tzinfo=UTC)
    log(contoso, call(contoso, at, llm_lag_seconds=30))

    assert contoso.usage() == 1

    assert tokens(contoso, "subscription1") == (before[0] + 100, before[1] + 10)


def test_refused_calls_cache_hits_and_gaps_are_counted_apart_and_cost_nothing(
    contoso: Steps,
) -> None:
    def counts() -> tuple[int, ...]:
        return rows(
            "SELECT sum(requests)::int, sum(successful_requests)::int,"
            " sum(throttled_requests)::int, sum(refused_requests)::int, sum(cache_hits)::int,"
            " sum(uncovered_requests)::int FROM billing_usage WHERE tenant_id = %s",
            contoso.ref.id,
        )[0]

    before, cost = counts(), contoso.spent()
    nothing = {"prompt": None, "completion": None}
    log(
        contoso,
        call(contoso, NOON, status=429, tables="gateway", **nothing),
        call(contoso, NOON, status=403, tables="gateway", **nothing),
        call(contoso, NOON, cache="hit", tables="gateway", **nothing),
        call(contoso, NOON, streamed=True, **nothing),
    )
    contoso.usage()
    contoso.rate()

    added = tuple(after - held for after, held in zip(counts(), before, strict=True))
    assert added == (4, 2, 1, 1, 1, 1)
    assert contoso.spent() == cost


def test_a_name_in_another_case_is_the_same_subscription(contoso: Steps) -> None:
    before = tokens(contoso, "subscription1")
    log(contoso, call(contoso, NOON), call(contoso, NOON, subscription="Subscription1"))

    contoso.usage()

    assert tokens(contoso, "subscription1") == (before[0] + 200, before[1] + 20)
    assert tokens(contoso, "Subscription1") == (0, 0)


def test_another_tenants_rows_are_not_read(contoso: Steps, fabrikam: Steps) -> None:
    before = everything(*LEDGERS[:2])
    log(contoso, call(contoso, NOON))

    assert fabrikam.usage() == 0

    assert everything(*LEDGERS[:2]) == before


@pytest.mark.parametrize(
    ("kind", "more", "refusal"),
    [
        ("partial", {"times": 10_000}, Partial),
        ("missing_table", {}, BadQuery),
        ("missing_column", {"name": "ApimSubscriptionId"}, BadQuery),
        ("status", {"status": 403}, Forbidden),
        ("truncate", {"times": 9}, ConnectorError),
    ],
)
def test_an_answer_that_is_not_whole_changes_nothing_and_the_ledger_says_so(
    contoso: Steps, kind: str, more: dict[str, Any], refusal: type[ConnectorError]
) -> None:
    # Among the first hours that are asked for; few at once, for each is then read again alone.
    log(contoso, call(contoso, AT - timedelta(hours=47)))
    few = Pace(longest_window=timedelta(hours=4), most_partial=9)
    before = everything(*LEDGERS[:2])
    contoso.azure.fault(kind, QUERIES, method="POST", **more)

    with pytest.raises(refusal):
        contoso.usage(at=AT + timedelta(hours=1), pace=few)

    assert everything(*LEDGERS[:2]) == before
    outcome, code, error, written = newest_run(contoso)
    assert (outcome, written) == ("failed", 0)
    assert code == refusal.__name__ or refusal is ConnectorError
    assert error
    assert "\n" not in error
    assert ("9 answers in a row were not whole" in error) is (kind == "partial")

    contoso.azure.forgive()
    assert contoso.usage() == 1
    assert newest_run(contoso)[0] == "succeeded"


def test_more_rows_than_the_log_gives_at_once_are_read_in_smaller_pieces(contoso: Steps) -> None:
    before = everything(*LEDGERS[:2])
    contoso.azure.post("/knobs", {"row_cap": 5})

    assert contoso.usage() == 0

    assert everything(*LEDGERS[:2]) == before


def test_hours_before_a_broken_one_stay(contoso: Steps) -> None:
    start = datetime(2026, 11, 3, tzinfo=UTC)
    unread = (
        "UPDATE billing_usagewindow SET state = 'pending', read_at = NULL, through = NULL"
        f" WHERE start >= '{start.isoformat()}' AND tenant_id = {contoso.ref.id}"
    )
    with psycopg.connect(bed.url(Role.SUPERUSER)) as connection:
        connection.execute(unread.encode())
    with scope.of(contoso.ref):
        UsageFeed.objects.update(through=start + timedelta(hours=48))
    contoso.azure.fault("status", QUERIES, method="POST", status=403, after=1)

    with pytest.raises(Forbidden):
        contoso.usage()

    through = "SELECT through FROM billing_usagefeed WHERE tenant_id = %s"
    assert rows(through, contoso.ref.id) == [(start + timedelta(days=7),)]
    contoso.usage()
    assert rows(through, contoso.ref.id) == [(AT,)]


def _without_ids(tables: dict[str, list[str]]) -> dict[str, list[str]]:
    made_anew = {"billing_ratedday", "billing_periodtodate", "billing_usageday"}
    return {
        name: sorted(row.split(",", 1)[1] for row in kept) if name in made_anew else kept
        for name, kept in tables.items()
    }


def long_tokens(tenant: Steps) -> list[tuple[str, int]]:
    """What is held of calls with a long prompt, by class."""
    return rows(
        "SELECT token_class, sum(quantity)::bigint FROM billing_classusage"
        " WHERE tenant_id = %s GROUP BY 1 ORDER BY 1",
        tenant.ref.id,
    )


def test_calls_with_a_long_prompt_are_classes_of_their_own(contoso: Steps) -> None:
    before = tokens(contoso, "subscription1")
    log(
        contoso,
        call(contoso, NOON, prompt=272_000, completion=7),
        call(contoso, NOON, prompt=272_001, completion=8),
        call(contoso, NOON + timedelta(hours=1), prompt=300_000, completion=9),
    )

    assert contoso.usage() == 6  # two hours, and both classes in each

    assert tokens(contoso, "subscription1") == (before[0] + 272_000, before[1] + 7)
    assert long_tokens(contoso) == [("long_input", 572_001), ("long_output", 17)]
    assert days_to_rate(contoso) == ["2026-11-19"]
    noted = "SELECT detail FROM tenancy_run WHERE tenant_id = %s AND step = 'sync_usage'"
    assert all("tokens_not_in_a_class" not in detail for (detail,) in rows(noted, contoso.ref.id))

    contoso.rate()
    assert contoso.usage() == 0
    assert days_to_rate(contoso) == []

    contoso.azure.post("/reset")
    assert contoso.usage() == 6
    assert long_tokens(contoso) == []
    assert tokens(contoso, "subscription1") == before

"""Usage from emitted token metrics, over the wire: what they tell, and a change of the source."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing import sources
from billing.models import BillingSettings
from inventory import gateways
from inventory.models import Gateway, UsageSource
from portal import onboarding
from portal.onboarding import NewGateway
from simulator.logs import METRICS
from tenancy import scope
from tests.azure import AT
from tests.flows.steps import Steps, everything, rows
from tests.flows.test_reading_usage import LEDGERS, NOON, call, days_to_rate, log, long_tokens

METADATA = ("application", "use_case", "agent", "environment", "user_group", "cost_center")
NAMED = ("Application", "Use Case", "Agent", "Environment", "User Group", "Cost Center")
WHOLE = {
    "Total Tokens": 0,
    "Prompt Tokens": 1,
    "Cached Tokens": 2,
    "Completion Tokens": 3,
    "Reasoning Tokens": 4,
}
HOUR, EIGHT_DAYS = timedelta(hours=1), timedelta(days=8)
SINCE = AT.replace(minute=0) - EIGHT_DAYS
_HELD = """
SELECT subscription.name, deployment.name,
       series.application, series.use_case, series.agent, series.environment, series.user_group,
       series.cost_center,
       coalesce(sum(total), 0)::bigint, coalesce(sum(input + cached), 0)::bigint,
       coalesce(sum(cached), 0)::bigint, coalesce(sum(output + reasoning), 0)::bigint,
       coalesce(sum(reasoning), 0)::bigint, coalesce(sum(calls), 0)::bigint
  FROM (SELECT tenant_id, series_id, bucket_start, input_tokens AS input,
               cached_input_tokens AS cached, output_tokens AS output,
               reasoning_tokens AS reasoning, requests AS calls,
               input_tokens + cached_input_tokens + output_tokens + reasoning_tokens AS total
          FROM billing_usage
         UNION ALL
        SELECT tenant_id, series_id, bucket_start, 0, 0, 0, 0, 0, quantity
          FROM billing_classusage) used
  JOIN billing_series series ON series.id = used.series_id
  JOIN inventory_subscription subscription ON subscription.id = series.subscription_id
  JOIN inventory_deployment deployment ON deployment.id = series.deployment_id
 WHERE used.tenant_id = %s AND used.bucket_start >= %s
 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""


def held(tenant: Steps, since: datetime) -> dict[tuple[str, ...], tuple[int, ...]]:
    """By subscription, deployment and metadata: total, prompt, cached, completion, reasoning and
    calls, as they are stored."""
    return {tuple(row[:8]): tuple(row[8:]) for row in rows(_HELD, tenant.ref.id, since)}


def emitted(
    tenant: Steps, since: datetime, *, names: tuple[str, ...] = NAMED
) -> dict[tuple[str, ...], tuple[int, ...]]:
    """The same from the raw rows of the workspace, reckoned here."""
    found: dict[tuple[str, ...], Counter[str]] = {}
    for row in raw(tenant):
        if datetime.fromisoformat(row["TimeGenerated"]) < since:
            continue
        told = properties(row)
        key = (told.get("Subscription ID", ""), told.get("Deployment", ""))
        sums = found.setdefault((*key, *(told.get(name, "") for name in names)), Counter())
        sums[row["Name"]] += int(row["Sum"])
        sums["calls"] += row["ItemCount"] if row["Name"] == "Total Tokens" else 0
    return {key: tuple(sums[name] for name in (*WHOLE, "calls")) for key, sums in found.items()}


def raw(tenant: Steps) -> list[dict[str, Any]]:
    workspace = tenant.simulated.workspace_id
    listed: list[dict[str, Any]] = tenant.azure.get("/rows", workspace=workspace, table=METRICS)[
        "rows"
    ]
    return listed


def properties(row: Mapping[str, Any]) -> dict[str, str]:
    told = row["Properties"]
    found: dict[str, str] = json.loads(told) if isinstance(told, str) else told
    return found


def choose(tenant: Steps, source: UsageSource, **names: str) -> None:
    wanted = NewGateway(name=tenant.gateway, usage_source=source, metric_dimensions=names)
    onboarding.connect_gateway(tenant.ref, wanted, usage_from=None, by="erin", at=AT)


def settings(tenant: Steps, **changed: int) -> None:
    with scope.of(tenant.ref):
        if not BillingSettings.objects.update(**changed):
            BillingSettings.objects.create(**changed)


def start(tenant: Steps) -> datetime:
    with scope.of(tenant.ref):
        return Gateway.objects.get(name=tenant.gateway).usage_from


def totals(tenant: Steps, since: datetime) -> tuple[int, int]:
    """Tokens of every class and calls."""
    found = held(tenant, since).values()
    return sum(row[0] for row in found), sum(row[5] for row in found)


@pytest.fixture
def metered(contoso: Steps) -> Steps:
    """Contoso, the last eight days read again from the metrics."""
    settings(contoso, look_back_hours=EIGHT_DAYS // HOUR)
    choose(contoso, UsageSource.METRICS)
    contoso.usage()
    return contoso


def test_what_is_held_is_what_was_emitted_with_its_metadata(metered: Steps) -> None:
    expected = emitted(metered, SINCE)
    assert held(metered, SINCE) == expected
    assert sum(row[2] for row in expected.values()) > 0
    assert sum(row[4] for row in expected.values()) > 0
    assert {key[2:5] for key in expected} >= {("returns-desk", "triage", "returns-triage")}
    assert metered.usage() == 0


def test_the_source_counts_the_same_by_a_query_of_its_own(metered: Steps) -> None:
    with scope.of(metered.ref):
        ref = gateways.named(metered.gateway)
    source = sources.of(ref.usage_source)
    told = source.totals(metered.ref, ref, start=SINCE, end=AT)
    assert (told.tokens, told.calls) == totals(metered, SINCE)


def test_cached_tokens_cost_the_cached_price_and_reasoning_the_price_of_output(
    metered: Steps,
) -> None:
    metered.map()
    metered.rate()
    before = metered.spent()["subscription1"]
    log(
        metered,
        call(
            metered,
            NOON,
            deployment="gpt-5-mini",
            prompt=1_000_000,
            cached=600_000,
            completion=100_000,
            reasoning=70_000,
        ),
    )

    metered.usage()
    metered.map()
    metered.rate()

    # USD a million: 400,000 input at 0.25, 600,000 cached at 0.025, 100,000 output at 2.00
    added = metered.spent()["subscription1"] - before
    assert added == Decimal("0.1") + Decimal("0.015") + Decimal("0.2")
    priced = rows(
        "SELECT token_class, sum(quantity)::bigint, sum(cost) FROM billing_ratedday rated"
        "  JOIN inventory_deployment deployment ON deployment.id = rated.deployment_id"
        " WHERE rated.tenant_id = %s AND deployment.name = 'gpt-5-mini' AND day = '2026-11-19'"
        "   AND token_class = 'reasoning' GROUP BY 1",
        metered.ref.id,
    )
    assert priced[0][1] >= 70_000
    assert priced[0][2] == priced[0][1] * Decimal("0.000002")


def test_rows_that_come_late_are_caught(metered: Steps) -> None:
    before = totals(metered, SINCE)
    log(metered, call(metered, NOON, metrics_delay_seconds=27 * 3600, metadata={"agent": "late"}))
    assert metered.usage() == 0

    later = AT + timedelta(hours=2)
    metered.azure.post("/clock", {"now": later.isoformat()})
    assert metered.usage(at=later) == 1

    assert totals(metered, SINCE) == (before[0] + 110, before[1] + 1)
    assert "2026-11-19" in days_to_rate(metered)


def test_a_row_counts_as_often_as_the_workspace_has_it(metered: Steps) -> None:
    before = totals(metered, SINCE)
    for _ in range(2):  # two calls that are alike, emitted one by one
        log(metered, call(metered, NOON, metadata={"agent": "twin"}))
    metered.usage()
    assert totals(metered, SINCE) == (before[0] + 220, before[1] + 2)

    twin = next(row for row in raw(metered) if properties(row).get("Agent") == "twin")
    where = {"TimeGenerated": twin["TimeGenerated"].replace("T", " ").rstrip("Z")}
    copied = metered.azure.post(
        "/copies",
        {
            "workspace": metered.simulated.workspace_id,
            "table": METRICS,
            "where": where | {"Name": "Total Tokens", "Sum": "110.0"},
            "most": 1,
        },
    )["copied"]
    assert copied == 1
    metered.usage()

    # Its prompt and completion were not copied: what the total has beyond them is unclassified.
    assert totals(metered, SINCE) == (before[0] + 330, before[1] + 3)
    assert ("unclassified", 110) in long_tokens(metered)


def test_more_rows_than_the_log_gives_at_once_are_read_in_smaller_pieces(contoso: Steps) -> None:
    choose(contoso, UsageSource.METRICS)
    contoso.usage()
    before = everything(*LEDGERS[:2])
    contoso.azure.post("/knobs", {"row_cap": 3})

    assert contoso.usage() == 0

    assert everything(*LEDGERS[:2]) == before


def test_combinations_beyond_the_bound_are_held_together_and_no_token_is_lost(
    contoso: Steps,
) -> None:
    settings(contoso, most_series=2)
    choose(contoso, UsageSource.METRICS)
    agents = [f"agent {number}" for number in range(7)]
    log(contoso, *[call(contoso, NOON, metadata={"agent": agent}) for agent in agents])
    contoso.usage()

    since = AT - timedelta(hours=40)
    found = held(contoso, since)
    assert ("subscription1", "gpt-5.2-chat", *["(more)"] * 6) in found
    beyond = "SELECT DISTINCT product, api FROM billing_series WHERE application = '(more)'"
    assert rows(beyond) == [("(more)", "(more)")]
    assert len({key[4] for key in found} & set(agents)) <= 1
    by_pair: Counter[tuple[str, ...]] = Counter()
    for key, sums in emitted(contoso, since).items():
        by_pair[key[:2]] += sums[0]
    stored: Counter[tuple[str, ...]] = Counter()
    for key, sums in found.items():
        stored[key[:2]] += sums[0]
    assert stored == by_pair
    assert contoso.usage() == 0


def test_a_gateways_own_names_of_dimensions_are_read(contoso: Steps) -> None:
    own = {"Sub": "subscription", "Model deployment": "deployment", "App name": "application"}
    body = {"service": contoso.gateway, "dimensions": own}
    assert contoso.azure.control.put("/dimensions", json=body).is_success
    names = {"subscription": "Sub", "deployment": "Model deployment", "application": "App name"}
    choose(contoso, UsageSource.METRICS, **names)
    log(contoso, call(contoso, NOON, metadata={"application": "Own", "agent": "not told"}))

    contoso.usage()

    found = held(contoso, NOON.replace(minute=0))
    assert found["subscription1", "gpt-5.2-chat", "Own", "", "", "", "", ""] == (
        110,
        100,
        0,
        10,
        0,
        1,
    )


@pytest.mark.parametrize("hostile", ['" | take 1e9 //', "'; drop", "a\\", "{start}", "=1+1"])
def test_metadata_that_looks_like_a_query_is_only_a_name(contoso: Steps, hostile: str) -> None:
    choose(contoso, UsageSource.METRICS)
    log(contoso, call(contoso, NOON, metadata={"application": hostile}))
    contoso.usage()
    assert hostile in {key[2] for key in held(contoso, NOON.replace(minute=0))}
    assert contoso.usage() == 0


def test_a_gateway_reads_the_rows_of_its_own_service_alone(contoso: Steps) -> None:
    with scope.of(contoso.ref):
        Gateway.objects.update(service="apim-other", usage_source=UsageSource.METRICS)
    contoso.usage()
    assert totals(contoso, AT - timedelta(hours=40)) == (0, 0)


# --- a change of the source -------------------------------------------------------------------


def windows(tenant: Steps, since: datetime) -> set[str]:
    """From where the hours since an instant were read."""
    told = "SELECT DISTINCT source FROM billing_usagewindow WHERE tenant_id = %s AND start >= %s"
    return {source for (source,) in rows(told, tenant.ref.id, since)}


def test_hours_that_are_read_again_come_from_the_new_source_alone(contoso: Steps) -> None:
    noon = NOON.replace(minute=0)
    log(contoso, call(contoso, NOON, prompt=300_000, completion=9))
    contoso.usage()
    contoso.rate()
    assert long_tokens(contoso) == [("long_input", 300_000), ("long_output", 9)]
    before = held(contoso, start(contoso))
    old = set(rows(_WINDOWS_BEFORE, contoso.ref.id, AT - timedelta(hours=50)))

    choose(contoso, UsageSource.METRICS)
    contoso.usage()

    since = AT.replace(minute=0) - timedelta(hours=47)
    assert held(contoso, since) == emitted(contoso, since)
    assert long_tokens(contoso) == []
    assert windows(contoso, since) == {"metrics"}
    assert {"2026-11-19", "2026-11-20"} <= set(days_to_rate(contoso))
    # What lies behind the look-back stands as it was read.
    assert set(rows(_WINDOWS_BEFORE, contoso.ref.id, AT - timedelta(hours=50))) == old
    assert contoso.usage() == 0

    choose(contoso, UsageSource.LLM_LOG)
    contoso.usage()

    assert held(contoso, start(contoso)) == before
    assert held(contoso, noon) != emitted(contoso, noon)
    assert windows(contoso, since) == {"llm_log"}


_WINDOWS_BEFORE = """
SELECT start, source, calls_stored, tokens_stored, reads FROM billing_usagewindow
 WHERE tenant_id = %s AND start < %s
"""


def test_the_source_that_the_admin_form_chose_has_the_look_back_read_again(
    contoso: Steps,
) -> None:
    with scope.of(contoso.ref):
        Gateway.objects.update(usage_source=UsageSource.METRICS)
    contoso.usage()
    since = AT.replace(minute=0) - timedelta(hours=47)
    assert windows(contoso, since) == {"metrics"}
    assert held(contoso, since) == emitted(contoso, since)


def test_another_source_costs_the_other_tenant_nothing(contoso: Steps, fabrikam: Steps) -> None:
    choose(contoso, UsageSource.METRICS)
    contoso.usage()
    assert windows(fabrikam, datetime(2026, 1, 1, tzinfo=UTC)) == {"llm_log"}
    assert fabrikam.usage() == 0

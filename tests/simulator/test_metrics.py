"""Application Insights' table in the workspace, as a token metric's policy fills it."""

import csv
import io
import json
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from simulator import habits, traffic
from simulator.metadata import BUILT_IN, CALLERS, MODELS
from simulator.setting import CONTOSO, FABRIKAM, Size
from tests.simulator.conftest import NOW, Azure

BY_NAME = "AppMetrics | summarize sum(Sum), sum(ItemCount) by Name"
BY_CALLER = (
    'AppMetrics | where Name == "Total Tokens" and Properties["Subscription ID"] == "subscription1"'
    ' | summarize sum(Sum) by Application = tostring(Properties["Application"]),'
    ' UseCase = tostring(Properties["Use Case"]), Agent = tostring(Properties.Agent)'
)
CALLER = {
    "application": "till",
    "use_case": "price checks",
    "agent": "till-helper",
    "environment": "test",
    "tenant": "stores",
    "user_group": "cashiers",
    "cost_center": "4410",
}


def _call(**more: Any) -> dict[str, Any]:
    call = {
        "workspace": CONTOSO.workspace_id,
        "at": "2026-11-10T10:00:05Z",
        "subscription": "subscription1",
        "deployment": "gpt-5-mini",
        "prompt": 100,
        "completion": 40,
    }
    return call | more


def _rows(azure: Azure, table: str = "AppMetrics") -> list[dict[str, Any]]:
    where = {"workspace": azure.tenant.workspace_id, "table": table}
    rows: list[dict[str, Any]] = azure.control.get("/rows", params=where).json()["rows"]
    return rows


@pytest.fixture
def empty(azure: Azure) -> Azure:
    """A workspace without any row."""
    body = {"workspace": azure.tenant.workspace_id}
    assert azure.control.request("DELETE", "/rows", json=body).status_code == 200
    return azure


def test_the_metrics_add_up_to_the_tokens_of_the_log(azure: Azure) -> None:
    sums = {name: (int(value), count) for name, value, count in azure.query(BY_NAME)}
    ((prompt, completion, answered),) = azure.query(
        "ApiManagementGatewayLlmLog | where SequenceNumber == 0"
        " | summarize sum(PromptTokens), sum(CompletionTokens), countif(TotalTokens > 0)"
    )
    assert sums["Prompt Tokens"] == (prompt, answered)
    assert sums["Completion Tokens"] == (completion, answered)
    assert sums["Total Tokens"] == (prompt + completion, answered)
    assert 0 < sums["Cached Tokens"][0] < prompt
    assert 0 < sums["Reasoning Tokens"][0] < completion


def test_each_subscription_and_deployment_has_the_same_tokens_in_both(azure: Azure) -> None:
    metrics = azure.query(
        'AppMetrics | where Name == "Total Tokens" | summarize sum(Sum)'
        ' by tostring(Properties["Subscription ID"]), tostring(Properties["Deployment"])'
    )
    logged: Counter[tuple[str, str]] = Counter()
    who = {r["CorrelationId"]: r["ApimSubscriptionId"] for r in _rows(azure, _GATEWAY)}
    for row in _rows(azure, _LLM):
        if row["TotalTokens"]:
            logged[who[row["CorrelationId"]], row["DeploymentName"]] += row["TotalTokens"]
    assert {(name, deployed): value for name, deployed, value in metrics} == logged


_GATEWAY, _LLM = "ApiManagementGatewayLogs", "ApiManagementGatewayLlmLog"


def test_habits_change_no_instant_and_no_tokens() -> None:
    now = datetime.fromisoformat(NOW)
    bare = replace(
        CONTOSO, subscriptions=tuple(replace(s, habits=()) for s in CONTOSO.subscriptions)
    )
    plain, lived = (
        list(traffic.history(tenant, now=now, seed="apportion", size=Size.SMALL))
        for tenant in (bare, CONTOSO)
    )
    assert [replace(c, cached=0, reasoning=0, metadata={}) for c in lived] == plain
    assert not any(call.cached or call.reasoning or call.metadata for call in plain)

    cached: dict[str, int] = defaultdict(int)
    prompts: dict[str, int] = defaultdict(int)
    for call in lived:
        assert call.cached <= (call.prompt or 0)
        assert call.reasoning <= (call.completion or 0)
        assert not call.reasoning or habits.reasons(call.model)
        if call.operation == "ChatCompletions_Create":
            cached[call.subscription] += call.cached
            prompts[call.subscription] += call.prompt or 0
    for name in ("subscription1", "subscription2", "subscription3"):
        assert 0.3 < cached[name] / prompts[name] < 0.6
    assert cached["subscription4"] == 0


def test_callers_are_told_apart_by_what_they_say(azure: Azure) -> None:
    found = {tuple(row[:3]) for row in azure.query(BY_CALLER)}
    assert ("store-assistant", "product questions", "shelf-helper") in found
    assert ("store-assistant", "shift handover", "") in found
    assert ("planogram-check", "shelf photos", "") in found
    ((nameless,),) = azure.query(
        'AppMetrics | where isempty(tostring(Properties["Application"]))'
        ' and tostring(Properties["Subscription ID"]) == "subscription4" | count'
    )
    assert nameless > 0


def test_every_tenant_emits_its_own_dimensions(azure: Azure) -> None:
    always = {"Region", "Service ID", "Service Name", "Service Type"}
    names = {d.name for d in (*BUILT_IN, *MODELS)} | always
    theirs: set[str] = set()
    ours: set[str] = set()
    for tenant, found in ((FABRIKAM, theirs), (CONTOSO, ours)):
        where = {"workspace": tenant.workspace_id, "table": "AppMetrics"}
        for row in azure.control.get("/rows", params=where).json()["rows"]:
            found |= set(json.loads(row["Properties"]))
    assert theirs == names
    assert ours == names | {d.name for d in CALLERS}

    wanted = {"Caller Name": "application", "Subscription ID": "subscription"}
    body = {"service": azure.tenant.service, "dimensions": wanted}
    assert azure.control.put("/dimensions", json=body).json() == {"dimensions": wanted}
    azure.tell("/rows", rows=[_call(at=NOW, metadata=CALLER)])
    (last,) = {row["Properties"] for row in _rows(azure) if "Caller Name" in row["Properties"]}
    assert json.loads(last).keys() == wanted.keys() | always
    body["dimensions"] = {"Caller Name": "shoe size"}
    assert azure.control.put("/dimensions", json=body).status_code == 400


def test_a_row_holds_a_minute_of_one_set_of_properties(empty: Azure) -> None:
    twice = [_call(cached=64), _call(at="2026-11-10T10:00:59.9Z", prompt=20, completion=2)]
    others = [_call(metadata=CALLER, reasoning=30), _call(at="2026-11-10T10:01:00Z")]
    empty.tell("/rows", rows=twice + others)
    found = [
        (row["Name"], row["TimeGenerated"], row["Sum"], row["Min"], row["Max"], row["ItemCount"])
        for row in _rows(empty)
        if "Application" not in row["Properties"]
    ]
    first, second = "2026-11-10T10:00:00Z", "2026-11-10T10:01:00Z"
    assert sorted(found) == [
        ("Cached Tokens", first, 64, 64, 64, 1),
        ("Completion Tokens", first, 42, 2, 40, 2),
        ("Completion Tokens", second, 40, 40, 40, 1),
        ("Prompt Tokens", first, 120, 20, 100, 2),
        ("Prompt Tokens", second, 100, 100, 100, 1),
        ("Total Tokens", first, 162, 22, 140, 2),
        ("Total Tokens", second, 140, 140, 140, 1),
    ]
    (said,) = {row["Properties"] for row in _rows(empty) if "Application" in row["Properties"]}
    for dimension in CALLERS:
        assert json.loads(said)[dimension.name] == CALLER[dimension.source.value]


def test_a_call_without_an_answer_or_without_tokens_has_no_metric(empty: Azure) -> None:
    silent = [
        _call(status=429, tables="gateway"),
        _call(status=500),
        _call(cache="hit"),
        _call(prompt=None, completion=None),
        _call(prompt=0, completion=0),
        _call(tables="logs"),
    ]
    empty.tell("/rows", rows=silent)
    assert _rows(empty) == []
    assert len(_rows(empty, _GATEWAY)) == len(silent)
    empty.tell("/rows", rows=[_call(tables="metrics")])
    assert [row["Name"] for row in _rows(empty)] == [
        "Completion Tokens",
        "Prompt Tokens",
        "Total Tokens",
    ]
    assert len(_rows(empty, _GATEWAY)) == len(silent)


def test_a_live_call_says_what_its_headers_say(empty: Azure) -> None:
    headers = {f"x-{key.replace('_', '-')}": value for key, value in CALLER.items()}
    body = {
        "messages": [{"role": "user", "content": "How much is the blue kettle?" * 10}],
        "max_completion_tokens": 100,
        "reasoning_effort": "medium",
        "prompt_cache_key": "kettles",
    }
    path = f"/gateways/{CONTOSO.service}/inference/openai/deployments/gpt-5-mini/chat/completions"
    key = {"api-key": empty.key("subscription1")}
    usage = empty.wire.post(path, headers=headers | key, json=body).json()["usage"]
    assert usage["prompt_tokens_details"]["cached_tokens"] == usage["prompt_tokens"] // 2 > 0
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 40
    assert {row[0]: row[1] for row in empty.query(BY_NAME)} == {
        "Total Tokens": usage["total_tokens"],
        "Prompt Tokens": usage["prompt_tokens"],
        "Completion Tokens": 100,
        "Cached Tokens": usage["prompt_tokens"] // 2,
        "Reasoning Tokens": 40,
    }
    said = {name: value for row in _rows(empty) for name, value in _properties(row).items()}
    assert said["Cost Center"] == "4410"
    assert said["User Group"] == "cashiers"
    assert said["Subscription ID"] == "subscription1"


def _properties(row: dict[str, Any]) -> dict[str, str]:
    told: dict[str, str] = json.loads(row["Properties"])
    return told


def test_traffic_says_what_it_is_told_to_say(empty: Azure) -> None:
    empty.tell(
        "/traffic",
        service=CONTOSO.service,
        subscription="subscription2",
        requests=2,
        prompt=50,
        completion=10,
        cached=20,
        reasoning=5,
        metadata={"application": "till"},
    )
    assert {row[0]: row[1:] for row in empty.query(BY_NAME)} == {
        "Total Tokens": [120, 2],
        "Prompt Tokens": [100, 2],
        "Completion Tokens": [20, 2],
        "Cached Tokens": [40, 2],
        "Reasoning Tokens": [10, 2],
    }
    refused = empty.control.post("/rows", json={"rows": [_call(metadata={"shoe_size": "46"})]})
    assert refused.status_code == 400
    assert "use_case" in refused.json()["error"]["message"]


def test_metrics_can_come_later_than_the_logs(empty: Azure) -> None:
    late = _call(at=NOW, metrics_delay_seconds=30 * 3600)
    empty.tell("/rows", rows=[late])
    assert len(empty.query(_LLM)) == 3
    assert empty.query("AppMetrics") == []
    empty.tell("/clock", now="2026-11-21T20:19:59Z")
    assert empty.query("AppMetrics") == []
    empty.tell("/clock", now="2026-11-21T20:20:00Z")
    assert len(empty.query("AppMetrics")) == 3
    empty.tell("/knobs", metrics_delay_seconds=60)
    assert empty.chat("subscription1").status_code == 200
    assert len(empty.query("AppMetrics")) == 3
    empty.tell("/clock", advance_seconds=60)
    assert len(empty.query("AppMetrics")) == 6


@pytest.mark.parametrize("table", ["AppMetrics", _GATEWAY, _LLM])
def test_rows_can_be_ingested_twice(empty: Azure, table: str) -> None:
    empty.tell("/rows", rows=[_call(at=NOW, correlation="one"), _call(at=NOW, status=429)])
    before = _rows(empty, table)
    where = {"Name": "Prompt Tokens"} if table == "AppMetrics" else {"CorrelationId": "one"}
    wanted = {"workspace": empty.tenant.workspace_id, "table": table, "where": where, "most": 1}
    assert empty.tell("/copies", **wanted)["copied"] == 1
    assert len(_rows(empty, table)) == len(before) + 1
    assert all(row in before for row in _rows(empty, table))

    assert empty.tell("/copies", **wanted, delay_seconds=60)["copied"] == 1
    assert len(empty.query(table)) == len(before) + 1
    empty.tell("/clock", advance_seconds=60)
    assert len(empty.query(table)) == len(before) + 2
    refused = empty.control.post("/copies", json=wanted | {"where": {"Nowhere": "1"}})
    assert refused.status_code == 400


def test_a_retried_call_has_a_row_for_every_attempt_and_its_tokens_once(empty: Azure) -> None:
    empty.tell("/rows", rows=[_call(correlation="again", retried=[429, 500])])
    codes = [(row["CorrelationId"], row["ResponseCode"]) for row in _rows(empty, _GATEWAY)]
    assert codes == [("again", 429), ("again", 500), ("again", 200)]
    assert [row["TotalTokens"] for row in _rows(empty, _LLM)] == [140, None, None]
    empty.tell("/knobs", failed_attempts=1)
    assert empty.chat("subscription1").status_code == 200
    assert Counter(row["ResponseCode"] for row in _rows(empty, _GATEWAY)) == {
        200: 2,
        429: 2,
        500: 1,
    }
    assert len(_rows(empty)) == 6


def test_a_reset_brings_back_what_was_emptied(azure: Azure) -> None:
    whole = azure.query("AppMetrics | count")
    wanted = {"workspace": azure.tenant.workspace_id, "table": "AppMetrics"}
    assert azure.control.request("DELETE", "/rows", json=wanted).status_code == 200
    assert _rows(azure) == []
    assert len(_rows(azure, _LLM)) > 0
    azure.tell("/reset")
    assert azure.query("AppMetrics | count") == whole
    assert whole[0][0] > 0


def test_the_export_has_the_rows_that_are_listed(azure: Azure) -> None:
    where = {"workspace": azure.tenant.workspace_id}
    text = azure.control.get("/export/metrics.csv", params=where).text
    exported = list(csv.DictReader(io.StringIO(text)))
    listed = _rows(azure)
    assert Counter((r["Name"], float(r["Sum"]), r["Properties"]) for r in exported) == Counter(
        (r["Name"], r["Sum"], r["Properties"]) for r in listed
    )
    assert azure.control.get("/export/shoes.csv", params=where).status_code == 404

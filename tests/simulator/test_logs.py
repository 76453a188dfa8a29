import csv
import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError
from azure.monitor.query import LogsQueryPartialResult

from simulator.setting import FABRIKAM
from tests.simulator.conftest import Azure

PROBE = (Path(__file__).parent / "usage_probe.kql").read_text(encoding="utf-8")


def _exported(azure: Azure, name: str) -> list[dict[str, str]]:
    answer = azure.control.get(
        f"/export/{name}.csv", params={"workspace": azure.tenant.workspace_id}
    )
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text)))


def _november(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [row for row in rows if row["TimeGenerated"].startswith("2026-11")]


def test_the_hourly_usage_adds_up_to_the_raw_rows(azure: Azure) -> None:
    orphan = {
        "workspace": azure.tenant.workspace_id,
        "at": "2026-11-05T10:00:00Z",
        "subscription": "subscription1",
        "deployment": "gpt-5-mini",
        "prompt": 11,
        "completion": 7,
        "tables": "llm",
    }
    azure.tell("/rows", rows=[orphan])
    usage = azure.query(PROBE)
    gateway, llm = _november(_exported(azure, "gateway")), _november(_exported(azure, "llm"))

    codes = Counter(row["ResponseCode"] for row in gateway)
    assert sum(row[6] for row in usage) == len(gateway) + 1
    assert sum(row[7] for row in usage) == codes["200"] + 1
    assert sum(row[8] for row in usage) == codes["429"]
    assert sum(row[9] for row in usage) == codes["403"]
    assert sum(row[10] for row in usage) == sum(row["Cache"] == "hit" for row in gateway)
    without = [r for r in llm if r["SequenceNumber"] == "0" and r["TotalTokens"] in ("", "0")]
    assert sum(row[11] for row in usage) == len(without)
    assert sum(row[12] for row in usage) == sum(int(r["PromptTokens"] or 0) for r in llm)
    assert sum(row[13] for row in usage) == sum(int(r["CompletionTokens"] or 0) for r in llm)
    assert [
        row[6:] for row in usage if row[1] == "" and row[3] == "gpt-5-mini" and row[5] == ""
    ] == [[1, 1, 0, 0, 0, 0, 11, 7, 18]]


def test_bins_hold_the_right_hours(azure: Azure) -> None:
    usage = azure.query(PROBE)
    starts = {row[0] for row in usage}
    assert all(start.minute == 0 and start.tzinfo is not None for start in starts)
    hours = Counter(row["TimeGenerated"][:13] for row in _november(_exported(azure, "gateway")))
    counted: Counter[str] = Counter()
    for row in usage:
        counted[row[0].strftime("%Y-%m-%dT%H")] += row[6]
    assert counted == hours


def test_the_timespan_narrows_what_the_query_itself_asks_for(azure: Azure) -> None:
    day = datetime(2026, 11, 10, tzinfo=UTC)
    kql = (
        "ApiManagementGatewayLogs | where TimeGenerated >= datetime(2026-11-01) "
        "| project TimeGenerated"
    )
    whole = azure.query(kql)
    narrow = azure.query(kql, timespan=(day, day + timedelta(days=1)))
    assert 0 < len(narrow) < len(whole)
    assert all(day <= row[0] < day + timedelta(days=1) for row in narrow)


@pytest.mark.parametrize(
    ("kql", "says"),
    [
        ("ApiManagementGatewayLogs | where Nowhere == 1", "Nowhere"),
        ("NoSuchTable | take 1", "NoSuchTable"),
        ("ApiManagementGatewayLogs | whre 1 == 1", "could not parse"),
    ],
)
def test_a_wrong_query_is_a_400_that_names_what_is_wrong(azure: Azure, kql: str, says: str) -> None:
    assert azure.query("ApiManagementGatewayLogs | count")
    with pytest.raises(HttpResponseError, match=says) as refused:
        azure.query(kql)
    assert refused.value.status_code == 400
    assert "BadArgumentError" in str(refused.value)


def test_a_result_over_the_cap_is_partial_and_says_so(azure: Azure) -> None:
    kql = "ApiManagementGatewayLogs | project CorrelationId"
    whole = len(azure.query(kql))
    azure.tell("/knobs", row_cap=whole)
    assert len(azure.query(kql)) == whole
    azure.tell("/knobs", row_cap=whole - 1)
    partial = azure.logs.query_workspace(azure.tenant.workspace_id, kql, timespan=None)
    assert isinstance(partial, LogsQueryPartialResult)
    assert len(partial.partial_data[0].rows) == whole - 1


def test_the_other_tenants_workspace_is_closed(azure: Azure) -> None:
    with pytest.raises(HttpResponseError) as foreign:
        azure.logs.query_workspace(FABRIKAM.workspace_id, "print 1", timespan=None)
    assert foreign.value.status_code == 403
    with pytest.raises(HttpResponseError) as unknown:
        azure.logs.query_workspace("00000000-0000-0000-0000-000000000000", "print 1", timespan=None)
    assert unknown.value.status_code == 404


def test_a_late_row_is_seen_when_it_has_been_ingested(azure: Azure) -> None:
    row = {
        "workspace": azure.tenant.workspace_id,
        "at": "2026-11-20T13:00:00Z",
        "correlation": "late-one",
        "subscription": "subscription1",
        "prompt": 5,
        "completion": 6,
        "ingestion_delay_seconds": 30 * 3600,
    }
    azure.tell("/rows", rows=[row])
    kql = "ApiManagementGatewayLlmLog | where CorrelationId == 'late-one' and SequenceNumber == 0"
    assert azure.query(kql) == []
    azure.tell("/clock", now="2026-11-21T18:59:59Z")
    assert azure.query(kql) == []
    azure.tell("/clock", now="2026-11-21T19:00:00Z")
    assert len(azure.query(kql)) == 1


def test_statistics_come_when_they_are_asked_for(azure: Azure) -> None:
    found = azure.logs.query_workspace(
        azure.tenant.workspace_id, "print 1", timespan=None, include_statistics=True
    )
    assert found.statistics is not None
    assert found.statistics["query"]["executionTime"] >= 0

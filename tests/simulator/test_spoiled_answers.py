"""Answers of Log Analytics that are cut short, or not of the shape that was asked for."""

from datetime import UTC, datetime, timedelta
from typing import Any

from azure.monitor.query import LogsQueryPartialResult

from tests.simulator.conftest import Azure

QUERY = (
    "ApiManagementGatewayLogs | summarize Calls = count() by ApimSubscriptionId"
    " | order by ApimSubscriptionId asc"
)
LOGS = "/v1/workspaces"


def _tables(azure: Azure) -> list[dict[str, Any]]:
    answer = _answer(azure)
    assert answer["status"] == 200
    tables: list[dict[str, Any]] = answer["tables"]
    return tables


def _answer(azure: Azure) -> dict[str, Any]:
    token = azure.credential.get_token("https://api.loganalytics.io/.default").token
    answer = azure.wire.post(
        f"{LOGS}/{azure.tenant.workspace_id}/query",
        headers={"Authorization": f"Bearer {token}"},
        json={"query": QUERY},
    )
    return {"status": answer.status_code, **answer.json()}


def _names(table: dict[str, Any]) -> list[str]:
    return [column["name"] for column in table["columns"]]


def test_tables_are_missing_empty_or_too_many(azure: Azure) -> None:
    (whole,) = _tables(azure)
    azure.fault("no_tables", LOGS)
    assert _tables(azure) == []
    azure.fault("no_rows", LOGS)
    assert _tables(azure) == [{**whole, "rows": []}]
    azure.fault("two_tables", LOGS)
    assert _tables(azure) == [whole, {**whole, "name": "SecondaryResult"}]
    azure.fault("rows_twice", LOGS)
    (twice,) = _tables(azure)
    assert twice["rows"][::2] == twice["rows"][1::2] == whole["rows"]
    assert _tables(azure) == [whole]


def test_a_column_is_gone_or_has_another_name(azure: Azure) -> None:
    (whole,) = _tables(azure)
    azure.fault("drop_column", LOGS, name="ApimSubscriptionId")
    (cut,) = _tables(azure)
    assert _names(cut) == ["Calls"]
    assert cut["rows"] == [row[1:] for row in whole["rows"]]
    azure.fault("rename_column", LOGS, name="Calls", to="Requests")
    (renamed,) = _tables(azure)
    assert _names(renamed) == ["ApimSubscriptionId", "Requests"]
    assert renamed["rows"] == whole["rows"]


def test_a_column_has_another_type_or_no_values(azure: Azure) -> None:
    (whole,) = _tables(azure)
    azure.fault("retype_column", LOGS, name="Calls", type="string")
    (retyped,) = _tables(azure)
    assert retyped["columns"][1] == {"name": "Calls", "type": "string"}
    assert [row[1] for row in retyped["rows"]] == [str(row[1]) for row in whole["rows"]]
    azure.fault("null_column", LOGS, name="ApimSubscriptionId")
    (null,) = _tables(azure)
    assert null["rows"] == [[None, row[1]] for row in whole["rows"]]
    assert null["columns"] == whole["columns"]


def test_a_fault_that_does_not_fit_is_not_passed_over(azure: Azure) -> None:
    azure.fault("drop_column", LOGS, name="Nowhere")
    answer = _answer(azure)
    assert answer["status"] == 500
    assert answer["error"]["code"] == "FaultDoesNotFit"
    azure.fault("retype_column", LOGS, name="Calls", type="colour")
    assert _answer(azure)["error"]["code"] == "UnknownType"


def test_a_fault_may_be_about_the_queries_of_one_table(azure: Azure) -> None:
    match = {"path_prefix": LOGS, "body": "AppMetrics"}
    azure.tell("/faults", kind="no_rows", match=match)
    assert len(azure.query("ApiManagementGatewayLogs | take 3")) == 3
    assert azure.query("AppMetrics | take 3") == []
    assert len(azure.query("AppMetrics | take 3")) == 3


def test_a_long_span_is_answered_in_part(azure: Azure) -> None:
    azure.tell("/knobs", partial_over_minutes=60)
    kql = "range Number from 1 to 10 step 1"
    start = datetime(2026, 11, 10, 9, tzinfo=UTC)
    hour = (start, start + timedelta(minutes=60))
    assert len(azure.query(kql, timespan=hour)) == 10
    longer = (start, start + timedelta(minutes=61))
    found = azure.logs.query_workspace(azure.tenant.workspace_id, kql, timespan=longer)
    assert isinstance(found, LogsQueryPartialResult)
    assert len(found.partial_data[0].rows) == 5

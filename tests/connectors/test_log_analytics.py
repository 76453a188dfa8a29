"""A query gives one whole table or a failure, never less than it seems."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors import kql, log_analytics
from connectors.failures import BadQuery, Forbidden, NotFound, Partial, Permanent, Transient
from connectors.records import QueryTable
from connectors.session import AzureSession
from simulator.setting import CONTOSO, FABRIKAM
from tests.connectors.conftest import Azure, Sign

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 20, 14, tzinfo=UTC)
QUERY = f"/v1/workspaces/{CONTOSO.workspace_id}/query"
BY_BUCKET = kql.render(
    """
    ApiManagementGatewayLogs
    | where TimeGenerated >= {start} and TimeGenerated < {end}
    | summarize Requests = count() by At = bin(TimeGenerated, {bucket}), ApimSubscriptionId
    | order by At asc, ApimSubscriptionId asc
    """,
    start=START,
    end=END,
    bucket=timedelta(minutes=60),
)
ALL = "ApiManagementGatewayLogs | project TimeGenerated, ApimSubscriptionId"


def ask(azure: AzureSession, text: str, workspace: str = CONTOSO.workspace_id) -> int:
    return len(log_analytics.query(azure, workspace, text, start=START, end=END).rows)


def test_a_table_with_its_types(contoso: AzureSession) -> None:
    table = log_analytics.query(contoso, CONTOSO.workspace_id, BY_BUCKET, start=START, end=END)
    rows = table.require(("At", "Requests"))
    assert rows
    assert all(set(row) == {"At", "Requests"} for row in rows)
    first = rows[0]["At"]
    assert isinstance(first, datetime)
    assert first.tzinfo is UTC
    assert START <= first < END
    assert first == first.replace(minute=0, second=0, microsecond=0)
    assert all(type(row["Requests"]) is int for row in rows)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(BadQuery, match="without the column Cost; it gave A, B"):
        QueryTable(columns=("A", "B"), rows=()).require(("A", "Cost"))


def test_a_column_that_azure_does_not_send(azure: Azure, contoso: AzureSession) -> None:
    azure.fault("missing_column", QUERY, name="Requests")
    with pytest.raises(BadQuery, match="Requests"):
        log_analytics.query(contoso, CONTOSO.workspace_id, BY_BUCKET, start=START, end=END).require(
            ("At", "Requests")
        )


@pytest.mark.parametrize("kind", ["missing_table", "partial"])
def test_a_missing_table_and_a_partial_answer_fail(
    azure: Azure, contoso: AzureSession, kind: str
) -> None:
    azure.fault(kind, QUERY, times=9)
    with pytest.raises((BadQuery, Partial)) as caught:
        ask(contoso, BY_BUCKET)
    assert type(caught.value) is (Partial if kind == "partial" else BadQuery)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Nonsense | take 1", "Nonsense"),
        ("ApiManagementGatewayLogs | where Nope == 1", "Nope"),
        ("ApiManagementGatewayLogs | wher true", "refused the query"),
    ],
)
def test_a_wrong_query_carries_azures_words(contoso: AzureSession, text: str, says: str) -> None:
    with pytest.raises(BadQuery, match=says):
        ask(contoso, text)


def test_a_result_of_exactly_the_cap_is_not_trusted(sign: Sign) -> None:
    rows = ask(sign("contoso"), ALL)
    assert rows > 1
    assert ask(sign("contoso", row_cap=rows + 1), ALL) == rows
    with pytest.raises(Partial, match=f"gave {rows} rows"):
        ask(sign("contoso", row_cap=rows), ALL)


def test_workspaces_that_are_not_ones_own(contoso: AzureSession) -> None:
    with pytest.raises(Forbidden, match=f"workspace {FABRIKAM.workspace_id}"):
        ask(contoso, BY_BUCKET, FABRIKAM.workspace_id)
    with pytest.raises(NotFound):
        ask(contoso, BY_BUCKET, "00000000-0000-0000-0000-000000000000")
    with pytest.raises(Permanent, match="not a valid Log Analytics workspace id"):
        ask(contoso, BY_BUCKET, "../../secrets")


@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_broken_answer_is_asked_for_again(azure: Azure, contoso: AzureSession, kind: str) -> None:
    whole = ask(contoso, BY_BUCKET)
    azure.fault(kind, QUERY)
    assert ask(contoso, BY_BUCKET) == whole


def test_busy_and_broken_services_are_outlived_then_passed_on(
    azure: Azure, contoso: AzureSession
) -> None:
    azure.fault("status", QUERY, status=429, retry_after=1)
    assert ask(contoso, BY_BUCKET)
    azure.fault("status", QUERY, status=504, times=99)
    with pytest.raises(Transient, match="answered 504"):
        ask(contoso, BY_BUCKET)


def test_a_slow_answer_is_not_waited_for(azure: Azure, sign: Sign) -> None:
    azure.fault("latency", QUERY, seconds=3, times=2)
    hasty = sign("contoso", read_timeout=1.0, tries=1)
    with pytest.raises(Transient, match="longer than 1 s"):
        ask(hasty, BY_BUCKET)

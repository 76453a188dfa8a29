"""The metrics' queries over rows of every kind: run as the simulated workspace runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb_kql
import pytest

from billing.sources import app_metrics
from connectors import kql
from inventory.rules.dimensions import METRIC_NAMES
from simulator.logs import METRICS, TABLES, Logs

QUERIES = Path(app_metrics.__file__).parent
WORKSPACE = "d4b6a1f2-7c3e-4f90-b1a5-c0a7050a0005"
NOON = datetime(2026, 11, 19, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TOLD = {
    "Subscription ID": "subscription1",
    "Deployment": "gpt-5-mini",
    "API ID": "Inference-API;rev=2",
    "Use Case": "search",
    "Service Name": "apim-contoso",
}
ROW: dict[str, Any] = {
    "at": NOON,
    "Name": "Total Tokens",
    "ItemCount": 1,
    "Sum": 100.0,
    "Properties": TOLD,
    "AppRoleName": "apim-contoso.azure-api.net Sweden Central",
}


@pytest.fixture
def logs() -> Iterator[Logs]:
    opened = Logs(None)
    yield opened
    opened.close()


def ingested(logs: Logs, **changed: Any) -> None:
    """A row as it stands in the table, whatever the simulated gateway would emit."""
    row = ROW | changed
    properties = row["Properties"]
    logs._database.execute(
        f"INSERT INTO raw.{METRICS} BY NAME SELECT ? AS workspace, ? AS ingested, 'live' AS origin,"
        " ? AS TimeGenerated, ? AS Name, ? AS ItemCount, ? AS Sum, ?::JSON AS Properties,"
        " ? AS AppRoleName",
        [
            WORKSPACE,
            datetime(2026, 11, 20),  # noqa: DTZ001 - as the table holds it
            row["at"].replace(tzinfo=None),
            row["Name"],
            row["ItemCount"],
            row["Sum"],
            None if properties is None else json.dumps(properties),
            row["AppRoleName"],
        ],
    )


def asked(
    logs: Logs,
    query: str = "app_metrics.kql",
    *,
    end: datetime = NOON + HOUR,
    service: str = "apim-contoso",
    **names: str,
) -> list[dict[str, Any]]:
    text = kql.render(
        (QUERIES / query).read_text(),
        start=NOON,
        end=end,
        bucket=HOUR,
        texts={**METRIC_NAMES, **names, "service": service},
    )
    now = datetime(2026, 11, 21, tzinfo=UTC)
    schema = {table: logs.columns(table) for table in TABLES}
    sql = duckdb_kql.to_sql(text, schema=schema, query_now=now, allow_write=False)
    with logs.workspace(WORKSPACE, visible_at=now, within=(NOON, end)) as tables:
        found = tables.execute(sql, sql.parameters or None)
        columns = [column[0] for column in found.description or []]
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def numbers(row: dict[str, Any]) -> dict[str, int]:
    return {name: row[name] for name in app_metrics.NUMBERED if row[name]}


def test_a_row_of_each_name_is_a_kind_of_tokens_under_the_dimensions_it_tells(logs: Logs) -> None:
    ingested(logs, Sum=140.0, ItemCount=2)
    ingested(logs, Name="Prompt Tokens", Sum=100.0, ItemCount=2)
    ingested(logs, Name="Completion Tokens", Sum=40.0, ItemCount=2)
    ingested(logs, Name="Cached Tokens", Sum=60.0)
    ingested(logs, Name="Reasoning Tokens", Sum=25.0)
    ingested(logs, Name="Audio Tokens", Sum=9.0)

    (row,) = asked(logs)

    assert numbers(row) == {
        "TotalTokens": 140,
        "PromptTokens": 100,
        "CachedTokens": 60,
        "CompletionTokens": 40,
        "ReasoningTokens": 25,
        "Requests": 2,
    }
    told = {name: row[name] for name in app_metrics.KEYS[1:] if row[name]}
    assert told == {
        "Subscription": "subscription1",
        "Deployment": "gpt-5-mini",
        "Api": "inference-api",
        "UseCase": "search",
    }


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("CachedTokens", ("Cached Tokens", "Prompt Cached Tokens", "Cached Prompt Tokens")),
        (
            "ReasoningTokens",
            (
                "Reasoning Tokens",
                "Completion Reasoning Tokens",
                "Reasoning Completion Tokens",
                "Thinking Tokens",
            ),
        ),
    ],
)
def test_spellings_of_one_kind_are_the_same_tokens(
    logs: Logs, kind: str, names: tuple[str, ...]
) -> None:
    for name in names:
        ingested(logs, Name=name, Sum=60.0)
    for minute, name in enumerate(names, start=1):
        ingested(logs, Name=name, Sum=5.0, at=NOON + timedelta(minutes=minute))

    (row,) = asked(logs)

    assert numbers(row) == {kind: 60 + 5 * len(names)}


@pytest.mark.parametrize("properties", [None, {}, {"Subscription ID": None}, {"Deployment": ""}])
def test_what_is_not_told_is_empty_and_its_tokens_count(
    logs: Logs, properties: dict[str, Any] | None
) -> None:
    ingested(logs, Properties=properties)
    (row,) = asked(logs)
    assert [row[name] for name in app_metrics.KEYS[1:]] == [""] * len(app_metrics.KEYS[1:])
    assert row["TotalTokens"] == 100


def test_another_services_rows_are_left_out(logs: Logs) -> None:
    ingested(logs, Sum=1.0)
    ingested(logs, Sum=2.0, Properties=TOLD | {"Service Name": "APIM-Contoso"})
    ingested(logs, Sum=4.0, Properties={})  # its role says whose it is
    ingested(logs, Sum=8.0, Properties=TOLD | {"Service Name": "apim-other"})
    ingested(logs, Sum=16.0, Properties={}, AppRoleName="apim-other.azure-api.net Sweden Central")
    ingested(logs, Sum=32.0, Properties={}, AppRoleName=None)  # nobody's that is known
    ingested(logs, Sum=64.0, Properties={}, AppRoleName="apim-contoso-2.azure-api.net")

    assert sum(row["TotalTokens"] for row in asked(logs)) == 7
    assert sum(row["TotalTokens"] for row in asked(logs, service="apim-other")) == 24
    assert asked(logs, "app_metrics_totals.kql")[0]["TotalTokens"] == 7


def test_equal_rows_each_count(logs: Logs) -> None:
    ingested(logs)
    ingested(logs)
    (row,) = asked(logs)
    assert numbers(row) == {"TotalTokens": 200, "Requests": 2}
    assert asked(logs, "app_metrics_totals.kql") == [{"Calls": 2, "TotalTokens": 200}]


def test_a_row_is_in_the_bucket_and_the_span_of_its_instant(logs: Logs) -> None:
    last = NOON + HOUR - timedelta(milliseconds=1)
    ingested(logs, at=NOON - timedelta(milliseconds=1), Sum=1.0)
    ingested(logs, at=NOON, Sum=2.0)
    ingested(logs, at=last, Sum=4.0)
    ingested(logs, at=NOON + HOUR, Sum=8.0)

    assert [row["TotalTokens"] for row in asked(logs)] == [6]
    both = asked(logs, end=NOON + 2 * HOUR)
    assert {row["BucketStart"].hour: row["TotalTokens"] for row in both} == {12: 6, 13: 8}


def test_sums_that_are_no_counts_are_no_tokens(logs: Logs) -> None:
    for sum_ in (-5.0, None, 0.0, 7.0):
        ingested(logs, Sum=sum_)
    (row,) = asked(logs)
    assert numbers(row) == {"TotalTokens": 7, "Requests": 2}


def test_names_of_the_gateways_own_are_read_in_place_of_the_usual(logs: Logs) -> None:
    ingested(logs, Properties=TOLD | {"App name": "Assistant", "Application": "not this"})
    (row,) = asked(logs, application="App name")
    assert row["Application"] == "Assistant"


def test_nothing_emitted_is_no_row_and_a_total_of_nothing(logs: Logs) -> None:
    assert asked(logs) == []
    assert asked(logs, "app_metrics_totals.kql") == [{"Calls": 0, "TotalTokens": 0}]

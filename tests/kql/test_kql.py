"""The product's queries are KQL that Microsoft's own parser binds against Azure's real tables."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from billing.sources import app_metrics, llm_log
from connectors import kql
from inventory.rules.dimensions import METRIC_NAMES

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
SCHEMAS: dict[str, dict[str, str]] = json.loads((HERE / "schemas.json").read_text())
ROOMS = ("portal", "governance", "billing", "inventory", "tenancy", "connectors", "tests")
QUERIES = sorted(
    str(path.relative_to(CHECKOUT))
    for room in ROOMS
    for path in (CHECKOUT / room).rglob("*.kql")
    if "node_modules" not in path.parts
)
START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 8, tzinfo=UTC)
NARROWEST = timedelta(minutes=15)
BAD = {
    "an unknown column": ("ApiManagementGatewayLlmLog | where Prompts > 0", "KS142", "Prompts"),
    "an unknown table": ("ApiManagementGatewayLlmLogs | count", "KS204", "GatewayLlmLogs"),
    "no operator": ("ApiManagementGatewayLogs | summarise count()", "KS176", "summarise"),
    "no expression": ("ApiManagementGatewayLogs | where", "KS006", ""),
    "a sum of texts": (
        "ApiManagementGatewayLlmLog | summarize sum(DeploymentName)",
        "KS138",
        "DeploymentName",
    ),
    "a hole left open": (
        "ApiManagementGatewayLogs | where TimeGenerated >= {start}",
        "KS213",
        "{start}",
    ),
}


@dataclass(frozen=True)
class Checked:
    """What the parser says of one query: its answer's columns by type, and what is wrong."""

    columns: dict[str, str]
    diagnostics: list[dict[str, Any]]


def _cannot(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason} With CI=true that is no reason to skip.")
    pytest.skip(reason)


def _checked(queries: dict[str, str]) -> dict[str, Checked]:
    node = shutil.which("node")
    if node is None:
        _cannot("Node is not installed, and Microsoft's KQL parser needs it (version 20).")
    if not (HERE / "node_modules" / "@kusto").is_dir():
        _cannot("Microsoft's KQL parser is not installed: run deploy/node.sh.")
    answer = subprocess.run(
        [node, str(HERE / "check.cjs")],
        input=json.dumps({"schemas": SCHEMAS, "queries": queries}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return {name: Checked(**found) for name, found in json.loads(answer.stdout).items()}


@pytest.fixture(scope="module")
def checked() -> dict[str, Checked]:
    """Every checked-in query as it is sent, and the bad ones beside them: one start of Node."""
    sent = {
        name: kql.render(
            (CHECKOUT / name).read_text(),
            start=START,
            end=END,
            bucket=NARROWEST,
            numbers=llm_log.NUMBERS,
            texts={**METRIC_NAMES, "service": "apim-contoso"},
        )
        for name in QUERIES
    }
    return _checked(sent | {name: query for name, (query, _, _) in BAD.items()})


@pytest.mark.parametrize("name", QUERIES)
def test_a_checked_in_query_has_nothing_wrong(checked: dict[str, Checked], name: str) -> None:
    assert checked[name].diagnostics == []
    assert checked[name].columns


@pytest.mark.parametrize("name", BAD)
def test_a_bad_query_is_caught(checked: dict[str, Checked], name: str) -> None:
    _, code, place = BAD[name]
    first = checked[name].diagnostics[0]
    assert (first["code"], first["severity"]) == (code, "Error")
    assert place in first["text"]


def test_usage_answers_with_the_columns_that_are_stored(checked: dict[str, Checked]) -> None:
    columns = checked["billing/sources/llm_log.kql"].columns
    assert set(columns) == {*llm_log.KEYS, *llm_log.NUMBERED, *llm_log.HISTOGRAMS}
    assert columns["BucketStart"] == "datetime"
    assert {columns[count] for count in llm_log.NUMBERED} == {"long"}
    assert {columns[histogram] for histogram in llm_log.HISTOGRAMS} == {"dynamic"}


def test_metrics_answer_with_the_columns_that_are_stored(checked: dict[str, Checked]) -> None:
    columns = checked["billing/sources/app_metrics.kql"].columns
    assert set(columns) == {*app_metrics.KEYS, *app_metrics.NUMBERED}
    assert columns["BucketStart"] == "datetime"
    assert {columns[count] for count in app_metrics.NUMBERED} == {"long"}
    assert {columns[key] for key in app_metrics.KEYS[1:]} == {"string"}


def test_the_product_has_queries() -> None:
    assert {"billing/sources/llm_log.kql", "billing/sources/app_metrics.kql"} <= set(QUERIES)


def _simulated() -> Iterator[tuple[str, str]]:
    """(table, column) of each column in which the simulated workspace keeps a log."""
    own = {"workspace", "ingested", "origin"}
    script = (CHECKOUT / "simulator" / "logs.sql").read_text()
    for table, body in re.findall(r"EXISTS raw\.(\w+) \((.*?)\n\);", script, re.DOTALL):
        for column in re.findall(r"(?:^|,)\s*(\w+) \w+", body):
            if column not in own:
                yield table, column


def test_the_simulated_tables_have_only_columns_that_azure_has() -> None:
    simulated = list(_simulated())
    assert {table for table, _ in simulated} == set(SCHEMAS)
    assert len(simulated) > 40
    invented = [(table, column) for table, column in simulated if column not in SCHEMAS[table]]
    assert invented == []


def test_the_lock_names_no_host() -> None:
    lock = (HERE / "package-lock.json").read_text()
    assert "://" not in lock
    assert "resolved" not in lock
    packages = json.loads(lock)["packages"]
    assert all("integrity" in package for name, package in packages.items() if name)

"""The page that says what each source can tell agrees with what each source says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing import sources
from billing.rules.token_classes import TokenClass
from inventory.models import UsageSource
from inventory.rules.dimensions import METRIC_NAMES, Dimension

PAGE = (Path(__file__).parents[2] / "docs/connecting-azure.md").read_text()
SOURCES = (UsageSource.LLM_LOG, UsageSource.METRICS, UsageSource.EVENTS)
#: By row of the table, what a source that tells it has in its `tells`, `counts` or `classes`.
ROWS: dict[str, set[str]] = {
    "Calls with a long prompt": {TokenClass.LONG_INPUT, TokenClass.LONG_OUTPUT},
    "Product, API, operation, region, backend": {
        Dimension.PRODUCT,
        Dimension.API,
        Dimension.OPERATION,
        Dimension.REGION,
        Dimension.BACKEND,
    },
    "Streamed or whole": {Dimension.STREAMING},
    "Application, use case, agent": {Dimension.APPLICATION, Dimension.USE_CASE, Dimension.AGENT},
    "Calls answered |": {"requests", "successful_requests"},
    "Calls throttled, refused, failed; cache hits; retries": {
        "throttled_requests",
        "refused_requests",
        "client_errors",
        "server_errors",
        "cache_hits",
        "retries",
    },
    "Calls answered without tokens": {"uncovered_requests"},
    "Agent steps, tool calls": {"agent_steps", "tool_calls"},
}


@pytest.mark.parametrize("row", ROWS)
def test_the_table_says_what_the_sources_say(row: str) -> None:
    (line,) = (line for line in PAGE.splitlines() if line.startswith(f"| {row}"))
    cells = [cell.strip() for cell in line.strip("|").split("|")][1:]
    told = [not cell.startswith("no") for cell in cells]
    found = []
    for kind in SOURCES:
        source = sources.of(kind)
        can = {*source.tells, *source.counts, *source.classes}
        assert ROWS[row] <= can or not ROWS[row] & can
        found.append(ROWS[row] <= can)
    assert told == found


def test_the_page_names_every_dimension_that_is_read() -> None:
    (line,) = (line for line in PAGE.splitlines() if line.startswith("- The names read are"))
    assert [name for name in METRIC_NAMES.values() if f"`{name}`" not in line] == []

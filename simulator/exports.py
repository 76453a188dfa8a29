"""Raw rows as CSV, so that anyone can recompute what the product says."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime

from simulator.clock import iso
from simulator.logs import GATEWAY, LLM, METRICS
from simulator.state import World
from simulator.wire import Reply

_EVER = datetime(9999, 1, 1, tzinfo=UTC)


def llm(world: World, workspace: str) -> Reply:
    """All rows of the token log of a workspace, also those not yet ingested."""
    return _table(world, workspace, LLM, "TimeGenerated, CorrelationId, SequenceNumber")


def gateway(world: World, workspace: str) -> Reply:
    """All rows of the request log of a workspace, also those not yet ingested."""
    return _table(world, workspace, GATEWAY, "TimeGenerated, CorrelationId")


def metrics(world: World, workspace: str) -> Reply:
    """All rows of the metrics of a workspace, also those not yet ingested."""
    return _table(world, workspace, METRICS, "TimeGenerated, Name, Properties")


def prices(world: World) -> Reply:
    """The price items in force, numbers as listed."""
    items = world.prices.effective(world.clock.now())
    names = list(dict.fromkeys(name for item in items for name in item))
    return _csv(names, ([item.get(name, "") for name in names] for item in items))


def _table(world: World, workspace: str, table: str, order: str) -> Reply:
    with world.logs.workspace(workspace, visible_at=_EVER, within=None) as tables:
        found = tables.execute(f"SELECT * FROM {table} ORDER BY {order}")  # noqa: S608 - own names
        names = [column[0] for column in found.description or []]
        return _csv(names, found.fetchall())


def _csv(names: list[str], rows: Iterable[Iterable[object]]) -> Reply:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_shown(value) for value in row] for row in rows)
    return Reply(200, text.getvalue().encode(), {"content-type": "text/csv; charset=utf-8"})


def _shown(value: object) -> object:
    if isinstance(value, datetime):
        return iso(value.replace(tzinfo=UTC))
    return "" if value is None else value

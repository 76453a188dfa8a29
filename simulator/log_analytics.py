"""Log Analytics: executes the query that it is sent, over the rows that it has ingested."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import duckdb_kql

from simulator import entra
from simulator.clock import iso, parse
from simulator.faults import partial, partial_error, query_error, semantic_error
from simulator.logs import TABLES
from simulator.setting import Tenant
from simulator.state import World
from simulator.wire import Ask, Json, Refusal, Reply, Route, answer, route

Span = tuple[datetime, datetime]
_DURATION = re.compile(
    r"^P(?:(?P<days>[\d.]+)D)?(?:T(?:(?P<hours>[\d.]+)H)?(?:(?P<minutes>[\d.]+)M)?"
    r"(?:(?P<seconds>[\d.]+)S)?)?$"
)
_TYPES = (
    ("TIMESTAMP", "datetime"),
    ("VARCHAR", "string"),
    ("JSON", "dynamic"),
    ("INTEGER", "int"),
    ("BIGINT", "long"),
    ("HUGEINT", "long"),
    ("BOOLEAN", "bool"),
    ("DECIMAL", "decimal"),
    ("INTERVAL", "timespan"),
    ("DOUBLE", "real"),
    ("FLOAT", "real"),
    ("UUID", "guid"),
)


def routes(world: World) -> list[Route]:
    """The query endpoint."""

    def query(ask: Ask, named: Mapping[str, str]) -> Reply:
        tenant = _owner(world, ask, named["workspace"])
        content = ask.json()
        text = content.get("query")
        if not isinstance(text, str) or not text.strip():
            return query_error("SyntaxError", "SYN0001", "A syntax error.", "The query is empty.")
        span = timespan(content.get("timespan"), world.clock.now())
        return _run(world, tenant, ask, text, span)

    return [route("POST", "/v1/workspaces/{workspace}/query", query)]


def timespan(text: object, now: datetime) -> Span | None:
    """The interval that a query is limited to: ``start/end``, ``start/duration`` or a duration."""
    if text is None or text == "":
        return None
    try:
        first, _, second = str(text).partition("/")
        if not second:
            return now - _duration(first), now
        if second.startswith("P"):
            return parse(first), parse(first) + _duration(second)
        if first.startswith("P"):
            return parse(second) - _duration(first), parse(second)
        return parse(first), parse(second)
    except ValueError:
        raise Refusal(400, "InvalidTimespan", f"The timespan {text!r} is not valid.") from None


def _owner(world: World, ask: Ask, workspace: str) -> Tenant:
    caller = entra.caller(world, ask, entra.LOG_ANALYTICS)
    owner = next((t for t in world.tenants if t.workspace_id == workspace.lower()), None)
    if owner is None:
        raise Refusal(404, "WorkspaceNotFoundError", "The workspace could not be found.")
    if owner is not caller.tenant:
        message = "The provided credentials have insufficient access to perform the operation."
        raise Refusal(403, "InsufficientAccessError", message)
    return owner


def _run(world: World, tenant: Tenant, ask: Ask, text: str, span: Span | None) -> Reply:
    started, now = time.monotonic(), world.clock.now()
    visible = now - timedelta(seconds=ask.late_seconds)
    schema = {table: world.logs.columns(table) for table in TABLES}
    try:
        sql = duckdb_kql.to_sql(text, schema=schema, query_now=now, allow_write=False)
        with world.logs.workspace(tenant.workspace_id, visible_at=visible, within=span) as tables:
            found = tables.execute(sql, sql.parameters or None)
            columns = [(c[0], str(c[1])) for c in found.description or []]
            rows = found.fetchmany(world.knobs.row_cap + 1)
    except duckdb_kql.KqlSyntaxError as error:
        return query_error("SyntaxError", "SYN0002", "A syntax error occurred.", str(error))
    except duckdb_kql.KqlSchemaError as error:
        return semantic_error(f"Failed to resolve table expression named {error}")
    except duckdb_kql.KqlError as error:
        return semantic_error(str(error), "SEM0260")
    except duckdb.CatalogException as error:
        return semantic_error(f"Failed to resolve table expression. {_first(error)}")
    except duckdb.Error as error:
        return semantic_error(f"Failed to resolve scalar expression. {_first(error)}")
    content = _content(columns, rows, world.knobs.row_cap)
    if "include-statistics=true" in ask.headers.get("prefer", ""):
        spent = {"executionTime": round(time.monotonic() - started, 6)}
        content["statistics"] = {"query": spent}
    longest = world.knobs.partial_over_minutes
    if span and longest and span[1] - span[0] > timedelta(minutes=longest):
        return partial(answer(content))
    return answer(content)


def _content(columns: list[tuple[str, str]], rows: list[tuple[Any, ...]], cap: int) -> Json:
    # Any: a row of whatever the query asks for; `_value` gives each its JSON form.
    named = [{"name": name, "type": _type(kind)} for name, kind in columns]
    shown = [[_value(value) for value in row] for row in rows[:cap]]
    content: dict[str, Json] = {
        "tables": [{"name": "PrimaryResult", "columns": named, "rows": shown}]
    }
    if len(rows) > cap:
        message = (
            f"The results of this query exceed the set limit of {cap} records, so not all records "
            "were returned (E_QUERY_RESULT_SET_TOO_LARGE, 0x80DA0003)."
        )
        content["error"] = partial_error(message)
    return content


def _value(value: Any) -> Json:  # Any: what DuckDB gives for a column of any type
    match value:
        case datetime():
            return iso(value.replace(tzinfo=UTC) if value.tzinfo is None else value)
        case date():
            return f"{value.isoformat()}T00:00:00Z"
        case Decimal() | uuid.UUID() | timedelta():
            return str(value)
        case _:
            return value


def _type(kind: str) -> str:
    return next((ours for theirs, ours in _TYPES if kind.startswith(theirs)), "dynamic")


def _duration(text: str) -> timedelta:
    found = _DURATION.match(text)
    if found is None:
        raise ValueError(text)
    return timedelta(**{name: float(value) for name, value in found.groupdict("0").items()})


def _first(error: duckdb.Error) -> str:
    return str(error).splitlines()[0]

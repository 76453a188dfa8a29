"""Answers of Log Analytics whose shape is not the one that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.wire import Json, Refusal, Reply

_READ: dict[str, Callable[[Any], Json]] = {  # Any: a value of any column
    "string": str,
    "int": int,
    "long": int,
    "real": float,
    "dynamic": str,
}


def without_tables(reply: Reply) -> Reply:
    """An answer with no table at all."""
    return reply.with_json({**reply.json(), "tables": []})


def without_rows(reply: Reply) -> Reply:
    """The columns, and nothing in them."""
    return _each(reply, lambda table: {**table, "rows": []})


def with_two_tables(reply: Reply) -> Reply:
    """The same table twice, the second under another name."""
    content = reply.json()
    again = [{**table, "name": "SecondaryResult"} for table in content.get("tables", [])]
    return reply.with_json({**content, "tables": [*content.get("tables", []), *again]})


def with_rows_twice(reply: Reply) -> Reply:
    """Every row twice."""
    return _each(
        reply, lambda table: {**table, "rows": [row for row in table["rows"] for _ in range(2)]}
    )


def without_column(reply: Reply, name: str) -> Reply:
    """The answer without one of its columns."""

    def cut(table: Json) -> Json:
        at = _place(table, name)
        return {
            **table,
            "columns": [*table["columns"][:at], *table["columns"][at + 1 :]],
            "rows": [[*row[:at], *row[at + 1 :]] for row in table["rows"]],
        }

    return _each(reply, cut)


def with_column_renamed(reply: Reply, name: str, to: str) -> Reply:
    """The answer with another name over one of its columns."""
    return _column(reply, name, {"name": to}, lambda value: value)


def with_column_as(reply: Reply, name: str, kind: str) -> Reply:
    """The answer with another type of one of its columns; an unknown type is refused with 400."""
    if kind not in _READ:
        raise Refusal(400, "UnknownType", f"No type {kind!r}. There are: {', '.join(_READ)}.")
    read = _READ[kind]
    return _column(
        reply, name, {"type": kind}, lambda value: None if value is None else read(value)
    )


def with_column_null(reply: Reply, name: str) -> Reply:
    """The answer with null in every row of one of its columns."""
    return _column(reply, name, {}, lambda _value: None)


def _column(
    reply: Reply, name: str, told: dict[str, Json], changed: Callable[[Json], Json]
) -> Reply:
    def edit(table: Json) -> Json:
        at = _place(table, name)
        columns = list(table["columns"])
        columns[at] = {**columns[at], **told}
        rows = [[*row[:at], changed(row[at]), *row[at + 1 :]] for row in table["rows"]]
        return {**table, "columns": columns, "rows": rows}

    return _each(reply, edit)


def _place(table: Json, name: str) -> int:
    names = [column["name"] for column in table["columns"]]
    if name not in names:
        # A fault that spoils nothing would let a test pass that has shown nothing.
        known = ", ".join(names)
        raise Refusal(500, "FaultDoesNotFit", f"The answer has no column {name!r}, but: {known}.")
    return names.index(name)


def _each(reply: Reply, change: Callable[[Json], Json]) -> Reply:
    content = reply.json()
    if reply.status != 200 or "tables" not in content:
        return reply
    return reply.with_json({**content, "tables": [change(table) for table in content["tables"]]})

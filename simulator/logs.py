"""The tables of every workspace, in DuckDB, and the way a call gets into them."""

from __future__ import annotations

import csv
import enum
import json
import operator
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from simulator.metadata import Dimension, Source

LLM = "ApiManagementGatewayLlmLog"
GATEWAY = "ApiManagementGatewayLogs"
METRICS = "AppMetrics"
TABLES = (LLM, GATEWAY, METRICS)
_SQL = (Path(__file__).parent / "logs.sql").read_text(encoding="utf-8")
_SETUP, _RECORD = _SQL.split("-- record\n")
_BULK = 50
_UNKNOWN = r"\N"


class Rows(enum.Enum):
    """Which tables a call leaves rows in: both logs and the metrics, or not all of them."""

    BOTH = "both"
    LOGS = "logs"
    GATEWAY = "gateway"
    LLM = "llm"
    METRICS = "metrics"


class Origin(enum.Enum):
    """Whether a row was there at the start or came later."""

    HISTORY = "history"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Call:
    """One call through a gateway, as the logs will tell it; tokens may be unknown.

    Cached tokens are part of the prompt, reasoning tokens part of the completion. ``retried``
    holds the status of every attempt that failed before, oldest first.
    """

    workspace: str
    at: datetime
    correlation: str
    subscription: str
    product: str
    api: str
    operation: str
    region: str
    resource_id: str
    url: str
    backend: str
    backend_url: str
    deployment: str
    model: str
    prompt: int | None
    completion: int | None
    status: int = 200
    cache: str = "none"
    rows: Rows = Rows.BOTH
    streamed: bool = False
    milliseconds: int = 900
    error: str = ""
    ingestion_seconds: float = 0.0
    llm_lag_seconds: float = 0.0
    metrics_delay_seconds: float = 0.0
    cached: int = 0
    reasoning: int = 0
    retried: tuple[int, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)

    def properties(self) -> dict[str, str]:
        """The properties of the call's metrics: what API Management adds itself, and what is known
        of the tenant's dimensions."""
        service = self.resource_id.rpartition("/")[2]
        found = {
            "Region": self.region,
            "Service ID": f"{service}.azure-api.net",
            "Service Name": service,
            "Service Type": "API Management",
        }
        for dimension in self.dimensions:
            if value := self._filling(dimension.source):
                found[dimension.name] = value
        return found

    def _filling(self, source: Source) -> str:
        if source is Source.GATEWAY:
            return "managed"
        found = self.metadata.get(source.value)
        return str(getattr(self, source.value, "")) if found is None else found


@dataclass(frozen=True, slots=True)
class Copies:
    """Rows to be ingested once more: the table, their values, at most how many, how much later."""

    table: str
    values: Mapping[str, str]
    most: int
    delay: timedelta


class Logs:
    """Raw rows of all workspaces; safe to use from several threads."""

    def __init__(self, file: Path | None) -> None:
        self._database = duckdb.connect(str(file) if file else ":memory:", config={"threads": 2})
        self._lock = threading.RLock()
        self._database.execute(_SETUP)
        self._columns = {table: self._columns_of(table) for table in TABLES}

    def columns(self, table: str) -> list[str]:
        """The columns a query may name, in order."""
        return list(self._columns[table])

    def record(self, calls: Iterable[Call], origin: Origin = Origin.LIVE) -> int:
        """Write the rows of some calls; how many calls there were.

        Metrics of calls that are written together become one row per minute and set of properties,
        as Application Insights gets them. Every live call gets its own: no row that was ingested
        changes later.
        """
        told = list(calls)
        rows = [(*_flat(one), origin.value) for call in told for one in _attempts(call)]
        if not rows:
            return 0
        with self._lock, self._together():
            self._database.execute("DELETE FROM staged")
            self._stage(rows)
            self._database.execute(_RECORD)
        return len(told)

    def copy(self, workspace: str, wanted: Copies) -> int:
        """Ingest rows of a workspace a second time, the oldest first; how many there were.

        Raises:
            KeyError: the table, or one of the columns, does not exist.
        """
        columns = self._columns[wanted.table]
        if unknown := set(wanted.values) - set(columns):
            raise KeyError(min(unknown))
        also = "".join(f' AND CAST("{name}" AS VARCHAR) = ?' for name in wanted.values)
        copied = f"""INSERT INTO raw.{wanted.table} SELECT * REPLACE (
                'live' AS origin, ingested + to_microseconds(CAST(? AS BIGINT)) AS ingested)
            FROM raw.{wanted.table} WHERE workspace = ?{also} ORDER BY TimeGenerated LIMIT ?"""  # noqa: S608 - own names
        later = round(wanted.delay.total_seconds() * 1e6)
        values = [later, workspace, *wanted.values.values(), wanted.most]
        with self._lock:
            return int(self._database.execute(copied, values).fetchall()[0][0])

    def raw(self, workspace: str, table: str) -> list[dict[str, Any]]:  # Any: values of any column
        """All rows of a table, also those not yet ingested, with the instant of ingestion (UTC)."""
        cursor = self._database.cursor()
        found = cursor.execute(
            f"""SELECT * EXCLUDE (workspace, origin) FROM raw.{table}
                WHERE workspace = ? ORDER BY TimeGenerated, ingested""",  # noqa: S608 - own names
            [workspace],
        )
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def empty(self, workspace: str, tables: Iterable[str] = TABLES) -> None:
        """Delete all rows of a workspace's tables, whatever their origin."""
        with self._lock, self._together():
            for table in tables:
                self._database.execute(
                    f"DELETE FROM raw.{table} WHERE workspace = ?",  # noqa: S608 - own names
                    [workspace],
                )

    def forget(self, *origins: Origin) -> None:
        """Delete the rows of these origins."""
        wanted = ", ".join(f"'{origin.value}'" for origin in origins)
        where = "" if set(origins) == set(Origin) else f" WHERE origin IN ({wanted})"
        with self._lock, self._together():
            for table in TABLES:
                self._database.execute(f"DELETE FROM raw.{table}{where}")  # noqa: S608 - own names

    def tokens(self, subscription: str, service_id: str, since: datetime) -> int:
        """Tokens that the gateway has counted for a subscription since an instant."""
        found = self._database.cursor().execute(
            """SELECT coalesce(sum(TotalTokens), 0)
               FROM raw.ApiManagementGatewayLlmLog
               WHERE (workspace, CorrelationId) IN (
                   SELECT (g.workspace, g.CorrelationId) FROM raw.ApiManagementGatewayLogs g
                   WHERE g.ApimSubscriptionId = ? AND g._ResourceId = lower(?)
                     AND g.TimeGenerated >= ?)""",
            [subscription, service_id, _naive(since)],
        )
        return int(found.fetchall()[0][0])

    @contextmanager
    def workspace(
        self, workspace: str, *, visible_at: datetime, within: tuple[datetime, datetime] | None
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that sees only what the workspace has ingested, in that time span."""
        cursor = self._database.cursor()
        try:
            for table in TABLES:
                cursor.execute(self._view(table, workspace, visible_at, within))
            yield cursor
        finally:
            for table in TABLES:
                cursor.execute(f"DROP VIEW IF EXISTS temp.{table}")
            cursor.close()

    def close(self) -> None:
        """Write everything to the file and let go of it."""
        with self._lock:
            self._database.close()

    @contextmanager
    def _together(self) -> Iterator[None]:
        """All of it or nothing; to the disk once."""
        self._database.begin()
        try:
            yield
        except BaseException:
            self._database.rollback()
            raise
        self._database.commit()

    def _columns_of(self, table: str) -> tuple[str, ...]:
        cursor = self._database.execute(f"SELECT * FROM raw.{table} LIMIT 0")  # noqa: S608
        hidden = {"workspace", "ingested", "origin"}
        return tuple(c[0] for c in cursor.description or [] if c[0] not in hidden)

    def _view(
        self,
        table: str,
        workspace: str,
        visible_at: datetime,
        within: tuple[datetime, datetime] | None,
    ) -> str:
        span = ""
        if within is not None:
            start, end = (_naive(instant).isoformat(" ") for instant in within)
            span = (
                f" AND TimeGenerated >= TIMESTAMP '{start}' AND TimeGenerated < TIMESTAMP '{end}'"
            )
        seen = _naive(visible_at).isoformat(" ")
        owner = workspace.replace("'", "''")
        return (
            f"CREATE TEMP VIEW {table} AS SELECT * EXCLUDE (workspace, ingested, origin) "  # noqa: S608
            f"FROM raw.{table} WHERE workspace = '{owner}' AND ingested <= TIMESTAMP '{seen}'{span}"
        )

    def _stage(self, rows: list[tuple[object, ...]]) -> None:
        if len(rows) <= _BULK:
            marks = ", ".join("?" * len(rows[0]))
            self._database.executemany(f"INSERT INTO staged VALUES ({marks})", rows)  # noqa: S608
            return
        # A file is many times faster than parameters for a whole history.
        with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
            file.flush()
            self._database.execute(f"COPY staged FROM '{file.name}' ({_CSV})")


_CSV = r"""FORMAT csv, HEADER false, NULLSTR '\N', DELIMITER ',', QUOTE '"', ESCAPE '"'"""
_APART = {"retried", "dimensions", "metadata"}
_VALUES = operator.attrgetter(*(f.name for f in fields(Call) if f.name not in _APART))


def _attempts(call: Call) -> Iterator[Call]:
    """The call, and before it a second apart the attempts that its backend refused."""
    for ahead, status in zip(range(len(call.retried), 0, -1), call.retried, strict=True):
        at = call.at - timedelta(seconds=ahead)
        yield replace(call, at=at, status=status, rows=Rows.GATEWAY, milliseconds=40)
    yield call


def _flat(call: Call) -> tuple[object, ...]:
    properties = json.dumps(call.properties(), separators=(",", ":"))
    return (*(_plain(value) for value in _VALUES(call)), properties)


def _plain(value: object) -> object:
    match value:
        case None:
            return _UNKNOWN
        case datetime():
            return _naive(value)
        case Rows():
            return value.value
        case _:
            return value


def _naive(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)

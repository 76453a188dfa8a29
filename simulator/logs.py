"""The two log tables of every workspace, in DuckDB, and the way a call gets into them."""

from __future__ import annotations

import csv
import enum
import operator
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import duckdb

LLM = "ApiManagementGatewayLlmLog"
GATEWAY = "ApiManagementGatewayLogs"
TABLES = (LLM, GATEWAY)
_SQL = (Path(__file__).parent / "logs.sql").read_text(encoding="utf-8")
_SETUP, _RECORD = _SQL.split("-- record\n")
_BULK = 50
_UNKNOWN = r"\N"


class Rows(enum.Enum):
    """Which of the two tables a call leaves rows in."""

    BOTH = "both"
    GATEWAY = "gateway"
    LLM = "llm"


class Origin(enum.Enum):
    """Whether a row was there at the start or came later."""

    HISTORY = "history"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Call:
    """One call through a gateway, as the logs will tell it; tokens may be unknown."""

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
        """Write the rows of some calls; how many calls there were."""
        rows = [(*_flat(call), origin.value) for call in calls]
        if not rows:
            return 0
        with self._lock, self._together():
            self._database.execute("DELETE FROM staged")
            self._stage(rows)
            self._database.execute(_RECORD)
        return len(rows)

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
            """SELECT coalesce(sum(l.TotalTokens), 0)
               FROM raw.ApiManagementGatewayLlmLog l
               JOIN raw.ApiManagementGatewayLogs g USING (workspace, CorrelationId)
               WHERE g.ApimSubscriptionId = ? AND g._ResourceId = lower(?)
                 AND g.TimeGenerated >= ?""",
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
            self._database.execute(f"COPY staged FROM '{file.name}' (HEADER false, NULLSTR '\\N')")


_VALUES = operator.attrgetter(*(f.name for f in fields(Call)))


def _flat(call: Call) -> tuple[object, ...]:
    return tuple(_plain(value) for value in _VALUES(call))


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

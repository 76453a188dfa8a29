"""Loading usage: the product's replacement of a month's windows, and bare COPY of the same rows."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from typing import IO, Any

import psycopg
from django.db import connection

from benchmarks.month import END, EVERY, Month, Window
from benchmarks.timing import TURNS, Goal, Measure, Side, in_turns, same, timed
from billing import rating, stored
from billing.staging import COLUMNS
from portal.embedded import Postgres, Role
from tenancy import scope
from tenancy.runs import Contention
from tenancy.scope import TenantRef

_COPIED = f"tenant_id, gateway_id, {', '.join(COLUMNS)}"
_TOKENS = "input_tokens + cached_input_tokens + output_tokens + reasoning_tokens"
_HELD = f"SELECT count(*), sum({_TOKENS}), sum(requests), sum(latency_6) FROM billing_usage"
#: Every version of every row: an update, even to the same values, would be another one.
_VERSIONS = (
    "SELECT count(*), sum(xmin::text::bigint), sum(cmin::text::bigint),"
    " sum(('x' || substr(md5(tableoid::text || ctid::text), 1, 8))::bit(32)::bigint)"
    " FROM billing_usage"
)
_DEAD = (
    "SELECT sum(n_dead_tup), sum(n_tup_upd), sum(n_tup_del) FROM pg_stat_user_tables"
    " WHERE relname LIKE 'billing\\_usage\\_%' OR relname = 'billing_classusage'"
)
_RATED = (
    "SELECT sum(tokens), (SELECT sum(requests) FROM billing_usageday),"
    " (SELECT sum(tokens) FROM billing_periodtodate) FROM billing_ratedday"
)


def replace(ref: TenantRef, gateway: int, windows: Sequence[Window], version: int = 0) -> float:
    """As `usage.sync` stores what it has read, each window in its transaction; the seconds.

    The rows are there when the time begins to count.
    """
    seconds = 0.0
    for window in windows:
        hours = window.hours(version)
        started = time.perf_counter()
        with scope.of(ref):
            stored.replace(gateway, hours, start=window.start, end=window.end, classes=(), at=END)
        seconds += time.perf_counter() - started
    return seconds


def rate(ref: TenantRef) -> None:
    """Rate what is marked, with the daily rollup and the sums of the period."""
    rating.rate(ref, contention=Contention.TAKE_OVER)


class LoadingUsage:
    """A month of usage into an empty table, the same again, and with some rows changed."""

    def __init__(self, server: Postgres, month: Month) -> None:
        self._month = month
        self._superuser = psycopg.connect(server.url(Role.SUPERUSER), autocommit=True)
        self._version = 0
        self._replace()
        self._rate()
        # As autovacuum does within a minute of a load: of every table, since pages read most.
        self._superuser.execute("VACUUM (ANALYZE)")
        self._sums = self._one(_HELD)
        self._versions: tuple[Any, ...] = ()
        same("rows of usage", self._sums[0], month.rows)

    def measures(self) -> list[Measure]:
        """The month into an empty table and rated; again, unchanged; with 5 % changed."""
        values = self._month.values
        with tempfile.TemporaryFile() as file:
            self._copy_out(file)
            copied, stored_only, rated = self._first(file)
            unchanged, changed = in_turns(
                Side("usage, unchanged", self._replace, self._note, self._check_untouched),
                Side("usage, 5 % changed", self._change, check=self._check_changed),
                turns=TURNS,
            )
        copy = "binary COPY"
        return [
            Measure("usage: new hours, stored", values, stored_only, copied, copy),
            Measure(
                "usage: new hours, stored, rated, rolled up",
                values,
                stored_only + rated,
                copied,
                copy,
                goal=Goal.of_speed("0.35"),
            ),
            Measure(
                "usage: hours again, nothing changed",
                values,
                unchanged,
                copied,
                copy,
                goal=Goal.of_speed("0.35"),
            ),
            Measure(
                "usage: hours again, 5 % of rows changed",
                values,
                changed,
                copied,
                copy,
                goal=Goal.of_speed("0.3"),
            ),
        ]

    def _first(self, file: IO[bytes]) -> tuple[float, ...]:
        return in_turns(
            Side("COPY", lambda: self._copy_in(file), self.empty, self._check),
            Side("usage, empty table", self._replace, self.empty, self._check),
            Side("rating it", lambda: timed(self._rate), check=self._check_rated),
        )

    def replace_and_rate(self) -> float:
        """The month into an empty table, rated; the seconds."""
        self.empty()
        seconds = self._replace() + timed(self._rate)
        self._check_rated()
        return seconds

    def _replace(self) -> float:
        return replace(self._month.ref, self._month.gateway, self._month.windows, self._version)

    def _rate(self) -> None:
        rate(self._month.ref)

    def _change(self) -> float:
        self._version += 1
        return self._replace()

    def _copy_out(self, file: IO[bytes]) -> None:
        wanted = (
            f"COPY (SELECT {_COPIED} FROM billing_usage ORDER BY tenant_id, bucket_start,"
            " series_id) TO STDOUT (FORMAT BINARY)"
        )
        with self._superuser.cursor().copy(wanted.encode()) as copy:
            for block in copy:
                file.write(block)

    def _copy_in(self, file: IO[bytes]) -> float:
        """The same rows, already in COPY's own form and in the key's order, into the same table.

        As the superuser: PostgreSQL refuses COPY into a table with row security to anyone else.
        """
        file.seek(0)
        return timed(lambda: self._copy_blocks(file))

    def _copy_blocks(self, file: IO[bytes]) -> None:
        wanted = f"COPY billing_usage ({_COPIED}) FROM STDIN (FORMAT BINARY)"
        with self._superuser.cursor().copy(wanted.encode()) as copy:
            while block := file.read(1 << 18):
                copy.write(block)

    def empty(self) -> None:
        """Leave nothing of the month."""
        self._superuser.execute(
            "TRUNCATE billing_usage, billing_ratedday, billing_usageday, billing_periodtodate,"
            " billing_daytorate"
        )

    def _one(self, query: str) -> tuple[Any, ...]:
        found = self._superuser.execute(query.encode()).fetchone()
        assert found is not None
        return found

    def _check(self) -> None:
        same("usage", self._one(_HELD), self._sums)

    def _check_rated(self) -> None:
        tokens, calls = self._sums[1:3]
        same("tokens, calls, tokens of the period", self._one(_RATED), (tokens, calls, tokens))

    def _note(self) -> None:
        self._superuser.execute("VACUUM (ANALYZE) billing_usage")
        self._versions = (*self._one(_VERSIONS), *self._dead())

    def _check_untouched(self) -> None:
        self._check()
        same("row versions, dead rows", (*self._one(_VERSIONS), *self._dead()), self._versions)

    def _dead(self) -> tuple[Any, ...]:
        # Whoever wrote last tells what it did only after a while, unless it is asked to.
        with scope.of(self._month.ref), connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")
        return self._one(_DEAD)

    def _check_changed(self) -> None:
        more = sum(
            (window.end - window.start).total_seconds() // 3600 * self._per_hour() // EVERY
            for window in self._month.windows
        )
        rows, tokens, *rest = self._sums
        self._sums = (rows, tokens + int(more), *rest)
        self._check()

    def _per_hour(self) -> int:
        return self._month.rows // sum(
            int((window.end - window.start).total_seconds() // 3600)
            for window in self._month.windows
        )

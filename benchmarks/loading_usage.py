"""Loading usage: the product's replacement of a month's windows, and bare COPY."""

from __future__ import annotations

import tempfile
import time
from datetime import timedelta
from typing import IO, Any

import psycopg

from benchmarks.month import END, START, ZONE, Month
from benchmarks.timing import Measure, Side, in_turns, same, timed
from billing import usage
from portal.embedded import Postgres, Role
from tenancy import scope, tenants

_COPY = (
    "tenant_id, gateway_id, bucket_start, subscription_id, deployment_id, input_tokens,"
    " cached_input_tokens, output_tokens, requests, successful_requests, throttled_requests,"
    " refused_requests, cache_hits, uncovered_requests"
)


class LoadingUsage:
    """A month of usage into an empty table, and once more."""

    def __init__(self, server: Postgres, month: Month) -> None:
        self._month = month
        self._superuser = psycopg.connect(server.url(Role.SUPERUSER), autocommit=True)
        self.replace()
        self._sums = self._figures()
        same("rows of usage", self._sums[0], month.rows)

    def measures(self) -> list[Measure]:
        """The month into an empty table, beside COPY; and the month again, unchanged."""
        rows = self._month.rows
        with tempfile.TemporaryFile() as file:
            self._copy_out(file)
            copied, first, again = in_turns(
                Side("COPY", lambda: self._copy_in(file), self._empty, self._check),
                Side("usage, empty table", self.replace, self._empty, self._check),
                Side("usage, unchanged", self.replace, check=self._check),
            )
        return [
            Measure("usage: a month into an empty table", rows, first, copied, "binary COPY"),
            Measure("usage: the same month again", rows, again),
        ]

    def replace(self) -> float:
        """As `usage.sync` stores what it has read, window by window, each in its transaction."""
        month, seconds = self._month, 0.0
        plan = usage.Plan(month.gateway, ZONE, self._bucket(), ())
        for window in month.windows:
            table = window.table
            started = time.perf_counter()
            with scope.of(month.ref):
                usage._replace(plan, table, window.start, window.end, at=END)
            seconds += time.perf_counter() - started
        return seconds

    def _bucket(self) -> timedelta:
        with scope.of(self._month.ref):
            return tenants.billing().bucket(around=START)

    def _copy_out(self, file: IO[bytes]) -> None:
        wanted = f"COPY (SELECT {_COPY} FROM billing_usage) TO STDOUT (FORMAT BINARY)"
        with self._superuser.cursor().copy(wanted.encode()) as copy:
            for block in copy:
                file.write(block)

    def _copy_in(self, file: IO[bytes]) -> float:
        """The same rows, already in COPY's own form, into the same table.

        As the superuser: PostgreSQL refuses COPY into a table with row security to anyone else.
        """
        file.seek(0)
        return timed(lambda: self._copy_blocks(file))

    def _copy_blocks(self, file: IO[bytes]) -> None:
        wanted = f"COPY billing_usage ({_COPY}) FROM STDIN (FORMAT BINARY)"
        with self._superuser.cursor().copy(wanted.encode()) as copy:
            while block := file.read(1 << 18):
                copy.write(block)

    def _empty(self) -> None:
        self._superuser.execute("TRUNCATE billing_usage")

    def _figures(self) -> tuple[Any, ...]:
        found = self._superuser.execute(
            "SELECT count(*), sum(input_tokens), sum(output_tokens), sum(requests)"
            "  FROM billing_usage"
        ).fetchone()
        assert found is not None
        return found

    def _check(self) -> None:
        same("usage", self._figures(), self._sums)

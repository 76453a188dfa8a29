"""What is measured: the product's own functions, and the same work without them, in turns."""

from __future__ import annotations

import io
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import duckdb
import psycopg

from benchmarks.month import END, START, ZONE, Month
from billing import marking, rating, statements, usage
from portal.embedded import Postgres, Role
from tenancy import scope, tenants
from tenancy.runs import Contention

TURNS = 5
_COPY = (
    "tenant_id, gateway_id, bucket_start, subscription_id, deployment_id, input_tokens,"
    " cached_input_tokens, output_tokens, requests, successful_requests, throttled_requests,"
    " refused_requests, cache_hits, uncovered_requests"
)
_RATED = """
SELECT (timezone('{zone}', used.bucket_start))::DATE AS day, used.subscription_id,
       used.deployment_id, classed.token_class, price.id AS price_id,
       sum(classed.quantity) AS quantity,
       sum(CAST(classed.quantity AS DECIMAL(18, 0)) * price.unit_price) AS cost
  FROM used
 CROSS JOIN LATERAL (VALUES ('input', used.input_tokens), ('output', used.output_tokens))
       classed (token_class, quantity)
  LEFT JOIN price
         ON price.deployment_id = used.deployment_id
        AND price.token_class = classed.token_class
        AND price.effective_from <= used.bucket_start
        AND (price.effective_until IS NULL OR used.bucket_start < price.effective_until)
 WHERE classed.quantity > 0
 GROUP BY ALL
"""
_PRICES = """
SELECT mapped.deployment_id, mapped.token_class, price.id, price.effective_from,
       lead(price.effective_from) OVER (
           PARTITION BY mapped.deployment_id, mapped.token_class ORDER BY price.effective_from
       ) AS effective_until, price.unit_price
  FROM billing_metermapping mapped JOIN billing_price price USING (meter_id)
"""


_TYPES = {
    "used": {"bucket_start": "TIMESTAMPTZ"},
    "price": {
        "effective_from": "TIMESTAMPTZ",
        "effective_until": "TIMESTAMPTZ",
        "unit_price": "DECIMAL(18, 15)",
    },
}


@dataclass(frozen=True)
class Measure:
    """Median seconds of the product and of what it is compared with, for the same rows."""

    name: str
    rows: int
    product: float
    other: float | None
    beside: str

    @property
    def ratio(self) -> float | None:
        """How many times the other's time the product takes."""
        return self.product / self.other if self.other else None


class Unequal(AssertionError):
    """Two ways to the same figures did not come to the same figures."""


class Bench:
    """All measures of one month on one server."""

    def __init__(self, server: Postgres, month: Month) -> None:
        self._month = month
        self._superuser = psycopg.connect(server.url(Role.SUPERUSER), autocommit=True)
        self._replace()
        self._bytes = self._copied_out()
        self._sums = self._figures()

    def replace(self) -> Measure:
        """A month of usage into an empty table: the product's replacement, and bare COPY."""
        product, other = [], []
        for _ in range(TURNS):
            self._emptied()
            other.append(_timed(self._copy_in))
            self._check()
            self._emptied()
            product.append(_timed(self._replace))
            self._check()
        return self._measure("usage: a month into an empty table", product, other, "binary COPY")

    def again(self) -> Measure:
        """The same month once more: nothing differs, nothing is written."""
        seconds = [_timed(self._replace) for _ in range(TURNS)]
        self._check()
        return self._measure("usage: the same month again, unchanged", seconds, None, "")

    def rate(self) -> Measure:
        """Every day of the month rated, and the same join and sums in DuckDB, in memory."""
        product, other = [], []
        with duckdb.connect(config={"threads": 2}) as duck:
            self._hand_over(duck)
            for _ in range(TURNS):
                other.append(_timed(lambda: duck.execute(_made()).fetchall()))
                with scope.of(self._month.ref):
                    marking.mark_days(since=START)
                product.append(
                    _timed(lambda: rating.rate(self._month.ref, contention=Contention.TAKE_OVER))
                )
            self._compare_costs(duck)
        return self._measure("rating: every day of the month", product, other, "DuckDB, 2 threads")

    def draft(self) -> Measure:
        """One team's statement of the month, a tenth of its lines' subscriptions."""
        with scope.of(self._month.ref):
            month = tenants.billing().month_at(START)
            view = statements.draft(self._month.team, month)
            seconds = [
                _timed(lambda: statements.draft(self._month.team, month)) for _ in range(4 * TURNS)
            ]
        return Measure("statement: one team's draft", len(view.lines), _median(seconds), None, "")

    def _measure(
        self, name: str, product: list[float], other: list[float] | None, beside: str
    ) -> Measure:
        beaten = _median(other) if other else None
        return Measure(name, self._month.rows, _median(product), beaten, beside)

    def _replace(self) -> None:
        """As `usage.sync` stores what it has read, window by window, each in its transaction."""
        month = self._month
        plan = usage.Plan(month.gateway, ZONE, _bucket(month), ())
        for start, end, table in month.windows:
            with scope.of(month.ref):
                usage._replace(plan, table, start, end, at=END)

    def _copied_out(self) -> bytes:
        out = io.BytesIO()
        wanted = f"COPY (SELECT {_COPY} FROM billing_usage) TO STDOUT (FORMAT BINARY)"
        with self._superuser.cursor().copy(wanted.encode()) as copy:
            for block in copy:
                out.write(block)
        return out.getvalue()

    def _copy_in(self) -> None:
        """The same rows, already in COPY's own form, into the same table.

        As the superuser: PostgreSQL refuses COPY into a table with row security to anyone else.
        """
        wanted = f"COPY billing_usage ({_COPY}) FROM STDIN (FORMAT BINARY)"
        with self._superuser.cursor().copy(wanted.encode()) as copy:
            copy.write(self._bytes)

    def _emptied(self) -> None:
        self._superuser.execute("TRUNCATE billing_usage")

    def _figures(self) -> tuple[Any, ...]:
        found = self._superuser.execute(
            "SELECT count(*), sum(input_tokens), sum(output_tokens), sum(requests)"
            "  FROM billing_usage"
        ).fetchone()
        assert found is not None
        return found

    def _check(self) -> None:
        if (found := self._figures()) != self._sums or found[0] != self._month.rows:
            raise Unequal(f"{found} is not {self._sums}")

    def _hand_over(self, duck: duckdb.DuckDBPyConnection) -> None:
        """The month and its prices into DuckDB's own tables, through files."""
        for name, query in (("used", f"SELECT {_COPY} FROM billing_usage"), ("price", _PRICES)):
            wanted = f"COPY ({query}) TO STDOUT (FORMAT CSV, HEADER)"
            with tempfile.NamedTemporaryFile("wb", suffix=".csv") as file:
                with self._superuser.cursor().copy(wanted.encode()) as copy:
                    for block in copy:
                        file.write(block)
                file.flush()
                source = f"read_csv('{file.name}', types = {_TYPES[name]})"
                duck.execute(f"CREATE TABLE {name} AS SELECT * FROM {source}")

    def _compare_costs(self, duck: duckdb.DuckDBPyConnection) -> None:
        query = "SELECT count(*), sum(quantity), sum(cost) FROM {}"
        theirs = duck.execute(query.format("rated")).fetchone()
        ours = self._superuser.execute(query.format("billing_ratedday").encode()).fetchone()
        assert theirs is not None
        assert ours is not None
        if tuple(map(Decimal, theirs)) != tuple(map(Decimal, ours)):
            raise Unequal(f"DuckDB says {theirs}, the product {ours}")


def _bucket(month: Month) -> timedelta:
    """How finely the tenant's usage is kept."""
    with scope.of(month.ref):
        return tenants.billing().bucket(around=START)


def _made() -> str:
    return f"CREATE OR REPLACE TABLE rated AS {_RATED.format(zone=ZONE)}"


def _timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def _median(seconds: list[float]) -> float:
    return statistics.median(seconds)

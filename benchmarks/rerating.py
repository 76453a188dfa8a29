"""Rating again after a new price: every day, one deployment's days; beside DuckDB. And plans."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Any

import duckdb
import psycopg

from benchmarks.month import BY, END, METERS, MODELS, START, ZONE, Month, reprice
from benchmarks.timing import Goal, Measure, Side, in_turns, same, timed
from billing import effects, rating
from billing.effects import Effect
from billing.models import PriceSheet
from billing.prices import sheets
from billing.rating import Rated
from billing.rules.sheet_lines import AgreedLine, Kind
from billing.sources.seam import COUNTS
from billing.staging import BIN_COLUMNS, COLUMNS
from portal.embedded import Postgres, Role
from tenancy import scope
from tenancy.runs import Contention

_RATED = f"""
CREATE OR REPLACE TABLE rated AS
SELECT (timezone('{ZONE}', used.bucket_start))::DATE AS day, used.series_id, used.subscription_id,
       used.deployment_id, classed.token_class, price.id AS price_id, price.unit_price,
       sum(classed.quantity) AS quantity,
       sum(CAST(classed.quantity AS DECIMAL(18, 0)) * price.unit_price) AS list_cost,
       sum(CAST(classed.quantity AS DECIMAL(18, 0)) * price.unit_price) AS cost
  FROM used
 CROSS JOIN LATERAL (VALUES ('input', used.input_tokens),
                            ('cached_input', used.cached_input_tokens),
                            ('output', used.output_tokens),
                            ('reasoning', used.reasoning_tokens)) classed (token_class, quantity)
  LEFT JOIN price
         ON price.deployment_id = used.deployment_id
        AND price.token_class = classed.token_class
        AND price.effective_from <= used.bucket_start
        AND (price.effective_until IS NULL OR used.bucket_start < price.effective_until)
 WHERE classed.quantity > 0
 GROUP BY ALL
"""
_COUNTED = (*COUNTS, *BIN_COLUMNS)
_DAYS = f"""
CREATE OR REPLACE TABLE days AS
SELECT (timezone('{ZONE}', used.bucket_start))::DATE AS day, used.series_id, used.subscription_id,
       used.deployment_id, {", ".join(f"sum(used.{name}) AS {name}" for name in _COUNTED)}
  FROM used
 GROUP BY ALL
"""
_PERIOD = """
CREATE OR REPLACE TABLE period AS
SELECT subscription_id, sum(cost) AS cost, sum(quantity) AS tokens FROM rated GROUP BY ALL
"""
_USED = f"SELECT {', '.join(COLUMNS)} FROM billing_usage"
_PRICES = """
SELECT deployment_id, token_class, id, effective_from,
       lead(effective_from) OVER (
           PARTITION BY deployment_id, token_class ORDER BY effective_from
       ) AS effective_until, unit_price
  FROM (SELECT DISTINCT ON (mapped.id, price.effective_from)
               mapped.deployment_id, mapped.token_class, price.id, price.effective_from,
               price.unit_price
          FROM billing_metermapping mapped JOIN billing_price price USING (meter_id)
         WHERE price.doubts = '[]'
         ORDER BY mapped.id, price.effective_from, price.run_id DESC) newest
"""
_INSTANTS = {"effective_from": "TIMESTAMPTZ", "effective_until": "TIMESTAMPTZ"}
_TYPES = {
    # A bin that nothing is in has no value to tell its type by.
    "used": {"bucket_start": "TIMESTAMPTZ", **dict.fromkeys(BIN_COLUMNS, "INTEGER")},
    "price": {**_INSTANTS, "unit_price": "DECIMAL(18, 15)"},
}
_TOTALS = "SELECT count(*), sum(quantity), sum(list_cost), sum(cost) FROM {}"


class Rerating:
    """Changes of price of one month, and what each costs to rate."""

    def __init__(self, server: Postgres, month: Month) -> None:
        self._month = month
        self._superuser = psycopg.connect(server.url(Role.SUPERUSER), autocommit=True)
        self._numbers = count(1)
        self._rated = Rated()
        self._effect: Effect | None = None

    def measures(self) -> list[Measure]:
        """Both kinds of rating, both kinds of plan."""
        return [*self.repriced(), *self.planned()]

    def repriced(self) -> list[Measure]:
        """A new price for every deployment, for one; beside the same join and sums in DuckDB."""
        with duckdb.connect(config={"threads": 2}) as duck:
            self._hand_over(duck, "used", _USED)
            every, one, other = in_turns(
                Side("rating, all", self._rate, self._reprice(range(MODELS)), self._is_all),
                Side("rating, one deployment", self._rate, self._reprice([0]), self._is_one),
                Side(
                    "DuckDB",
                    lambda: timed(lambda: _calculate(duck)),
                    lambda: self._hand_over(duck, "price", _PRICES),
                    lambda: self._compare(duck),
                ),
            )
        rows = self._month.values
        beside = f"rating all {MODELS}"
        return [
            Measure(
                "rating: a month, every price new",
                rows,
                every,
                other,
                "DuckDB, 2 threads",
                goal=Goal.of_speed("0.06"),
            ),
            Measure("rating: for one deployment's meters", rows // MODELS, one, every, beside),
        ]

    def planned(self) -> list[Measure]:
        """A discount on everything, and on one deployment's meters: its plan, and the change."""
        found = []
        for name, filters in (("everything", ("*",)), ("one deployment", METERS[0])):
            discount = _Discount(self._numbers, filters)
            plan, change = in_turns(
                Side(f"plan, {name}", partial(self._plan, discount), discount.renew),
                Side(
                    f"change, {name}",
                    partial(self._change, discount),
                    check=partial(self._take_back, discount),
                ),
            )
            rows = self._month.values // (1 if len(filters) == 1 else MODELS)
            beside = "making and rating it"
            found.append(Measure(f"plan: a discount on {name}", rows, plan, change, beside))
        return found

    def _rate(self) -> float:
        return timed(self._rate_what_is_marked)

    def _rate_what_is_marked(self) -> None:
        self._rated = rating.rate(self._month.ref, contention=Contention.TAKE_OVER)

    def _reprice(self, models: Sequence[int]) -> Callable[[], None]:
        return lambda: reprice(models, percent=100 + next(self._numbers))

    def _is_all(self) -> None:
        same("days rated", self._rated.days, 30 * MODELS)

    def _is_one(self) -> None:
        same("days rated", self._rated.days, 30)

    def _plan(self, discount: _Discount) -> float:
        with scope.of(self._month.ref):
            return timed(lambda: self._see(discount))

    def _see(self, discount: _Discount) -> None:
        self._effect = effects.of(discount.apply, at=END)

    def _change(self, discount: _Discount) -> float:
        return timed(lambda: self._apply_and_rate(discount))

    def _apply_and_rate(self, discount: _Discount) -> None:
        with scope.of(self._month.ref):
            discount.apply()
        self._rate_what_is_marked()

    def _take_back(self, discount: _Discount) -> None:
        """The plan said what the change then did; then all is as it was before."""
        assert self._effect is not None
        seen = (self._effect.days, self._effect.open.before, self._effect.open.after)
        same("the change", (self._rated.days, self._rated.before, self._rated.after), seen)
        with scope.of(self._month.ref):
            discount.end()
        self._rate_what_is_marked()
        same("cost without the discount", self._rated.after, self._effect.open.before)

    def _hand_over(self, duck: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
        """A table of DuckDB's own with what the query says, through a file."""
        wanted = f"COPY ({query}) TO STDOUT (FORMAT CSV, HEADER)"
        with tempfile.NamedTemporaryFile("wb", suffix=".csv") as file:
            with self._superuser.cursor().copy(wanted.encode()) as copy:
                for block in copy:
                    file.write(block)
            file.flush()
            source = f"read_csv('{file.name}', types = {_TYPES[name]})"
            duck.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM {source}")

    def _compare(self, duck: duckdb.DuckDBPyConnection) -> None:
        theirs = duck.execute(_TOTALS.format("rated")).fetchone()
        ours = self._superuser.execute(_TOTALS.format("billing_ratedday").encode()).fetchone()
        same("DuckDB", _exact(theirs), _exact(ours))
        theirs = duck.execute("SELECT count(*), sum(cost), sum(tokens) FROM period").fetchone()
        ours = self._superuser.execute(
            "SELECT count(*), sum(cost), sum(tokens) FROM billing_periodtodate"
        ).fetchone()
        same("DuckDB's sums", _exact(theirs), _exact(ours))
        theirs = duck.execute("SELECT count(*), sum(requests), sum(latency_6) FROM days").fetchone()
        ours = self._superuser.execute(
            "SELECT count(*), sum(requests), sum(latency[7]) FROM billing_usageday"
        ).fetchone()
        same("DuckDB's days", _exact(theirs), _exact(ours))


class _Discount:
    """A sheet with a discount on the meters of some names, under a new name each time."""

    def __init__(self, numbers: count[int], filters: Sequence[str]) -> None:
        self._numbers, self._filters = numbers, filters
        self._wanted: sheets.Wanted | None = None
        self._sheet: PriceSheet | None = None

    def renew(self) -> None:
        """Let the next one be another sheet."""
        number = next(self._numbers)
        lines = tuple(
            AgreedLine(row, Kind.DISCOUNT, meter_filter=name, percent=Decimal(10))
            for row, name in enumerate(self._filters, 1)
        )
        self._wanted = sheets.Wanted(f"Discount {number}", "a benchmark", START, None, lines)

    def apply(self) -> None:
        """Put it in force."""
        assert self._wanted is not None
        self._sheet = sheets.apply(self._wanted, by=BY, at=END)

    def end(self) -> None:
        """Let it end where it began: it never was in force."""
        assert self._sheet is not None
        sheets.end(self._sheet, until=START, by=BY, at=END, reason="a benchmark")


def _calculate(duck: duckdb.DuckDBPyConnection) -> None:
    duck.execute(_RATED)
    duck.execute(_DAYS)
    duck.execute(_PERIOD)


def _exact(row: tuple[Any, ...] | None) -> tuple[Decimal, ...]:
    assert row is not None
    return tuple(map(Decimal, row))

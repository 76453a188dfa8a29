"""The cost of local days: computed into the rated days, or into a table that is thrown away.

One statement computes both what is charged and what a plan shows, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any  # what a statement takes

from django.db import connection

from billing import kept, price_terms
from billing.rules.histograms import LATENCY, PROMPTS
from billing.sources.seam import COUNTS
from tenancy import periods, scope, tenants
from tenancy.periods import Period

#: A local day of a deployment, by its id.
DeploymentDay = tuple[date, int]


class Table(StrEnum):
    """Where costs are computed into: the rated days, or a table that is thrown away."""

    RATED = "billing_ratedday"
    BEFORE = "days_before"
    AFTER = "days_after"
    ADJUSTED = "days_adjusted"


_HERE = Path(__file__)
_RATE_DAYS = _HERE.with_name("rate_days.sql").read_text()
_DAY_RATES = (
    f"CREATE TEMP TABLE day_rates ON COMMIT DROP AS {_HERE.with_name('day_rates.sql').read_text()}"
)
_COLUMNS = (
    "tenant_id, day, series_id, subscription_id, deployment_id, token_class, price_id,"
    " sheet_line_id, markup_line_id, exchange_rate_id, unit_price, price_currency,"
    " units_per_price, quantity, list_cost, cost"
)
_COMPUTE = {table: f"INSERT INTO {table} ({_COLUMNS}) {_RATE_DAYS}" for table in Table}
_DROP = {table: f"DROP TABLE IF EXISTS pg_temp.{table}" for table in Table}
_SCRATCH = {
    table: f"CREATE TEMP TABLE {table} ON COMMIT DROP AS"  # noqa: S608 - names of our own
    f" SELECT {_COLUMNS} FROM {Table.RATED} WITH NO DATA"
    for table in Table
}
_COPY_RATED = {
    table: f"INSERT INTO {table} ({_COLUMNS})"  # noqa: S608 - names of our own
    f" SELECT {_COLUMNS} FROM {Table.RATED}"
    " JOIN day_stage USING (day, deployment_id) WHERE tenant_id = %s"
    for table in Table
}
_COUNTED = ", ".join(COUNTS)
_ROLL_UP = (
    _HERE.with_name("roll_up_days.sql")
    .read_text()
    .format(
        counts=_COUNTED,
        sums=", ".join(
            f"coalesce(sum(used.{name}), 0)::bigint AS {name}"
            for name in (*COUNTS, *LATENCY.columns, *PROMPTS.columns)
        ),
        latency=", ".join(LATENCY.columns),
        prompts=", ".join(PROMPTS.columns),
    )
)
_UNROLL = (
    "DELETE FROM billing_usageday held USING day_stage WHERE held.tenant_id = %(tenant)s"
    " AND held.day = day_stage.day AND held.deployment_id = day_stage.deployment_id"
)
#: Days that one statement sums, and the memory that its groups may take before they go to disk.
_DAYS_AT_ONCE = 5
_ROOM = "SET LOCAL work_mem = '64MB'"
_STAGE = "CREATE TEMP TABLE day_stage (day date, deployment_id bigint) ON COMMIT DROP"


def stage(days: Iterable[DeploymentDay]) -> int:
    """Lay out what is to be computed; how many days of deployments that are."""
    count = 0
    with connection.cursor() as cursor:
        _empty_stage()
        with cursor.copy("COPY day_stage (day, deployment_id) FROM STDIN") as copy:
            for row in days:
                copy.write_row(row)
                count += 1
        cursor.execute("ANALYZE day_stage")
    return count


def stage_marked(month: Period) -> int:
    """Take the marks of a month and lay them out; how many days of deployments that are.

    A day of which the hours were let go stands, whatever marked it.
    """
    with connection.cursor() as cursor:
        _empty_stage()
        cursor.execute(
            "WITH taken AS ("
            " DELETE FROM billing_daytorate"
            "  WHERE tenant_id = %s AND day >= %s AND day < %s RETURNING day, deployment_id)"
            " INSERT INTO day_stage SELECT day, deployment_id FROM taken WHERE day >= %s",
            [scope.tenant_id(), month.first_day, month.end_day, kept.first_day() or date.min],
        )
        count = int(cursor.rowcount)
        cursor.execute("ANALYZE day_stage")
    return count


def marked() -> tuple[DeploymentDay, ...]:
    """What is marked for the tenant in scope, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT day, deployment_id FROM billing_daytorate WHERE tenant_id = %s ORDER BY 1, 2",
            [scope.tenant_id()],
        )
        return tuple((row[0], row[1]) for row in cursor.fetchall())


def compute(into: Table = Table.RATED) -> int:
    """Compute the staged days into a table; how many rows that made. Nothing is removed here."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(day), max(day), array_agg(DISTINCT deployment_id) FROM day_stage"
        )
        first, last, deployments = cursor.fetchone()
        if first is None:
            return 0
        values = _span(first, last, deployments)
        price_terms.stage()
        # Laid out and counted: else the days of many deployments are joined one by one.
        cursor.execute("DROP TABLE IF EXISTS pg_temp.day_rates")
        cursor.execute(_DAY_RATES, values)
        cursor.execute("ANALYZE day_rates")
        cursor.execute(_ROOM)
        count = 0
        for some in _some_days(first, last, values):
            cursor.execute(_COMPUTE[into], some)
            count += int(cursor.rowcount)
        return count


def roll_up() -> None:
    """Make the staged days' sums of what was observed what their usage says."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(day), max(day), array_agg(DISTINCT deployment_id) FROM day_stage"
        )
        first, last, deployments = cursor.fetchone()
        if first is None:
            return
        values = _span(first, last, deployments)
        cursor.execute(_UNROLL, values)
        cursor.execute(_ROOM)
        for some in _some_days(first, last, values):
            cursor.execute(_ROLL_UP, some)


def _some_days(first: date, last: date, values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The same for a few days after another: what a statement sums stays in memory, however much
    a month has."""
    while first <= last:
        end = min(first + timedelta(days=_DAYS_AT_ONCE), last + timedelta(days=1))
        yield values | {
            "start": periods.midnight(first, values["zone"]),
            "end": periods.midnight(end, values["zone"]),
        }
        first = end


def _span(first: date, last: date, deployments: list[int]) -> dict[str, Any]:
    """What the statements ask with: the instants that the staged days lie in."""
    billing = tenants.billing()
    return {
        "tenant": scope.tenant_id(),
        "zone": billing.zone,
        "currency": billing.currency,
        "start": periods.midnight(first, billing.zone),
        "end": periods.midnight(last + timedelta(days=1), billing.zone),
        "deployments": deployments,
    }


def scratch(*tables: Table) -> None:
    """Make empty tables like the rated days, until the transaction ends."""
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(_DROP[table])
            cursor.execute(_SCRATCH[table])


def copy_rated(into: Table) -> None:
    """Copy the rated days of what is staged, as they stand."""
    with connection.cursor() as cursor:
        cursor.execute(_COPY_RATED[into], [scope.tenant_id()])


def _empty_stage() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.day_stage")
        cursor.execute(_STAGE)

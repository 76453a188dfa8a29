"""The cost of local days: computed into the rated days, or into a table that is thrown away.

One statement computes both what is charged and what a plan shows, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from django.db import connection

from billing import price_terms
from tenancy import periods, scope, tenants
from tenancy.periods import Period

#: A local day of a deployment, by its id.
DeploymentDay = tuple[date, int]
RATED_DAYS = "billing_ratedday"
_RATE_DAYS = Path(__file__).with_name("rate_days.sql").read_text()
_COLUMNS = (
    "tenant_id, day, subscription_id, deployment_id, token_class, price_id, sheet_line_id,"
    " markup_line_id, exchange_rate_id, unit_price, price_currency, units_per_price, quantity,"
    " list_cost, cost"
)
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
    """Take the marks of a month and lay them out; how many days of deployments that are."""
    with connection.cursor() as cursor:
        _empty_stage()
        cursor.execute(
            "WITH taken AS ("
            " DELETE FROM billing_daytorate"
            "  WHERE tenant_id = %s AND day >= %s AND day < %s RETURNING day, deployment_id)"
            " INSERT INTO day_stage SELECT day, deployment_id FROM taken",
            [scope.tenant_id(), month.first_day, month.end_day],
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


def compute(into: str = RATED_DAYS) -> int:
    """Compute the staged days into a table of the rated days' columns; how many rows that made.

    Of the rated days nothing is removed here.
    """
    billing = tenants.billing()
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(day), max(day) FROM day_stage")
        first, last = cursor.fetchone()
        if first is None:
            return 0
        price_terms.stage()
        cursor.execute(
            f"INSERT INTO {into} ({_COLUMNS}) {_RATE_DAYS}",
            {
                "tenant": scope.tenant_id(),
                "zone": billing.zone,
                "currency": billing.currency,
                "start": periods.midnight(first, billing.zone),
                "end": periods.month_of_day(last, billing.zone).end,
            },
        )
        return int(cursor.rowcount)


def scratch(name: str) -> None:
    """Make an empty table like the rated days, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
        cursor.execute(
            f"CREATE TEMP TABLE {name} ON COMMIT DROP AS"  # noqa: S608 - names of our own
            f" SELECT {_COLUMNS} FROM {RATED_DAYS} WITH NO DATA"
        )


def copy_rated(into: str) -> None:
    """Copy the rated days of what is staged, as they stand."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {into} ({_COLUMNS})"  # noqa: S608 - names of our own
            f" SELECT {_COLUMNS} FROM {RATED_DAYS}"
            " JOIN day_stage USING (day, deployment_id) WHERE tenant_id = %s",
            [scope.tenant_id()],
        )


def _empty_stage() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.day_stage")
        cursor.execute(_STAGE)

"""Rating: quantity × the price in force at the hour of usage, fused with the day's rollup.

Exact and set-based. Whatever changes an amount (usage, a price, a mapping, a sheet, an exchange
rate) marks the local days of deployments; `rate` takes what is marked and computes it whole, so
that it can run twice, or die half-way, and end with the same figures. The days of a closed month
stand: what would differ becomes a proposed adjustment.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from pathlib import Path

from django.db import connection

from billing import closing, day_costs, kept, marking, price_terms
from billing.day_costs import Table
from billing.models import BillingSettings
from billing.prices import catalogue, shifts
from billing.prices.shifts import Shift
from tenancy import periods, runs, scope, tenants
from tenancy.runs import Contention
from tenancy.scope import TenantRef

STEP = "rate"
_PERIOD_TO_DATE = Path(__file__).with_name("period_to_date.sql").read_text()
_REPRICED = Path(__file__).with_name("repriced.sql").read_text()
_ADJUST = Path(__file__).with_name("adjust_month.sql").read_text()


@dataclass(frozen=True, slots=True)
class Rated:
    """What a rating run did. ``days`` are days of deployments; ``before`` and ``after`` what they
    cost in open months, in the billing currency; ``adjustments`` the changes that were proposed
    for closed ones.
    """

    days: int = 0
    rows: int = 0
    before: Decimal = Decimal(0)
    after: Decimal = Decimal(0)
    adjustments: int = 0

    def __add__(self, other: Rated) -> Rated:
        return Rated(
            self.days + other.days,
            self.rows + other.rows,
            self.before + other.before,
            self.after + other.after,
            self.adjustments + other.adjustments,
        )


def rate(tenant: TenantRef, *, contention: Contention) -> Rated:
    """Rate whatever is marked for the tenant, a billing month to a transaction.

    With nothing marked there is nothing to do, and no run is recorded.

    Raises:
        Busy, Superseded: another run of this step is under way.
    """
    with scope.of(tenant):
        mark_repriced()
        months = _marked_months(tenants.billing().zone)
    done = Rated()
    if not months:
        return done
    with runs.of_tenant(tenant, STEP, contention=contention) as run:
        for month in months:
            with scope.of(tenant):
                run.hold()
                one = _rate_month(month)
            done += one
            run.count(written=one.rows)
        run.note(days=done.days, cost_before=str(done.before), cost_after=str(done.after))
        if done.adjustments:
            run.note(adjustments_proposed=done.adjustments)
    return done


def mark_repriced() -> None:
    """Mark what a change of the price list touches, once for each list, in the tenant in scope."""
    version = catalogue.version()
    chosen, _ = BillingSettings.objects.get_or_create(tenant_id=scope.tenant_id())
    if chosen.rated_prices >= version:
        return
    marking.begin()
    with connection.cursor() as cursor:
        cursor.execute(
            _REPRICED,
            {
                "tenant": scope.tenant_id(),
                "after": chosen.rated_prices,
                "list_currency": price_terms.LIST_CURRENCY,
            },
        )
        repriced = [Shift(*row) for row in cursor.fetchall()]
    shifts.mark(repriced)
    BillingSettings.objects.filter(pk=chosen.pk).update(rated_prices=version)


def _marked_months(zone: str) -> list[periods.Period]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT day FROM billing_daytorate WHERE tenant_id = %s ORDER BY day",
            [scope.tenant_id()],
        )
        days = [row[0] for row in cursor.fetchall()]
    return [month for month, _ in groupby(periods.month_of_day(day, zone) for day in days)]


def _rate_month(month: periods.Period) -> Rated:
    marking.rest()
    days = day_costs.stage_marked(month)
    if not days:
        return Rated()
    if closing.is_closed(month):
        return Rated(days=days, adjustments=_adjust(month))
    before = _take_out()
    rows = day_costs.compute()
    day_costs.roll_up()
    return Rated(days, rows, before, _put_in(month))


def _take_out() -> Decimal:
    """Remove the rated days of what is staged; what they cost."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH gone AS ("
            " DELETE FROM billing_ratedday rated USING day_stage"
            "  WHERE rated.tenant_id = %s AND rated.day = day_stage.day"
            "    AND rated.deployment_id = day_stage.deployment_id RETURNING rated.cost)"
            " SELECT coalesce(sum(cost), 0) FROM gone",
            [scope.tenant_id()],
        )
        return Decimal(cursor.fetchone()[0])


def _put_in(month: periods.Period) -> Decimal:
    """Bring the month's sums up to its rated days; what the staged days cost now."""
    with connection.cursor() as cursor:
        cursor.execute(
            _PERIOD_TO_DATE,
            {
                "tenant": scope.tenant_id(),
                "first_day": month.first_day,
                "end_day": month.end_day,
            },
        )
        cursor.execute(
            "SELECT coalesce(sum(rated.cost), 0) FROM billing_ratedday rated"
            " JOIN day_stage USING (day, deployment_id) WHERE rated.tenant_id = %s",
            [scope.tenant_id()],
        )
        return Decimal(cursor.fetchone()[0])


def _adjust(month: periods.Period) -> int:
    """Compare a closed month of the staged deployments with what it would be now."""
    day_costs.scratch(Table.ADJUSTED)
    _stage_whole_month(month)
    day_costs.compute(Table.ADJUSTED)
    with connection.cursor() as cursor:
        cursor.execute(
            _ADJUST,
            {
                "tenant": scope.tenant_id(),
                "first_day": month.first_day,
                "end_day": month.end_day,
            },
        )
        return int(cursor.rowcount)


def _stage_whole_month(month: periods.Period) -> None:
    """All days of the month for the deployments of which some are staged.

    Days of which the hours were let go cannot be computed: they count as they were rated.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT deployment_id FROM day_stage ORDER BY 1")
        deployments = [row[0] for row in cursor.fetchall()]
    first = kept.first_day() or month.first_day
    day_costs.stage((day, one) for day in month.days() if day < first for one in deployments)
    day_costs.copy_rated(Table.ADJUSTED)
    day_costs.stage((day, one) for day in month.days() if day >= first for one in deployments)

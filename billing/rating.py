"""Rating: quantity × the price in force at the hour of usage, fused with the day's rollup.

Exact and set-based. Whatever changes an amount (usage, a price, a mapping, an exchange rate)
marks local days; `rate` takes the marked days and recomputes them whole, so that it can run
twice, or die half-way, and end with the same figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

from django.db import connection

from billing import marking
from billing.models import BillingSettings
from billing.prices import catalogue
from tenancy import periods, runs, scope, tenants
from tenancy.runs import Contention
from tenancy.scope import TenantRef

STEP = "rate"
_RATE_DAYS = Path(__file__).with_name("rate_days.sql").read_text()
_PERIOD_TO_DATE = Path(__file__).with_name("period_to_date.sql").read_text()
_MARK_REPRICED = Path(__file__).with_name("mark_repriced_days.sql").read_text()


@dataclass(frozen=True, slots=True)
class Rated:
    """What a rating run did."""

    days: int
    rows: int


def rate(tenant: TenantRef, *, contention: Contention) -> Rated:
    """Rate every marked day of the tenant, a billing month to a transaction.

    With nothing marked there is nothing to do, and no run is recorded.

    Raises:
        Busy, Superseded: another run of this step is under way.
    """
    with scope.of(tenant):
        _mark_repriced()
        months = _marked_months(tenants.billing().zone)
    if not months:
        return Rated(0, 0)
    with runs.of_tenant(tenant, STEP, contention=contention) as run:
        days = rows = 0
        for month in months:
            with scope.of(tenant):
                run.hold()
                done = _rate_month(month)
            days, rows = days + done.days, rows + done.rows
            run.count(written=done.rows)
        run.note(days=days)
    return Rated(days, rows)


def _mark_repriced() -> None:
    """Mark the days that a change of the price list touches, once for each list."""
    version = catalogue.version()
    chosen, _ = BillingSettings.objects.get_or_create(tenant_id=scope.tenant_id())
    if chosen.rated_prices >= version:
        return
    marking.begin()
    with connection.cursor() as cursor:
        cursor.execute(
            _MARK_REPRICED,
            {
                "tenant": scope.tenant_id(),
                "zone": tenants.billing().zone,
                "after": chosen.rated_prices,
            },
        )
    BillingSettings.objects.filter(pk=chosen.pk).update(rated_prices=version)


def _marked_months(zone: str) -> list[periods.Period]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT day FROM billing_daytorate WHERE tenant_id = %s ORDER BY day",
            [scope.tenant_id()],
        )
        days = [row[0] for row in cursor.fetchall()]
    return [month for month, _ in groupby(periods.month_of_day(day, zone) for day in days)]


def _rate_month(month: periods.Period) -> Rated:
    tenant = scope.tenant_id()
    marking.rest()
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM billing_daytorate"
            " WHERE tenant_id = %s AND day >= %s AND day < %s RETURNING day",
            [tenant, month.first_day, month.end_day],
        )
        days = [row[0] for row in cursor.fetchall()]
        if not days:
            return Rated(0, 0)
        rows = _rate_days(days, month.zone)
        cursor.execute(
            _PERIOD_TO_DATE,
            {"tenant": tenant, "first_day": month.first_day, "end_day": month.end_day},
        )
    return Rated(len(days), rows)


def _rate_days(days: list[date], zone: str) -> int:
    tenant = scope.tenant_id()
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM billing_ratedday WHERE tenant_id = %s AND day = ANY(%s)", [tenant, days]
        )
        cursor.execute(
            _RATE_DAYS,
            {
                "tenant": tenant,
                "zone": zone,
                "currency": tenants.billing().currency,
                "days": days,
                "start": periods.midnight(min(days), zone),
                "end": periods.month_of_day(max(days), zone).end,
            },
        )
        return int(cursor.rowcount)

"""Capacity by the hour: what provisioned throughput and hosting cost on each local day.

Computed whole, for every open month, from what was deployed when, what was reserved, and what
the hours cost at that time. Only rows that differ are written, so that a repeat changes nothing
and whatever changed (a resize, a price, a sheet, a mapping, a reservation, a rate) is taken up by
the next run. The days of a closed month stand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Min

from billing import capacity_days, closing
from billing.capacity_days import CapacityRow, Days, ReservationRow
from billing.models import CapacityDay, Reservation, ReservationDay
from billing.prices import capacity_meters
from billing.rules.capacity import PROVISIONED, kind_of, whole_minute
from inventory.models import DeploymentState, Gateway
from tenancy import runs, scope, tenants
from tenancy.money import EXACT
from tenancy.periods import Period
from tenancy.runs import Contention
from tenancy.scope import TenantRef

STEP = "rate_capacity"


@dataclass(frozen=True, slots=True)
class Rated:
    """What a run did: meters confirmed by the rule, rows written and removed."""

    confirmed: int = 0
    written: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Sums:
    """What capacity costs in the billing currency: by the hour on the estimated basis, what was
    reserved on the amortized one. Unpriced unit-minutes are in neither.
    """

    hourly: Decimal = Decimal(0)
    used: Decimal = Decimal(0)
    unused: Decimal = Decimal(0)
    unpriced_minutes: int = 0

    @property
    def total(self) -> Decimal:
        return EXACT.add(self.hourly, EXACT.add(self.used, self.unused))


def rate(tenant: TenantRef, *, at: datetime, contention: Contention) -> Rated:
    """Bring the days of capacity of every open month up to now, a month to a transaction.

    A tenant that has no capacity needs no run.

    Raises:
        Busy, Superseded: another run of this step is under way.
    """
    with scope.of(tenant):
        months = _open_months(at)
    if not months:
        return Rated()
    confirmed = written = removed = 0
    with runs.of_tenant(tenant, STEP, contention=contention) as run:
        with scope.of(tenant):
            run.hold()
            confirmed = capacity_meters.confirm_by_rule(at=at)
        for month in months:
            with scope.of(tenant):
                run.hold()
                if not closing.is_closed(month):
                    more, fewer = _replace(month, _computed(month, at=at))
                    written, removed = written + more, removed + fewer
        run.count(written=written)
        run.note(meters_confirmed=confirmed, rows_removed=removed)
    return Rated(confirmed, written, removed)


def sums_at(at: datetime) -> Sums:
    """What capacity costs in the open months of the tenant in scope, as things stand, up to ``at``.

    Computed, not read: what `rate` would store.
    """
    found = Days((), ())
    for month in _open_months(at):
        if not closing.is_closed(month):
            found = found + _computed(month, at=at)
    return sums(found)


def sums(days: Days) -> Sums:
    """The cost of some days."""
    return Sums(
        hourly=_total(row.cost for row in days.capacity),
        used=_total(row.cost for row in days.reservations if row.deployment_id is not None),
        unused=_total(row.cost for row in days.reservations if row.deployment_id is None),
        unpriced_minutes=sum(row.unit_minutes for row in days.capacity if row.cost is None),
    )


def _open_months(at: datetime) -> tuple[Period, ...]:
    """From the first month of which usage is read to the present one; none without capacity."""
    since = _since()
    if since is None:
        return ()
    billing = tenants.billing()
    found = [billing.month_at(min(since, at))]
    while found[-1].end <= at:
        found.append(found[-1].next())
    return tuple(found)


def _since() -> datetime | None:
    """Since when there is anything to pay for, but not before the tenant's usage is read."""
    held = DeploymentState.objects.exclude(capacity=0).select_related("deployment")
    tuned = held.exclude(deployment__base_model="")
    starts: list[datetime] = [
        state.from_instant
        for state in (*held.filter(sku__in=PROVISIONED), *tuned)
        if kind_of(state.sku, base_model=state.deployment.base_model)
    ]
    starts.extend(Reservation.objects.filter(withdrawn_at=None).values_list("starts_at", flat=True))
    read_from = Gateway.objects.aggregate(first=Min("usage_from"))["first"]
    return max(min(starts), read_from) if starts and read_from else None


def _computed(month: Period, *, at: datetime) -> Days:
    return capacity_days.compute(month, until=min(month.end, whole_minute(at)))


def _replace(month: Period, days: Days) -> tuple[int, int]:
    """Make the stored days of a month these; how many rows were written and removed."""
    written = removed = 0
    for model, computed, row_of in (
        (CapacityDay, days.capacity, CapacityRow.of),
        (ReservationDay, days.reservations, ReservationRow.of),
    ):
        held = {row_of(row): row.pk for row in _stored(model, month)}
        stays = held.keys() & set(computed)
        gone = [pk for row, pk in held.items() if row not in stays]
        new = [row for row in computed if row not in stays]
        model.objects.filter(pk__in=gone).delete()
        made: list[Any] = [model(**row.fields()) for row in new]  # of either model
        model.objects.bulk_create(made)
        written, removed = written + len(new), removed + len(gone)
    return written, removed


def _stored(model: type[CapacityDay] | type[ReservationDay], month: Period) -> Iterable[Any]:
    return model.objects.filter(day__gte=month.first_day, day__lt=month.end_day)


def _total(costs: Iterable[Decimal | None]) -> Decimal:
    whole = Decimal(0)
    for cost in costs:
        whole = EXACT.add(whole, cost or Decimal(0))
    return whole

"""Capacity over the wire: what was deployed when, by the minute, at the price of that hour."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from billing import capacity, effects, reservations
from billing.capacity import Rated
from billing.models import (
    BillingSettings,
    CapacityDay,
    CapacityMapping,
    ClosedMonth,
    Meter,
    PriceSheet,
    ReservationDay,
    SheetLine,
)
from billing.prices import capacity_meters
from billing.prices.mapping import ALWAYS
from billing.reservations import NameTaken, NoRate, NotListed, Wish
from billing.rules import capacity as rules
from billing.rules.capacity import Kind, Pool, Term
from billing.rules.meters.meanings import Scope
from inventory.models import Deployment
from portal import plans
from tenancy import audit, periods, scope
from tenancy.models import AuditRecord
from tenancy.runs import Contention
from tests.azure import AT
from tests.flows.steps import Steps, everything, rows

RESERVED = "search-reserved"
TUNED = "returns-tuned"
PTU = "Provisioned Managed Global Unit"
HALF = datetime(2026, 11, 10, 12, tzinfo=UTC)
POOL = Pool(Scope.GLOBAL, "swedencentral")
NOVEMBER = periods.month_of_day(date(2026, 11, 1), "Europe/Berlin")
#: Whole hours of November in Berlin before the clock's 14:20 UTC, and twenty minutes.
MINUTES = int((AT - NOVEMBER.start) / timedelta(minutes=1))
#: More than all roundings to the eighteen digits that are stored.
TINY = Decimal("1e-15")


def rated(tenant: Steps, *, at: datetime = AT) -> Rated:
    return capacity.rate(tenant.ref, at=at, contention=Contention.TAKE_OVER)


def put(tenant: Steps, name: str = RESERVED, **changed: Any) -> None:
    wanted = {"account": tenant.simulated.account.name, "name": name} | changed
    tenant.azure.control.put("/deployments", json=wanted).raise_for_status()


def days(tenant: Steps, name: str = RESERVED) -> list[CapacityDay]:
    """November's days of one deployment."""
    with scope.of(tenant.ref):
        found = CapacityDay.objects.filter(
            deployment__name=name, day__gte=NOVEMBER.first_day, day__lt=NOVEMBER.end_day
        )
        return list(found.select_related("price__meter"))


def november(tenant: Steps, name: str = RESERVED) -> tuple[int, Decimal]:
    """Unit-minutes and cost of one deployment in November."""
    found = days(tenant, name)
    return sum(row.unit_minutes for row in found), sum(
        (row.cost or Decimal(0) for row in found), Decimal(0)
    )


def wish(**changed: Any) -> Wish:
    plain = Wish("search 2026", 20, POOL, Term.MONTH, datetime(2026, 11, 5, tzinfo=UTC))
    return replace(plain, **changed)


def buy(tenant: Steps, **changed: Any) -> None:
    with scope.of(tenant.ref):
        reservations.purchase(wish(**changed), by="dan", at=AT)


def half_price_hours() -> None:
    sheet = PriceSheet.objects.create(
        name="half", effective_from=HALF, source="a test", applied_by="dan", applied_at=AT
    )
    SheetLine.objects.create(
        sheet=sheet,
        number=1,
        kind=SheetLine.Kind.DISCOUNT,
        percent=50,
        meter_filter="Provisioned*",
    )


def hours_of(tenant: Steps) -> Decimal:
    """What the hours beyond reservations cost, as it is stored."""
    with scope.of(tenant.ref):
        costs = CapacityDay.objects.values_list("cost", flat=True)
        return sum((cost or Decimal(0) for cost in costs), Decimal(0))


def test_idle_or_not_every_minute_of_every_unit_is_paid(contoso: Steps) -> None:
    done = rated(contoso)

    assert done.confirmed == 2
    minutes, cost = november(contoso)
    assert minutes == 50 * MINUTES
    assert abs(cost - Decimal(minutes) / 60) < TINY
    assert {row.price.meter.meter_name for row in days(contoso) if row.price} == {PTU}
    with scope.of(contoso.ref):
        first = CapacityDay.objects.earliest("day")
    assert first.day == date(2026, 9, 1)
    assert first.unit_minutes == 50 * 24 * 60


def test_hosting_of_a_tuned_model_is_paid_by_the_hour_whatever_its_capacity(
    contoso: Steps,
) -> None:
    rated(contoso)

    minutes, cost = november(contoso, TUNED)
    (row, *_) = days(contoso, TUNED)
    assert (minutes, row.kind) == (MINUTES, Kind.HOSTING)
    assert row.unit_price == Decimal("1.7")
    assert cost == sum(rules.cost(day.unit_minutes, Decimal("1.7")) for day in days(contoso, TUNED))


def test_a_resize_counts_from_its_minute_and_a_deletion_ends_it(contoso: Steps) -> None:
    resized = AT + timedelta(minutes=10, seconds=40)
    contoso.azure.post("/clock", {"now": resized.isoformat()})
    put(contoso, capacity=80)
    contoso.inventory(at=resized)
    gone = AT + timedelta(minutes=40)
    contoso.azure.post("/clock", {"now": gone.isoformat()})
    contoso.azure.control.request(
        "DELETE",
        "/deployments",
        json={"account": contoso.simulated.account.name, "name": RESERVED},
    ).raise_for_status()
    contoso.inventory(at=gone)

    rated(contoso, at=AT + timedelta(hours=2))

    assert november(contoso)[0] == 50 * (MINUTES + 10) + 80 * 30


def test_again_writes_nothing_and_only_the_running_day_grows(contoso: Steps) -> None:
    assert rated(contoso).written > 0
    before = everything("tenancy_run")

    assert rated(contoso) == Rated()
    assert everything("tenancy_run") == before

    later = rated(contoso, at=AT + timedelta(hours=1))
    assert (later.written, later.removed) == (2, 2)


def test_a_tenant_without_capacity_needs_no_run(fabrikam: Steps) -> None:
    assert rated(fabrikam) == Rated()
    counted = "SELECT count(*)::int FROM tenancy_run WHERE tenant_id = %s AND step = %s"
    assert rows(counted, fabrikam.ref.id, capacity.STEP) == [(0,)]


def test_hours_without_a_meter_are_unpriced_never_zero(contoso: Steps) -> None:
    with scope.of(contoso.ref):
        BillingSettings.objects.update(confirm_from_confidence=None)

    assert rated(contoso).confirmed == 0

    assert {row.cost for row in days(contoso)} == {None}
    assert november(contoso)[0] == 50 * MINUTES
    with scope.of(contoso.ref):
        (wanted,) = [
            one for one in capacity_meters.by_the_hour() if one.deployment.name == RESERVED
        ]
        assert [meter.meter_name for meter in wanted.meters] == [PTU]
        capacity_meters.confirm(
            wanted.deployment,
            wanted.sku,
            wanted.meters[0],
            from_instant=ALWAYS,
            by="dan",
            at=AT,
            reason="as it is deployed",
        )
        assert not list(audit.verify())
    rated(contoso)
    assert abs(november(contoso)[1] - Decimal(50 * MINUTES) / 60) < TINY


def test_a_meter_that_is_not_sold_by_the_hour_is_refused(contoso: Steps) -> None:
    with scope.of(contoso.ref), pytest.raises(capacity_meters.NotByTheHour, match="1M"):
        capacity_meters.confirm(
            Deployment.objects.get(name=RESERVED),
            "GlobalProvisionedManaged",
            Meter.objects.filter(region="swedencentral", unit_of_measure="1M")[0],
            from_instant=AT,
            by="dan",
            at=AT,
            reason="",
        )


def test_a_price_that_changes_within_the_day_splits_its_hours(contoso: Steps) -> None:
    with scope.of(contoso.ref):
        half_price_hours()

    rated(contoso)

    of_day = {row.unit_price: row for row in days(contoso) if row.day == HALF.date()}
    assert {price: row.unit_minutes for price, row in of_day.items()} == {
        Decimal(1): 50 * 13 * 60,
        Decimal("0.5"): 50 * 11 * 60,
    }
    assert of_day[Decimal("0.5")].sheet_line_id
    assert of_day[Decimal("0.5")].cost == 275
    assert of_day[Decimal("0.5")].list_cost == 550


def test_a_reservation_covers_what_it_can_and_its_cost_is_spread_over_its_term(
    contoso: Steps,
) -> None:
    buy(contoso, units=20)
    rated(contoso)

    day = date(2026, 11, 10)
    covered, hourly = sorted(
        (row for row in days(contoso) if row.day == day), key=lambda row: row.cost or 0
    )
    assert (covered.unit_minutes, covered.cost, covered.list_cost) == (
        20 * 1440,
        Decimal(0),
        Decimal(480),
    )
    assert (hourly.unit_minutes, hourly.cost) == (30 * 1440, Decimal(720))
    with scope.of(contoso.ref):
        (used,) = ReservationDay.objects.filter(day=day)
        assert used.deployment_id == covered.deployment_id
    # 20 units × 260 USD over the 30 days to 5 December
    assert abs(used.amount - Decimal(5200) / 30) < TINY
    assert used.cost == used.amount


def test_what_nobody_used_is_a_row_of_its_own_and_all_days_sum_to_the_price(
    contoso: Steps,
) -> None:
    buy(contoso, units=77, starts_at=datetime(2026, 9, 20, 7, 13, tzinfo=UTC))
    rated(contoso)

    with scope.of(contoso.ref):
        found = list(ReservationDay.objects.all())
    assert sum(row.amount for row in found) == 77 * 260
    assert {row.deployment_id is None for row in found} == {True, False}
    of_day = {row.deployment_id: row for row in found if row.day == date(2026, 10, 1)}
    used, unused = (row for _, row in sorted(of_day.items(), key=lambda item: item[0] is None))
    assert (used.unit_minutes, unused.unit_minutes) == (50 * 1440, 27 * 1440)
    assert used.cost is not None
    assert unused.cost is not None
    # 77 × 260 over the 43,200 minutes of thirty days
    share = Decimal(77 * 260) * 1440 / 43_200
    assert abs(used.cost + unused.cost - share) < TINY


def test_a_plan_says_what_the_purchase_then_does(contoso: Steps) -> None:
    rated(contoso)
    stood = everything()

    with scope.of(contoso.ref):
        effect = effects.of(lambda: reservations.purchase(wish(units=20), by="dan", at=AT), at=AT)

    assert everything() == stood
    buy(contoso, units=20)
    rated(contoso)
    with scope.of(contoso.ref):
        hourly = sum(row.cost or 0 for row in CapacityDay.objects.filter(day__gte="2026-09-01"))
        spread = sum(row.cost or 0 for row in ReservationDay.objects.filter(day__gte="2026-09-01"))
    before, after = effect.capacity_before, effect.capacity_after
    assert (after.hourly, after.used + after.unused) == (hourly, spread)
    assert after.total < before.total
    assert not effect.parts


def test_a_plan_of_a_price_sheet_says_what_the_hours_then_cost(contoso: Steps) -> None:
    rated(contoso)
    stood, paid = everything(), hours_of(contoso)

    with scope.of(contoso.ref):
        effect = effects.of(half_price_hours, at=AT)

    assert everything() == stood
    with scope.of(contoso.ref):
        half_price_hours()
    rated(contoso)
    assert (effect.capacity_before.hourly, effect.capacity_after.hourly) == (
        paid,
        hours_of(contoso),
    )
    assert effect.capacity_after.hourly < effect.capacity_before.hourly
    assert not effect.is_nothing
    shown = plans.table(effect)
    assert shown.capacity[0].name == "Hours beyond reservations"
    assert not shown.teams


def test_a_reservation_is_entered_once_and_can_be_withdrawn(contoso: Steps) -> None:
    buy(contoso)
    buy(contoso)
    with pytest.raises(NameTaken):
        buy(contoso, units=21)
    rated(contoso)
    with scope.of(contoso.ref):
        assert ReservationDay.objects.exists()
        reservations.withdraw("search 2026", by="dan", at=AT, reason="a typing error")
    rated(contoso)
    with scope.of(contoso.ref):
        assert not ReservationDay.objects.exists()
        assert not CapacityDay.objects.exclude(reservation=None).exists()
        assert reservations.all_of_tenant() == ()
        kept = AuditRecord.objects.filter(action__startswith="reservation.").order_by("number")
        said = [row.action for row in kept]
    assert said == ["reservation.purchase", "reservation.withdraw"]


def test_where_the_list_has_no_reservation_a_price_must_be_given(contoso: Steps) -> None:
    elsewhere = Pool(Scope.GLOBAL, "antarctica")
    with pytest.raises(NotListed, match="antarctica"):
        buy(contoso, pool=elsewhere)
    with pytest.raises(NoRate, match="EUR to USD"):
        buy(contoso, pool=elsewhere, unit_price=Decimal(200), currency="EUR", source="contract")
    buy(contoso, pool=elsewhere, unit_price=Decimal(200), source="contract 7")
    with scope.of(contoso.ref):
        (row,) = reservations.all_of_tenant()
    assert (row.list_price, row.unit_price, row.source) == (
        None,
        Decimal(200),
        "contract 7",
    )


def test_the_days_of_a_closed_month_stand(contoso: Steps) -> None:
    rated(contoso)
    with scope.of(contoso.ref):
        ClosedMonth.objects.create(first_day=date(2026, 10, 1), closed_by="dan", closed_at=AT)
        held = list(CapacityDay.objects.filter(day__month=10).values())
    buy(contoso, starts_at=datetime(2026, 9, 20, tzinfo=UTC))

    rated(contoso)

    with scope.of(contoso.ref):
        assert list(CapacityDay.objects.filter(day__month=10).values()) == held
        months = {row.day.month for row in ReservationDay.objects.all()}
        assert CapacityMapping.objects.count() == 2
    assert months == {9}


def test_the_command_shows_the_effect_and_makes_it_only_when_told(contoso: Steps) -> None:
    def run(*given: str) -> str:
        said = io.StringIO()
        call_command("reservation", *given, tenant="contoso", stdout=said, stderr=said)
        return said.getvalue()

    rated(contoso)
    bought = ("search 2026", "--units=20", "--scope=global", "--region=swedencentral")
    more = ("--term=month", "--from=2026-11-05T00:00:00Z")

    planned = run(*bought, *more)
    assert "nothing changed yet" in planned
    assert "Reserved and used (amortized)" in planned
    with scope.of(contoso.ref):
        assert reservations.all_of_tenant() == ()

    assert "applied" in run(*bought, *more, "--apply")
    with scope.of(contoso.ref):
        assert [row.unit_price for row in reservations.all_of_tenant()] == [260]
    with pytest.raises(CommandError, match="--reason"):
        run("search 2026", "--withdraw", "--apply")
    with pytest.raises(CommandError, match="--term"):
        run(*bought)
    assert "applied" in run("search 2026", "--withdraw", "--reason=a typing error", "--apply")
    with scope.of(contoso.ref):
        assert reservations.all_of_tenant() == ()

"""A worked example entered into the product, and what the product makes of it, by its own verbs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

from django.db import connection

from billing import capacity, closing, exchange, marking, rating, reservations, statements
from billing.models import (
    CapacityDay,
    ClassUsage,
    Meter,
    Price,
    PriceType,
    ProposedAdjustment,
    RatedDay,
    ReservationDay,
    Usage,
)
from billing.prices import capacity_meters, mapping, sheets
from billing.rules.capacity import Pool, Term
from billing.rules.meters.meanings import Scope
from billing.rules.sheet_lines import AgreedLine, Kind
from billing.rules.token_classes import COMMON, TokenClass
from billing.rules.units import units_in
from billing.statements import StatementView
from inventory.models import (
    CostCenter,
    Deployment,
    DeploymentState,
    Gateway,
    GatewayState,
    Origin,
    Ownership,
    Subscription,
    Team,
)
from tenancy import periods, scope, tenants
from tenancy.models import InstallationRun, Outcome
from tenancy.periods import Period
from tenancy.runs import Contention
from tenancy.scope import TenantRef
from tests.flows.worked import Cell, Example, Row, instant
from tests.flows.worked_reckoning import exact_price, percent
from tests.world_usage import told_of

REGION = "swedencentral"
BY, WHY = "dan@example.org", "as the example says"
AT = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
LONG_AGO = datetime(2026, 10, 1, tzinfo=UTC)


def run(example: Example) -> dict[str, list[Row]]:
    """By table, what the product shows after it has rated what is given."""
    ref = tenants.create(
        "example", name="Example", currency=example.currency, zone=example.zone.key
    )
    with scope.of(ref):
        period = _period(example)
        _prices(example)
        team = _inventory(example, period)
        _choices(example)
        _usage(example)
    rating.rate(ref, contention=Contention.TAKE_OVER)
    found: dict[str, list[Row]] = {}
    if example.rows("held"):
        found |= _capacity(example, ref)
    if example.rows("later"):
        found["adjustments"] = _changed_later(example, ref, period)
    with scope.of(ref):
        found["days"] = [_day(row) for row in _rated(period)]
        found["statement"] = _statement(statements.draft(team, period))
    return found


def _period(example: Example) -> Period:
    found = periods.month_from_key(str(example.tenant["Period"]), example.zone.key)
    assert found
    return found


def _prices(example: Example) -> None:
    load = InstallationRun.objects.create(
        step="sync_prices", outcome=Outcome.SUCCEEDED, started_at=LONG_AGO, beat_at=LONG_AGO
    )
    for row in example.rows("prices"):
        unit, term = str(row["Unit"]), row.get("Term")
        name, product = str(row["Meter"]), str(row["Product"])
        meter, _ = Meter.objects.get_or_create(
            azure_id=str(uuid5(NAMESPACE_URL, f"{product}/{name}")),
            meter_name=name,
            product_name=product,
            sku_name=name,
            service_name="Foundry Models",
            region=REGION,
            unit_of_measure=unit,
        )
        units = units_in(unit)
        assert units
        Price.objects.create(
            meter=meter,
            price_type=PriceType.RESERVATION if term else PriceType.CONSUMPTION,
            reservation_term=str(term or ""),
            effective_from=instant(row["From"]),
            currency="USD",
            listed_price=_decimal(row["USD"]),
            unit_of_measure=unit,
            unit_price=_decimal(row["USD"]) / units,
            run=load,
        )


def _inventory(example: Example, period: Period) -> Team:
    gateway = Gateway.objects.create(
        name="apim-example",
        azure_subscription_id="11e0f7aa-5b7d-4c55-8a10-000000000001",
        resource_group="rg-ai",
        service="apim-example",
        workspace_id="d4b6a1f2-7c3e-4f90-b1a5-000000000001",
        credential="example",
        usage_from=period.start,
    )
    team = Team.objects.create(
        slug="search", name="Search", cost_center=CostCenter.objects.create(code="1", name="One")
    )
    subscription = Subscription.objects.create(
        gateway=gateway,
        name="key-search",
        state=GatewayState.ACTIVE,
        origin=Origin.INVENTORY,
        seen_at=AT,
    )
    Ownership.objects.create(
        subscription=subscription,
        team=team,
        from_day=date(2026, 1, 1),
        recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    types = {str(row["Deployment"]): str(row["Type"]) for row in example.rows("meters")}
    for name, sku in types.items():
        Deployment.objects.create(
            gateway=gateway,
            host="ai-example.openai.azure.com",
            name=name,
            model="gpt-5.2",
            version="2025-12-11",
            sku=sku,
            region=REGION,
            origin=Origin.INVENTORY,
            seen_at=AT,
        )
    for row in example.rows("held"):
        DeploymentState.objects.create(
            deployment=Deployment.objects.get(name=row["Deployment"]),
            from_instant=instant(row["From"]),
            sku=str(row["Type"]),
            capacity=int(_decimal(row["Units"])),
        )
    return team


def _choices(example: Example) -> None:
    for row in example.rows("rates"):
        exchange.set_rate(
            "USD",
            example.currency,
            _decimal(row["EUR for 1 USD"]),
            from_instant=instant(row["From"]),
            source=WHY,
            by=BY,
            at=AT,
        )
    for row in example.rows("meters"):
        mapping.confirm(
            Deployment.objects.get(name=row["Deployment"]),
            TokenClass(str(row["Class"])),
            Meter.objects.get(meter_name=row["Meter"]) if row["Meter"] else None,
            by=BY,
            at=AT,
            reason=WHY,
        )
    _apply(example.rows("sheets"))


def _apply(lines: Iterable[Row]) -> None:
    """Sheets, each with its lines."""
    by_sheet: dict[tuple[str, datetime], list[AgreedLine]] = {}
    for number, row in enumerate(lines, 1):
        held = by_sheet.setdefault((str(row["Sheet"]), instant(row["From"])), [])
        held.append(_line(number, row))
    for (name, since), agreed in by_sheet.items():
        wanted = sheets.Wanted(name, WHY, since, None, tuple(agreed))
        sheets.apply(wanted, by=BY, at=AT)


def _line(number: int, row: Row) -> AgreedLine:
    kind = Kind(str(row["Line"]))
    if kind is not Kind.EXACT:
        share = percent(row["Value"])
        return AgreedLine(
            row=number,
            kind=kind,
            product_filter=str(row["Product"] or ""),
            percent=Decimal(share.numerator) / share.denominator,
        )
    price, unit = exact_price(row["Value"])
    return AgreedLine(
        row=number,
        kind=kind,
        meter_id=Meter.objects.get(meter_name=row["Meter"]).azure_id,
        price=price,
        unit_of_measure=unit,
        currency="USD",
    )


def _usage(example: Example) -> None:
    subscription = Subscription.objects.select_related("gateway").get()
    for row in example.rows("usage"):
        hour, token_class = instant(row["Hour"]), TokenClass(str(row["Class"]))
        key = {
            "gateway": subscription.gateway,
            "bucket_start": hour,
            "subscription": subscription,
            "deployment": Deployment.objects.get(name=row["Deployment"]),
        }
        key["series"] = told_of(subscription, key["deployment"])
        count = int(_decimal(row["Quantity"]))
        if token_class not in COMMON:
            ClassUsage.objects.create(**key, token_class=token_class, quantity=count)
            continue
        with connection.cursor() as cursor:
            cursor.execute("SELECT billing_usage_months(%s, %s)", [hour, hour])
        if not Usage.objects.filter(**key).update(**{token_class.column: count}):
            Usage.objects.create(**key, **{token_class.column: count})
    marking.mark_days(since=LONG_AGO)


def _capacity(example: Example, ref: TenantRef) -> dict[str, list[Row]]:
    (bought,) = example.rows("reservation")
    (held,) = {(row["Deployment"], row["Type"]) for row in example.rows("held")}
    with scope.of(ref):
        capacity_meters.confirm(
            Deployment.objects.get(name=held[0]),
            str(held[1]),
            Meter.objects.get(product_name="Azure OpenAI"),
            from_instant=mapping.ALWAYS,
            by=BY,
            at=AT,
            reason=WHY,
        )
        reservation = reservations.purchase(
            reservations.Wish(
                name=str(bought["Reservation"]),
                units=int(_decimal(bought["Units"])),
                pool=Pool(Scope.GLOBAL, REGION),
                term=Term(str(bought["Term"])),
                starts_at=instant(bought["From"]),
            ),
            by=BY,
            at=AT,
        )
        assert reservation.ends_at == instant(bought["Until"])
    until = instant(example.tenant["Reckoned up to"])
    capacity.rate(ref, at=until, contention=Contention.TAKE_OVER)
    with scope.of(ref):
        return {
            "capacity": [_capacity_day(row) for row in _in_order(CapacityDay.objects.all())],
            "reserved": [
                {
                    "Local day": f"{row.day}",
                    "Used by": row.deployment.name if row.deployment else "nobody",
                    "Unit-minutes": Decimal(row.unit_minutes),
                    "Cost": row.cost,
                }
                for row in sorted(
                    ReservationDay.objects.select_related("deployment"),
                    key=lambda row: (row.day, row.deployment_id is None),
                )
            ],
        }


def _in_order(rows: Iterable[CapacityDay]) -> list[CapacityDay]:
    return sorted(rows, key=lambda row: (row.day, row.reservation_id is not None))


def _capacity_day(row: CapacityDay) -> Row:
    return {
        "Local day": f"{row.day}",
        "Covered": "yes" if row.reservation_id else "no",
        "Unit-minutes": Decimal(row.unit_minutes),
        "Unit price": row.unit_price,
        "List cost": row.list_cost,
        "Cost": row.cost,
    }


def _changed_later(example: Example, ref: TenantRef, period: Period) -> list[Row]:
    """Close the month, apply what comes later, rate again: what is proposed."""
    with scope.of(ref):
        closing.close(period, by=BY, at=period.end + timedelta(days=2))
        _apply(example.rows("later"))
    rating.rate(ref, contention=Contention.TAKE_OVER)
    with scope.of(ref):
        rows = ProposedAdjustment.objects.select_related("deployment")
        return [
            {
                "Deployment": row.deployment.name,
                "Class": row.token_class,
                "Quantity": Decimal(row.quantity_after),
                "Cost as closed": row.cost_before,
                "Cost today": row.cost_after,
                "Difference": (row.cost_after or Decimal(0)) - (row.cost_before or Decimal(0)),
            }
            for row in rows.order_by("deployment__name", "token_class")
        ]


def _rated(period: Period) -> list[RatedDay]:
    rows = RatedDay.objects.filter(day__gte=period.first_day, day__lt=period.end_day)
    rows = rows.select_related("deployment", "price", "sheet_line__sheet", "exchange_rate")
    return sorted(
        rows,
        key=lambda row: (
            row.day,
            row.deployment.name,
            row.token_class,
            str(row.price and row.price.effective_from),
            str(row.sheet_line.sheet.effective_from if row.sheet_line else ""),
            str(row.exchange_rate and row.exchange_rate.effective_from),
        ),
    )


def _day(row: RatedDay) -> Row:
    return {
        "Local day": f"{row.day}",
        "Deployment": row.deployment.name,
        "Class": row.token_class,
        "Quantity": Decimal(row.quantity),
        "Unit price": row.unit_price,
        "Per": Decimal(row.units_per_price),
        "Rate": row.exchange_rate.rate if row.exchange_rate else Decimal(1),
        "List cost": row.list_cost,
        "Cost": row.cost,
    }


def _statement(view: StatementView) -> list[Row]:
    lines: list[Row] = [
        {
            "Line": Decimal(line.number),
            "Deployment": line.deployment,
            "Class": line.token_class,
            "Quantity": Decimal(line.quantity),
            "Unit price": line.unit_price,
            "Per": Decimal(line.units_per_price),
            "Rate": line.exchange_rate or Decimal(1),
            "List cost": line.list_cost.amount if line.list_cost else None,
            "Exact cost": line.exact.amount,
            "Amount": line.amount.amount,
        }
        for line in view.lines
    ]
    listed = [line.list_cost.amount for line in view.lines if line.list_cost]
    assert not view.unpriced
    total: Row = {
        "Line": "Total",
        "List cost": sum(listed, Decimal(0)) if listed else None,
        "Exact cost": sum((line.exact.amount for line in view.lines), Decimal(0)),
        "Amount": view.total.amount,
    }
    return [*lines, total]


def _decimal(cell: Cell) -> Decimal:
    assert isinstance(cell, Decimal)
    return cell

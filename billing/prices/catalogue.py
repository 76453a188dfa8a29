"""The catalogue: Azure's public price list, effective-dated, per single unit.

A load is a whole snapshot. All pages are read first, outside any transaction; then one
transaction stages them and makes them the list in force, or nothing changes. Prices that were
listed earlier stay: the price in force at an hour of usage is the one that was listed for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from billing.models import Price
from billing.rules.units import units_in
from connectors import retail_prices
from connectors.records import RetailPrice
from connectors.retail_prices import PriceFilter
from inventory import azure
from tenancy import runs
from tenancy.money import EXACT
from tenancy.refusals import Refused
from tenancy.runs import Contention, Recorded

STEP = "sync_prices"
CURRENCY = "USD"
#: A list that lost more than this share of its meters since the last load is not believed.
MOST_LOST = Decimal("0.1")
_COLUMNS = (
    "azure_id, meter_name, product_name, sku_name, service_name, region, unit_of_measure,"
    " effective_from, currency, listed_price, unit_price"
)
_STAGE = """
CREATE TEMP TABLE price_stage ON COMMIT DROP AS
SELECT azure_id, meter_name, product_name, sku_name, service_name, region,
       price.unit_of_measure, effective_from, currency, listed_price, unit_price
  FROM billing_meter meter JOIN billing_price price ON price.meter_id = meter.id
  WITH NO DATA
"""
_ACTIVATE = Path(__file__).with_name("activate_list.sql").read_text()
#: Decimal places that are kept of a price per single unit; a finer one is held back.
_PLACES = 15


class Shrunken(Refused):
    code = "price-list-shrunken"
    text = (
        "The price list came with {now} meters, after {before} the last time. The old one stays"
        " in force; load again, or look at what the API answers."
    )


class Unreadable(Refused):
    code = "price-unit-unknown"
    text = "The price list came with no readable price for {services}. The old one stays in force."


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load brought."""

    items: int
    meters: int
    new_prices: int
    held_back: int


def sync(*, contention: Contention) -> Loaded:
    """Load the list of the configured services, all pages, all regions; twice is once.

    Raises:
        Busy, Superseded: another load is under way.
        Shrunken, Unreadable: the list is not believable; the old one stays in force.
        ConnectorError: the API was unreachable or answered wrongly; nothing changed.
    """
    services = settings.APPORTION.azure_price_services
    with runs.of_installation(STEP, contention=contention) as run:
        items = tuple(_read(services))
        rows = tuple(_rows(items))
        run.count(read=len(items))
        if not rows:
            raise Unreadable(services=", ".join(services))
        with transaction.atomic():
            run.hold()
            loaded = _activate(rows, run, held_back=len(items) - len(rows))
        run.count(written=loaded.new_prices)
        run.note(meters=loaded.meters, held_back=loaded.held_back)
    return loaded


def version() -> int:
    """The number of the newest load that changed a price; 0 before the first."""
    return int(Price.objects.aggregate(newest=Max("run_id"))["newest"] or 0)


def _read(services: tuple[str, ...]) -> Iterator[RetailPrice]:
    for page in retail_prices.pages(
        azure.endpoints(), filter=PriceFilter(services=services, regions=(), currency=CURRENCY)
    ):
        yield from page


def _rows(items: Iterable[RetailPrice]) -> Iterator[tuple[object, ...]]:
    """One row for each pay-as-you-go price of the first tier, per single unit."""
    for item in items:
        units = units_in(item.unit_of_measure)
        if item.price_type != "Consumption" or item.tier_minimum_units != 0 or units is None:
            continue
        with localcontext(EXACT):
            unit_price = item.retail_price / units
            if unit_price != round(unit_price, _PLACES):
                continue
        yield (
            item.meter_id,
            item.meter_name,
            item.product_name,
            item.sku_name,
            item.service_name,
            item.region,
            item.unit_of_measure,
            item.effective_start,
            item.currency,
            item.retail_price,
            unit_price,
        )


def _activate(rows: tuple[tuple[object, ...], ...], run: Recorded, *, held_back: int) -> Loaded:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM billing_meter")
        before = int(cursor.fetchone()[0])
        cursor.execute(_STAGE)
        with cursor.copy(f"COPY price_stage ({_COLUMNS}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(_ACTIVATE, {"run": run.row.pk})
        meters, changed, unlike = cursor.fetchone()
    if meters < before * (1 - MOST_LOST):
        raise Shrunken(now=meters, before=before)
    return Loaded(len(rows), meters, changed, held_back + unlike)

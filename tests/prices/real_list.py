"""The real price list of one region, as rows: the newest one, and PTUs from the one before."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from billing.models import Meter, Price, PriceType
from billing.rules.units import units_in
from simulator import price_list
from tenancy.models import InstallationRun, Outcome
from tests.world import START

REGION = "swedencentral"
DOUBT = {"rule": "jump", "says": "A thousand times the price of before."}
_DATA = price_list._DATA
_UNITS = "Provisioned Managed"


def _items(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(_DATA / name, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line, parse_float=Decimal)


@cache
def _wanted() -> tuple[dict[str, Any], ...]:
    # What is paid by use describes a meter that reservations have too.
    return tuple(sorted(_of_the_region(), key=lambda item: item.get("type", "")))


def _of_the_region() -> Iterator[dict[str, Any]]:
    for item in _items("retail-prices-2026-08-meters.ndjson.gz"):
        if REGION in item["regions"]:
            yield item
    newer = ("Provisioned Managed Regional Unit", "Consumption")
    for item in _items("retail-prices-2025-08-items.ndjson.gz"):
        of_units = item["meterName"].startswith(_UNITS) and item["armRegionName"] == REGION
        product = item["productName"] in (
            "Azure OpenAI",
            "Azure AI Foundry Provisioned Throughput Reservation",
        )
        if of_units and product and (item["meterName"], item["type"]) != newer:
            yield item


def load(*, without: PriceType | None = None, doubted: str = "") -> None:
    """Put the list on the shelf: meters and prices, public and the same for all.

    Without the prices of a type; with doubts about those of a meter.
    """
    run = InstallationRun.objects.create(
        step="sync_prices", outcome=Outcome.SUCCEEDED, started_at=START, beat_at=START
    )
    meters: dict[str, Meter] = {}
    prices = []
    for item in _wanted():
        if item.get("type", PriceType.CONSUMPTION) == without:
            continue
        product, name = item["productName"], item["meterName"]
        made_up = uuid5(NAMESPACE_URL, f"{product}|{name}|{item['unitOfMeasure']}")
        azure_id = item.get("meterId") or str(made_up)
        meter = meters.setdefault(
            azure_id,
            Meter(
                azure_id=azure_id,
                meter_name=name,
                product_name=product,
                sku_name=name,
                service_name="Foundry Models",
                region=REGION,
                unit_of_measure=item["unitOfMeasure"],
            ),
        )
        listed = Decimal(item["retailPrice"])
        units = units_in(item["unitOfMeasure"])
        assert units
        prices.append(
            Price(
                meter=meter,
                price_type=item.get("type", PriceType.CONSUMPTION),
                reservation_term=item.get("reservationTerm", ""),
                effective_from=datetime.fromisoformat(item["effectiveStartDate"]),
                currency="USD",
                listed_price=listed,
                unit_of_measure=item["unitOfMeasure"],
                unit_price=listed / units,
                doubts=[DOUBT] if name == doubted else [],
                run=run,
            )
        )
    Meter.objects.bulk_create(meters.values())
    Price.objects.bulk_create(prices)

"""The two real price lists, a year apart, as values."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path

from billing.rules.units import units_in

_DATA = Path(__file__).resolve().parents[3] / "simulator" / "data"


class PriceList(StrEnum):
    AUGUST_2025 = "retail-prices-2025-08-items.ndjson.gz"
    AUGUST_2026 = "retail-prices-2026-08-meters.ndjson.gz"


@dataclass(frozen=True, slots=True, order=True)
class Meter:
    """A meter of a list, whatever its regions and prices."""

    product: str
    name: str
    unit: str


@dataclass(frozen=True, slots=True)
class Listed:
    """The price of a meter's single unit in a region, since a date."""

    meter: Meter
    region: str
    since: str
    unit_price: Decimal


@cache
def prices(price_list: PriceList) -> tuple[Listed, ...]:
    """Every price of a list."""
    return tuple(_prices(price_list))


@cache
def meters(price_list: PriceList) -> frozenset[Meter]:
    """The distinct meters of a list."""
    return frozenset(listed.meter for listed in prices(price_list))


def all_meters() -> frozenset[Meter]:
    """The distinct meters of both lists."""
    return frozenset().union(*(meters(price_list) for price_list in PriceList))


def _prices(price_list: PriceList) -> Iterator[Listed]:
    with gzip.open(_DATA / price_list, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line, parse_float=Decimal)
            meter = Meter(row["productName"], row["meterName"], row["unitOfMeasure"])
            units = units_in(meter.unit)
            assert units, f"{meter} has no known unit"
            price = Decimal(row["retailPrice"]) / units
            for region in row.get("regions") or [row["armRegionName"]]:
                yield Listed(meter, region, row["effectiveStartDate"], price)

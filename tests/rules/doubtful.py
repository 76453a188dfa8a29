"""The two real price lists as they are looked at for doubts, and what is held back of them.

``python -m tests.rules.doubtful`` writes the counts into docs/doubtful-prices.md; a test holds
them true.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from billing.rules.sanity import Doubt, Former, Listed, Rule, doubts
from billing.rules.units import units_in
from tests.rules.meters.lists import PriceList

_ROOT = Path(__file__).resolve().parents[2]
PAGE = _ROOT / "docs" / "doubtful-prices.md"
FACTOR = Decimal(3)
Held = Mapping[str, tuple[Doubt, ...]]


@cache
def listed(price_list: PriceList) -> Mapping[str, Listed]:
    """The pay-as-you-go prices of a list, by key."""
    rows = map(_row, _consumption(price_list))
    return {row.key: row for row in rows}


@cache
def first_load(price_list: PriceList) -> Held:
    """What is held back where nothing is in force."""
    rows = tuple(listed(price_list).values())
    return doubts(rows, among=rows, former={}, factor=FACTOR)


@cache
def in_force() -> Mapping[str, Former]:
    """The prices of 2025 that those of 2026 replace, of the same name, region and unit."""
    before: dict[tuple[str, str, str], dict[str, Listed]] = defaultdict(dict)
    for row in listed(PriceList.AUGUST_2025).values():
        if not row.from_units:
            before[_place(row)][row.product_name] = row
    found = {}
    for row in listed(PriceList.AUGUST_2026).values():
        if those := before.get(_place(row)):
            was = those.get(row.product_name) or next(iter(those.values()))
            found[row.key] = Former(was.unit_price, was.currency, was.unit_of_measure)
    return found


@cache
def replacing() -> Mapping[str, Listed]:
    """The prices of 2026 that are new beside those of 2025."""
    former = in_force()
    return {
        key: row
        for key, row in listed(PriceList.AUGUST_2026).items()
        if key not in former or former[key].unit_price != row.unit_price
    }


@cache
def second_load() -> Held:
    """What is held back where 2026's list comes after 2025's."""
    among = tuple(listed(PriceList.AUGUST_2026).values())
    return doubts(tuple(replacing().values()), among=among, former=in_force(), factor=FACTOR)


def written(page: str) -> str:
    """The page with its counts as they are now."""
    opening, closing = "<!-- counts -->", "<!-- /counts -->"
    before, _, rest = page.partition(opening)
    _, _, after = rest.partition(closing)
    return f"{before}{opening}\n\n{_counts()}\n\n{closing}{after}"


def _counts() -> str:
    loads = [*map(first_load, PriceList), second_load()]
    counts = [Counter(doubt.rule for about in held.values() for doubt in about) for held in loads]
    looked_at = [*(len(listed(price_list)) for price_list in PriceList), len(replacing())]
    lines = [
        "| Rule | 2025, first load | 2026, first load | 2026 after 2025 |",
        "|---|---|---|---|",
        *(f"| `{rule}` | " + " | ".join(f"{n[rule]:,}" for n in counts) + " |" for rule in Rule),
        "| **Prices held back** | " + " | ".join(f"**{len(held):,}**" for held in loads) + " |",
        "| of prices looked at | " + " | ".join(f"{number:,}" for number in looked_at) + " |",
    ]
    return "\n".join(lines)


def _consumption(price_list: PriceList) -> Iterator[dict[str, Any]]:  # Any: a row of JSON
    data = _ROOT / "simulator" / "data" / price_list
    with gzip.open(data, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line, parse_float=Decimal)
            if row.get("type", "Consumption") == "Consumption":
                for region in row.get("regions") or [row["armRegionName"]]:
                    yield row | {"region": region}


def _row(row: dict[str, Any]) -> Listed:  # Any: as above
    units = units_in(row["unitOfMeasure"])
    assert units, row
    of = (row.get("meterId", row["productName"]), row["meterName"], row["region"])
    band = row.get("tierMinimumUnits", Decimal(0))
    return Listed(
        key="|".join((*of, row.get("skuId", ""), str(band))),
        product_name=row["productName"],
        meter_name=row["meterName"],
        region=row["region"],
        unit_of_measure=row["unitOfMeasure"],
        unit_price=Decimal(row["retailPrice"]) / units,
        effective_from=datetime.fromisoformat(row["effectiveStartDate"]),
        currency="USD",
        from_units=Decimal(band),
    )


def _place(row: Listed) -> tuple[str, str, str]:
    return row.meter_name, row.region, row.unit_of_measure


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

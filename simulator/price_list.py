"""The public price list: the newer file is served, the older one lends its ids and its past."""

from __future__ import annotations

import gzip
import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from simulator.clock import parse

_DATA = Path(__file__).parent / "data"
_OLDER = _DATA / "retail-prices-2025-08-items.ndjson.gz"
_NEWER = _DATA / "retail-prices-2026-08-meters.ndjson.gz"
_NAMES = uuid.UUID("6f0a9a5e-53f1-5a55-9d0e-1b6a3f0c2d11")
_NOUNS = (" 1M Tokens", " Tokens", " Unit", " Session", " GB", " Calls", " Images", " Video",
          " Characters", " Second", " Pages", " Search")  # fmt: skip

# An item is one JSON object of the API. Numbers stay as written: the shortest text of a float.
Item = dict[str, Any]
#: Product, meter and region; type, term and first unit tell reservations and tiers apart.
Key = tuple[str, str, str, str, str, str]
_STAMP = "%Y-%m-%dT%H:%M:%SZ"
_NEVER = "9999-12-31T00:00:00Z"
_SERVICE = "Foundry Models"
#: What a change gives; everything else in it says which items are meant.
_GIVEN = (
    "retailPrice",
    "effectiveStartDate",
    "effectiveEndDate",
    "unitOfMeasure",
    "currencyCode",
)
#: Meters that the newer list leaves out, and whose older items have no end.
_PROVISIONED = (
    ("Azure OpenAI", "Provisioned Managed Global Unit"),
    (
        "Azure AI Foundry Provisioned Throughput Reservation",
        "Provisioned Managed Global Unit",
    ),
)


@dataclass(frozen=True, slots=True)
class Served:
    """The items in force from one instant until before another, as Azure writes instants."""

    since: str
    until: str
    items: list[Item]


class PriceList:
    """All items with their history, loaded at first use; a test can change it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._dated: dict[Key, list[Item]] | None = None
        self._changes: list[Item] = []
        self._served: Served | None = None

    def effective(self, now: datetime) -> list[Item]:
        """The items in force, in a stable order: the newest start of each meter and region."""
        at = now.strftime(_STAMP)
        with self._lock:
            if self._served is None or not self._served.since <= at < self._served.until:
                self._served = _in_force(self._loaded(), at)
            return self._served.items

    def change(self, wanted: Item) -> int:
        """Give a new price, or a whole new item; the number of items that it concerns."""
        return self._changed({"change": "put", **wanted})

    def remove(self, wanted: Item) -> int:
        """Take items off the list; the number of them."""
        return self._changed({"change": "remove", **wanted})

    def changes(self) -> list[Item]:
        """What was changed, in order, to be restored later."""
        return list(self._changes)

    def restore(self, changes: list[Item]) -> None:
        """The published list with these changes and no others."""
        with self._lock:
            if changes != self._changes:
                self._changes, self._dated, self._served = list(changes), None, None

    def _changed(self, wanted: Item) -> int:
        with self._lock:
            count = _apply(self._loaded(), wanted)
            self._changes.append(wanted)
            self._served = None
            return count

    def _loaded(self) -> dict[Key, list[Item]]:
        if self._dated is None:
            self._dated = dict(_published())
            for wanted in self._changes:
                _apply(self._dated, wanted)
        return self._dated


def _in_force(dated: dict[Key, list[Item]], at: str) -> Served:
    found: list[Item] = []
    until = _NEVER
    for items in dated.values():
        begun = [i for i in items if i["effectiveStartDate"] <= at < _end(i)]
        newest = max((item["effectiveStartDate"] for item in begun), default="")
        later = (i["effectiveStartDate"] for i in items if i["effectiveStartDate"] > at)
        until = min((until, *later, *(_end(item) for item in begun)))
        found.extend(item for item in begun if item["effectiveStartDate"] == newest)
    return Served(at, until, found)


def _end(item: Item) -> str:
    """Before what an item is in force; Azure names its last minute, which still counts."""
    named = item.get("effectiveEndDate")
    return f"{named[:16]}:60Z" if named else _NEVER


def _apply(dated: dict[Key, list[Item]], wanted: Item) -> int:
    """Change the list; items and their lists are shared with the published one and stay whole."""
    fields = {k: v for k, v in wanted.items() if k != "change" and k not in _GIVEN}
    if wanted["change"] == "put":
        fields = {"type": "Consumption", "tierMinimumUnits": 0.0, **fields}
    matching = [
        key
        for key, items in dated.items()
        if all(items[-1].get(name) == value for name, value in fields.items())
    ]
    if wanted["change"] == "remove":
        for key in matching:
            del dated[key]
        return len(matching)
    start = parse(str(wanted.get("effectiveStartDate", "2016-01-01"))).strftime(_STAMP)
    given = {k: wanted[k] for k in _GIVEN if k in wanted}
    given |= {"unitPrice": wanted["retailPrice"], "effectiveStartDate": start}
    for key in matching:
        last = {k: v for k, v in dated[key][-1].items() if k != "effectiveEndDate"}
        dated[key] = [*dated[key], {**last, **given}]
    if not matching:
        item = _complete({**fields, **given})
        key = _key(item)
        # Tiers and terms of one meter share its ids.
        beside = [items[-1] for known, items in dated.items() if known[:3] == key[:3]]
        dated[key] = [*dated.get(key, []), _complete({**fields, **given}, past=beside)]
    return max(len(matching), 1)


@lru_cache(maxsize=1)
def _published() -> dict[Key, list[Item]]:
    """Newer items first, with the past that the older list knows of the same key."""
    older: dict[Key, list[Item]] = {}
    for item in _lines(_OLDER):
        older.setdefault(_key(item), []).append(item)
    places = {items[0]["armRegionName"]: items[0]["location"] for items in older.values()}
    dated: dict[Key, list[Item]] = {}
    products = set()
    for meter in _lines(_NEWER):
        products.add(meter["productName"])
        regions = meter.pop("regions")
        for region in sorted(regions):
            key = _key({**meter, "armRegionName": region})
            past = older.get(key, [])
            item = _complete({**meter, "armRegionName": region}, places, past)
            past = [{**old, "serviceName": item["serviceName"]} for old in past]
            dated[key] = [*past, item] if _began_before(past, item) else [item]
    dated |= {key: items for key, items in older.items() if key[0] not in products}
    dated |= {
        key: [{**item, "serviceName": _SERVICE} for item in items]
        for key, items in older.items()
        if key[:2] in _PROVISIONED
    }
    return dict(sorted(dated.items()))


def _began_before(past: list[Item], item: Item) -> bool:
    return any(old["effectiveStartDate"] < item["effectiveStartDate"] for old in past)


def _complete(
    known: Item, places: dict[str, str] | None = None, past: list[Item] | None = None
) -> Item:
    """A whole item from a list without ids; an older item lends its real ones."""
    meter, region = known["meterName"], known.get("armRegionName", "")
    product = known.get("productName", "Azure OpenAI")
    name = f"{product}|{meter}|{region}"
    noun = next((n for n in _NOUNS if meter.endswith(n)), "")
    product_id = f"DZH318Z{uuid.uuid5(_NAMES, product).hex[:5].upper()}"
    sku = meter.removesuffix(noun)
    price = known["retailPrice"]
    made = {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": price,
        "unitPrice": price,
        "armRegionName": region,
        "location": (places or {}).get(region, region),
        "effectiveStartDate": known["effectiveStartDate"],
        "meterId": str(uuid.uuid5(_NAMES, name)),
        "meterName": meter,
        "productId": product_id,
        "skuId": f"{product_id}/{uuid.uuid5(_NAMES, name).hex[-4:].upper()}",
        "productName": product,
        "skuName": sku,
        "serviceName": _SERVICE,
        "serviceId": "DZH31600VF1F",
        "serviceFamily": "AI + Machine Learning",
        "unitOfMeasure": known.get("unitOfMeasure", "1M"),
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        "armSkuName": sku,
    }
    real = past[-1] if past else {}
    ids = ("meterId", "skuId", "productId", "skuName", "armSkuName")
    return {**made, **{k: real[k] for k in ids if k in real}, **known}


def _lines(file: Path) -> Iterator[Item]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _key(item: Item) -> Key:
    return (
        str(item["productName"]),
        str(item["meterName"]),
        str(item["armRegionName"]),
        str(item.get("type", "Consumption")),
        str(item.get("reservationTerm", "")),
        str(item.get("tierMinimumUnits", 0.0)),
    )

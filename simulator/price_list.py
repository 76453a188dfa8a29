"""The public price list: the newer file is served, the older one lends its ids and its past."""

from __future__ import annotations

import gzip
import json
import threading
import uuid
from collections.abc import Iterator
from datetime import datetime
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
Key = tuple[str, str, str]


class PriceList:
    """All items with their history, loaded at first use; a test can change it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._dated: dict[Key, list[Item]] = {}
        self._changes: list[Item] = []

    def effective(self, now: datetime) -> list[Item]:
        """The items in force, in a stable order: the newest start of each meter and region."""
        dated = self._loaded()
        at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        found: list[Item] = []
        for items in dated.values():
            # Tiers and reservation terms of one meter start together and are all in force.
            begun = [item for item in items if item["effectiveStartDate"] <= at]
            newest = max((item["effectiveStartDate"] for item in begun), default="")
            source = [item for item in begun if item["effectiveStartDate"] == newest]
            found.extend(item for item in source if not item.get("_removed"))
        return [{k: v for k, v in item.items() if not k.startswith("_")} for item in found]

    def change(self, wanted: Item) -> int:
        """Give a new price, or a whole new item; the number of items that it concerns."""
        with self._lock:
            self._changes.append({"change": "put", **wanted})
        return self._apply({"change": "put", **wanted})

    def remove(self, wanted: Item) -> int:
        """Take items off the list; the number of them."""
        with self._lock:
            self._changes.append({"change": "remove", **wanted})
        return self._apply({"change": "remove", **wanted})

    def changes(self) -> list[Item]:
        """What was changed, in order, to be restored later."""
        return list(self._changes)

    def restore(self, changes: list[Item]) -> None:
        """The published list with these changes and no others."""
        with self._lock:
            self._changes, self._dated = list(changes), {}

    def _loaded(self) -> dict[Key, list[Item]]:
        with self._lock:
            if self._dated:
                return self._dated
            self._dated = _published()
            changes = list(self._changes)
        for wanted in changes:
            self._apply(wanted)
        return self._dated

    def _apply(self, wanted: Item) -> int:
        dated = self._loaded()
        fields = {k: v for k, v in wanted.items() if k not in {"change", "retailPrice"}}
        start = parse(str(fields.pop("effectiveStartDate", "2016-01-01"))).strftime(
            "%Y-%m-%dT%H:%M:%SZ"
        )
        matching = [
            key
            for key, items in dated.items()
            if all(items[-1].get(name) == value for name, value in fields.items())
        ]
        if wanted["change"] == "remove":
            for key in matching:
                dated[key] = [{**item, "_removed": True} for item in dated[key]]
            return len(matching)
        price = {
            "retailPrice": wanted["retailPrice"],
            "unitPrice": wanted["retailPrice"],
            "effectiveStartDate": start,
        }
        for key in matching:
            dated[key].append({**dated[key][-1], **price, "_removed": False})
        if not matching:
            item = _complete({**fields, **price})
            dated[_key(item)] = [item]
        return max(len(matching), 1)


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
            key = (meter["productName"], meter["meterName"], region)
            past = older.get(key, [])
            item = _complete({**meter, "armRegionName": region}, places, past)
            past = [{**old, "serviceName": item["serviceName"]} for old in past]
            dated[key] = [*past, item] if _changed(past, item) else [item]
    dated |= {key: items for key, items in older.items() if key[0] not in products}
    return dict(sorted(dated.items()))


def _changed(past: list[Item], item: Item) -> bool:
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
        "serviceName": "Foundry Models",
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
    return (str(item["productName"]), str(item["meterName"]), str(item["armRegionName"]))

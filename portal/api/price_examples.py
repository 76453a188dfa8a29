"""Example answers about the price list; the small world of `examples`."""

from __future__ import annotations

from typing import Any

METER: dict[str, Any] = {
    "id": "0b0e5d1f-0000-4000-8000-000000000001",
    "name": "gpt 5.2 chat Inp glbl Tokens",
    "product": "Azure OpenAI",
    "sku": "gpt 5.2 chat Inp glbl",
    "service": "Foundry Models",
    "region": "swedencentral",
    "unit_of_measure": "1M",
    "vanished_at": None,
    "used": True,
}
_METER = {name: value for name, value in METER.items() if name != "used"}
_PRICE: dict[str, Any] = {
    "id": 7301,
    "listed_price": "1.75",
    "unit_of_measure": "1M",
    "unit_price": "0.00000175",
    "currency": "USD",
    "effective_from": "2026-09-01T00:00:00Z",
    "type": "Consumption",
    "reservation_term": "",
    "tier_minimum_units": "0",
    "load": 12,
    "doubts": [],
}
_DOUBTED: dict[str, Any] = {
    **_PRICE,
    "id": 7954,
    "listed_price": "1750",
    "unit_price": "0.00175",
    "effective_from": "2026-11-01T00:00:00Z",
    "load": 31,
    "doubts": [
        {
            "rule": "jump",
            "says": "USD 1750 per 1M is 1000 times the price in force, USD 1.75; expected up to 3"
            " times either way.",
        }
    ],
}
PRICE_CHANGE: dict[str, Any] = {
    "id": 90211,
    "load": 31,
    "loaded_at": "2026-11-01T00:12:04Z",
    "kind": "new-price",
    "meter": _METER,
    "used": True,
    "before": _PRICE,
    "price": _DOUBTED,
    "ratio": "1000",
    "described": None,
}
METER_DETAIL: dict[str, Any] = {
    **METER,
    "reading": [{"word": "gpt 5.2 chat", "meaning": "model: gpt-5.2-chat"}],
    "prices": [_PRICE],
    "terms": [
        {
            "since": "2026-09-01T00:00:00Z",
            "until": None,
            "list_unit_price": "0.00000175",
            "unit_price": "0.00000154",
            "currency": "USD",
            "price": 7301,
            "sheet_line": {"sheet": "Enterprise agreement 2026", "line": 1},
            "markup_line": None,
        }
    ],
}
SUSPECT: dict[str, Any] = {
    "id": 7954,
    "meter": _METER,
    "price": _DOUBTED,
    "former": _PRICE,
    "used": True,
    "state": "waiting",
    "decision": None,
}

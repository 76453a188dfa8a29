"""What answers look like: shown in the schema, and held to the real ones by a test."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

from portal.api.quota_examples import LIMIT
from portal.api.resources import RESOURCES

_ROOT = "https://finops.example/api/v1"
_MONTH = {
    "month": "2026-11",
    "start": "2026-10-31T23:00:00Z",
    "end": "2026-11-30T23:00:00Z",
    "time_zone": "Europe/Berlin",
}
_SPENT = {"amount": "1.75", "currency": "USD", "basis": "estimated"}
_METER = "0b0e5d1f-0000-4000-8000-000000000001"

INDEX: dict[str, Any] = {
    "name": "Apportion",
    "version": "1.0.0",
    "tenant": {
        "slug": "contoso",
        "name": "Contoso",
        "currency": "USD",
        "time_zone": "Europe/Berlin",
    },
    "token": {"person": "dan@example.org", "role": "finance", "scopes": ["read:costs"]},
    "links": {
        name: f"{_ROOT}/{name.replace('usage-', 'usage/')}/" for name in (*RESOURCES, "schema")
    }
    | {"documentation": f"{_ROOT}/docs/"},
}
TEAM: dict[str, Any] = {
    "slug": "search",
    "name": "Search",
    "cost_center": {"code": "CC-4711", "name": "Product search"},
    "this_month": {"period": _MONTH, "spent": _SPENT, "tokens": 1000000, "unpriced_tokens": 0},
    "url": f"{_ROOT}/teams/search/",
}
SUBSCRIPTION: dict[str, Any] = {
    "gateway": "apim-contoso",
    "name": "key-search",
    "display_name": "Key of search",
    "product": "gold",
    "team": "search",
    "cost_center": "CC-4711",
    "environment": "production",
    "application": "Assistant of search",
    "state": "active",
    "listed": True,
    "seen_at": "2026-11-20T14:20:00Z",
    "limit": {"amount": "5", "currency": "USD", "hardness": "hard", "source": "product Gold"},
    "binding": LIMIT,
    "limits_url": f"{_ROOT}/subscriptions/apim-contoso/key-search/limits/",
    "this_month": {
        "period": _MONTH,
        "spent": _SPENT,
        "tokens": 1000000,
        "unpriced_tokens": 0,
        "usage_through": "2026-11-20T14:00:00Z",
    },
    "suspension": None,
    "url": f"{_ROOT}/subscriptions/apim-contoso/key-search/",
    "ownership_url": f"{_ROOT}/subscriptions/apim-contoso/key-search/ownership/",
}
_DIMENSIONS = {
    "product": "",
    "api": "",
    "operation": "",
    "region": "Sweden Central",
    "backend": "",
    "streaming": "",
    "application": "Assistant",
    "use_case": "",
    "agent": "",
    "environment": "",
    "client_tenant": "",
    "user_group": "",
    "cost_center": "",
}
USAGE: dict[str, Any] = {
    "start": "2026-11-03T09:00:00Z",
    "minutes": 60,
    "gateway": "apim-contoso",
    "subscription": "key-search",
    "team": "search",
    "deployment": "gpt-5.2-chat",
    "host": "ai-contoso.openai.azure.com",
    "model": "gpt-5.2-chat",
    "dimensions": _DIMENSIONS,
    "tokens": {
        "input": 1000000,
        "cached_input": 0,
        "output": 0,
        "reasoning": 0,
        "further": {},
        "total": 1000000,
    },
    "requests": {
        "total": 100,
        "successful": 100,
        "throttled": 0,
        "refused": 0,
        "client_errors": 0,
        "server_errors": 0,
        "cache_hits": 0,
        "without_tokens": 0,
        "retries": 0,
        "agent_steps": 0,
        "tool_calls": 0,
    },
}
FURTHER_USAGE: dict[str, Any] = {
    "start": "2026-09-03T09:00:00Z",
    "gateway": "apim-contoso",
    "subscription": "key-search",
    "team": "search",
    "deployment": "gpt-5.2-chat",
    "host": "ai-contoso.openai.azure.com",
    "model": "gpt-5.2-chat",
    "dimensions": _DIMENSIONS,
    "token_class": "cache_write",
    "unit": "token",
    "quantity": 500,
}
COST: dict[str, Any] = {
    "day": "2026-11-03",
    "gateway": "apim-contoso",
    "subscription": "key-search",
    "team": "search",
    "deployment": "gpt-5.2-chat",
    "host": "ai-contoso.openai.azure.com",
    "model": "gpt-5.2-chat",
    "dimensions": _DIMENSIONS,
    "token_class": "input",
    "quantity": 1000000,
    "unit": "token",
    "unit_price": "0.00000175",
    "price_currency": "USD",
    "units_per_price": 1,
    "sheet": None,
    "markup": None,
    "price": {
        "unit_price": "0.00000175",
        "currency": "USD",
        "effective_from": "2026-09-01T00:00:00Z",
        "meter_id": _METER,
        "meter_name": "gpt 5.2 chat Inp glbl Tokens",
        "region": "swedencentral",
    },
    "exchange_rate": None,
    "list_cost": "1.75",
    "cost": "1.75",
    "currency": "USD",
    "basis": "estimated",
}
MONTH_OF_TEAM: dict[str, Any] = {
    "team": "search",
    "period": _MONTH,
    "status": "draft",
    "total": _SPENT,
    "tokens": 1000000,
    "unpriced_tokens": 0,
    "url": f"{_ROOT}/teams/search/statements/2026-11/",
}
STATEMENT: dict[str, Any] = {
    "tenant": "Contoso",
    "team": "search",
    "team_name": "Search",
    "cost_center": "CC-4711 Product search",
    "period": _MONTH,
    "status": "draft",
    "basis": "estimated",
    "currency": "USD",
    "total": "1.75",
    "lines": [
        {
            "number": 1,
            "subscription": "key-search",
            "gateway": "apim-contoso",
            "product": "Gold",
            "cost_center": "CC-4711 Product search",
            "deployment": "gpt-5.2-chat",
            "model": "gpt-5.2-chat",
            "token_class": "input",
            "quantity": 1000000,
            "unit": "token",
            "unit_price": "0.00000175",
            "units_per_price": 1,
            "price_currency": "USD",
            "price_from": "2026-09-01T00:00:00Z",
            "sheet": "",
            "markup_percent": None,
            "list_cost": {"amount": "1.75", "currency": "USD"},
            "meter_id": _METER,
            "meter_name": "gpt 5.2 chat Inp glbl Tokens",
            "exchange_rate": None,
            "exact": "1.75",
            "amount": "1.75",
        }
    ],
    "unpriced": [],
    "unpriced_tokens": 0,
    "cost_centers": [{"cost_center": "CC-4711 Product search", "amount": "1.75"}],
    "exchange_rates": [],
    "moves": [],
    "usage_through": "2026-11-20T14:00:00Z",
    "showback_only": "",
    "calls_without_tokens": 0,
}
_SIDES = {
    "before": "12.50",
    "after": "11.25",
    "difference": "-1.25",
    "unpriced_before": 0,
    "unpriced_after": 0,
}
_SAME = {
    "before": "0",
    "after": "0",
    "difference": "0",
    "unpriced_before": 0,
    "unpriced_after": 0,
}
_CAPACITY_SUMS = {
    "hourly": "24000",
    "used": "0",
    "unused": "0",
    "total": "24000",
    "unpriced_unit_minutes": 0,
}
EFFECT: dict[str, Any] = {
    "currency": "USD",
    "days": 20,
    "open": _SIDES,
    "closed": _SAME,
    "teams": [{"team": "search", **_SIDES}],
    "subscriptions": [
        {
            "gateway": "apim-contoso",
            "subscription": "key-search",
            "team": "search",
            "month": "2026-11",
            "closed": False,
            **_SIDES,
        }
    ],
    "capacity": {
        "before": _CAPACITY_SUMS,
        "after": _CAPACITY_SUMS | {"hourly": "21600", "total": "21600"},
        "difference": "-2400",
    },
}
EXCHANGE_RATE: dict[str, Any] = {
    "from_currency": "USD",
    "to_currency": "EUR",
    "rate": "0.9",
    "effective_from": "2026-09-01T00:00:00Z",
    "source": "European Central Bank, reference rate",
    "origin": "manual",
}
PLANNED: dict[str, Any] = {"applied": False, "plan": "eyJ…", "effect": EFFECT}
_CLASS = {
    "gateway": "apim-contoso",
    "host": "ai-contoso.openai.azure.com",
    "deployment": "gpt-5.2-chat",
    "token_class": "input",
}
MAPPING: dict[str, Any] = _CLASS | {
    "meter_id": _METER,
    "meter_name": "gpt 5.2 chat Inp glbl Tokens",
    "units_per_price": 1,
    "effective_from": "2026-09-01T00:00:00Z",
    "confirmed_by": "erin@example.org",
    "reason": "The name says it.",
}
PROPOSAL: dict[str, Any] = _CLASS | {
    "model": "gpt-5.2-chat",
    "meter_id": _METER,
    "meter_name": "gpt 5.2 chat Inp glbl Tokens",
    "covered": False,
    "confidence": "0.98",
    "reasons": ["the name says gpt-5.2-chat", "the name says no version"],
    "alternatives": [],
    "mapped": True,
    "differs": False,
}
UNPRICED: dict[str, Any] = _CLASS | {
    "token_class": "output",
    "model": "gpt-5.2-chat",
    "quantity": 2000000,
    "unit": "token",
    "first_day": "2026-11-03",
    "last_day": "2026-11-19",
    "teams": ["Search"],
    "estimate_low": {"amount": "28", "currency": "USD", "basis": "estimated"},
    "estimate_high": {"amount": "28", "currency": "USD", "basis": "estimated"},
    "why": "A meter is proposed and waits to be confirmed.",
}
ADJUSTMENT: dict[str, Any] = {
    "month": "2026-09",
    "gateway": "apim-contoso",
    "subscription": "key-search",
    "deployment": "gpt-5.2-chat",
    "token_class": "input",
    "quantity_before": 1000,
    "quantity_after": 2000,
    "cost_before": "0.00175",
    "cost_after": "0.0035",
    "currency": "USD",
    "basis": "estimated",
}

PRICE_SHEET: dict[str, Any] = {
    "id": 12,
    "name": "Enterprise agreement 2026",
    "effective_from": "2026-11-01T00:00:00Z",
    "effective_until": None,
    "source": "Enrollment 77, amendment 3",
    "applied_by": "dan@example.org",
    "applied_at": "2026-11-20T14:20:00Z",
    "url": f"{_ROOT}/price-sheets/12/",
    "lines_url": f"{_ROOT}/price-sheets/12/lines/",
}
SHEET_LINE: dict[str, Any] = {
    "number": 1,
    "kind": "discount",
    "meter_id": "",
    "product_filter": "Azure OpenAI*",
    "meter_filter": "",
    "region": "",
    "price": None,
    "unit_of_measure": "",
    "unit_price": None,
    "currency": "",
    "percent": "12.5",
}

CAPACITY: dict[str, Any] = {
    "period": _MONTH,
    "deployments": [
        {
            "gateway": "apim-contoso",
            "host": "ai-contoso.openai.azure.com",
            "deployment": "search-reserved",
            "model": "gpt-5.2",
            "kind": "provisioned",
            "region": "swedencentral",
            "meters": ["Provisioned Managed Global Unit"],
            "unit_minutes": 1440000,
            "covered_unit_minutes": 720000,
            "unpriced_unit_minutes": 0,
            "hourly": {"amount": "12000", "currency": "USD", "basis": "estimated"},
            "reserved": {"amount": "4300", "currency": "USD", "basis": "amortized"},
            "list_cost": {"amount": "24000", "currency": "USD", "basis": "list"},
            "tokens": 1000000,
            "by_use": _SPENT,
            "used_by": [{"team": "search", "tokens": 1000000}],
        }
    ],
    "reservations": [
        {
            "name": "search 2026",
            "units": 25,
            "used_unit_minutes": 720000,
            "unused_unit_minutes": 0,
            "used": {"amount": "4300", "currency": "USD", "basis": "amortized"},
            "unused": {"amount": "0", "currency": "USD", "basis": "amortized"},
        }
    ],
}
RESERVATION: dict[str, Any] = {
    "name": "Pilot",
    "units": 50,
    "scope": "global",
    "region": "swedencentral",
    "term": "1 Month",
    "starts_at": "2026-09-01T00:00:00Z",
    "ends_at": "2026-10-01T00:00:00Z",
    "unit_price": "260",
    "currency": "USD",
    "source": "The price list.",
    "withdrawn": False,
}


def one(value: dict[str, Any]) -> OpenApiExample:
    """An answer with one thing."""
    return OpenApiExample(
        "An answer", value=value, response_only=True, media_type="application/json"
    )


def page(value: dict[str, Any]) -> OpenApiExample:
    """The last page of a list, with one row."""
    return one({"next": None, "results": [value]})

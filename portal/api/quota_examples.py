"""What answers about limits look like."""

from __future__ import annotations

from typing import Any

LIMIT: dict[str, Any] = {
    "binds": True,
    "level": "product",
    "subject": "Gold",
    "inherited": True,
    "unit": "currency",
    "currency": "USD",
    "every": "month",
    "period_start": "2026-10-31T23:00:00Z",
    "period_end": "2026-11-30T23:00:00Z",
    "hardness": "hard",
    "base": "25",
    "extra": "0",
    "extra_until": None,
    "carried": "0",
    "limit": "25",
    "used": "17.5",
    "percent": "70",
    "reached": False,
    "unpriced_tokens": 0,
    "thresholds": [50, 80, 90, 100],
}
LIMITS: dict[str, Any] = {
    "gateway": "apim-contoso",
    "subscription": "key-search",
    "product": "gold",
    "limits": [LIMIT],
    "url": "https://finops.example/api/v1/subscriptions/apim-contoso/key-search/limits/",
}
FORESEEN: dict[str, Any] = {
    **LIMITS,
    "limits": [{**LIMIT, "expected": "26.25", "reached_on": "2026-11-28", "reached_first": True}],
    "in_gateway": {
        "tokens": 30000000,
        "every": "month",
        "used": 21000000,
        "percent": "70",
        "reached_on": None,
    },
    "version": 41,
}
QUOTA: dict[str, Any] = {
    "version": 41,
    "level": "product",
    "gateway": "apim-contoso",
    "name": "gold",
    "unit": "currency",
    "every": "month",
    "limit": "20",
    "hardness": "hard",
    "rollover": "none",
    "thresholds": [50, 80, 90, 100],
    "effective_from": "2026-09-01T00:00:00Z",
    "effective_until": None,
    "set_by": "erin@example.org",
    "reason": "The tier's limit.",
    "recorded_at": "2026-09-01T00:00:00Z",
}
SET: dict[str, Any] = {
    "applied": False,
    "plan": "eyJ…",
    "subscriptions": 2,
    "before": LIMIT,
    "after": {**LIMIT, "base": "20", "limit": "20", "percent": "87.5"},
    "suspends": 0,
    "suspended": [],
    "breaks_budgets": [],
    "version": 41,
}

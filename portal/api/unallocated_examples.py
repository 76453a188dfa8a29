"""What the answer about unallocated usage looks like."""

from __future__ import annotations

from typing import Any

_COUNTED: dict[str, Any] = {
    "cost": {"amount": "12.4", "currency": "USD", "basis": "estimated"},
    "tokens": 7085714,
    "unpriced_tokens": 0,
}
UNALLOCATED: dict[str, Any] = {
    "period": {
        "month": "2026-11",
        "start": "2026-10-31T23:00:00Z",
        "end": "2026-11-30T23:00:00Z",
        "time_zone": "Europe/Berlin",
    },
    "total": _COUNTED,
    "reasons": [
        {
            **_COUNTED,
            "reason": "built-in",
            "says": "All-access or built-in key",
            "fix": "Give the caller a subscription of its own and renew the key; or assign it to a"
            " team.",
            "subscriptions": 1,
            "requests": 4200,
        }
    ],
    "subscriptions": [
        {
            **_COUNTED,
            "gateway": "apim-contoso",
            "subscription": "master",
            "reason": "built-in",
            "said": "",
            "requests": 4200,
            "first_day": "2026-11-02",
            "last_day": "2026-11-19",
        }
    ],
    "unknown_deployments": [
        {
            "cost": None,
            "tokens": 1000,
            "unpriced_tokens": 1000,
            "gateway": "apim-contoso",
            "host": "ai-contoso.openai.azure.com",
            "deployment": "new-model",
            "first_day": "2026-11-02",
            "last_day": "2026-11-19",
        }
    ],
    "quality": [
        {
            "team": "search",
            "quality": "0.62",
            "by_cost": True,
            "showback_only": "showback only: metadata quality 62 % is below 90 %",
            "missing": [
                {"dimension": "application", "share": "0.38", "subscriptions": ["key-search"]}
            ],
        }
    ],
}

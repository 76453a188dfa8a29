"""Example answers about requests; the small world of `examples`."""

from __future__ import annotations

from typing import Any

_ROOT = "https://finops.example/api/v1/requests/17/"
_BEFORE: dict[str, Any] = {
    "limit": "5",
    "base": "5",
    "extra": "0",
    "carried": "0",
    "used": "3.4",
    "percent": "68.00",
    "unit": "currency",
    "every": "month",
    "hardness": "hard",
    "level": "subscription",
    "source": "this subscription",
}
_CONSEQUENCES: dict[str, Any] = {
    "basis": "estimated",
    "currency": "USD",
    "unit": "currency",
    "period": {
        "every": "month",
        "start": "2026-10-31T23:00:00Z",
        "end": "2026-11-30T23:00:00Z",
    },
    "before": _BEFORE,
    "after": _BEFORE | {"limit": "7.5", "extra": "2.5", "percent": "45.33"},
    "used": "3.4",
    "expected": {"last_day": "2026-11-30", "p10": "4.6", "p50": "5.7", "p90": "7.1"},
    "at_its_end": None,
    "runs_out_without": {
        "earliest": "2026-11-24",
        "likely": "2026-11-27",
        "latest": None,
    },
    "runs_out_with": {"earliest": None, "likely": None, "latest": None},
    "ends": None,
    "monthly_change": "2.5",
    "dearer_change": "2.5",
    "forecast_percent": "114.00",
    "a_month": "5.1",
    "a_month_dearer": "5.1",
    "dearest": "gpt-5.2-chat",
    "budgets": [
        {
            "level": "team",
            "name": "Search",
            "every": "month",
            "budget": "100",
            "spent": "3.4",
            "before": "5.7",
            "after": "8.2",
            "percent_before": "5.70",
            "percent_after": "8.20",
            "breaks": False,
        }
    ],
    "last_increases": [
        {
            "at": "2026-09-10T08:00:00Z",
            "amount": "3",
            "unit": "currency",
            "every": "month",
            "until": "2026-09-12T08:00:00Z",
            "request": 1,
            "decided_by": ["Carol"],
        }
    ],
    "tier": [],
    "cautions": [],
    "unpriced_tokens": 0,
    "usage_through": "2026-11-20T14:00:00Z",
}
REQUEST: dict[str, Any] = {
    "number": 17,
    "kind": "increase",
    "state": "submitted",
    "version": 1,
    "team": "search",
    "gateway": "apim-contoso",
    "subscription": "key-search",
    "product": None,
    "unit": "currency",
    "every": "month",
    "amount": "2.5",
    "currency": "USD",
    "last_day": None,
    "display_name": "",
    "environment": "",
    "application": "",
    "reason": "The campaign begins.",
    "expected": "62,000 summaries at 0.0035 or less each.",
    "requested_by": "alice@example.org",
    "created_at": "2026-11-20T14:20:00Z",
    "submitted_at": "2026-11-20T14:20:00Z",
    "decided_at": None,
    "expires_at": "2026-12-20T14:20:00Z",
    "runs_out_on": "2026-11-27",
    "error": "",
    "url": _ROOT,
    "timeline_url": f"{_ROOT}timeline/",
}
STANDING: dict[str, Any] = REQUEST | {
    "approvals": [
        {
            "whose": "group",
            "group": "FinOps",
            "policy": "Whatever is asked",
            "people": 1,
            "missing": 1,
            "given": [],
        }
    ],
    "your_decision": {
        "allowed": False,
        "whose": None,
        "code": "own-request",
        "why_not": "Nobody decides on their own request. Another approver has to.",
    },
    "override": None,
}
ONE: dict[str, Any] = STANDING | {"consequences": _CONSEQUENCES, "route": None}
EVENT: dict[str, Any] = {
    "kind": "submitted",
    "version": 1,
    "by": "alice@example.org",
    "at": "2026-11-20T14:20:00Z",
    "text": "",
    "details": {},
}
WHAT_IF: dict[str, Any] = {
    "consequences": _CONSEQUENCES,
    "route": {
        "automatic": False,
        "needs": [
            {
                "whose": "group",
                "group": "FinOps",
                "people": 1,
                "policy": "Whatever is asked",
                "says": "one of FinOps",
            }
        ],
        "policies": ["Whatever is asked"],
    },
}

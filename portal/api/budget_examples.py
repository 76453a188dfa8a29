"""Example answers about budgets and alerts; the small world of `examples`."""

from __future__ import annotations

from typing import Any

_WHOSE: dict[str, Any] = {"team": "search", "cost_center": None, "period": "month"}
STANDING: dict[str, Any] = {
    **_WHOSE,
    "amount": {"amount": "100", "currency": "USD", "basis": "estimated"},
    "first_day": "2026-11-01",
    "end_day": "2026-12-01",
    "time_zone": "Europe/Berlin",
    "spent": {"amount": "1.75", "currency": "USD", "basis": "estimated"},
    "percent": "1.75",
    "forecast": {"p10": "1.75", "p50": "1.75", "p90": "7.46"},
    "forecast_percent": "1.75",
    "breaks": False,
    "usage_through": "2026-11-20T14:00:00Z",
    "unpriced_tokens": 0,
    "thresholds": [50, 80, 90, 100],
    "forecast_alert": True,
}
SAID: dict[str, Any] = {
    **_WHOSE,
    "amount": "100",
    "from_day": "2026-09-01",
    "thresholds": [50, 80, 90, 100],
    "forecast_alert": True,
    "set_by": "carol@example.org",
    "reason": "",
    "recorded_at": "2026-09-10T08:00:00Z",
}
ALERT: dict[str, Any] = {
    "id": 4711,
    "kind": "quota_used",
    "subject": "subscription",
    "subscription": {"gateway": "apim-contoso", "name": "key-search"},
    "team": None,
    "cost_center": None,
    "unit": "currency",
    "period": "month",
    "period_start": "2026-10-31T23:00:00Z",
    "threshold": 80,
    "says": "80 % of the month's quota is used",
    "fired_at": "2026-11-20T14:20:00Z",
    "resolved_at": None,
    "evidence": {"used": "4.10 USD", "limit": "5.00 USD", "percent": "82.0", "basis": "estimated"},
}
SENT: dict[str, Any] = {
    "team": "search",
    "period": "month",
    "amount": "250",
    "from_day": "2026-12-01",
    "thresholds": [50, 80, 100],
    "reason": "The campaign.",
}

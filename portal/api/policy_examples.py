"""Example answers about approval policies, groups and absences; the small world of `examples`."""

from __future__ import annotations

from typing import Any

POLICY: dict[str, Any] = {
    "id": 4,
    "name": "Large ones",
    "position": 20,
    "kinds": ["increase"],
    "team": "search",
    "tier": {"gateway": "apim-contoso", "name": "gold"},
    "environment": "production",
    "amount_from": "500",
    "percent_from": "50",
    "days_from": 30,
    "forecast_from": "120",
    "window_days": 30,
    "demand": "two",
    "group": "FinOps",
    "own_teams": False,
    "remind_after_hours": 24,
    "escalate_after_hours": 72,
    "escalate_to": "FinOps",
    "expires_after_days": 30,
    "effective_from": "2026-11-20T14:20:00Z",
    "effective_until": "2026-12-20T14:20:00Z",
    "set_by": "erin@example.org",
}
NEED: dict[str, Any] = {
    "whose": "group",
    "group": "FinOps",
    "people": 2,
    "policy": 4,
    "owners_may": False,
    "says": "2 different people of FinOps",
}
ANYBODY: dict[str, Any] = {
    "whose": "group",
    "group": None,
    "people": 1,
    "policy": None,
    "owners_may": False,
    "says": "one of the tenant's approvers",
}
ROUTE: dict[str, Any] = {
    "automatic": False,
    "needs": [NEED],
    "met": [
        {
            "policy": 4,
            "name": "Large ones",
            "because": ["600.00 USD more a month for the team in 30 days, from 500.00 USD on"],
        }
    ],
    "remind_after_hours": 24,
    "escalate_after_hours": 72,
    "expires_after_days": 30,
}
REPLAY: dict[str, Any] = {
    "since": "2026-08-22T14:20:00Z",
    "sent": 12,
    "met": 1,
    "differing": 1,
    "requests": [
        {
            "number": 2,
            "kind": "increase",
            "team": "search",
            "sent_at": "2026-11-19T09:30:00Z",
            "amount": "600",
            "needs": [NEED],
            "without": [ANYBODY],
            "differs": True,
        }
    ],
}
GROUP: dict[str, Any] = {
    "id": 3,
    "name": "FinOps",
    "members": [{"person": "carol@example.org", "approves": True}],
}
DELEGATION: dict[str, Any] = {
    "id": 7,
    "absent": "carol@example.org",
    "stand_in": "erin@example.org",
    "from": "2026-11-20T23:00:00Z",
    "until": "2026-11-27T23:00:00Z",
    "reason": "On leave.",
    "made_by": "carol@example.org",
}

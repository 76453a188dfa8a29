"""What answers about whose a subscription is look like."""

from __future__ import annotations

from typing import Any

OWNERSHIP: dict[str, Any] = {
    "team": "search",
    "cost_center": None,
    "environment": "production",
    "application": "Assistant of search",
    "from_day": "2026-09-01",
    "until_day": None,
    "replaced": False,
    "retroactive": False,
    "reason": "",
    "recorded_at": "2026-09-01T00:00:00Z",
    "recorded_by": "erin@example.org",
}
MOVED: dict[str, Any] = {
    "way": "in",
    "subscription": "key-search",
    "gateway": "apim-contoso",
    "from_team": "Support",
    "from_cost_center": "CC-4712 Customer support",
    "to_team": "Search",
    "to_cost_center": "CC-4711 Product search",
    "from_day": "2026-11-02",
    "first_day": "2026-11-02",
    "last_day": "2026-11-19",
    "recorded_at": "2026-11-20T14:20:00Z",
    "recorded_by": "erin@example.org",
    "reason": "Search has run it since the 2nd.",
    "exact": "1.75",
    "amount": "1.75",
    "unpriced_tokens": 0,
}

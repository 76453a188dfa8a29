"""Example answers about notifications; the small world of `examples`."""

from __future__ import annotations

from typing import Any

NOTICE: dict[str, Any] = {
    "id": 4711,
    "topic": "subscription-suspended",
    "title": "Key of search was suspended",
    "lines": ["Spend reached the limit."],
    "team": "search",
    "subject_kind": "subscription",
    "subject": "key-search",
    "link": "https://finops.example/t/contoso/subscriptions/apim-contoso/key-search/",
    "happened_at": "2026-11-20T14:20:00Z",
    "read_at": None,
}
READ: dict[str, Any] = {"read": 1}
PREFERENCE: dict[str, Any] = {
    "topic": "request-moved",
    "says": "A request of mine moved",
    "inbox": True,
    "email": "at_once",
}
PREFERENCES: dict[str, Any] = {"topics": [PREFERENCE]}
ENDPOINT: dict[str, Any] = {
    "id": 12,
    "name": "Alerts",
    "kind": "webhook",
    "team": "search",
    "address": "https://hooks.example.org/…",
    "topics": ["subscription-suspended"],
    "active": True,
    "set_by": "alice@example.org",
    "set_at": "2026-11-20T14:20:00Z",
}
ADDED: dict[str, Any] = ENDPOINT | {"secret": "whsec_" + "0" * 64}
DONE: dict[str, Any] = {"act": "rotate", "secret": "whsec_" + "0" * 64}
DELIVERY: dict[str, Any] = {
    "id": 4712,
    "topic": "subscription-suspended",
    "title": "Key of search was suspended",
    "team": "search",
    "channel": "webhook",
    "person": None,
    "endpoint": "Alerts",
    "daily": False,
    "state": "sent",
    "tries": 1,
    "status": 204,
    "error": "",
    "recorded_at": "2026-11-20T14:20:00Z",
    "due_at": "2026-11-20T14:20:00Z",
    "sent_at": "2026-11-20T14:20:00Z",
}

"""What a breakdown looks like: shown in the schema, and held to a real one by a test."""

from __future__ import annotations

from typing import Any

_REQUESTS: dict[str, Any] = {
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
    "latency_ms": {"p50": None, "p95": None},
    "prompt_tokens": {"p50": None, "p95": None},
}
_ROW: dict[str, Any] = {
    "cost": "1.75",
    "share": "1.000000",
    "tokens": 1000000,
    "classes": {"input": 1000000},
    "unpriced_tokens": 0,
    "unpriced_other_units": 0,
    "requests": _REQUESTS,
}
BREAKDOWN: dict[str, Any] = {
    "time_zone": "Europe/Berlin",
    "currency": "USD",
    "basis": "estimated",
    "found": 1,
    "total": {"values": {}, **_ROW},
    "next": None,
    "results": [{"values": {"team": "search", "model": "gpt-5.2-chat"}, **_ROW}],
}

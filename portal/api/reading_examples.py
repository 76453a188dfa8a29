"""Example answers about how usage is read; the small world of `examples`."""

from __future__ import annotations

from typing import Any

WINDOW: dict[str, Any] = {
    "id": 4711,
    "gateway": "apim-contoso",
    "start": "2026-11-03T09:00:00Z",
    "end": "2026-11-03T10:00:00Z",
    "state": "complete",
    "source": "llm_log",
    "through": "2026-11-03T10:00:00Z",
    "read_at": "2026-11-03T11:00:00Z",
    "due_at": None,
    "reads": 1,
    "failures": 0,
    "rows_read": 1,
    "rows_changed": 0,
    "late_rows": 0,
    "calls": 100,
    "tokens": 1000000,
    "error_code": "",
    "error": "",
}
COMPARISON: dict[str, Any] = {
    "gateway": "apim-contoso",
    "day": "2026-11-03",
    "compared_at": "2026-11-04T09:00:00Z",
    "source": "llm_log",
    "calls": {"source": 101, "stored": 100, "difference": 1},
    "tokens": {"source": 1000110, "stored": 1000000, "difference": 110},
    "explained": True,
    "reasons": [
        {
            "kind": "late",
            "hours": 1,
            "first": "2026-11-03T09:00:00Z",
            "calls": 1,
            "tokens": 110,
            "says": "1 hour changed at the source since read last, at 03 Nov 11:00 UTC: +1 calls,"
            " +110 tokens",
        }
    ],
}
AGAIN: dict[str, Any] = {"windows": 3}
ASKED: dict[str, Any] = {"gateways": ["apim-contoso"], "from": "2026-11-13", "to": "2026-11-19"}

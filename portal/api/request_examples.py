"""Example answers about requests; the small world of `examples`."""

from __future__ import annotations

from typing import Any

REQUEST: dict[str, Any] = {}
STANDING: dict[str, Any] = {}
ONE: dict[str, Any] = {}
EVENT: dict[str, Any] = {}
WHAT_IF: dict[str, Any] = {}

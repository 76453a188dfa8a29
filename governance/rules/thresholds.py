"""Percentages of a limit at which somebody is told. Pure."""

from __future__ import annotations

#: Unless a limit names others.
THRESHOLDS = (50, 80, 90, 100)


def usual() -> list[int]:
    """A new list each time, as a field's default has to be."""
    return list(THRESHOLDS)

"""What holds enforcement back. Pure."""

from __future__ import annotations


def too_many(suspensions: int, *, most: int) -> bool:
    """Whether so many suspensions in one cycle must wait for a person.

    A slip in a price or a limit would otherwise switch off every production system at once.
    """
    return suspensions > most

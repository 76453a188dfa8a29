"""Instants as people give them to pages and commands: a day of UTC, or a time with its offset."""

from __future__ import annotations

from datetime import UTC, date, datetime

from tenancy.refusals import Invalid

_FIX = "Give a day such as 2026-11-01, or an instant such as 2026-10-31T23:00:00Z."


def read(field: str, text: str) -> datetime | None:
    """A day, which is its 00:00 UTC, or an instant with its offset; None for nothing.

    Raises:
        Invalid: the text is neither.
    """
    text = text.strip()
    if not text:
        return None
    try:
        if len(text) == len("2026-11-01"):
            day = date.fromisoformat(text)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise ValueError(text)
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(field=field, fix=_FIX) from None


def required(field: str, text: str) -> datetime:
    """The same, where there must be one.

    Raises:
        Invalid: the text is neither, or empty.
    """
    instant = read(field, text)
    if instant is None:
        raise Invalid(field=field, fix=_FIX)
    return instant

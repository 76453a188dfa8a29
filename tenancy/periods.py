"""Billing periods: half-open intervals in a tenant's time zone, held as UTC instants. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import gcd
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar month of a time zone: ``first_day`` to before ``end_day``."""

    first_day: date
    end_day: date
    zone: str

    @property
    def start(self) -> datetime:
        """The first instant, aware UTC."""
        return midnight(self.first_day, self.zone)

    @property
    def end(self) -> datetime:
        """The instant after the last, aware UTC."""
        return midnight(self.end_day, self.zone)

    @property
    def last_day(self) -> date:
        return self.end_day - timedelta(days=1)

    @property
    def key(self) -> str:
        """``2026-11``, as used in addresses."""
        return f"{self.first_day:%Y-%m}"

    def days(self) -> Iterator[date]:
        """Its local days, in order."""
        for number in range((self.end_day - self.first_day).days):
            yield self.first_day + timedelta(days=number)

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def next(self) -> Period:
        return month_of_day(self.end_day, self.zone)

    def previous(self) -> Period:
        return month_of_day(self.first_day - timedelta(days=1), self.zone)


def month_of_day(day: date, zone: str) -> Period:
    """The calendar month that holds a local day."""
    first = day.replace(day=1)
    after = (first + timedelta(days=32)).replace(day=1)
    return Period(first, after, zone)


def month_at(instant: datetime, zone: str) -> Period:
    """The calendar month in force at an instant, in the time zone ``zone``."""
    return month_of_day(local_day(instant, zone), zone)


def month_from_key(key: str, zone: str) -> Period | None:
    """The month of ``2026-11``; None where the text is no month."""
    try:
        first = datetime.strptime(key, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        return None
    return month_of_day(first, zone) if f"{first:%Y-%m}" == key else None


def local_day(instant: datetime, zone: str) -> date:
    """The calendar day of an aware instant in a time zone."""
    return instant.astimezone(ZoneInfo(zone)).date()


def midnight(day: date, zone: str) -> datetime:
    """The instant, in UTC, at which a local day begins.

    Where a change of clocks skips midnight the day begins at the change: Python reads a time in
    the gap with the offset before it (PEP 495), which is that very instant.
    """
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def bucket_of(zone: str, *, around: datetime) -> timedelta:
    """The longest of 60, 30 or 15 minutes that never straddles a local midnight.

    India is UTC+5:30 and Nepal UTC+5:45, while Azure changes prices at 00:00 UTC: a bucket of
    usage must lie wholly in one local day and in one UTC day. Offsets are looked at monthly,
    three years round ``around``.
    """
    info = ZoneInfo(zone)
    minutes = 60
    for step in range(-36, 37):
        offset = (around + timedelta(days=30 * step)).astimezone(info).utcoffset() or timedelta()
        minutes = gcd(minutes, int(offset.total_seconds()) // 60)
    return timedelta(minutes=minutes if minutes in {15, 30, 60} else 15)


def floor(instant: datetime, bucket: timedelta) -> datetime:
    """The start of the bucket that holds an aware instant, counted from 00:00 UTC."""
    day = instant.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + (instant - day) // bucket * bucket


def windows(
    start: datetime, end: datetime, longest: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    """Half-open pieces of at most ``longest`` that cover ``start`` to ``end``, oldest first."""
    while start < end:
        piece_end = min(start + longest, end)
        yield start, piece_end
        start = piece_end

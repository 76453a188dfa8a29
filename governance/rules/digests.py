"""When a day's notices are sent together. Pure; instants are aware UTC."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

#: The local hour at which yesterday's and last night's notices are read with the first coffee.
HOUR = time(7)


def next_digest(at: datetime, zone: str) -> datetime:
    """The first instant after ``at`` at which the clocks of the zone show `HOUR`."""
    here = ZoneInfo(zone)
    today = at.astimezone(here).date()
    days = (today, today + timedelta(days=1), today + timedelta(days=2))
    mornings = (datetime.combine(day, HOUR, here).astimezone(UTC) for day in days)
    return next(morning for morning in mornings if morning > at)

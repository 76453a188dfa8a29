"""When an hour of usage is read, and read again for late rows. Pure; instants are aware UTC.

Rows come late: most within minutes, some within two days, a few later. A running or fresh hour is
read at every cycle, one within the look-back every half hour, and then once a day for a week.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

HOUR = timedelta(hours=1)
#: Hours that ended less than this ago are fresh: they go before everything else.
FRESH = timedelta(hours=3)
#: How often an hour within the look-back is read again, and one beyond it.
AGAIN = timedelta(minutes=30)
DAILY = timedelta(days=1)
#: When nothing is read again any more.
SETTLED = timedelta(days=7)
#: After how many failures in a row that are no passing trouble a window waits for a person.
MOST_FAILURES = 5
#: The waits after failures, in minutes.
_WAITS = (1, 2, 5, 15, 30, 60)
#: The wait before the try that may set a window aside.
LAST_WAIT = timedelta(minutes=_WAITS[MOST_FAILURES - 2])


class Lane(StrEnum):
    """Which windows a worker takes: lanes are read side by side, so that none starves another."""

    FRESH = "fresh"
    BACKLOG = "backlog"
    AGAIN = "again"


def next_read(end: datetime, *, read_at: datetime, look_back: timedelta) -> datetime | None:
    """When an hour that ended at ``end`` and was read at ``read_at`` is to be read again.

    None: never. What is due within the cycle is due at once.
    """
    age = read_at - end
    if age < FRESH:
        return read_at
    if age < look_back:
        return read_at + AGAIN
    if age < max(SETTLED, look_back):
        return read_at + DAILY
    return None


def next_try(failures: int, *, at: datetime, after: float | None = None) -> datetime:
    """When a window is tried again after so many failures; not before what Azure asked for."""
    wait = timedelta(minutes=_WAITS[min(failures, len(_WAITS)) - 1])
    return at + max(wait, timedelta(seconds=after or 0))


def cut(start: datetime, end: datetime, unit: timedelta) -> datetime | None:
    """Where to cut a span in two, at a whole ``unit`` from its start.

    None: it is no longer than one.
    """
    units = -(-(end - start) // unit)
    if units <= 1:
        return None
    return start + unit * (units // 2)


def hours_at_once(rows_per_hour: int, *, most_rows: int, most_hours: int) -> int:
    """How many hours to read in one query, by how many rows an hour has had of late."""
    if rows_per_hour <= 0:
        return most_hours
    return max(1, min(most_hours, most_rows // rows_per_hour))

"""When a delivery that failed is tried again, and when it is given up. Pure; aware UTC."""

from __future__ import annotations

from datetime import datetime, timedelta

#: How long after a notice was due it is tried: then it is dead, and whoever set it up is told.
TRIED_FOR = timedelta(hours=24)
#: The waits after failures, in minutes; the last one again and again.
_WAITS = (1, 2, 5, 15, 30, 60, 120, 240)


def next_try(
    tries: int, *, first_at: datetime, at: datetime, after: float | None = None
) -> datetime | None:
    """When to try again after so many failures; None: not again.

    ``after`` is what the receiver asked for, in seconds: it is never tried sooner.
    """
    wait = timedelta(minutes=_WAITS[min(max(tries, 1), len(_WAITS)) - 1])
    asked = timedelta(seconds=min(max(after or 0, 0), TRIED_FOR.total_seconds() * 2))
    then = at + max(wait, asked)
    return then if then <= first_at + TRIED_FOR else None

"""How long to wait before something that failed is tried again. Pure; aware UTC."""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST, LONGEST = timedelta(minutes=1), timedelta(hours=1)


def due(tries: int, tried_at: datetime | None, *, at: datetime) -> bool:
    """Whether to try again at ``at``: a minute after the first failure, then twice as long each
    time, an hour at most.
    """
    if tries < 1 or tried_at is None:
        return True
    doubled = FIRST * (1 << min(tries - 1, 10))
    return at >= tried_at + min(doubled, LONGEST)

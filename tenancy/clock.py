"""The one place that reads the time.

Doors (pages, tasks, commands) call :func:`now` and hand the instant down as ``at=``; everything
below takes it as an argument, so that the same input gives the same answer in ten years.
"""

from datetime import UTC, datetime, timedelta

from django.conf import settings


def now() -> datetime:
    """The present instant, aware UTC, moved by ``APPORTION_CLOCK_OFFSET_SECONDS``.

    The offset lets a demonstration or a rehearsal of a month's end run at another date; it is
    zero in production.
    """
    return datetime.now(UTC) + timedelta(seconds=settings.APPORTION.clock_offset_seconds)

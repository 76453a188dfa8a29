"""The simulated time: it can start anywhere, run, stand still and be moved."""

from __future__ import annotations

import enum
from datetime import UTC, datetime, timedelta


class Pace(enum.Enum):
    """Whether the clock runs with real time or stands still."""

    RUNNING = "running"
    FROZEN = "frozen"


class Clock:
    """An instant that runs with real time from a chosen start, or stands still."""

    def __init__(self, *, start: datetime | None = None, pace: Pace = Pace.RUNNING) -> None:
        self._pace = pace
        self._set_real = datetime.now(UTC)
        self._set_to = start or self._set_real

    @property
    def pace(self) -> Pace:
        """Whether the clock runs."""
        return self._pace

    def now(self) -> datetime:
        """The simulated instant, aware, UTC."""
        if self._pace is Pace.FROZEN:
            return self._set_to
        return self._set_to + (datetime.now(UTC) - self._set_real)

    def move_to(self, instant: datetime) -> None:
        """Go to an instant, forwards or backwards; the pace stays."""
        self._set_to, self._set_real = instant.astimezone(UTC), datetime.now(UTC)

    def advance(self, by: timedelta) -> None:
        """Go forward by a duration."""
        self.move_to(self.now() + by)

    def change_pace(self, pace: Pace) -> None:
        """Run on from here, or stand still here."""
        self.move_to(self.now())
        self._pace = pace


def iso(instant: datetime) -> str:
    """The instant as Azure writes it: UTC, ``Z``, no more digits than needed."""
    text = instant.astimezone(UTC).replace(tzinfo=None).isoformat()
    return f"{text}Z"


def parse(text: str) -> datetime:
    """An ISO instant; without an offset it is UTC."""
    instant = datetime.fromisoformat(text.strip())
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)

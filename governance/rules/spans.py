"""The periods that limits count in: hour, day, week, month and year of a time zone. Pure.

A week begins on Monday. All are half-open and held as UTC instants; days, weeks, months and years
begin at the local midnight, an hour at its local full hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from tenancy.periods import local_day, midnight

_HOUR = timedelta(hours=1)


class Every(StrEnum):
    """How often a limit begins anew."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


#: How many of each a month has, on average (a year has 365.2425 days): to compare limits.
A_MONTH_HAS = {
    Every.HOUR: Decimal("730.485"),
    Every.DAY: Decimal("30.436875"),
    Every.WEEK: Decimal("4.348125"),
    Every.MONTH: Decimal(1),
    Every.YEAR: Decimal(1) / Decimal(12),
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """One period: ``first_day`` to before ``end_day``, from ``start`` to before ``end`` (UTC).

    Of an hour the days are the one that holds it.
    """

    every: Every
    start: datetime
    end: datetime
    first_day: date
    end_day: date

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


def at(instant: datetime, every: Every, zone: str) -> Stretch:
    """The period in force at an aware instant in a time zone."""
    day = local_day(instant, zone)
    if every is Every.HOUR:
        start = _full_hour(instant, zone)
        return Stretch(every, start, start + _HOUR, day, day + timedelta(days=1))
    first, after = _days(day, every)
    return Stretch(every, midnight(first, zone), midnight(after, zone), first, after)


def before(stretch: Stretch, zone: str) -> Stretch:
    """The period before this one."""
    return at(stretch.start - timedelta(microseconds=1), stretch.every, zone)


def _days(day: date, every: Every) -> tuple[date, date]:
    match every:
        case Every.DAY:
            return day, day + timedelta(days=1)
        case Every.WEEK:
            first = day - timedelta(days=day.weekday())
            return first, first + timedelta(days=7)
        case Every.MONTH:
            first = day.replace(day=1)
            return first, (first + timedelta(days=32)).replace(day=1)
        case Every.YEAR:
            return day.replace(month=1, day=1), day.replace(year=day.year + 1, month=1, day=1)
        case Every.HOUR:
            return day, day + timedelta(days=1)


def _full_hour(instant: datetime, zone: str) -> datetime:
    """The last local full hour; across a change of clocks an hour is an hour of UTC."""
    local = instant.astimezone(ZoneInfo(zone))
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return instant.astimezone(UTC) - past

"""What an address asks for: a month, a page of a list. Wrong values are refused with the fix."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest

from tenancy import periods
from tenancy.periods import Period
from tenancy.refusals import Invalid, NotFound
from tenancy.tenants import Billing

#: There was no API Management before; years near 1 have no month before them.
_EARLIEST = 2014
_JUST_BEFORE = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Month:
    """The month that a page is about, with its neighbours; ``after`` None: it has not begun."""

    period: Period
    before: Period
    after: Period | None

    @classmethod
    def of(cls, period: Period, *, now: datetime) -> Month:
        """A month and its neighbours, seen from an instant."""
        running = periods.month_at(now, period.zone)
        after = period.next() if period.first_day < running.first_day else None
        return cls(period, period.previous(), after)


def month(request: HttpRequest, billing: Billing, *, now: datetime) -> Period:
    """The month of ``?month=2026-11``; without it the running one.

    Raises:
        Invalid: it is no month, or one that has not begun.
    """
    key = request.GET.get("month")
    if key is None:
        return billing.month_at(now)
    return _begun(key, billing, now=now)


def month_of(key: str, billing: Billing, *, now: datetime) -> Period:
    """The month that a part of the address names.

    Raises:
        NotFound: it is no month, or one that has not begun.
    """
    try:
        return _begun(key, billing, now=now)
    except Invalid:
        raise NotFound(kind="statement") from None


def page(request: HttpRequest) -> int:
    """The number of ``?page=2``; without it the first.

    Raises:
        Invalid: it is no number from 1 on.
    """
    text = request.GET.get("page", "1")
    if not (text.isascii() and text.isdecimal() and int(text[:9]) > 0 and len(text) <= 9):
        raise Invalid(field="page", fix="Use a page number from 1 on.")
    return int(text)


def judged_at(period: Period, *, now: datetime) -> datetime:
    """The instant at which limits of a period are told: now, or its last one."""
    return min(now, period.end - _JUST_BEFORE)


def _begun(key: str, billing: Billing, *, now: datetime) -> Period:
    running = billing.month_at(now)
    found = periods.month_from_key(key, billing.zone)
    if found is None or found.first_day.year < _EARLIEST or found.first_day > running.first_day:
        raise Invalid(field="month", fix=f"Use a month up to {running.key}, such as {running.key}.")
    return found

"""Closing a month: from then on its rated days stand, and what changes is an adjustment."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from billing import marking, quality
from billing.models import ClosedMonth, DayToRate, RatedDay
from tenancy import audit
from tenancy.periods import Period
from tenancy.refusals import Refused


class NotClosable(Refused):
    code = "month-not-closable"
    status = 409
    field = "month"
    text = "{month} cannot be closed: {because}."


class Purpose(StrEnum):
    """What a month is closed for: to show teams what they used, or to charge them."""

    SHOWBACK = "showback"
    CHARGEBACK = "chargeback"


def close(
    period: Period, *, by: str, at: datetime, purpose: Purpose = Purpose.SHOWBACK
) -> ClosedMonth:
    """Close a month of the tenant in scope; a closed one stays as it is.

    Raises:
        NotClosable: it is not over, has days that wait to be rated, or usage without a price.
        BelowQuality: a team could not be charged back; for that purpose alone.
    """
    marking.rest()
    found = ClosedMonth.objects.filter(first_day=period.first_day).first()
    if found:
        return found
    if because := _why_not(period, at):
        raise NotClosable(month=period.key, because=because)
    if purpose is Purpose.CHARGEBACK:
        quality.require_all(period)
    row = ClosedMonth.objects.create(first_day=period.first_day, closed_by=by, closed_at=at)
    said = {"month": period.key, "purpose": purpose.value}
    audit.record("month.close", period.key, by=by, at=at, after=said)
    return row


def is_closed(period: Period) -> bool:
    """Whether the tenant in scope has closed the month."""
    return ClosedMonth.objects.filter(first_day=period.first_day).exists()


def closed() -> frozenset[date]:
    """The first days of the months that the tenant in scope has closed."""
    return frozenset(ClosedMonth.objects.values_list("first_day", flat=True))


def _why_not(period: Period, at: datetime) -> str:
    days = {"day__gte": period.first_day, "day__lt": period.end_day}
    if at < period.end:
        return f"it is not over before {period.end:%Y-%m-%d %H:%M} UTC"
    if DayToRate.objects.filter(**days).exists():
        return "some of its days wait to be rated"
    if RatedDay.objects.filter(cost=None, **days).exists():
        return "some of its usage has no price; map it to a meter first"
    return ""

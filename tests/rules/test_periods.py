"""Billing periods in every time zone there is: half-open, without a gap, true to the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given

from tenancy import periods
from tests.strategies import days, instants, lengths, zones


@given(instants, zones)
def test_every_instant_is_in_exactly_one_month(instant: datetime, zone: str) -> None:
    month = periods.month_at(instant, zone)
    assert instant in month
    assert instant not in month.next()
    assert instant not in month.previous()


@given(days, zones)
def test_months_meet_without_gap_or_overlap(day: date, zone: str) -> None:
    month = periods.month_of_day(day, zone)
    assert month.end == month.next().start
    assert month.next().previous() == month
    assert month.start not in month.previous()
    assert month.end not in month
    assert month.first_day.day == month.end_day.day == 1
    assert timedelta(days=27) < month.end - month.start < timedelta(days=32)


@given(days, zones)
@example(date(2025, 3, 30), "Europe/Berlin")
@example(date(2024, 4, 26), "Africa/Cairo")
@example(date(2024, 9, 8), "America/Santiago")
def test_midnight_begins_its_day(day: date, zone: str) -> None:
    """Also where a change of clocks leaves midnight out; a day that never was has no length."""
    start = periods.midnight(day, zone)
    assert start.tzinfo is UTC
    assert periods.local_day(start, zone) >= day
    assert periods.local_day(start - timedelta(microseconds=1), zone) < day


@given(days, zones)
def test_a_months_key_leads_back_to_it(day: date, zone: str) -> None:
    month = periods.month_of_day(day, zone)
    assert periods.month_from_key(month.key, zone) == month


@pytest.mark.parametrize("key", ["", "2026", "2026-13", "2026-1", "26-01", "2026-11-01", "x"])
def test_what_is_no_month_is_none(key: str) -> None:
    assert periods.month_from_key(key, "UTC") is None


@given(instants, zones)
def test_a_bucket_lies_in_one_local_day_and_one_utc_day(instant: datetime, zone: str) -> None:
    bucket = periods.bucket_of(zone, around=instant)
    start = periods.floor(instant, bucket)
    last = start + bucket - timedelta(microseconds=1)
    assert start <= instant <= last
    assert start.date() == last.date()
    assert periods.local_day(start, zone) == periods.local_day(last, zone)


@pytest.mark.parametrize(
    ("zone", "minutes"),
    [
        ("Europe/Berlin", 60),
        ("Asia/Kolkata", 30),
        ("Asia/Kathmandu", 15),
        ("Pacific/Chatham", 15),
        ("Australia/Lord_Howe", 30),
        ("UTC", 60),
    ],
)
def test_the_bucket_a_zone_needs(zone: str, minutes: int) -> None:
    around = datetime(2026, 11, 20, tzinfo=UTC)
    assert periods.bucket_of(zone, around=around) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 11, 1), 24)]
)
def test_days_of_23_and_25_hours(day: date, hours: int) -> None:
    start = periods.midnight(day, "Europe/Berlin")
    end = periods.midnight(day + timedelta(days=1), "Europe/Berlin")
    assert end - start == timedelta(hours=hours)


@given(instants, lengths, lengths)
def test_windows_cover_a_span_without_gap_or_overlap(
    start: datetime, span: timedelta, longest: timedelta
) -> None:
    end = start + span
    longest = max(longest, span / 50)  # not more pieces than a test should make
    pieces = list(periods.windows(start, end, longest))
    assert pieces[0][0] == start
    assert pieces[-1][1] == end
    assert all(before[1] == after[0] for before, after in pairwise(pieces))
    assert all(timedelta() < last - first <= longest for first, last in pieces)
    assert list(periods.windows(start, start, longest)) == []

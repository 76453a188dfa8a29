"""When an hour of usage is read, again, and after a failure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.windows import (
    AGAIN,
    DAILY,
    HOUR,
    MOST_FAILURES,
    SETTLED,
    cut,
    hours_at_once,
    next_read,
    next_try,
)

END = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TWO_DAYS = timedelta(days=2)


@pytest.mark.parametrize(
    ("age", "wait"),
    [
        (timedelta(minutes=-30), timedelta()),
        (HOUR * 2, timedelta()),
        (HOUR * 3, AGAIN),
        (TWO_DAYS - HOUR, AGAIN),
        (TWO_DAYS, DAILY),
        (SETTLED - HOUR, DAILY),
        (SETTLED, None),
    ],
)
def test_how_long_until_an_hour_is_read_again(age: timedelta, wait: timedelta | None) -> None:
    read_at = END + age
    expected = None if wait is None else read_at + wait
    assert next_read(END, read_at=read_at, look_back=TWO_DAYS) == expected


def test_a_longer_look_back_is_kept_to_its_end() -> None:
    ten, read_at = timedelta(days=10), END + SETTLED + DAILY
    assert next_read(END, read_at=read_at, look_back=ten) == read_at + AGAIN
    assert next_read(END, read_at=END + ten, look_back=ten) is None


@given(failures=st.integers(1, 100), after=st.none() | st.floats(0, 86_400))
def test_tries_wait_longer_up_to_an_hour_and_never_less_than_was_asked(
    failures: int, after: float | None
) -> None:
    wait = next_try(failures, at=END, after=after) - END
    assert wait >= timedelta(seconds=after or 0)
    assert wait >= timedelta(minutes=1)
    assert wait <= max(HOUR, timedelta(seconds=after or 0))
    assert next_try(failures + 1, at=END) >= next_try(failures, at=END)


def test_five_tries_take_more_than_a_quarter_of_an_hour() -> None:
    waits = [next_try(failures, at=END) - END for failures in range(1, MOST_FAILURES)]
    assert sum(waits, timedelta()) > timedelta(minutes=15)


@given(seconds=st.integers(1, 7 * 86_400))
def test_a_span_is_cut_at_whole_minutes_until_it_is_one(seconds: int) -> None:
    minute = timedelta(minutes=1)
    start, end, steps = END, END + timedelta(seconds=seconds), 0
    while (middle := cut(start, end, minute)) is not None:
        assert start < middle < end
        assert (middle - start) % minute == timedelta()
        start, end, steps = (middle, end, steps + 1) if steps % 2 else (start, middle, steps + 1)
    assert end - start <= minute
    assert steps <= 15


@given(usual=st.integers(-1, 10**7), most=st.integers(1, 168))
def test_as_many_hours_at_once_as_there_is_room_for(usual: int, most: int) -> None:
    hours = hours_at_once(usual, most_rows=50_000, most_hours=most)
    assert 1 <= hours <= most
    assert hours == 1 or hours * max(usual, 0) <= 50_000

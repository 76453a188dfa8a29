"""Only instants, intervals and whole numbers enter a query."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from connectors import kql
from connectors.failures import BadQuery

START = datetime(2026, 11, 20, 14, tzinfo=UTC)
END = datetime(2026, 11, 20, 20, 45, 0, 5, tzinfo=timezone(timedelta(hours=5, minutes=45)))
HALF_HOUR = timedelta(minutes=30)


def test_holes_become_literals_in_utc() -> None:
    template = (
        "T | where TimeGenerated between ({start} .. {end}) | take {most} | by bin(t, {bucket})"
    )
    assert kql.render(template, start=START, end=END, bucket=HALF_HOUR, numbers={"most": 7}) == (
        "T | where TimeGenerated between (datetime(2026-11-20T14:00:00Z) .. "
        "datetime(2026-11-20T15:00:00.000005Z)) | take 7 | by bin(t, 30m)"
    )


def test_braces_that_are_no_holes_stay() -> None:
    text = 'print dynamic({"a": 1})'
    assert kql.render(text, start=START, end=END, bucket=HALF_HOUR) == text


@pytest.mark.parametrize("hole", ["{subscription}", "{start_}", "{__class__}"])
def test_any_other_hole_is_refused(hole: str) -> None:
    with pytest.raises(BadQuery, match="nothing may fill"):
        kql.render(f"T | where a == {hole}", start=START, end=END, bucket=HALF_HOUR)


def test_a_naive_instant_is_refused() -> None:
    naive = START.replace(tzinfo=None)
    with pytest.raises(BadQuery, match="no time zone"):
        kql.render("T", start=naive, end=END, bucket=HALF_HOUR)


@pytest.mark.parametrize("seconds", [0, -60, 90, 59])
def test_an_interval_is_whole_minutes(seconds: int) -> None:
    with pytest.raises(BadQuery, match="whole number of minutes"):
        kql.interval(timedelta(seconds=seconds))


@pytest.mark.parametrize("value", ["1 | take 5", 1.5, True])
def test_a_number_is_whole(value: object) -> None:
    with pytest.raises(BadQuery, match="whole number"):
        kql.render("{n}", start=START, end=END, bucket=HALF_HOUR, numbers={"n": value})  # type: ignore[dict-item] # the point

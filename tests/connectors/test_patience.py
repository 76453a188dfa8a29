"""How long a call waits before it is sent again, and when it is not."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from connectors.settings import AzureEndpoints
from connectors.transport import READS, pause, repeatable_status, retry_after

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ENDPOINTS = AzureEndpoints(tries=3, first_wait=1, longest_wait=10)


def test_seconds_are_read() -> None:
    assert retry_after({"Retry-After": "7"}) == 7


def test_a_date_is_measured_by_the_answers_own_clock() -> None:
    later = format_datetime(NOON.replace(second=9), usegmt=True)
    assert retry_after({"Retry-After": later, "Date": format_datetime(NOON, usegmt=True)}) == 9
    assert retry_after({"Retry-After": format_datetime(NOON), "Date": later}) == 0


@pytest.mark.parametrize("text", ["", "soon", "-4", "1.5", "²"])
def test_what_says_nothing_is_ignored(text: str) -> None:
    assert retry_after({"Retry-After": text}) is None


def test_waits_at_least_what_azure_asks() -> None:
    waits = [pause(ENDPOINTS, 1, 4.0) for _ in range(50)]
    assert all(wait is not None and 4 <= wait <= 5 for wait in waits)
    assert len(set(waits)) > 1


def test_waits_longer_each_time_without_being_asked() -> None:
    first, second = pause(ENDPOINTS, 1, None), pause(ENDPOINTS, 2, None)
    assert first is not None
    assert 1 <= first <= 1.25
    assert second is not None
    assert 2 <= second <= 2.5


def test_gives_up_after_the_last_try_and_when_the_wait_is_too_long() -> None:
    assert pause(ENDPOINTS, 3, None) is None
    assert pause(ENDPOINTS, 1, 11.0) is None


@pytest.mark.parametrize(
    ("method", "status", "again"),
    [
        ("GET", 500, True),
        ("GET", 408, True),
        ("GET", 400, False),
        ("GET", 412, False),
        ("PATCH", 429, True),
        ("PATCH", 503, True),
        ("PATCH", 500, False),
        ("PATCH", 504, False),
    ],
)
def test_a_write_is_repeated_only_when_it_was_not_begun(
    method: str, status: int, again: bool
) -> None:
    assert repeatable_status(method, status, READS) is again

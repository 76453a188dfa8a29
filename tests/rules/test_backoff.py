from datetime import UTC, datetime, timedelta

import pytest

from governance.rules import backoff

TRIED = datetime(2026, 11, 20, 14, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("tries", "minutes"), [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (5000, 60)]
)
def test_each_failure_waits_twice_as_long_and_never_over_an_hour(tries: int, minutes: int) -> None:
    then = TRIED + timedelta(minutes=minutes)
    assert backoff.due(tries, TRIED, at=then)
    assert not backoff.due(tries, TRIED, at=then - timedelta(seconds=1))


def test_what_has_not_failed_is_due_at_once() -> None:
    assert backoff.due(0, TRIED, at=TRIED)
    assert backoff.due(0, None, at=TRIED)

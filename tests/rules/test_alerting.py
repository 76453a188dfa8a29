"""Alerts are states: the same whatever the order and however often one looks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.rules import alerting
from governance.rules.alerting import Watched

MARKS = (50, 80, 90, 100)
Open = frozenset[tuple[str, int]]


def seen(key: str, percent: int, *, stale: bool = False) -> Watched[str]:
    return Watched(key, alerting.reached(Decimal(percent), Decimal(100), MARKS), stale)


def after(open_now: Open, *watched: Watched[str]) -> Open:
    moves = alerting.moves(watched, open_now)
    begun = {(one.key, one.threshold) for one in moves.begin}
    assert begun.isdisjoint(open_now)
    assert set(moves.end) <= open_now
    return (open_now | begun) - set(moves.end)


@dataclass
class Bell:
    """One threshold of one subject, as one would think of it: it rings or it does not."""

    mark: int
    rings: bool = False
    rang: int = 0

    def look(self, percent: int | None, *, stale: bool) -> None:
        reached = percent is not None and percent >= self.mark
        if reached and not self.rings and not stale:
            self.rings, self.rang = True, self.rang + 1
        elif not reached:
            self.rings = False


Looks = st.lists(
    st.tuples(st.none() | st.integers(0, 130), st.booleans(), st.sampled_from(["Nov", "Dec"])),
    max_size=30,
)


@given(Looks)
def test_alerts_are_bells_that_ring_or_do_not(looks: list[tuple[int | None, bool, str]]) -> None:
    bells = {(month, mark): Bell(mark) for month in ("Nov", "Dec") for mark in MARKS}
    open_now, begun = frozenset[tuple[str, int]](), 0
    for percent, stale, month in looks:
        watched = [] if percent is None else [seen(month, percent, stale=stale)]
        begun += len(alerting.moves(watched, open_now).begin)
        open_now = after(open_now, *watched)
        assert after(open_now, *watched) == open_now, "to look twice is to look once"
        for (of, _), bell in bells.items():
            bell.look(percent if of == month else None, stale=stale)
        assert open_now == {key for key, bell in bells.items() if bell.rings}
    assert begun == sum(bell.rang for bell in bells.values())


def test_a_jump_begins_all_that_it_passed_and_is_told_as_one() -> None:
    moves = alerting.moves([seen("Nov", 95)], frozenset())
    assert [(one.threshold, one.told_with) for one in moves.begin] == [
        (50, 90),
        (80, 90),
        (90, None),
    ]


def test_what_was_begun_before_is_not_told_with_what_begins_now() -> None:
    moves = alerting.moves([seen("Nov", 85)], {("Nov", 50)})
    assert [(one.threshold, one.told_with) for one in moves.begin] == [(80, None)]


def test_a_new_period_begins_empty_and_the_old_one_ends() -> None:
    assert after(frozenset({("Nov", 50), ("Nov", 80)}), seen("Dec", 0)) == frozenset()


def test_of_a_limit_of_nothing_all_is_used() -> None:
    assert alerting.reached(Decimal(0), Decimal(0), MARKS) == {*MARKS}


@pytest.mark.parametrize(
    ("used", "days", "worth"),
    [(0, 10, False), (16, 10, False), (17, 10, True), (100, 10, False), (2, 1, True)],
)
def test_only_what_may_yet_run_out_is_forecast(used: int, days: int, worth: bool) -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    found = alerting.worth_forecasting(
        Decimal(used),
        Decimal(100),
        start=start,
        end=start + timedelta(days=30),
        at=start + timedelta(days=days),
    )
    assert found is worth

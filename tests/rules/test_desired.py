"""What state a subscription should be in: every case by hand, and what must never be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.rules import guards
from governance.rules.desired import SAYS, Desired, Reason, Situation, decide
from inventory.models import GatewayState

MONTH = datetime(2026, 10, 31, 23, 0, tzinfo=UTC)
BEFORE = datetime(2026, 9, 30, 22, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 20, 14, 20, tzinfo=UTC)
USUAL = Situation(
    observed="active",
    listed=True,
    limit=Decimal(10),
    hard=True,
    used=Decimal(4),
    usage_through=NOW,
    counts_from=MONTH,
    suspended_since=None,
    suspended_for=None,
    fresh_since=NOW - timedelta(hours=2),
)
OURS = replace(USUAL, observed="suspended", suspended_since=MONTH, suspended_for=MONTH)
STALE = NOW - timedelta(hours=2, seconds=1)


@pytest.mark.parametrize(
    ("situation", "desired", "reason"),
    [
        (USUAL, Desired.SERVED, Reason.WITHIN_QUOTA),
        (replace(USUAL, used=Decimal("9.999999999")), Desired.SERVED, Reason.WITHIN_QUOTA),
        (replace(USUAL, used=Decimal(10)), Desired.REFUSED, Reason.QUOTA_REACHED),
        (replace(USUAL, used=Decimal(11)), Desired.REFUSED, Reason.QUOTA_REACHED),
        (
            replace(USUAL, used=Decimal(11), usage_through=STALE),
            Desired.REFUSED,
            Reason.QUOTA_REACHED,
        ),
        (replace(USUAL, used=Decimal(11), hard=False), Desired.SERVED, Reason.SOFT_QUOTA_REACHED),
        (replace(USUAL, limit=None, used=Decimal(11)), Desired.SERVED, Reason.NO_QUOTA),
        (replace(USUAL, limit=Decimal(0), used=Decimal(0)), Desired.REFUSED, Reason.QUOTA_REACHED),
        (replace(USUAL, listed=False, used=Decimal(11)), Desired.LEAVE, Reason.NOT_IN_AZURE),
        (replace(USUAL, observed="suspended"), Desired.LEAVE, Reason.HELD_BY_OTHERS),
        (replace(USUAL, observed="cancelled"), Desired.LEAVE, Reason.HELD_BY_OTHERS),
        (replace(OURS, observed="expired"), Desired.LEAVE, Reason.HELD_BY_OTHERS),
        (replace(OURS, used=Decimal(10)), Desired.REFUSED, Reason.QUOTA_REACHED),
        (OURS, Desired.SERVED, Reason.WITHIN_QUOTA),
        (replace(OURS, suspended_since=BEFORE), Desired.SERVED, Reason.PERIOD_TURNED),
        (replace(OURS, limit=None), Desired.SERVED, Reason.NO_QUOTA),
        (replace(OURS, used=Decimal(10), hard=False), Desired.SERVED, Reason.SOFT_QUOTA_REACHED),
        (replace(OURS, usage_through=STALE), Desired.LEAVE, Reason.STALE_USAGE),
        (replace(OURS, usage_through=None), Desired.LEAVE, Reason.STALE_USAGE),
        (
            replace(OURS, fresh_since=BEFORE, usage_through=MONTH - timedelta(seconds=1)),
            Desired.LEAVE,
            Reason.STALE_USAGE,
        ),
        (replace(OURS, fresh_since=BEFORE, usage_through=MONTH), Desired.SERVED, None),
    ],
)
def test_each_case(situation: Situation, desired: Desired, reason: Reason | None) -> None:
    decision = decide(situation)
    assert decision.desired is desired
    assert reason in (None, decision.reason)


def test_every_reason_has_its_sentence() -> None:
    assert set(SAYS) == set(Reason)
    assert len(set(SAYS.values())) == len(SAYS)


instants = st.integers(-90 * 1440, 40 * 1440).map(lambda minutes: NOW + timedelta(minutes=minutes))
amounts = st.decimals(min_value=0, max_value=100, places=6)
situations = st.builds(
    Situation,
    observed=st.sampled_from([*GatewayState.values, "something new"]),
    listed=st.booleans(),
    limit=st.none() | amounts,
    hard=st.booleans(),
    used=amounts,
    usage_through=st.none() | instants,
    counts_from=instants,
    suspended_since=st.none() | instants,
    suspended_for=st.none() | instants,
    fresh_since=instants,
)


@given(situations)
def test_nobody_is_refused_below_a_hard_limit(situation: Situation) -> None:
    if decide(situation).desired is Desired.REFUSED:
        assert situation.hard
        assert situation.limit is not None
        assert situation.used >= situation.limit


@given(situations)
def test_nothing_is_served_again_that_apportion_did_not_suspend(situation: Situation) -> None:
    if decide(situation).desired is Desired.SERVED and situation.observed != "active":
        assert situation.observed == "suspended"
        assert situation.suspended_since is not None


@given(situations)
def test_nothing_is_served_again_on_old_usage_or_usage_of_another_period(
    situation: Situation,
) -> None:
    if decide(situation).desired is Desired.SERVED and situation.observed != "active":
        assert situation.usage_through is not None
        assert situation.usage_through >= situation.fresh_since
        assert situation.usage_through >= situation.counts_from


@given(situations)
def test_what_others_hold_is_left_whatever_it_cost(situation: Situation) -> None:
    held = situation.observed not in ("active", "suspended")
    theirs = situation.observed == "suspended" and situation.suspended_since is None
    if held or theirs or not situation.listed:
        assert decide(situation).desired is Desired.LEAVE


@given(situations, amounts)
def test_a_higher_limit_never_refuses_what_a_lower_one_serves(
    situation: Situation, more: Decimal
) -> None:
    if situation.limit is not None and decide(situation).desired is Desired.SERVED:
        higher = replace(situation, limit=situation.limit + more)
        assert decide(higher).desired is Desired.SERVED


@given(situations, amounts)
def test_more_spend_never_serves_what_less_refused(situation: Situation, more: Decimal) -> None:
    if decide(situation).desired is Desired.REFUSED:
        dearer = replace(situation, used=situation.used + more)
        assert decide(dearer).desired is Desired.REFUSED


@given(situations)
def test_carried_out_the_decision_is_stable(situation: Situation) -> None:
    """After the gateway has been made to agree, the next cycle finds nothing to do."""
    first = decide(situation)
    match first.desired:
        case Desired.REFUSED:
            mine = situation.suspended_since or situation.counts_from
            after = replace(situation, observed="suspended", suspended_since=mine)
        case Desired.SERVED:
            after = replace(situation, observed="active", suspended_since=None)
        case _:
            after = situation
    assert decide(after).desired is first.desired


@pytest.mark.parametrize(("suspensions", "held"), [(0, False), (3, False), (4, True)])
def test_more_suspensions_than_allowed_wait(suspensions: int, held: bool) -> None:
    assert guards.too_many(suspensions, most=3) is held

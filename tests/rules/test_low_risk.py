"""Which requests need no look at each by itself: one table, and what must hold for all."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.rules import low_risk
from governance.rules.low_risk import Facts

SMALL = Facts(
    of_a_limit=True,
    missing=1,
    base=Decimal(100),
    after=Decimal(110),
    below_use=False,
    breaks_budget=False,
)
AMOUNTS = st.decimals(min_value=1, max_value=10**12, places=4)


def test_a_tenth_more_is_a_small_matter() -> None:
    assert low_risk.why_not(SMALL) == ""
    assert low_risk.growth(SMALL) == 10


@pytest.mark.parametrize(
    ("otherwise", "says"),
    [
        ({"after": Decimal("110.0001")}, "Its limit would be 10 % above"),
        ({"after": Decimal(200)}, "Its limit would be 100 % above"),
        ({"of_a_limit": False}, "It changes a subscription"),
        ({"missing": 2}, "It needs 2 more approvals"),
        ({"missing": 0}, "It needs 0 more approvals"),
        ({"below_use": True}, "The new limit is below"),
        ({"breaks_budget": True}, "A budget would be passed"),
        ({"base": None}, "There is no limit to compare it with"),
        ({"base": Decimal(0)}, "There is no limit to compare it with"),
        ({"after": None}, "There is no limit to compare it with"),
    ],
)
def test_anything_else_is_not(otherwise: dict[str, Any], says: str) -> None:
    assert low_risk.why_not(replace(SMALL, **otherwise)).startswith(says)


@given(base=AMOUNTS, more=AMOUNTS, further=AMOUNTS)
def test_asking_for_more_never_makes_it_a_smaller_matter(
    base: Decimal, more: Decimal, further: Decimal
) -> None:
    less = replace(SMALL, base=base, after=base + more)
    if low_risk.why_not(less):
        assert low_risk.why_not(replace(less, after=base + more + further))

"""Which requests may be approved together with others, without a look at each by itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tenancy.money import EXACT

#: How much a limit may grow by what is approved together, in percent of what it was before.
MOST_PERCENT = Decimal(10)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one request. ``base`` is its limit without what was granted of late, and
    ``after`` what the limit would be; None: there is no such limit. ``missing`` counts approvals.
    """

    of_a_limit: bool
    missing: int
    base: Decimal | None
    after: Decimal | None
    below_use: bool
    breaks_budget: bool


def growth(facts: Facts) -> Decimal | None:
    """By how many percent of its base the limit would have grown; None: not known."""
    if not facts.base or facts.after is None:
        return None
    return EXACT.divide(EXACT.multiply(facts.after - facts.base, Decimal(100)), facts.base)


def why_not(facts: Facts) -> str:
    """Why a request has to be looked at by itself; empty where it does not."""
    if not facts.of_a_limit:
        return "It changes a subscription, not a limit."
    if facts.missing != 1:
        return f"It needs {facts.missing} more approvals, not one."
    if facts.below_use:
        return "The new limit is below what is used already."
    if facts.breaks_budget:
        return "A budget would be passed."
    grown = growth(facts)
    if grown is None:
        return "There is no limit to compare it with."
    if grown > MOST_PERCENT:
        return (
            f"Its limit would be {grown:.0f} % above that of 30 days ago;"
            f" together up to {MOST_PERCENT} % are approved."
        )
    return ""

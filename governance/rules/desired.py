"""What state a subscription should be in, and why. Pure.

One function decides for every subscription; nothing else does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Desired(StrEnum):
    """What should be so at the gateway. LEAVE: not ours to change, whatever it is."""

    SERVED = "served"
    REFUSED = "refused"
    LEAVE = "leave"


class Reason(StrEnum):
    """Why. Each has one sentence in `SAYS`."""

    WITHIN_QUOTA = "within-quota"
    QUOTA_REACHED = "quota-reached"
    SOFT_QUOTA_REACHED = "soft-quota-reached"
    NO_QUOTA = "no-quota"
    NOT_IN_AZURE = "not-in-azure"
    HELD_BY_OTHERS = "held-by-others"
    STALE_USAGE = "stale-usage"
    PERIOD_TURNED = "period-turned"


SAYS = {
    Reason.WITHIN_QUOTA: "within its quota",
    Reason.QUOTA_REACHED: "its hard quota is reached",
    Reason.SOFT_QUOTA_REACHED: "its soft quota is reached: it warns and does not suspend",
    Reason.NO_QUOTA: "neither it nor its product has a quota",
    Reason.NOT_IN_AZURE: "it is not in the gateway's inventory",
    Reason.HELD_BY_OTHERS: "its state was set by a person or by Azure, not by Apportion",
    Reason.STALE_USAGE: "usage is too old to reactivate on",
    Reason.PERIOD_TURNED: "a new billing period has begun",
}


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a decision rests on. Amounts are in the billing currency, estimated.

    ``observed`` is the state at the gateway; ``suspended_in`` the start of the billing period in
    which Apportion suspended it, None if it did not.
    """

    observed: str
    listed: bool
    limit: Decimal | None
    hard: bool
    cost: Decimal
    usage_through: datetime | None
    period_start: datetime
    suspended_in: datetime | None
    fresh_since: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    desired: Desired
    reason: Reason


def decide(situation: Situation) -> Decision:
    """The desired state of one subscription, with its reason.

    It suspends only where a hard limit is reached, and serves again only what Apportion itself
    suspended, on usage that is fresh and reaches into the present period. A limit is reached when
    the cost is not below it.
    """
    if not situation.listed:
        return Decision(Desired.LEAVE, Reason.NOT_IN_AZURE)
    ours = situation.suspended_in is not None
    if situation.observed != "active" and not (situation.observed == "suspended" and ours):
        return Decision(Desired.LEAVE, Reason.HELD_BY_OTHERS)
    if situation.limit is None:
        return _served(situation, Reason.NO_QUOTA)
    if situation.cost < situation.limit:
        turned = ours and situation.suspended_in != situation.period_start
        return _served(situation, Reason.PERIOD_TURNED if turned else Reason.WITHIN_QUOTA)
    if not situation.hard:
        return _served(situation, Reason.SOFT_QUOTA_REACHED)
    return Decision(Desired.REFUSED, Reason.QUOTA_REACHED)


def _served(situation: Situation, reason: Reason) -> Decision:
    """Served; but what is suspended comes back on fresh usage only."""
    through = situation.usage_through
    if situation.observed == "active":
        return Decision(Desired.SERVED, reason)
    if through is None or through < situation.fresh_since or through < situation.period_start:
        return Decision(Desired.LEAVE, Reason.STALE_USAGE)
    return Decision(Desired.SERVED, reason)

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
    """All that a decision rests on.

    ``limit`` and ``used`` are of what binds it: in the billing currency (estimated) or in tokens.
    ``observed`` is the state at the gateway. ``counts_from`` is the latest start of the periods
    that its limits count in. ``suspended_since``: when Apportion suspended it, None if it did not;
    ``suspended_for`` is then the present start of the period of the limit it was suspended by.
    """

    observed: str
    listed: bool
    limit: Decimal | None
    hard: bool
    used: Decimal
    usage_through: datetime | None
    counts_from: datetime
    suspended_since: datetime | None
    suspended_for: datetime | None
    fresh_since: datetime

    @property
    def ours(self) -> bool:
        """Whether Apportion suspended it."""
        return self.suspended_since is not None

    @property
    def turned(self) -> bool:
        """Whether Apportion suspended it in a period that is over."""
        since, start = self.suspended_since, self.suspended_for
        return since is not None and start is not None and since < start


@dataclass(frozen=True, slots=True)
class Decision:
    desired: Desired
    reason: Reason


def decide(situation: Situation) -> Decision:
    """The desired state of one subscription, with its reason.

    It suspends only where a hard limit is reached, and serves again only what Apportion itself
    suspended, on usage that is fresh and reaches into the present periods. A limit is reached when
    what is used is not below it.
    """
    if not situation.listed:
        return Decision(Desired.LEAVE, Reason.NOT_IN_AZURE)
    ours = situation.observed == "suspended" and situation.ours
    if situation.observed != "active" and not ours:
        return Decision(Desired.LEAVE, Reason.HELD_BY_OTHERS)
    if situation.limit is None:
        return _served(situation, Reason.NO_QUOTA)
    if situation.used < situation.limit:
        turned = situation.turned
        return _served(situation, Reason.PERIOD_TURNED if turned else Reason.WITHIN_QUOTA)
    if not situation.hard:
        return _served(situation, Reason.SOFT_QUOTA_REACHED)
    return Decision(Desired.REFUSED, Reason.QUOTA_REACHED)


def _served(situation: Situation, reason: Reason) -> Decision:
    """Served; but what is suspended comes back on fresh usage only."""
    through = situation.usage_through
    if situation.observed == "active":
        return Decision(Desired.SERVED, reason)
    if through is None or through < situation.fresh_since or through < situation.counts_from:
        return Decision(Desired.LEAVE, Reason.STALE_USAGE)
    return Decision(Desired.SERVED, reason)

"""How a subscription stands at the gateway, in an icon, a word, since when and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from governance.limits.binding import Limit
from governance.models import Hardness, Level, Mode
from governance.suspensions import Held
from inventory.models import Origin, Subscription
from portal.figures import Used

#: From this much of the limit on, an active subscription carries a warning.
NEAR = 90
_SHARED = (Level.TEAM, Level.COST_CENTER)


class Tone(StrEnum):
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


ICONS = {Tone.GOOD: "●", Tone.WARN: "▲", Tone.BAD: "■"}
_WORDS = {
    "submitted": "Waiting for approval",
    "rejected": "Rejected",
    "cancelled": "Cancelled",
    "expired": "Expired",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a subscription. ``observed`` is the gateway's own word for its state.

    ``used`` and ``hard`` are of the limit that binds it.

    ``ours_since`` is set where Apportion suspended it and has not served it again.
    """

    observed: str
    listed: bool
    comment: str
    used: Used
    hard: bool
    enforced: bool
    ours_since: datetime | None
    ours_because: str
    #: Whose limit binds, where it is not the subscription's own or its product's.
    of: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    tone: Tone
    word: str
    since: datetime | None = None
    why: str = ""

    @property
    def icon(self) -> str:
        return ICONS[self.tone]


def of_subscription(
    subscription: Subscription, *, limit: Limit | None, used: Used, held: Held | None, mode: Mode
) -> Standing:
    """What to say of a subscription, from what is stored of it."""
    return of(
        Facts(
            observed=subscription.state,
            listed=subscription.origin == Origin.INVENTORY and subscription.vanished_at is None,
            comment=subscription.state_comment,
            used=used,
            hard=limit is not None and limit.hardness is Hardness.HARD,
            enforced=mode is Mode.ON,
            ours_since=held.since if held else None,
            ours_because=held.reason if held else "",
            of=limit.source if limit and limit.level in _SHARED else "",
        )
    )


def of(facts: Facts) -> Standing:
    """What to say of a subscription."""
    if not facts.listed:
        return Standing(Tone.WARN, "Not in the gateway's list", why="known from usage, or removed")
    if facts.observed == "active":
        return _active(facts)
    if facts.observed == "suspended":
        return _suspended(facts)
    if word := _WORDS.get(facts.observed):
        return Standing(Tone.WARN, word, why="by a person or by Azure")
    return Standing(Tone.WARN, "State unknown", why="Azure did not say")


def _active(facts: Facts) -> Standing:
    percent = facts.used.percent
    if percent is None or percent < NEAR:
        return Standing(Tone.GOOD, "Active")
    if percent < 100:
        why = f"of the limit of {facts.of}" if facts.of else ""
        return Standing(Tone.WARN, f"Active, {facts.used.text} used", why=why)
    whose = f"the limit of {facts.of}" if facts.of else "its limit"
    if not facts.hard:
        why = f"{whose} is soft: it warns and does not suspend"
        return Standing(Tone.WARN, "Active, limit reached", why=why)
    why = "the next cycle suspends it" if facts.enforced else "enforcement is not switched on"
    return Standing(Tone.BAD, "Active, limit reached", why=why)


def _suspended(facts: Facts) -> Standing:
    if facts.ours_since is None:
        why = facts.comment or "by a person or by Azure; Apportion leaves it so"
        return Standing(Tone.BAD, "Suspended", why=why)
    return Standing(Tone.BAD, "Suspended", facts.ours_since, facts.ours_because)

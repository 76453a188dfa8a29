"""What a limit would do if it were in force now, told before it is set: how much of it is used.

It is tried: set in a transaction that keeps nothing, and read by `quotas.of` as every limit is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from governance.limits import limited, quotas
from governance.limits.binding import Limit
from governance.limits.quotas import Wanted
from governance.models import Hardness, Level, Subject
from inventory.models import CostCenter, Product, Subscription, Team
from tenancy import scope

#: How many subscriptions an effect names; its numbers count all.
MOST_NAMED = 20
_TRIES = "a try"
#: Which limits a change of a subject's is about: where its own is cleared, its product's.
_LEVELS: dict[type[Subject], tuple[Level, ...]] = {
    Subscription: (Level.SUBSCRIPTION, Level.PRODUCT),
    Product: (Level.PRODUCT,),
    Team: (Level.TEAM,),
    CostCenter: (Level.COST_CENTER,),
}


@dataclass(frozen=True, slots=True)
class Effect:
    """What a limit would be and how much of it is used already.

    ``before`` and ``after`` are the limit of this unit and period that would apply to the
    subscription that has used most of it; None: there is none, or nothing is limited by it.
    ``refused`` counts the subscriptions of which all is used of the limit, and it is hard: the
    next cycle suspends those that are served; ``named`` has the first of them by name.
    """

    subscriptions: int
    before: Limit | None
    after: Limit | None
    refused: int
    named: tuple[str, ...]

    @property
    def needs_a_word(self) -> bool:
        """Whether somebody would be suspended at once, which is done knowingly or not at all."""
        return self.refused > 0


def of(
    subject: Subject,
    wanted: Wanted,
    *,
    from_instant: datetime,
    until: datetime | None = None,
    at: datetime,
) -> Effect:
    """What it would do if it were in force at ``at``; nothing is kept.

    One that is to begin later is tried as if it began now; one that is over does nothing.

    Raises:
        Invalid: as `quotas.set_limit`.
    """
    quotas.check(wanted, from_instant=from_instant, until=until)
    concerned = limited.concerned(subject, at=at)
    ids = list(concerned)
    before = quotas.of(ids, at=at)
    with scope.rehearsed():
        if until is None or until > at:
            start = min(from_instant, at)
            quotas.set_limit(subject, wanted, from_instant=start, by=_TRIES, at=at)
        after = quotas.of(ids, at=at)
    found = {id: _its(after[id].limits, subject, wanted) if id in after else None for id in ids}
    refused = [id for id, limit in found.items() if _suspends(limit)]
    worst = _worst(found.items())
    id = worst[0] if worst else next(iter(ids), None)
    return Effect(
        subscriptions=len(ids),
        before=_its(before[id].limits, subject, wanted) if id in before else None,
        after=worst[1] if worst else None,
        refused=len(refused),
        named=tuple(sorted(concerned[id] for id in refused)[:MOST_NAMED]),
    )


def _suspends(limit: Limit | None) -> bool:
    return limit is not None and limit.reached and limit.hardness is Hardness.HARD


def _worst(found: Iterable[tuple[int, Limit | None]]) -> tuple[int, Limit] | None:
    """The one of which most is used."""
    known = [(id, limit) for id, limit in found if limit is not None]
    return max(known, key=lambda one: (one[1].reached, one[1].percent or 0), default=None)


def _its(limits: Iterable[Limit], subject: Subject, wanted: Wanted) -> Limit | None:
    """The limit that the change is about."""
    levels = _LEVELS[type(subject)]
    return next(
        (
            one
            for one in limits
            if one.level in levels and (one.unit, one.every) == (wanted.unit, wanted.every)
        ),
        None,
    )

"""Who bears what is used: assigning a subscription from a day on, and no day of a closed month.

The days are charged to whom they belong when a statement is made: nothing is rated again.
"""

from __future__ import annotations

from datetime import date, datetime

from billing import closing, marking
from inventory import ownership
from inventory.models import Ownership, Subscription
from inventory.ownership import Attribution


def assign(
    subscription: Subscription,
    to: Attribution,
    *,
    from_day: date,
    by: str,
    at: datetime,
    reason: str = "",
) -> Ownership:
    """From this local day on, up to the next assignment, the subscription is ``to``'s.

    What is in force on that day already changes nothing.

    Raises:
        NeedsReason: the day is over in the tenant's time zone, and no reason is given.
        MonthClosed: it would change a day of a closed month.
    """
    marking.begin()  # a month is closed before this is decided, or after it can be seen
    return ownership.assign(
        subscription,
        to,
        from_day=from_day,
        by=by,
        at=at,
        closed=closing.closed(),
        reason=reason,
    )


def check(
    subscription: Subscription, to: Attribution, *, from_day: date, at: datetime, reason: str
) -> None:
    """Let pass what `assign` would do, and do nothing.

    Raises:
        NeedsReason, MonthClosed: as `assign` does.
    """
    ownership.check(
        subscription, to, from_day=from_day, at=at, closed=closing.closed(), reason=reason
    )

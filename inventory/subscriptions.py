"""APIM subscriptions: finding them by name, and keeping what only usage knows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from inventory.models import Origin, Subscription
from tenancy.refusals import NotFound


def ids_by_name(gateway_id: int, names: Iterable[str], *, at: datetime) -> dict[str, int]:
    """The id of each name at a gateway of the tenant in scope; unknown ones are kept as found.

    Names are matched whatever their case, as API Management does. A subscription that only usage
    knows has no owner: what it used is unallocated, not lost.
    """
    wanted = set(names)
    known = _known(gateway_id)
    missing = sorted(name for name in wanted if name.lower() not in known)
    if missing:
        Subscription.objects.bulk_create(
            [
                Subscription(gateway_id=gateway_id, name=name, origin=Origin.USAGE, seen_at=at)
                for name in missing
            ],
            ignore_conflicts=True,
        )
        known = _known(gateway_id)
    return {name: known[name.lower()] for name in wanted}


def named(name: str) -> Subscription:
    """The subscription of this name, at whichever gateway of the tenant in scope has it first.

    Raises:
        NotFound: there is none.
    """
    row = Subscription.objects.filter(name__iexact=name).select_related("gateway").first()
    if row is None:
        raise NotFound(kind="APIM subscription")
    return row


def record_state(subscription_id: int, *, state: str, comment: str, at: datetime) -> None:
    """Keep what was read of a subscription's state at the gateway."""
    Subscription.objects.filter(id=subscription_id).update(
        state=state, state_comment=comment, seen_at=at
    )


def _known(gateway_id: int) -> dict[str, int]:
    rows = Subscription.objects.filter(gateway_id=gateway_id).order_by("-origin", "-id")
    return {name.lower(): id for name, id in rows.values_list("name", "id")}

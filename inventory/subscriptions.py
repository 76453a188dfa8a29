"""APIM subscriptions: finding them by name, and keeping what only usage knows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from connectors.records import ApimSubscription
from inventory.models import GatewayState, Origin, Product, Subscription
from tenancy import access, scope
from tenancy.access import Actor
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


def one(actor: Actor, gateway: str, name: str) -> Subscription:
    """The subscription of this name at this gateway.

    Raises:
        NotFound: there is none, or it is not the actor's to see.
    """
    rows = access.many(Subscription, actor).select_related("gateway", "product")
    found: Subscription | None = rows.filter(gateway__name=gateway, name=name).first()
    if found is None:
        raise NotFound(kind=Subscription._meta.verbose_name)
    return found


def by_id(ids: Iterable[int]) -> dict[int, Subscription]:
    """By id, subscriptions of the tenant in scope with their gateway and product."""
    rows = Subscription.objects.filter(id__in=set(ids)).select_related("gateway", "product")
    return {row.pk: row for row in rows}


def record_state(subscription_id: int, *, state: str, comment: str, at: datetime) -> None:
    """Keep what was read of a subscription's state at the gateway."""
    Subscription.objects.filter(id=subscription_id).update(
        state=state, state_comment=comment, seen_at=at
    )


def record(gateway_id: int, read: ApimSubscription, *, at: datetime) -> Subscription:
    """Keep a subscription of the tenant in scope as it was just read at its gateway.

    One of that name, whatever its case, is changed; else it is new.
    """
    known = Subscription.objects.filter(gateway_id=gateway_id, name__iexact=read.name).first()
    product = Product.objects.filter(gateway_id=gateway_id, name__iexact=read.product or "").first()
    row, _ = Subscription.objects.update_or_create(
        tenant_id=scope.tenant_id(),
        gateway_id=gateway_id,
        name=known.name if known else read.name,
        defaults={
            "display_name": read.display_name,
            "product": product,
            "state": read.state if read.state in GatewayState.values else GatewayState.UNKNOWN,
            "state_comment": read.state_comment,
            "origin": Origin.INVENTORY,
            "seen_at": at,
            "vanished_at": None,
        },
    )
    return row


def _known(gateway_id: int) -> dict[str, int]:
    rows = Subscription.objects.filter(gateway_id=gateway_id).order_by("-origin", "-id")
    return {name.lower(): id for name, id in rows.values_list("name", "id")}

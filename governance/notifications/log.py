"""The log of deliveries: what left when, by which way, and what the receiver said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from governance.models import OPEN, Channel, Delivery, DeliveryState, Notice
from governance.rules.topics import Topic
from tenancy import access, audit
from tenancy.access import Actor
from tenancy.models import Role
from tenancy.refusals import Refused

Way, State = Channel, DeliveryState
#: How long notices and their deliveries are kept.
KEPT = timedelta(days=400)


class NotOpen(Refused):
    code = "delivery-not-open"
    status = 409
    text = "Only a delivery that was given up can be tried again."


@dataclass(frozen=True, slots=True)
class Asked:
    """Which deliveries to list; empty: any."""

    channel: Channel | None = None
    state: DeliveryState | None = None
    topic: Topic | None = None
    endpoint: int | None = None


def deliveries(actor: Actor, asked: Asked) -> QuerySet[Delivery]:
    """Deliveries that left Apportion or shall, as far as the actor may see, newest first."""
    rows = access.many(Delivery, actor).exclude(channel=Channel.INBOX)
    if asked.channel is not None:
        rows = rows.filter(channel=asked.channel.value)
    if asked.state is not None:
        rows = rows.filter(state=asked.state.value)
    if asked.topic is not None:
        rows = rows.filter(notice__topic=asked.topic.value)
    if asked.endpoint is not None:
        rows = rows.filter(endpoint_id=asked.endpoint)
    return rows.select_related("notice__team", "endpoint", "person").order_by("-id")


def may_try_again(actor: Actor) -> bool:
    """Whether the actor may have deliveries tried again: administrators."""
    return actor.role is Role.ADMIN


def again(actor: Actor, number: int, *, at: datetime) -> None:
    """Have a delivery that was given up tried again, for as long as a new one.

    Raises:
        NotFound: there is none, or it is not the actor's to see.
        NotAllowed: the actor is no administrator.
        NotOpen: it was not given up.
    """
    row = access.one(Delivery, actor, pk=number)
    access.require(actor, Role.ADMIN, verb="have deliveries tried again")
    rows = Delivery.objects.filter(pk=row.pk, state=DeliveryState.DEAD)
    if not rows.update(state=DeliveryState.WAITING, due_at=at, first_due_at=at, leased_until=None):
        raise NotOpen()
    audit.record("delivery.again", f"delivery {row.pk}: {row}"[:200], by=actor.email, at=at)


def let_go(*, at: datetime) -> int:
    """Delete the notices of the tenant in scope that are older than `KEPT`; how many."""
    old = Notice.objects.filter(recorded_at__lt=at - KEPT)
    rows = Delivery.objects.filter(notice__in=old).exclude(state__in=OPEN)
    rows.delete()
    return old.filter(deliveries=None).delete()[0]

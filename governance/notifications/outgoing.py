"""Taking a delivery to send it, and recording what came of it: the two ends of every sending.

A delivery is taken by a lease and a number. Two workers never hold the same; where one died while
it sent, the next takes it after the lease's end, and the message has the same id again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from governance.channels.message import Message, NotTaken, address_of
from governance.models import OPEN, Delivery, DeliveryState, Notice
from governance.rules import retries
from governance.rules.topics import Timing, Topic
from tenancy import scope, tenants

#: Longer than a cycle and the slowest answer together.
LEASE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Taken:
    """A delivery that nobody else has: its number fences what is recorded of it."""

    id: int
    lease: int


def due(at: datetime, timing: Timing) -> QuerySet[Delivery]:
    """What is to be sent at an instant in the tenant in scope and is not being sent."""
    free = Q(leased_until=None) | Q(leased_until__lte=at)
    rows: QuerySet[Delivery] = Delivery.objects.filter(
        free, state__in=OPEN, timing=timing.value, due_at__lte=at
    )
    return rows


def take(rows: list[Delivery], *, at: datetime) -> tuple[Taken, ...]:
    """Take rows that are locked in this transaction."""
    ids = [row.pk for row in rows]
    Delivery.objects.filter(pk__in=ids).update(leased_until=at + LEASE, lease=F("lease") + 1)
    return tuple(Taken(row.pk, row.lease + 1) for row in rows)


def message(notice: Notice) -> Message:
    """The notice as a receiver reads it, in the tenant in scope."""
    tenant = scope.current().slug
    return Message(
        number=notice.pk,
        tenant=tenant,
        tenant_name=tenants.billing().name,
        topic=Topic(notice.topic),
        title=notice.title,
        lines=tuple(notice.lines),
        link=address_of(tenant, notice.link),
        happened_at=notice.happened_at,
        subject_kind=notice.subject_kind,
        subject_key=notice.subject_key,
        team=notice.team.slug if notice.team else None,
    )


def sent(taken: Taken, *, status: int | None, at: datetime) -> bool:
    """Record that a receiver took it; False: somebody else had taken the delivery over."""
    return _record(taken, state=DeliveryState.SENT, status=status, sent_at=at, error="")


def dropped(taken: Taken, *, why: str) -> bool:
    """Record that it is not sent, and why."""
    return _record(taken, state=DeliveryState.DROPPED, error=why)


def failed(taken: Taken, failure: NotTaken, *, at: datetime) -> DeliveryState:
    """Record that a try failed: it is tried again, or given up.

    Of the same endpoint nothing else is tried sooner, nor any mail where no server answers.
    """
    row = Delivery.objects.get(pk=taken.id)
    again = retries.next_try(row.tries + 1, first_at=row.first_due_at, at=at, after=failure.after)
    state = DeliveryState.DEAD if failure.lasting or again is None else DeliveryState.FAILED
    values = {"due_at": again} if state is DeliveryState.FAILED else {}
    mine = _record(taken, state=state, status=failure.status, error=str(failure)[:500], **values)
    if mine and again is not None and (row.endpoint_id or failure.beyond):
        alike = Delivery.objects.filter(state__in=OPEN, due_at__lt=again, channel=row.channel)
        alike.filter(endpoint=row.endpoint_id).update(due_at=again)
    return state


def _record(taken: Taken, **values: object) -> bool:
    rows = Delivery.objects.filter(pk=taken.id, lease=taken.lease, state__in=OPEN)
    return bool(rows.update(tries=F("tries") + 1, leased_until=None, **values))

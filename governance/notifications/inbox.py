"""What a person was told in Apportion itself: read and unread, as far as they may see it now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from django.db.models import QuerySet

from governance.models import Channel, Delivery
from tenancy import access
from tenancy.access import Actor

#: More unread ones than this are not counted.
MOST_COUNTED = 99


class Which(StrEnum):
    ALL = "all"
    UNREAD = "unread"


def unread(actor: Actor) -> int:
    """How many notices the actor has not read, at most one more than `MOST_COUNTED`."""
    return listed(actor, Which.UNREAD)[: MOST_COUNTED + 1].count()


def listed(actor: Actor, which: Which) -> QuerySet[Delivery]:
    """The actor's notices, newest first."""
    rows = access.many(Delivery, actor).filter(person_id=actor.person_id, channel=Channel.INBOX)
    if which is Which.UNREAD:
        rows = rows.filter(read_at=None)
    return rows.select_related("notice__team").order_by("-id")


def mark_read(actor: Actor, numbers: Iterable[int] | None, *, at: datetime) -> int:
    """Mark notices of the actor as read, or with None all of them; how many were not yet."""
    rows = listed(actor, Which.UNREAD)
    if numbers is not None:
        rows = rows.filter(pk__in=set(numbers))
    ids = list(rows.values_list("pk", flat=True))
    return Delivery.objects.filter(pk__in=ids, read_at=None).update(read_at=at)


def open_one(actor: Actor, number: int, *, at: datetime) -> str:
    """Mark a notice as read, and say which page it is about: a path below the tenant's.

    Raises:
        NotFound: there is none, or it is not the actor's.
    """
    row = access.one(
        Delivery, actor, pk=number, person_id=actor.person_id, channel=Channel.INBOX.value
    )
    mark_read(actor, [number], at=at)
    link: str = row.notice.link
    return link

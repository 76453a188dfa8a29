"""Turning what happened into notices: requests' events, alerts and suspensions, read as rows.

Verbs of the business tell nobody; they write down what happened. Each pass reads what was written
since the last one, and a little before it, since a transaction may end later than it says. What
was told has a key and is not told twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from governance.models import Alert, NewsMark, Notice, RequestEvent, Suspension
from governance.notifications import about_alerts, about_requests, about_suspensions, telling
from governance.notifications.telling import Told
from tenancy import scope
from tenancy.scope import TenantRef

#: Where the mark stands is said once for all that is read.
SOURCE = "news"
#: How much later than it says a transaction may end, and how far back the first pass looks.
OVERLAP = timedelta(minutes=10)
#: What is over already is told only where it began less than this ago.
LATE = timedelta(hours=1)
#: How many events, alerts and suspensions one pass reads of each: the next one reads on.
MOST = 500


@dataclass(frozen=True, slots=True)
class _Found:
    """What a pass read, and how far that is everything."""

    news: tuple[Told, ...]
    through: datetime


def collect(tenant: TenantRef, *, at: datetime) -> int:
    """Write notices of what has happened in a tenant up to an instant; how many were new.

    One transaction: the mark moves with what was told up to it.
    """
    with scope.of(tenant):
        mark = _mark(at)
        found = _read_on(mark.through, at)
        known = set(
            Notice.objects.filter(key__in=[one.news.key for one in found.news]).values_list(
                "key", flat=True
            )
        )
        new = [one for one in found.news if one.news.key not in known]
        count = sum(telling.tell(one.news, to=one.to(), at=at) for one in new)
        NewsMark.objects.filter(pk=mark.pk).update(through=max(found.through, mark.through))
    return count


def _mark(at: datetime) -> NewsMark:
    """The tenant's mark, held until the transaction ends: one pass at a time."""
    mark, _ = NewsMark.objects.get_or_create(source=SOURCE, defaults={"through": at})
    locked: NewsMark = NewsMark.objects.select_for_update(no_key=True).get(pk=mark.pk)
    return locked


def _read_on(mark: datetime, at: datetime) -> _Found:
    """What happened since the mark; more than `MOST` only where so many happened in one moment."""
    most = MOST
    found = _read(mark - OVERLAP, at, most)
    while found.through <= mark and found.through < at:
        most *= 4
        found = _read(mark - OVERLAP, at, most)
    return found


def _read(since: datetime, at: datetime, most: int) -> _Found:
    events = RequestEvent.objects.filter(at__gte=since, at__lte=at).order_by("at", "id")
    alerts = Alert.objects.filter(fired_at__gte=since, fired_at__lte=at).order_by("fired_at", "id")
    rows = Suspension.objects.select_related("subscription__gateway")
    begun = rows.filter(since__gte=since, since__lte=at).order_by("since", "id")
    ended = rows.filter(lifted_at__gte=since, lifted_at__lte=at).order_by("lifted_at", "id")
    happened = list(events.select_related(*about_requests.LINKS)[:most])
    rung = list(alerts.select_related(*about_alerts.LINKS)[:most])
    suspended, served = list(begun[:most]), list(ended[:most])
    ends = (
        [row.at for row in happened],
        [row.fired_at for row in rung],
        [row.since for row in suspended],
        [row.lifted_at for row in served if row.lifted_at],
    )
    news = (
        *(one for row in happened for one in about_requests.news(row, at=at)),
        *(one for row in rung for one in about_alerts.news(row, at=at, late=LATE)),
        *_suspensions(suspended, served, at),
    )
    return _Found(news, min([*(instants[-1] for instants in ends if len(instants) == most), at]))


def _suspensions(begun: list[Suspension], ended: list[Suspension], at: datetime) -> Iterator[Told]:
    for row in begun:
        if row.lifted_at is None or row.since > at - LATE:
            yield about_suspensions.suspended(row, at=at)
    for row in ended:
        yield about_suspensions.served(row, at=at)

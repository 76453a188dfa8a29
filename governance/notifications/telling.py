"""A notice, and on which ways it goes to whom: rows only, in the transaction of the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from governance.channels import email
from governance.models import Channel, Delivery, DeliveryState, Endpoint, Notice
from governance.notifications import preferences, seeing
from governance.notifications.preferences import Wish
from governance.rules import digests
from governance.rules.topics import Timing, Topic
from inventory.models import CostCenter, Team
from tenancy import tenants

#: What a page, a mail and a card can show at a glance.
_MOST_LINES, _LONGEST_LINE, _LONGEST_TITLE = 20, 500, 200


@dataclass(frozen=True, slots=True)
class News:
    """What happened. ``key`` is the same for the same thing: it is told once for each tenant.

    ``link`` is a path below the tenant's address, such as ``requests/17/``. Who may see it is
    said by team and cost center, as `Notice` has it.
    """

    topic: Topic
    key: str
    subject_kind: str
    subject_key: str
    title: str
    lines: tuple[str, ...]
    link: str
    happened_at: datetime
    team: Team | None = None
    cost_center: CostCenter | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """News and whom it concerns: people (ids), asked for only where it was not told before."""

    news: News
    to: Callable[[], set[int]]


def tell(news: News, *, to: Iterable[int], at: datetime) -> bool:
    """Tell people, and the endpoints that want to know; whether it was not told before.

    Of the people (ids) those are told who may see it now. Nothing is sent here: deliveries are
    written in the caller's transaction, and wait.
    """
    notice, made = Notice.objects.get_or_create(
        key=news.key[:200],
        defaults={
            "topic": news.topic.value,
            "subject_kind": news.subject_kind,
            "subject_key": news.subject_key[:200],
            "team": news.team,
            "cost_center": news.cost_center,
            "title": " ".join(news.title.split())[:_LONGEST_TITLE],
            "lines": [line[:_LONGEST_LINE] for line in news.lines[:_MOST_LINES]],
            "link": news.link[:400],
            "happened_at": news.happened_at,
            "recorded_at": at,
        },
    )
    if made:
        people = seeing.who_may_see(to, notice)
        wishes = preferences.of_people(people, news.topic)
        rows = [row for one in sorted(wishes) for row in _to_person(notice, one, wishes[one], at)]
        Delivery.objects.bulk_create([*rows, *_to_endpoints(notice, news, at)])
    return made


def _to_person(notice: Notice, person: int, wish: Wish, at: datetime) -> Iterator[Delivery]:
    if wish.inbox:
        shown = _delivery(notice, Channel.INBOX, at)
        shown.person_id, shown.state, shown.sent_at = person, DeliveryState.SENT, at
        yield shown
    if wish.email is not Timing.OFF and email.can_send():
        mail = _delivery(notice, Channel.EMAIL, at)
        mail.person_id, mail.timing = person, wish.email.value
        if wish.email is Timing.DIGEST:
            mail.due_at = mail.first_due_at = digests.next_digest(at, tenants.billing().zone)
        yield mail


def _to_endpoints(notice: Notice, news: News, at: datetime) -> Iterator[Delivery]:
    """To the tenant's endpoints and those of the team; of a failed delivery none is told."""
    if news.topic is Topic.DELIVERY_FAILED:
        return
    for endpoint in Endpoint.objects.filter(active=True, topics__contains=[news.topic.value]):
        if endpoint.team_id in (None, notice.team_id):
            row = _delivery(notice, Channel(endpoint.kind), at)
            row.endpoint = endpoint
            yield row


def _delivery(notice: Notice, channel: Channel, at: datetime) -> Delivery:
    return Delivery(
        notice=notice, channel=channel.value, recorded_at=at, first_due_at=at, due_at=at
    )

"""Sending what is due at once: one delivery after the other, each outside any transaction."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from governance.channels import email, slack, teams, webhook
from governance.channels.message import Message, NotTaken
from governance.models import Channel, Delivery, DeliveryState, Endpoint
from governance.notifications import endpoints, outgoing, seeing, telling
from governance.notifications.outgoing import Taken
from governance.notifications.telling import News
from governance.rules.topics import Timing, Topic
from inventory.models import Part, TeamMember
from tenancy import runs, scope
from tenancy.models import Membership, Role
from tenancy.runs import Contention
from tenancy.scope import TenantRef

STEP = "deliver"
#: How long a cycle goes on sending, in seconds: the next one, or another worker, does the rest.
_CYCLE = 60


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came of a cycle."""

    sent: int = 0
    failed: int = 0
    dead: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class _Ready:
    """A delivery that was taken, and how to send it; without a way it is dropped for ``why``."""

    taken: Taken
    send: Callable[[], int | None] | None
    why: str = ""


def deliver(tenant: TenantRef, *, at: datetime, contention: Contention) -> Delivered:
    """Send a tenant's deliveries that are due at once; what a receiver does not take comes again.

    Nothing is done, and no run recorded, where nothing is due.

    Raises:
        Busy, Superseded: another run of this step is under way.
    """
    with scope.of(tenant):
        if not outgoing.due(at, Timing.AT_ONCE).exists():
            return Delivered()
    counts = dict.fromkeys(DeliveryState, 0)
    until = time.monotonic() + _CYCLE
    with runs.of_tenant(tenant, STEP, contention=contention) as run:
        while time.monotonic() < until and (ready := _next(tenant, at)):
            counts[_send(tenant, ready, at)] += 1
            with scope.of(tenant):
                run.hold()
        run.count(read=sum(counts.values()), written=counts[DeliveryState.SENT])
        run.note(**{state.value: count for state, count in counts.items() if count})
    return Delivered(
        sent=counts[DeliveryState.SENT],
        failed=counts[DeliveryState.FAILED],
        dead=counts[DeliveryState.DEAD],
        dropped=counts[DeliveryState.DROPPED],
    )


def _next(tenant: TenantRef, at: datetime) -> _Ready | None:
    """The delivery that has been due for longest, taken."""
    with scope.of(tenant):
        rows = outgoing.due(at, Timing.AT_ONCE).order_by("due_at", "id")
        locked = rows.select_for_update(skip_locked=True, of=("self",))
        found = list(locked.select_related("notice__team", "endpoint", "person")[:1])
        if not found:
            return None
        (taken,) = outgoing.take(found, at=at)
        return _ready(taken, found[0], at)


def _ready(taken: Taken, row: Delivery, at: datetime) -> _Ready:
    if row.endpoint is not None:
        if not row.endpoint.active:
            return _Ready(taken, None, "The endpoint is switched off.")
        return _Ready(taken, _post(row.endpoint, outgoing.message(row.notice), at))
    if row.person is None or not seeing.may_see(row.person.pk, row.notice):
        return _Ready(taken, None, "The person may not see it any more.")
    to, told = row.person.email, outgoing.message(row.notice)
    return _Ready(taken, lambda: email.send(to, told))


def _post(endpoint: Endpoint, told: Message, at: datetime) -> Callable[[], int]:
    url = endpoint.url
    match Channel(endpoint.kind):
        case Channel.TEAMS:
            return lambda: teams.send(url, told, at=at)
        case Channel.SLACK:
            return lambda: slack.send(url, told, at=at)
        case _:
            secrets = endpoints.secrets(endpoint, at=at)
            return lambda: webhook.send(url, told, secrets=secrets, at=at)


def _send(tenant: TenantRef, ready: _Ready, at: datetime) -> DeliveryState:
    """Send outside any transaction, then record what came of it."""
    failure, status = None, None
    if ready.send is not None:
        try:
            status = ready.send()
        except NotTaken as error:
            failure = error
    with scope.of(tenant):
        if ready.send is None:
            outgoing.dropped(ready.taken, why=ready.why)
            return DeliveryState.DROPPED
        if failure is None:
            outgoing.sent(ready.taken, status=status, at=at)
            return DeliveryState.SENT
        state = outgoing.failed(ready.taken, failure, at=at)
        if state is DeliveryState.DEAD:
            _tell_of_failure(ready.taken, at)
        return state


def _tell_of_failure(taken: Taken, at: datetime) -> None:
    """Whoever can set an endpoint right is told that it took nothing for a day: once a day."""
    row = Delivery.objects.select_related("endpoint__team", "notice").get(pk=taken.id)
    endpoint = row.endpoint
    if endpoint is None:
        return
    place = f"teams/{endpoint.team.slug}/notifications/" if endpoint.team else ""
    news = News(
        topic=Topic.DELIVERY_FAILED,
        key=f"delivery-failed:{endpoint.pk}:{at:%Y-%m-%d}",
        subject_kind="endpoint",
        subject_key=str(endpoint.pk),
        title=f"{endpoint.name} did not take a notice",
        lines=(f"Given up: {row.notice.title}", row.error),
        link=place or "notifications/endpoints/",
        happened_at=at,
        team=endpoint.team,
    )
    telling.tell(news, to=_who_keeps(endpoint), at=at)


def _who_keeps(endpoint: Endpoint) -> set[int]:
    """Administrators, and of a team's endpoint its owners."""
    admins = Membership.objects.filter(role=Role.ADMIN).values_list("person_id", flat=True)
    if endpoint.team_id is None:
        return set(admins)
    owners = TeamMember.objects.filter(team_id=endpoint.team_id, part=Part.OWNER)
    return {*admins, *owners.values_list("person_id", flat=True)}

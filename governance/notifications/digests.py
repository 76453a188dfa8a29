"""A day's notices in one mail, in the morning of the tenant's time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from governance.channels import email
from governance.channels.message import Message, NotTaken
from governance.models import Delivery
from governance.notifications import outgoing, seeing
from governance.notifications.outgoing import Taken
from governance.rules.topics import Timing
from tenancy import runs, scope
from tenancy.runs import Contention
from tenancy.scope import TenantRef

STEP = "notify_daily"


@dataclass(frozen=True, slots=True)
class _Mail:
    """One person's notices that are due; ``unseen`` are those they may not see any more."""

    to: str
    taken: tuple[Taken, ...]
    messages: tuple[Message, ...]
    unseen: tuple[Taken, ...]


def digest(tenant: TenantRef, *, at: datetime, contention: Contention) -> int:
    """Send each person of a tenant what has waited for their daily mail; to how many it went.

    Nothing is done, and no run recorded, where nothing is due.

    Raises:
        Busy, Superseded: another run of this step is under way.
    """
    with scope.of(tenant):
        if not outgoing.due(at, Timing.DIGEST).exists():
            return 0
    went = 0
    with runs.of_tenant(tenant, STEP, contention=contention) as run:
        while mail := _next(tenant, at):
            went += _send(tenant, mail, at)
            with scope.of(tenant):
                run.hold()
        run.count(written=went)
    return went


def _next(tenant: TenantRef, at: datetime) -> _Mail | None:
    """The mail of one person for whom something is due, taken whole."""
    with scope.of(tenant):
        rows = outgoing.due(at, Timing.DIGEST)
        first = rows.order_by("due_at", "id").first()
        if first is None or first.person is None:
            return None
        theirs = rows.filter(person=first.person).order_by("id")
        locked = theirs.select_for_update(skip_locked=True, of=("self",))
        found = list(locked.select_related("notice__team"))
        if not found:
            return None
        return _mail(first.person.email, found, outgoing.take(found, at=at))


def _mail(to: str, found: list[Delivery], taken: tuple[Taken, ...]) -> _Mail:
    both = tuple(zip(found, taken, strict=True))
    seen = {row.pk for row in found if row.person_id and seeing.may_see(row.person_id, row.notice)}
    return _Mail(
        to=to,
        taken=tuple(one for row, one in both if row.pk in seen),
        messages=tuple(outgoing.message(row.notice) for row in found if row.pk in seen),
        unseen=tuple(one for row, one in both if row.pk not in seen),
    )


def _send(tenant: TenantRef, mail: _Mail, at: datetime) -> int:
    failure = None
    if mail.messages:
        try:
            email.send_digest(mail.to, mail.messages)
        except NotTaken as error:
            failure = error
    with scope.of(tenant):
        for one in mail.unseen:
            outgoing.dropped(one, why="The person may not see it any more.")
        for one in mail.taken:
            if failure is None:
                outgoing.sent(one, status=None, at=at)
            else:
                outgoing.failed(one, failure, at=at)
    return int(failure is None and bool(mail.messages))

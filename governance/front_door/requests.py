"""Requests: asking for a limit, a tier or a subscription, until it is decided.

Deciding is `approvals`, carrying out `applying`. A request is changed on its locked row; the
database lets its state follow only where it may.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Max, QuerySet

from governance import roles
from governance.approvers import routing
from governance.approvers.deciders import AlreadyDecided
from governance.approvers.routing import Route
from governance.consequences import asked, whatif
from governance.consequences.asked import Asked
from governance.front_door import approvals, timeline
from governance.front_door.approvals import VersionPassed
from governance.models import (
    UNDECIDED,
    ApprovalNeed,
    EventKind,
    QuotaRequest,
    RequestEvent,
    RequestState,
    Span,
)
from inventory.models import Part, TeamMember
from tenancy import access, scope, tenants
from tenancy.access import Actor
from tenancy.refusals import Invalid, NotFound, Refused


class NotYoursToAsk(Refused):
    code = "not-yours-to-ask"
    status = 403
    text = "Only members of the team {team} and administrators ask for it, not those who only look."


class NotYourRequest(Refused):
    code = "not-your-request"
    status = 403
    text = "Request {number} is {author}'s: only they {verb} it."


class NoQuestion(Refused):
    code = "no-question"
    text = "No question about request {number} is open. Add a comment instead."


def draft(wanted: Asked, *, by: Actor, at: datetime) -> QuotaRequest:
    """Write down what is asked for, for its author to submit.

    Raises:
        NotYoursToAsk: the actor does not ask for this team.
        Invalid: it does not fit together; names the field.
    """
    if not roles.may_ask(by, wanted.team):
        raise NotYoursToAsk(team=wanted.team)
    asked.check(wanted, at=at)
    request: QuotaRequest = QuotaRequest.objects.create(
        number=_next_number(),
        team=wanted.team,
        requested_by_id=by.person_id,
        created_at=at,
        **_columns(wanted),
    )
    timeline.add(request, EventKind.DRAFTED, by=by, at=at)
    return request


def change(request: QuotaRequest, wanted: Asked, *, by: Actor, at: datetime) -> QuotaRequest:
    """Let a draft ask for something else.

    Raises:
        NotYourRequest: it is somebody else's.
        AlreadyDecided: it is no draft any more.
        Invalid: it does not fit together; names the field.
    """
    row = _mine(request, by, verb="change")
    if row.state != RequestState.DRAFT:
        raise AlreadyDecided(number=row.number, state=row.get_state_display(), wanted="changed")
    asked.check(wanted, at=at)
    return _take_over(row, wanted)


def submit(request: QuotaRequest, *, by: Actor, at: datetime) -> QuotaRequest:
    """Send a draft to whoever has to approve it, or put it in force where nobody has to.

    Submitting again changes nothing.

    Raises:
        NotYourRequest: it is somebody else's.
        AlreadyDecided: it was withdrawn.
        Invalid: what it asks for does not fit any more.
    """
    row = _mine(request, by, verb="submit")
    if row.state == RequestState.WITHDRAWN:
        raise AlreadyDecided(number=row.number, state=row.get_state_display(), wanted="submitted")
    if row.state != RequestState.DRAFT:
        return row
    return _send(row, EventKind.SUBMITTED, by=by, at=at)


def amend(
    request: QuotaRequest, wanted: Asked, *, seen: int, by: Actor, at: datetime, text: str = ""
) -> QuotaRequest:
    """Let an open request ask for something else: a new version, whose approval begins anew.

    Raises:
        NotYourRequest: it is somebody else's.
        AlreadyDecided, VersionPassed: it is not open in that version any more.
        Invalid: it does not fit together, or asks for what it asks for already.
    """
    row = _mine(request, by, verb="amend")
    if row.state not in UNDECIDED:
        raise AlreadyDecided(number=row.number, state=row.get_state_display(), wanted="amended")
    if row.version != seen:
        raise VersionPassed(number=row.number, seen=seen, now=row.version)
    before, after = _said(asked.of_request(row)), _said(wanted)
    if before == after:
        raise Invalid(field="amount", fix="Change something, or leave it as it is.")
    asked.check(wanted, at=at)
    row.version += 1
    row.state = RequestState.SUBMITTED
    row = _take_over(row, wanted)
    changed = {
        name: {"before": before[name], "after": after[name]}
        for name in after
        if before[name] != after[name]
    }
    details = {"changed": changed}
    return _send(row, EventKind.AMENDED, by=by, at=at, text=text, details=details)


def comment(request: QuotaRequest, text: str, *, by: Actor, at: datetime) -> RequestEvent:
    """Add a remark that everybody sees who sees the request.

    Raises:
        Invalid: nothing is said.
    """
    if not text.strip():
        raise Invalid(field="text", fix="Say something.")
    row = approvals.locked(request)
    return timeline.add(row, EventKind.COMMENTED, by=by, at=at, text=text)


def answer(request: QuotaRequest, text: str, *, by: Actor, at: datetime) -> QuotaRequest:
    """Answer an open question; the request waits for its approvers again.

    Raises:
        NotYoursToAsk: the actor does not speak for the team.
        NoQuestion: none is open.
        Invalid: nothing is said.
    """
    if not text.strip():
        raise Invalid(field="text", fix="Say what was asked.")
    row = approvals.locked(request)
    if not roles.may_ask(by, row.team):
        raise NotYoursToAsk(team=row.team)
    if row.state != RequestState.QUESTION:
        raise NoQuestion(number=row.number)
    row.state = RequestState.SUBMITTED
    row.save(update_fields=["state"])
    timeline.add(row, EventKind.ANSWERED, by=by, at=at, text=text)
    return row


def withdraw(request: QuotaRequest, *, by: Actor, at: datetime, text: str = "") -> QuotaRequest:
    """Take a request back before it is decided. Doing it again changes nothing.

    Raises:
        NotYourRequest: the actor is neither its author nor an owner of the team.
        AlreadyDecided: it was decided.
    """
    row = approvals.locked(request)
    owns = TeamMember.objects.filter(
        team_id=row.team_id, person_id=by.person_id, part=Part.OWNER
    ).exists()
    if row.requested_by_id != by.person_id and not owns:
        raise NotYourRequest(number=row.number, author=row.requested_by, verb="withdraw")
    if row.state == RequestState.WITHDRAWN:
        return row
    if row.state not in (RequestState.DRAFT, *UNDECIDED):
        raise AlreadyDecided(number=row.number, state=row.get_state_display(), wanted="withdrawn")
    row.state = RequestState.WITHDRAWN
    row.save(update_fields=["state"])
    timeline.add(row, EventKind.WITHDRAWN, by=by, at=at, text=text)
    return row


def one(actor: Actor, number: int) -> QuotaRequest:
    """The request of this number.

    Raises:
        NotFound: there is none, or it is not the actor's to see.
    """
    found: QuotaRequest | None = seen_by(actor).filter(number=number).first()
    if found is None:
        raise NotFound(kind=QuotaRequest._meta.verbose_name)
    return found


def seen_by(actor: Actor) -> QuerySet[QuotaRequest]:
    """The requests the actor may see, newest first, with what they are about."""
    rows: QuerySet[QuotaRequest] = access.many(QuotaRequest, actor).select_related(
        "team__cost_center", "subscription__gateway", "gateway", "product", "requested_by"
    )
    return rows.order_by("-number")


def _send(
    row: QuotaRequest,
    kind: EventKind,
    *,
    by: Actor,
    at: datetime,
    text: str = "",
    details: dict[str, Any] | None = None,
) -> QuotaRequest:
    """Ask whoever the policies name about the row's present version."""
    wanted = asked.of_request(row)
    asked.check(wanted, at=at)
    consequences = whatif.of(wanted, at=at)
    route = routing.of(wanted, consequences, at=at, request_id=row.pk)
    row.state, row.submitted_at = RequestState.SUBMITTED, at
    row.expires_at = at + route.expires_after
    row.remind_at = at + route.remind_after
    row.escalate_at = at + route.escalate_after
    row.runs_out_on = consequences.runs_out_on
    row.save(
        update_fields=[
            "state",
            "submitted_at",
            "expires_at",
            "remind_at",
            "escalate_at",
            "runs_out_on",
        ]
    )
    _ask_for(row, route)
    told = {routing.TOLD: route.told, **(details or {})}
    timeline.add(row, kind, by=by, at=at, text=text, details=told)
    if route.automatic:
        return approvals.settle(row, by=None, at=at, text="No policy asks anybody about it.")
    return row


def _ask_for(row: QuotaRequest, route: Route) -> None:
    ApprovalNeed.objects.bulk_create(
        [
            ApprovalNeed(
                request=row,
                version=row.version,
                position=position,
                whose=need.whose,
                group=need.group,
                people=need.people,
                policy=need.policy,
                own_teams=need.own_teams,
            )
            for position, need in enumerate(route.needs, 1)
        ]
    )


def _columns(wanted: Asked) -> dict[str, Any]:
    """What is asked for, as the row has it."""
    return {
        "kind": wanted.kind,
        "subscription": wanted.subscription,
        "gateway": wanted.gateway,
        "product": wanted.product,
        "unit": wanted.unit,
        "span": Span(wanted.every.value),
        "amount": wanted.amount,
        "until": wanted.until(tenants.billing().zone),
        "display_name": wanted.display_name.strip(),
        "environment": wanted.environment.strip(),
        "application": wanted.application.strip(),
        "reason": wanted.reason.strip(),
        "expected": wanted.expected.strip(),
    }


def _said(wanted: Asked) -> dict[str, str | None]:
    """What is asked for, in words, for what changed between two versions."""
    return {name: _in_words(value) for name, value in _columns(wanted).items()}


def _in_words(value: object) -> str | None:
    """As text; a number always the same way, however many zeros its row keeps."""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return None if value is None else str(value)


def _take_over(row: QuotaRequest, wanted: Asked) -> QuotaRequest:
    if wanted.team != row.team:
        raise Invalid(field="team", fix=f"Leave it to {row.team}; another team makes its own.")
    columns = _columns(wanted)
    for name, value in columns.items():
        setattr(row, name, value)
    row.save(update_fields=[*columns, "version", "state"])
    return row


def _mine(request: QuotaRequest, by: Actor, *, verb: str) -> QuotaRequest:
    """The author's own request, locked."""
    row = approvals.locked(request)
    if row.requested_by_id != by.person_id:
        raise NotYourRequest(number=row.number, author=row.requested_by, verb=verb)
    if not roles.may_ask(by, row.team):
        raise NotYoursToAsk(team=row.team)
    return row


def _next_number() -> int:
    """The tenant's next number; whoever else takes one waits until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7419, %s)", [scope.tenant_id() % 2**31])
    last = QuotaRequest.objects.aggregate(last=Max("number"))["last"]
    return (last or 0) + 1

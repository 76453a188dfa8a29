"""Approvals: who may decide on a request, and the decision.

A decision names the version its maker saw. It is made on the locked row, by somebody whose role is
read at that moment; the last approval needed, the request's new state and the override it creates
are one transaction. The database refuses what these verbs refuse, too.
"""

from __future__ import annotations

from datetime import datetime

from governance import roles
from governance.approvers.deciders import (
    AlreadyDecided,
    NotYourDecision,
    OwnRequest,
    may_decide,
    progress,
)
from governance.consequences import asked, whatif
from governance.front_door import overrides, timeline
from governance.models import (
    UNDECIDED,
    Approval,
    EventKind,
    QuotaRequest,
    RequestEvent,
    RequestState,
)
from tenancy.access import Actor
from tenancy.refusals import Invalid, Refused

_DECISIONS = (EventKind.APPROVED_PART, EventKind.APPROVED, EventKind.REJECTED)
_DECIDED_FOR = frozenset({RequestState.APPROVED, RequestState.APPLIED, RequestState.FAILED})


class VersionPassed(Refused):
    code = "version-passed"
    text = (
        "Request {number} was amended while you looked: you saw version {seen}, it is version {now}"
        " now. Look at what changed, and decide on that."
    )


class QuestionOpen(Refused):
    code = "question-open"
    text = "A question about request {number} is open. It can be approved once it is answered."


def approve(
    request: QuotaRequest,
    *,
    seen: int,
    by: Actor,
    at: datetime,
    text: str = "",
) -> QuotaRequest:
    """Say yes to the version that was seen; the last yes that is needed puts it in force.

    Saying it again changes nothing. The consequences of that moment are kept with it.

    Raises:
        OwnRequest, OwnTeam, OwnerFirst, NotYourDecision: somebody else has to.
        VersionPassed, QuestionOpen, AlreadyDecided: it is not open to this decision any more.
    """
    row = locked(request)
    if row.requested_by_id == by.person_id:
        raise OwnRequest()
    if row.state in _DECIDED_FOR:
        _refuse_bystander(row, by)
        return row
    _refuse_closed(row, wanted="approved")
    _refuse_other_version(row, seen)
    if Approval.objects.filter(request=row, version=seen, person_id=by.person_id).exists():
        return row
    if row.state == RequestState.QUESTION:
        raise QuestionOpen(number=row.number)
    may = may_decide(by, row, at=at)
    if may.refusal:
        raise may.refusal
    Approval.objects.create(
        request=row,
        version=seen,
        person_id=by.person_id,
        on_behalf_of_id=may.on_behalf_of,
        whose=may.whose,
        at=at,
        text=text.strip(),
        seen=whatif.of(asked.of_request(row), at=at).seen(),
    )
    return settle(row, by=by, at=at, text=text)


def settle(row: QuotaRequest, *, by: Actor | None, at: datetime, text: str = "") -> QuotaRequest:
    """Put a submitted request in force if nobody has to approve it any more, or say who did."""
    missing = sum(one.missing for one in progress(row))
    if missing:
        timeline.add(row, EventKind.APPROVED_PART, by=by, at=at, text=text)
        return row
    row.state, row.decided_at = RequestState.APPROVED, at
    row.save(update_fields=["state", "decided_at"])
    override = overrides.grant(row, at=at)
    added = {"added": str(override.amount), "from": at.isoformat()} if override else {}
    timeline.add(row, EventKind.APPROVED, by=by, at=at, text=text, details=added)
    return row


def reject(
    request: QuotaRequest, *, seen: int, by: Actor, at: datetime, reason: str
) -> QuotaRequest:
    """Say no to the version that was seen, with a reason. Saying it again changes nothing.

    Raises:
        Invalid: no reason is given.
        OwnRequest, OwnTeam, OwnerFirst, NotYourDecision: somebody else has to.
        VersionPassed, AlreadyDecided: it is not open to this decision any more.
    """
    if not reason.strip():
        raise Invalid(field="reason", fix="Say why: the team has to know what to do about it.")
    row = locked(request)
    if row.requested_by_id == by.person_id:
        raise OwnRequest()
    if row.state == RequestState.REJECTED:
        _refuse_bystander(row, by)
        return row
    if row.state in _DECIDED_FOR:
        raise AlreadyDecided(number=row.number, state=row.get_state_display(), wanted="rejected")
    _refuse_closed(row, wanted="rejected")
    _refuse_other_version(row, seen)
    if Approval.objects.filter(request=row, version=seen, person_id=by.person_id).exists():
        raise AlreadyDecided(number=row.number, state="approved by you", wanted="rejected")
    may = may_decide(by, row, at=at)
    if may.refusal:
        raise may.refusal
    row.state, row.decided_at = RequestState.REJECTED, at
    row.save(update_fields=["state", "decided_at"])
    timeline.add(row, EventKind.REJECTED, by=by, at=at, text=reason)
    return row


def ask(request: QuotaRequest, *, seen: int, by: Actor, at: datetime, text: str) -> QuotaRequest:
    """Ask the team something; the request waits for its answer and keeps the approvals it has.

    Raises:
        Invalid: nothing is asked.
        OwnRequest, OwnTeam, OwnerFirst, NotYourDecision: somebody else has to.
        VersionPassed, AlreadyDecided: it is not open to a question any more.
    """
    if not text.strip():
        raise Invalid(field="text", fix="Say what you have to know.")
    row = locked(request)
    if row.state not in UNDECIDED:
        raise AlreadyDecided(number=row.number, state=row.get_state_display(), wanted="asked about")
    _refuse_other_version(row, seen)
    may = may_decide(by, row, at=at)
    if may.refusal:
        raise may.refusal
    if row.state == RequestState.SUBMITTED:
        row.state = RequestState.QUESTION
        row.save(update_fields=["state"])
    timeline.add(row, EventKind.ASKED, by=by, at=at, text=text)
    return row


def locked(request: QuotaRequest) -> QuotaRequest:
    """The request as it is now; whoever else acts on it waits until this transaction ends."""
    row: QuotaRequest = QuotaRequest.objects.select_for_update(no_key=True).get(pk=request.pk)
    return row


def _refuse_bystander(row: QuotaRequest, by: Actor) -> None:
    """Let those say again what was decided who could have decided it, and nobody else."""
    decided = RequestEvent.objects.filter(request=row, person_id=by.person_id, kind__in=_DECISIONS)
    if not decided.exists() and roles.role_now(by.person_id) not in roles.APPROVING:
        raise NotYourDecision(number=row.number, who="it is decided")


def _refuse_closed(row: QuotaRequest, *, wanted: str) -> None:
    if row.state not in UNDECIDED:
        raise AlreadyDecided(number=row.number, state=row.get_state_display(), wanted=wanted)


def _refuse_other_version(row: QuotaRequest, seen: int) -> None:
    if row.version != seen:
        raise VersionPassed(number=row.number, seen=seen, now=row.version)

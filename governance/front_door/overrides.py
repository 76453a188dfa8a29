"""Overrides: what approved requests add to limits, each for as long as it lasts."""

from __future__ import annotations

from datetime import datetime

from governance import roles
from governance.consequences import asked
from governance.front_door import timeline
from governance.models import EventKind, Override, QuotaRequest
from tenancy.access import Actor
from tenancy.refusals import Invalid, Refused, Stale


class NotYoursToEnd(Refused):
    code = "not-yours-to-end"
    status = 403
    text = "What request {number} put in force is ended by {who}."


def grant(request: QuotaRequest, *, at: datetime) -> Override | None:
    """Put in force what an approved request asks of a limit; None of other kinds.

    In the transaction that approves it. A request has one override and no second one, and the
    limit below stays as it is.
    """
    wanted = asked.of_request(request)
    if wanted.kind not in asked.OF_A_LIMIT:
        return None
    override: Override = Override.objects.create(
        subscription=request.subscription,
        team=None if request.subscription_id else request.team,
        unit=request.unit,
        span=request.span,
        amount=wanted.change,
        effective_from=at,
        effective_until=request.until,
        request=request,
        recorded_at=at,
    )
    return override


def of_request(request: QuotaRequest) -> Override | None:
    """What a request put in force, if it did."""
    return Override.objects.filter(request=request).first()


def may_end(actor: Actor, request: QuotaRequest, *, at: datetime) -> bool:
    """Whether somebody may let what a request put in force end now.

    What was added the team gives up itself, or an approver takes back; what was taken away comes
    back by an approver who did not ask for it.
    """
    override = of_request(request)
    if override is None or _over(override, at):
        return False
    approves = roles.role_now(actor.person_id) in roles.APPROVING
    if override.amount < 0:
        return approves and actor.person_id != request.requested_by_id
    return approves or roles.may_ask(actor, request.team)


def end(request: QuotaRequest, *, by: Actor, at: datetime, reason: str) -> Override:
    """Let what a request put in force end now instead of later.

    Raises:
        Invalid: no reason is given.
        NotYoursToEnd: somebody else has to; see `may_end`.
        Stale: it put nothing in force, or that has ended.
    """
    if not reason.strip():
        raise Invalid(field="reason", fix="Say why it ends: the team sees it.")
    override = Override.objects.select_for_update(no_key=True).filter(request=request).first()
    if override is None or _over(override, at):
        raise Stale(what=f"What request {request.number} put in force")
    if not may_end(by, request, at=at):
        who = "an approver who did not ask for it"
        if override.amount > 0:
            who = "its team or an approver"
        raise NotYoursToEnd(number=request.number, who=who)
    before = override.effective_until
    override.effective_until, override.ended_by = at, by.email
    override.ended_because = reason.strip()
    override.save(update_fields=["effective_until", "ended_by", "ended_because"])
    timeline.add(
        request,
        EventKind.ENDED,
        by=by,
        at=at,
        text=reason,
        details={"until": at.isoformat(), "before": before.isoformat() if before else None},
    )
    return override


def _over(override: Override, at: datetime) -> bool:
    return override.effective_until is not None and override.effective_until <= at

"""Requests in the reader's words: what is asked, how it stands and why, and what happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from governance import roles
from governance.approvers import deciders
from governance.approvers.deciders import Progress
from governance.consequences import asked
from governance.front_door import handover, overrides, requests
from governance.models import (
    UNDECIDED,
    Approval,
    EventKind,
    QuotaRequest,
    RequestEvent,
    RequestKind,
    RequestState,
    Unit,
    Whose,
)
from governance.rules.spans import Every
from portal import asking, figures
from portal.request_history import who
from tenancy import periods
from tenancy.access import Actor
from tenancy.models import Role

_JUST_BEFORE = timedelta(microseconds=1)
#: What is still open: to be submitted, or to a decision.
OPEN = (RequestState.DRAFT, *UNDECIDED)
#: Tone, mark and word of each state: what it says is never said by colour alone.
STATES = {
    RequestState.DRAFT: ("quiet", "○", "Draft"),
    RequestState.SUBMITTED: ("warn", "…", "Waiting for approval"),
    RequestState.QUESTION: ("warn", "?", "A question is open"),
    RequestState.APPROVED: ("good", "✓", "Approved"),
    RequestState.REJECTED: ("bad", "✕", "Rejected"),
    RequestState.WITHDRAWN: ("quiet", "–", "Withdrawn"),
    RequestState.EXPIRED: ("quiet", "–", "Expired"),
    RequestState.APPLIED: ("good", "●", "Applied"),
    RequestState.FAILED: ("bad", "■", "Approved, not applied"),
}
#: The kind of event that began a state.
_BEGAN = {
    RequestState.DRAFT: (EventKind.DRAFTED,),
    RequestState.SUBMITTED: (EventKind.SUBMITTED, EventKind.AMENDED, EventKind.ANSWERED),
    RequestState.QUESTION: (EventKind.ASKED,),
    RequestState.APPROVED: (EventKind.APPROVED, EventKind.AGAIN),
    RequestState.REJECTED: (EventKind.REJECTED,),
    RequestState.WITHDRAWN: (EventKind.WITHDRAWN,),
    RequestState.EXPIRED: (EventKind.EXPIRED,),
    RequestState.APPLIED: (EventKind.APPLIED,),
    RequestState.FAILED: (EventKind.FAILED,),
}
#: Why it stands so, where the state alone says it.
_BECAUSE = {
    RequestState.DRAFT: "Nobody is asked before it is submitted.",
    RequestState.EXPIRED: "Nobody decided in time. Ask anew if it is still needed.",
    RequestState.APPROVED: "The gateway follows within one cycle.",
}
#: Each kind: its name, what it is, and how one asks for it.
KINDS = {
    RequestKind.INCREASE: (
        "More, for good",
        "A higher limit from now on.",
        "Ask for more, for good",
    ),
    RequestKind.TEMPORARY: (
        "More, for a time",
        "A higher limit until a day; then it is as it was, by itself.",
        "Ask for more, for a time",
    ),
    RequestKind.DECREASE: (
        "Less",
        "A lower limit: what you do not need is free for others.",
        "Ask for less",
    ),
    RequestKind.TIER: (
        "Another tier",
        "The limits and the rate of another tier.",
        "Ask for another tier",
    ),
    RequestKind.SUBSCRIPTION: (
        "A new subscription",
        "A key of its own, made at the gateway on approval and handed over once.",
        "Ask for a new subscription",
    ),
    RequestKind.REACTIVATION: (
        "Serve it again",
        "For a suspended subscription: let its calls pass again.",
        "Ask to be served again",
    ),
}


@dataclass(frozen=True, slots=True)
class State:
    """How a request stands: an icon, a word and a tone; since when, and why."""

    tone: str
    icon: str
    word: str
    since: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A request in a list."""

    request: QuotaRequest
    title: str
    change: str
    state: State


@dataclass(frozen=True, slots=True)
class Step:
    """One of those who have to approve: who, how far they are, and who said yes."""

    who: str
    done: str
    given: tuple[str, ...]
    next: str


@dataclass(frozen=True, slots=True)
class May:
    """What somebody may do to a request now; ``why_not``: why they do not decide on it."""

    acts: frozenset[str]
    why_not: str


def row(request: QuotaRequest, currency: str, zone: str) -> Row:
    """A request as a list shows it."""
    return Row(
        request=request,
        title=title(request),
        change=change(request, currency, zone),
        state=_state(request, _since(request), ""),
    )


def title(request: QuotaRequest) -> str:
    """What is asked, and about what: ``More for key-search``."""
    return asked_title(asked_kind(request), _about(request))


def asked_title(kind: RequestKind, about: str) -> str:
    """The same of what is no request yet."""
    match kind:
        case RequestKind.INCREASE | RequestKind.TEMPORARY:
            return f"More for {about}"
        case RequestKind.DECREASE:
            return f"Less for {about}"
        case RequestKind.TIER:
            return f"Another tier for {about}"
        case RequestKind.SUBSCRIPTION:
            return f"New subscription {about}"
        case RequestKind.REACTIVATION:
            return f"Serve {about} again"


def asked_kind(request: QuotaRequest) -> RequestKind:
    """Its kind, as one of the closed set."""
    return RequestKind(request.kind)


def change(request: QuotaRequest, currency: str, zone: str) -> str:
    """``+25.00 USD a month until 30 Nov 2026``, ``to Gold``, ``of Gold at apim-west``."""
    match asked_kind(request):
        case RequestKind.INCREASE | RequestKind.TEMPORARY | RequestKind.DECREASE as kind:
            unit, every = Unit(request.unit), Every(request.span)
            text = asking.quantity(request.amount or Decimal(0), unit, currency)
            sign = "−" if kind is RequestKind.DECREASE else "+"
            end = f" until {last_day(request.until, zone)}" if request.until else ""
            return f"{sign}{text} {asking.period_word(every)}{end}"
        case RequestKind.TIER:
            return f"to {request.product}"
        case RequestKind.SUBSCRIPTION:
            return f"of {request.product} at {request.gateway}"
        case RequestKind.REACTIVATION:
            return "active again"


def last_day(until: datetime, zone: str) -> str:
    """The last local day of what ends at an instant."""
    return figures.day(periods.local_day(until - _JUST_BEFORE, zone))


def state(request: QuotaRequest, events: Sequence[RequestEvent], steps: Sequence[Step]) -> State:
    """How it stands, since when, and why."""
    began = _BEGAN[RequestState(request.state)]
    last = next((one for one in reversed(events) if one.kind in began), None)
    return _state(request, last.at if last else _since(request), _why(request, last, steps))


def moved(request: QuotaRequest) -> str:
    """What is said once a request was sent or a yes was given to it."""
    match RequestState(request.state):
        case RequestState.DRAFT:
            return f"Request {request.number} is saved as a draft: nobody is asked yet."
        case RequestState.SUBMITTED:
            return f"Request {request.number} waits for approval."
        case RequestState.APPROVED | RequestState.APPLIED:
            return f"Request {request.number} is approved. The gateway follows within one cycle."
        case other:
            return f"Request {request.number}: {STATES[other][2].lower()}."


def may(request: QuotaRequest, actor: Actor, *, at: datetime) -> May:
    """What somebody may do to a request now."""
    asks = roles.may_ask(actor, request.team)
    mine = asks and request.requested_by_id == actor.person_id
    owns = asks and asking.owns(actor, request.team)
    undecided = request.state in UNDECIDED
    decide = deciders.may_decide(actor, request, at=at) if undecided else None
    says = decide.why_not if decide and (actor.role in roles.APPROVING or mine) else ""
    allowed = decide is not None and decide.allowed
    question = request.state == RequestState.QUESTION
    named = {
        "submit": mine and request.state == RequestState.DRAFT,
        "change": mine and request.state in OPEN,
        "withdraw": (mine or owns) and request.state in OPEN,
        "answer": asks and question,
        "ask": allowed,
        "reject": allowed,
        "approve": allowed and not question,
        "end": overrides.may_end(actor, request, at=at),
        "again": request.state == RequestState.FAILED and actor.role in roles.APPROVING,
        "key-again": actor.role is Role.ADMIN and handover.taken(request),
    }
    return May(frozenset(act for act, so in named.items() if so), says)


def changing(request: QuotaRequest, actor: Actor) -> str:
    """Why somebody may not change what a request asks for; empty: they may."""
    if request.requested_by_id != actor.person_id:
        return f"Only {request.requested_by.name}, who asks for it, changes what it asks for."
    if not roles.may_ask(actor, request.team):
        return str(requests.NotYoursToAsk(team=request.team))
    if request.state not in OPEN:
        word = STATES[RequestState(request.state)][2].lower()
        return f"It is {word}: what was asked for stays as it was. Ask anew for something else."
    return ""


def steps(progress: Sequence[Progress], center: str) -> tuple[Step, ...]:
    """Who has to approve, in the order they are asked, and how far they are."""
    found: list[Step] = []
    waiting = ""
    for one in progress:
        need = one.need
        who = _whose(Whose(need.whose), str(need.group or ""), need.people, center)
        done = "done" if not one.missing else ""
        turn = "next" if not done and not waiting else ""
        waiting = waiting or turn
        found.append(Step(who, done, tuple(_given(given) for given in one.given), turn))
    return tuple(found)


def _whose(whose: Whose, group: str, people: int, center: str) -> str:
    """``One of FinOps``, ``The owner of cost center 4410``, ``2 different approvers``."""
    match whose:
        case Whose.OWNER:
            return f"The owner of cost center {center}"
        case Whose.GROUP if people > 1:
            return f"{people} different people of {group}" if group else f"{people} approvers"
        case Whose.GROUP:
            return f"One of {group}" if group else "One approver"


def _given(given: Approval) -> str:
    behalf = given.on_behalf_of
    return f"{given.person.name}, for {behalf.name}" if behalf else str(given.person.name)


def _about(request: QuotaRequest) -> str:
    if request.kind == RequestKind.SUBSCRIPTION:
        return request.display_name
    if request.subscription:
        return str(request.subscription)
    return f"the whole team {request.team}"


def _since(request: QuotaRequest) -> datetime | None:
    """When its state began, as far as the row itself says."""
    match RequestState(request.state):
        case RequestState.DRAFT:
            return request.created_at
        case RequestState.SUBMITTED:
            return request.submitted_at
        case RequestState.APPROVED | RequestState.REJECTED | RequestState.EXPIRED:
            return request.decided_at
        case RequestState.APPLIED | RequestState.FAILED:
            return request.tried_at or request.decided_at
        case _:
            return None


def _state(request: QuotaRequest, since: datetime | None, why: str) -> State:
    tone, icon, word = STATES[RequestState(request.state)]
    return State(tone, icon, word, since, why)


def _why(request: QuotaRequest, last: RequestEvent | None, found: Sequence[Step]) -> str:
    match RequestState(request.state):
        case RequestState.SUBMITTED:
            turn = next((one.who for one in found if one.next), "")
            return f"It waits for {turn[0].lower()}{turn[1:]}." if turn else ""
        case RequestState.QUESTION | RequestState.REJECTED if last:
            return f"{who(last)}: “{last.text}”"
        case RequestState.WITHDRAWN if last and last.text:
            return f"{who(last)}: “{last.text}”"
        case RequestState.APPROVED if request.kind in asked.OF_A_LIMIT:
            return "The new limit is in force; the gateway follows within one cycle."
        case RequestState.FAILED:
            return f"{request.error} It is tried again."
        case plain:
            return _BECAUSE.get(plain, "")

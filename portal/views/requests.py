"""Requests: those one may see, and one with its consequences, its approvals and its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from governance.approvers import deciders
from governance.consequences import asked as asked_for
from governance.consequences import whatif
from governance.front_door import (
    applying,
    approvals,
    handover,
    overrides,
    requests,
    timeline,
    waiting,
)
from inventory import teams
from portal import asking, consequences, request_history, requests_shown
from portal.asking import Kind
from portal.requests_shown import STATES
from portal.tenant_scope import TenantRequest
from portal.views import asked
from tenancy import clock, tenants
from tenancy.refusals import Invalid, Refused

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from governance.models import QuotaRequest

ROWS = 50
_FILTERS = ("show", "state", "kind", "team")


class Act(StrEnum):
    """What can be done to a request on its page, each by a form of its own."""

    SUBMIT = "submit"
    COMMENT = "comment"
    ANSWER = "answer"
    WITHDRAW = "withdraw"
    APPROVE = "approve"
    REJECT = "reject"
    ASK = "ask"
    END = "end"
    AGAIN = "again"
    KEY_AGAIN = "key-again"


_SAYS = {
    Act.COMMENT: "Your comment is added.",
    Act.ANSWER: "Your answer is sent; the request waits for its approvers again.",
    Act.WITHDRAW: "Request {number} is withdrawn.",
    Act.ASK: "Your question is sent to the team.",
    Act.REJECT: "Request {number} is rejected; the team is told why.",
    Act.END: "It has ended; the limit is what it was without it.",
    Act.AGAIN: "It is carried out again within a minute.",
    Act.KEY_AGAIN: "The key can be taken once more.",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was refused on the page: of which act, why, and what had been written."""

    act: Act
    why: Refused
    text: str
    seen: int

    @property
    def at_field(self) -> str:
        """What to do about the text, where that was at fault."""
        return str(self.why.values.get("fix", "")) if isinstance(self.why, Invalid) else ""


@require_safe
def request_list(request: TenantRequest) -> HttpResponse:
    """The requests of one's teams, or all, newest first; narrowed by what the address says."""
    actor, now, billing = request.actor, clock.now(), tenants.billing()
    rows = requests.seen_by(actor)
    show = _one_of(request, "show", ("waiting",))
    if show:
        rows = rows.filter(pk__in=waiting.of(actor, at=now).values("pk"))
    rows = _narrowed(request, rows)
    page = Paginator(rows, ROWS).get_page(asked.page(request))
    filters = {name: request.GET.get(name, "") for name in _FILTERS}
    return render(
        request,
        "requests/list.html",
        {
            "page": page,
            "rows": [requests_shown.row(one, billing.currency, billing.zone) for one in page],
            "asked": filters,
            "filters": urlencode({name: text for name, text in filters.items() if text}),
            "states": [(state.value, shown[2]) for state, shown in STATES.items()],
            "kinds": [(kind.value, says[0]) for kind, says in requests_shown.KINDS.items()],
            "teams": teams.seen_by(actor),
            "may_ask": bool(asking.askable(actor)),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def request_page(request: TenantRequest, number: int) -> HttpResponse:
    """One request; posted to, what somebody does to it."""
    found = requests.one(request.actor, number)
    if request.method != "POST":
        return _page(request, found)
    act, text, seen = _act(request), request.POST.get("text", ""), _seen(request)
    try:
        with transaction.atomic():
            row = _do(request, act, found, seen, text, at=clock.now())
    except Refused as why:
        return _page(request, requests.one(request.actor, number), Refusal(act, why, text, seen))
    messages.success(request, _done(act, row))
    return redirect("request", number)


def _do(
    request: TenantRequest, act: Act, found: QuotaRequest, seen: int, text: str, *, at: datetime
) -> QuotaRequest:
    """Do it; the request as it is then."""
    actor = request.actor
    match act:
        case Act.SUBMIT:
            return requests.submit(found, by=actor, at=at)
        case Act.COMMENT:
            requests.comment(found, text, by=actor, at=at)
            return found
        case Act.ANSWER:
            return requests.answer(found, text, by=actor, at=at)
        case Act.WITHDRAW:
            return requests.withdraw(found, by=actor, at=at, text=text)
        case Act.APPROVE:
            return approvals.approve(found, seen=seen, by=actor, at=at, text=text)
        case Act.REJECT:
            return approvals.reject(found, seen=seen, by=actor, at=at, reason=text)
        case Act.ASK:
            return approvals.ask(found, seen=seen, by=actor, at=at, text=text)
        case _:
            _afterwards(request, act, found, text, at=at)
            return found


def _afterwards(
    request: TenantRequest, act: Act, found: QuotaRequest, text: str, *, at: datetime
) -> None:
    """What can be done once it was decided."""
    match act:
        case Act.END:
            overrides.end(found, by=request.actor, at=at, reason=text)
        case Act.AGAIN:
            applying.again(request.actor, found, at=at)
        case Act.KEY_AGAIN:
            handover.allow_again(request.actor, found.number, at=at, reason=text)


def _done(act: Act, row: QuotaRequest) -> str:
    """What is said of an act that was done."""
    if act in (Act.SUBMIT, Act.APPROVE):
        return requests_shown.moved(row)
    return _SAYS[act].format(number=row.number)


def _page(
    request: TenantRequest, found: QuotaRequest, refusal: Refusal | None = None
) -> HttpResponse:
    """The request's page; after a refusal with what was refused, why, and what changed since."""
    actor, now, billing = request.actor, clock.now(), tenants.billing()
    events = timeline.of(actor, found)
    steps = requests_shown.steps(deciders.progress(found), str(found.team.cost_center))
    wanted = asked_for.of_request(found)
    seen = refusal.seen if refusal and refusal.seen else found.version
    context = {
        "asked": found,
        "row": requests_shown.row(found, billing.currency, billing.zone),
        "kind": requests_shown.KINDS[wanted.kind][0],
        "wanted": wanted,
        "state": requests_shown.state(found, events, steps),
        "steps": steps,
        "timeline": request_history.timeline(events),
        "override": overrides.of_request(found),
        "zone": billing.zone,
        "may": requests_shown.may(found, actor, at=now),
        "refusal": refusal,
        "since": request_history.changed_since(events, seen),
        "open": found.state in requests_shown.OPEN,
    }
    if found.state in requests_shown.OPEN:
        context["consequences"] = consequences.of(whatif.of(wanted, at=now))
    status = refusal.why.status if refusal else 200
    return render(request, "requests/request.html", context, status=status)


def _narrowed(request: TenantRequest, rows: QuerySet[QuotaRequest]) -> QuerySet[QuotaRequest]:
    """Those of the state, kind and team that the address names."""
    if state := _one_of(request, "state", tuple(STATES)):
        rows = rows.filter(state=state)
    if kind := _one_of(request, "kind", tuple(Kind)):
        rows = rows.filter(kind=kind)
    if slug := request.GET.get("team", ""):
        rows = rows.filter(team=teams.one(request.actor, slug))
    return rows


def _one_of(request: TenantRequest, name: str, known: tuple[str, ...]) -> str:
    """What the address says, one of those known; empty where it says nothing.

    Raises:
        Invalid: it is none of them.
    """
    text = request.GET.get(name, "")
    if text and text not in known:
        raise Invalid(field=name, fix=f"Use one of {', '.join(known)}.")
    return text


def _act(request: TenantRequest) -> Act:
    text = request.POST.get("do", "")
    if text not in tuple(Act):
        raise Invalid(field="do", fix="Use one of the page's forms.")
    return Act(text)


def _seen(request: TenantRequest) -> int:
    """The version that the form was made for.

    Raises:
        Invalid: it is no number.
    """
    text = request.POST.get("seen", "")
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise Invalid(field="seen", fix="Open the request again: the form names its version.")
    return int(text)

"""What one was told, how one wants to be told, and the log of what left."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import TextChoices
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import get_script_prefix, reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from governance.channels import email
from governance.notifications import inbox as told
from governance.notifications import log, preferences
from governance.notifications.inbox import Which
from governance.notifications.log import Asked, State, Way
from governance.notifications.preferences import Wish
from governance.rules.topics import FOR_PEOPLE, TIMINGS, TOPICS, Timing, Topic
from inventory import teams
from portal import rights
from portal.tenant_scope import TenantRequest
from portal.views import asked
from tenancy import clock
from tenancy.refusals import Invalid

Choice = TypeVar("Choice", bound=StrEnum | TextChoices)
ROWS = 50
_WHO = "approvers, finance, administrators and auditors"
#: Tone and mark of each state: what it says is never said by colour alone.
_STATES = {
    State.WAITING: ("quiet", "…"),
    State.SENT: ("good", "●"),
    State.FAILED: ("warn", "▲"),
    State.DEAD: ("bad", "■"),
    State.DROPPED: ("quiet", "–"),
}


@require_http_methods(["GET", "HEAD", "POST"])
def inbox(request: TenantRequest) -> HttpResponse:
    """The actor's notices; posted to, one to open, or all to mark as read."""
    if request.method == "POST":
        return _read(request)
    which = _choice(request.GET, "show", Which) or Which.ALL
    page = Paginator(told.listed(request.actor, which), ROWS).get_page(asked.page(request))
    filters = {"show": which.value} if which is not Which.ALL else {}
    return render(
        request,
        "notifications/inbox.html",
        {"page": page, "which": which, "filters": urlencode(filters)},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: TenantRequest) -> HttpResponse:
    """How the actor wants to be told of each topic; posted to, from now on."""
    if request.method == "POST":
        preferences.choose(request.actor, _wishes(request.POST), at=clock.now())
        messages.success(request, "Your choices are saved.")
        return redirect("notification-preferences")
    return render(
        request,
        "notifications/preferences.html",
        {
            "wishes": preferences.of(request.actor),
            "timings": [(timing.value, says) for timing, says in TIMINGS.items()],
            "mail": email.can_send(),
            "teams": teams.seen_by(request.actor),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def deliveries(request: TenantRequest) -> HttpResponse:
    """What left or shall; posted to, one that was given up to be tried again."""
    if not request.actor.sees_whole_tenant:
        raise rights.NotYours(what="The delivery log", who=_WHO)
    if request.method == "POST":
        log.again(request.actor, _number(request.POST, "delivery"), at=clock.now())
        messages.success(request, "It is tried again within a minute.")
        return redirect(f"{reverse('deliveries')}?{request.GET.urlencode()}".rstrip("?"))
    wanted = Asked(
        channel=_choice(request.GET, "channel", Way),
        state=_choice(request.GET, "state", State),
        topic=_choice(request.GET, "topic", Topic),
    )
    rows = log.deliveries(request.actor, wanted)
    page = Paginator(rows, ROWS).get_page(asked.page(request))
    filters = {name: request.GET.get(name, "") for name in ("channel", "state", "topic")}
    return render(
        request,
        "notifications/deliveries.html",
        {
            "page": page,
            "rows": [(row, *_STATES[State(row.state)]) for row in page],
            "channels": [one for one in Way.choices if one[0] != Way.INBOX],
            "states": State.choices,
            "topics": TOPICS,
            "asked": filters,
            "filters": urlencode({name: value for name, value in filters.items() if value}),
            "may_change": log.may_try_again(request.actor),
        },
    )


def _read(request: TenantRequest) -> HttpResponse:
    now = clock.now()
    match request.POST.get("act", ""):
        case "all":
            told.mark_read(request.actor, None, at=now)
        case "read":
            told.mark_read(request.actor, [_number(request.POST, "notice")], at=now)
        case "open":
            link = told.open_one(request.actor, _number(request.POST, "notice"), at=now)
            return redirect(get_script_prefix() + link.lstrip("/"))
        case _:
            raise Invalid(field="act", fix="Open a notice, or mark some as read.")
    return redirect(f"{reverse('notifications')}?{request.GET.urlencode()}".rstrip("?"))


def _wishes(said: QueryDict) -> list[Wish]:
    """One for each topic. A tick that is missing means no."""
    shown = set(said.getlist("inbox"))
    found = []
    for topic in FOR_PEOPLE:
        try:
            timing = Timing(said.get(f"email-{topic}", ""))
        except ValueError:
            raise Invalid(field=f"email-{topic}", fix="Choose one of the list.") from None
        found.append(Wish(topic, inbox=topic.value in shown, email=timing))
    return found


def _number(said: QueryDict, name: str) -> int:
    text = said.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise Invalid(field=name, fix="Choose one of the list.")
    return int(text)


def _choice(said: QueryDict, name: str, kind: type[Choice]) -> Choice | None:
    given = said.get(name, "")
    if not given:
        return None
    try:
        return kind(given)
    except ValueError:
        raise Invalid(field=name, fix="Choose one of the list, or none.") from None

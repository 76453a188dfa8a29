"""Asking for more, less or something else: the form, what it would do, and changing a request."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from governance import roles
from governance.approvers import routing
from governance.approvers.deciders import AlreadyDecided
from governance.consequences import asked, whatif
from governance.consequences.asked import FOR_MORE, Asked
from governance.front_door import keys, requests, timeline
from governance.front_door.approvals import VersionPassed
from governance.front_door.keys import Key, KeyReused
from inventory import subscriptions, teams
from portal import asking, consequences, figures, request_history, requests_shown
from portal.asking import Ground, Kind
from portal.request_forms import FIELDS, FIGURES, AskForm, filled
from portal.tenant_scope import TenantRequest
from tenancy import clock
from tenancy.refusals import Invalid, Refused

if TYPE_CHECKING:
    from governance.models import QuotaRequest
    from inventory.models import Team

#: What stands in the address of a form and goes on with it.
_PLACE = ("team", "kind", "subscription")


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: TenantRequest) -> HttpResponse:
    """Choose what to ask for; then its form. Posted to: its consequences, a draft, a request."""
    now = clock.now()
    team, kind = _team(request, at=now), _kind(request)
    if team is None or kind is None:
        return _choose(request, team)
    ground = asking.ground(team, at=now)
    if request.method != "POST":
        form = AskForm(kind, ground, initial=_begun(request, ground, kind, at=now))
        return _form(request, form, at=now)
    form = AskForm(kind, ground, request.POST)
    act = request.POST.get("do", "show")
    if act == "show" or not form.is_valid():
        return _form(request, form, at=now)
    try:
        with transaction.atomic():
            row = _drafted(request, form, at=now)
            if act == "submit":
                row = requests.submit(row, by=request.actor, at=now)
    except KeyReused as again:
        return _form(request, form, at=now, again=again)
    except Refused as refused:
        form.take(refused)
        return _form(request, form, at=now)
    messages.success(request, requests_shown.moved(row))
    return redirect("request", row.number)


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: TenantRequest, number: int) -> HttpResponse:
    """Change a draft, or what is asked by an open request: then its approval begins anew."""
    now, actor = clock.now(), request.actor
    found = requests.one(actor, number)
    why_not = requests_shown.changing(found, actor)
    if why_not and request.method != "POST":
        return render(request, "requests/unchangeable.html", {"asked": found, "why": why_not})
    _only_for_its_author(request, found)
    kept = asked.of_request(found)
    ground = asking.ground(found.team, at=now)
    if request.method != "POST":
        form = AskForm(kept.kind, ground, initial=filled(kept), kept=kept)
        return _form(request, form, at=now, changed=found)
    form = AskForm(kept.kind, ground, request.POST, kept=kept)
    act = request.POST.get("do", "show")
    if act == "show" or not form.is_valid():
        return _form(request, form, at=now, changed=found)
    try:
        with transaction.atomic():
            says = _changed(request, found, form.wanted(), act, at=now)
    except (AlreadyDecided, VersionPassed) as refused:
        return _form(request, form, at=now, changed=requests.one(actor, number), stale=refused)
    except Refused as refused:
        form.take(refused)
        return _form(request, form, at=now, changed=found)
    messages.success(request, says)
    return redirect("request", number)


@require_safe
def preview(request: TenantRequest) -> HttpResponse:
    """What the form's answers so far would do, and who would have to approve them: a fragment."""
    now, changed = clock.now(), None
    team: Team | None
    kind: Kind | None
    if number := request.GET.get("request", ""):
        changed = requests.one(request.actor, _number(number, "request"))
        _only_for_its_author(request, changed)
        team, kind = changed.team, requests_shown.asked_kind(changed)
    else:
        team, kind = _team(request, at=now), _kind(request)
    if team is None or kind is None:
        return render(request, "requests/_preview.html", {"missing": "Choose what to ask for."})
    kept = asked.of_request(changed) if changed else None
    form = AskForm(kind, asking.ground(team, at=now), request.GET, kept=kept)
    return render(request, "requests/_preview.html", _consequences(request, form, changed, at=now))


def _only_for_its_author(request: TenantRequest, found: QuotaRequest) -> None:
    """Let only those on who could change it: the form tells what else the team owns.

    Raises:
        NotYourRequest: somebody else asks for it.
        NotYoursToAsk: its author does not ask for the team any more.
    """
    actor = request.actor
    if found.requested_by_id != actor.person_id:
        author = found.requested_by.name
        raise requests.NotYourRequest(number=found.number, author=author, verb="change")
    if not roles.may_ask(actor, found.team):
        raise requests.NotYoursToAsk(team=found.team)


def _drafted(request: TenantRequest, form: AskForm, *, at: datetime) -> QuotaRequest:
    """What the form asks for, written down once however often the form is sent.

    Raises:
        KeyReused: the same form made another request before.
        whatever `requests.draft` raises.
    """
    said = {"place": request.GET.dict(), **{name: request.POST.get(name) for name in form.fields}}
    text = request.POST.get("key", "")
    row, _ = keys.once(
        Key.of(text, said) if text else None,
        lambda: requests.draft(form.wanted(), by=request.actor, at=at),
        by=request.actor,
    )
    return row


def _team(request: TenantRequest, *, at: datetime) -> Team | None:
    """The team that the address names, itself or by a subscription; else the only one there is.

    Raises:
        NotFound: no such team or subscription, or not the actor's to see.
        NotYoursToAsk: the actor does not ask for it.
    """
    actor = request.actor
    if named := request.GET.get("subscription"):
        gateway, _, name = named.partition("/")
        team = asking.owner(subscriptions.one(actor, gateway, name), at=at)
    elif slug := request.GET.get("team"):
        team = teams.one(actor, slug)
    else:
        found = asking.askable(actor)
        return found[0] if len(found) == 1 else None
    if not roles.may_ask(actor, team):
        raise requests.NotYoursToAsk(team=team)
    return team


def _kind(request: TenantRequest) -> Kind | None:
    """What the address asks for.

    Raises:
        Invalid: it is no kind.
    """
    text = request.GET.get("kind", "")
    if not text:
        return None
    if text not in tuple(Kind):
        raise Invalid(field="kind", fix=f"Use one of {', '.join(Kind)}.")
    return Kind(text)


def _number(text: str, field: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise Invalid(field=field, fix="Use the number of a request.")
    return int(text)


def _choose(request: TenantRequest, team: Team | None) -> HttpResponse:
    found = (team,) if team else asking.askable(request.actor)
    return render(
        request,
        "requests/choose.html",
        {
            "teams": found,
            "team": team,
            "subscription": request.GET.get("subscription", ""),
            "kinds": requests_shown.KINDS,
        },
    )


def _begun(request: TenantRequest, ground: Ground, kind: Kind, *, at: datetime) -> dict[str, Any]:
    """What the form begins with: the subscription of the address, its limit, an amount."""
    named = request.GET.get("subscription", "")
    begun: dict[str, Any] = AskForm(kind, ground).first(named)
    if "limit" not in FIELDS[kind] or not ground.targets:
        return begun
    mine = [one for one in ground.targets if asking.path(one.subscription) == named]
    target = (mine or ground.targets)[0]
    begun["limit"] = target.key
    if kind not in FOR_MORE or target.limit is None:
        return begun
    trial = Asked(
        kind=kind,
        team=ground.team,
        reason="",
        subscription=target.subscription,
        unit=target.unit,
        every=target.every,
        amount=target.limit.limit or Decimal(1),
        last_day=ground.last_day if kind is Kind.TEMPORARY else None,
    )
    expected = whatif.of(trial, at=at).expected
    amount = asking.suggested(target.limit, expected.p90 if expected else None)
    begun["amount"] = f"{amount:f}" if amount else ""
    if expected and expected.p90 > target.limit.limit:
        last = figures.day(expected.last_day)
        begun["amount_from"] = f"Filled in: enough until {last} in nine of ten cases."
    begun["last_day"] = trial.last_day
    return begun


def _form(
    request: TenantRequest,
    form: AskForm,
    *,
    at: datetime,
    changed: QuotaRequest | None = None,
    stale: Refused | None = None,
    again: KeyReused | None = None,
) -> HttpResponse:
    """The form with what it would do; 400 where it is at fault, 409 where it came too late.

    ``again``: it made another request already. With a new key it may make a second one.
    """
    shown = _consequences(request, form, changed, at=at)
    asks_only = request.POST.get("do", "show") == "show"
    status = 400 if form.is_bound and not asks_only and form.errors else 200
    if again:
        status, shown["again"] = again.status, again.values["number"]
    if stale:
        status = stale.status
        events = timeline.of(request.actor, changed) if changed else ()
        seen = request.POST.get("seen", "0")
        shown["stale"] = stale
        shown["since"] = request_history.changed_since(events, _number(seen, "seen"))
    return render(
        request,
        "requests/form.html",
        {
            **shown,
            "form": form,
            "team": form.ground.team,
            "kind": form.kind,
            "says": requests_shown.KINDS[form.kind],
            "changed": changed,
            "place": {name: request.GET[name] for name in _PLACE if name in request.GET},
            "seen": _offered(request, changed, stale),
            "text": request.POST.get("text", ""),
            "key": (not again and request.POST.get("key")) or uuid4().hex,
            "nothing": _nothing(form),
        },
        status=status,
    )


def _offered(
    request: TenantRequest, changed: QuotaRequest | None, stale: Refused | None
) -> str | int:
    """The version that is amended next: once what changed was shown, the one there is now."""
    present = changed.version if changed else 0
    return present if stale else request.POST.get("seen") or present


def _consequences(
    request: TenantRequest, form: AskForm, changed: QuotaRequest | None, *, at: datetime
) -> dict[str, Any]:
    """What is asked would do, and who would have to approve; or what is missing to tell."""
    wanted = form.previewed()
    if wanted is None:
        return {"missing": _missing(form)}
    found = whatif.of(wanted, at=at)
    route = routing.of(
        wanted,
        found,
        at=at,
        request_id=changed.pk if changed else None,
        asks=request.actor.person_id,
    )
    return {"consequences": consequences.of(found), "route": route}


def _nothing(form: AskForm) -> tuple[str, str] | None:
    """What a team lacks to ask for this, and the way out; None: it can be asked for."""
    team, suspended = form.ground.team, "suspended " if form.kind is Kind.REACTIVATION else ""
    lacks = {
        "limit": (
            f"{team} has no limit that could change.",
            "Its calls are not refused for what they use. Administrators set limits.",
        ),
        "subscription": (
            f"{team} has no {suspended}subscription in a gateway's list.",
            "Ask for a new one, or choose another kind of request.",
        ),
        "product": (
            "No gateway offers a tier.",
            "Tiers come with the inventory of an API Management gateway.",
        ),
    }
    empty = (name for name in lacks if name in form.fields and not form.offers(name))
    return next((lacks[name] for name in empty), None)


def _missing(form: AskForm) -> str:
    """What has to be said, or said otherwise, before anything can be told of it."""
    lacking = [name for name in form.fields if name in FIGURES and form[name].errors]
    labels = [str(form[name].label).lower() for name in lacking or FIGURES & set(form.fields)]
    return f"To see what it would do, fill in: {', '.join(labels)}."


def _changed(
    request: TenantRequest, found: QuotaRequest, wanted: Asked, act: str, *, at: datetime
) -> str:
    """Take over what the form says; what is then said of it."""
    actor = request.actor
    if found.submitted_at is None:
        row = requests.change(found, wanted, by=actor, at=at)
        if act == "submit":
            row = requests.submit(row, by=actor, at=at)
        return requests_shown.moved(row)
    seen = _number(request.POST.get("seen", ""), "seen")
    text = request.POST.get("text", "")
    row = requests.amend(found, wanted, seen=seen, by=actor, at=at, text=text)
    return f"Request {row.number} is amended: it is version {row.version}, asked about anew."

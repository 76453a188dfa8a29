"""The addresses that notices are posted to: of the tenant, and of one team."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from governance.notifications import endpoints
from governance.notifications.endpoints import Kind, Wanted
from governance.rules.addresses import LONGEST
from governance.rules.topics import ABOUT, FOR_ENDPOINTS
from inventory import teams
from portal import rights
from portal.tenant_scope import TenantRequest
from tenancy import clock
from tenancy.refusals import Invalid, Refused

if TYPE_CHECKING:
    from governance.models import Endpoint
    from inventory.models import Team

_TOPICS = [(topic.value, ABOUT[topic].label) for topic in FOR_ENDPOINTS]


class EndpointForm(forms.Form):
    """An endpoint as somebody wants it; the address may stay as it is."""

    name = forms.CharField(label="Name", max_length=80, help_text="As the log calls it.")
    kind = forms.ChoiceField(label="Kind", choices=Kind.choices)
    url = forms.CharField(
        label="Address",
        max_length=LONGEST,
        required=False,
        help_text="https://… Whoever knows it may be able to post there: only its host is shown.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    topics = forms.MultipleChoiceField(
        label="Is told of", choices=_TOPICS, widget=forms.CheckboxSelectMultiple
    )
    active = forms.BooleanField(label="Switched on", required=False, initial=True)

    @property
    def wanted(self) -> Wanted:
        """What was filled in."""
        said = self.cleaned_data
        return Wanted(
            name=said["name"],
            kind=Kind(said["kind"]),
            url=said["url"].strip() or None,
            topics=endpoints.topics_of(said["topics"]),
            active=said["active"],
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """One endpoint as the page shows it. ``secret`` is shown once it was asked for."""

    row: Endpoint
    form: EndpointForm
    address: str
    signed: bool
    both: bool
    secret: str = ""


@dataclass
class _Asked:
    """What was posted: the form it faulted in, or a secret to show, by the endpoint's number."""

    forms: dict[int, EndpointForm]
    secrets: dict[int, str]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def of_tenant(request: TenantRequest) -> HttpResponse:
    """The tenant's own endpoints: for those who see the whole tenant."""
    if not request.actor.sees_whole_tenant:
        who = "approvers, finance, administrators and auditors"
        raise rights.NotYours(what="This page", who=who)
    return _page(request, None)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def of_team(request: TenantRequest, slug: str) -> HttpResponse:
    """A team's endpoints."""
    return _page(request, teams.one(request.actor, slug))


def _page(request: TenantRequest, team: Team | None) -> HttpResponse:
    said = _Asked({}, {})
    if request.method == "POST":
        endpoints.require(request.actor, team)
        done = _act(request, team, said)
        if done is not None:
            return done
    now = clock.now()
    return render(
        request,
        "notifications/endpoints.html",
        {
            "team": team,
            "kept": [
                Kept(
                    row=row,
                    form=said.forms.get(row.pk) or _form_of(row),
                    address=endpoints.shown_address(row),
                    signed=row.kind == Kind.WEBHOOK,
                    both=len(endpoints.secrets(row, at=now)) > 1,
                    secret=said.secrets.get(row.pk, ""),
                )
                for row in endpoints.listed(request.actor, team)
            ],
            "new": said.forms.get(0) or EndpointForm(prefix="new"),
            "may_change": endpoints.may_keep(request.actor, team),
            "most": endpoints.MOST,
        },
        status=400 if said.forms else 200,
    )


def _act(request: TenantRequest, team: Team | None, said: _Asked) -> HttpResponse | None:
    """Do what was asked for; None where the page is shown with it."""
    act = request.POST.get("act", "")
    if act == "add":
        return _save(request, team, None, said)
    row = _row(request, team)
    if act == "save":
        return _save(request, team, row, said)
    if act in _SECRETS:
        said.secrets[row.pk] = _SECRETS[act](request.actor, row, at=clock.now())
        return None
    if act not in _ACTS:
        raise Invalid(field="act", fix="Use one of the page's buttons.")
    do, says = _ACTS[act]
    do(request.actor, row, at=clock.now())
    return _done(request, team, says.format(row.name))


#: What a button does that needs no form, and what is said of it.
_ACTS: dict[str, tuple[Callable[..., object], str]] = {
    "test": (endpoints.try_out, "A test goes to {} within a minute."),
    "remove": (endpoints.remove, "{} is removed."),
}
_SECRETS: dict[str, Callable[..., str]] = {
    "secret": endpoints.show_secret,
    "rotate": endpoints.rotate,
}


def _save(
    request: TenantRequest, team: Team | None, row: Endpoint | None, said: _Asked
) -> HttpResponse | None:
    """Add an endpoint or change one, as the form says; None where it is at fault."""
    actor, now = request.actor, clock.now()
    form = EndpointForm(request.POST, prefix=str(row.pk) if row else "new")
    if row is None:
        saved = _tried(form, lambda: endpoints.add(actor, team, form.wanted, at=now))
    else:
        saved = _tried(form, lambda: endpoints.change(actor, row, form.wanted, at=now))
    if not saved:
        said.forms[row.pk if row else 0] = form
        return None
    return _done(request, team, f"{form.cleaned_data['name']} is saved.")


def _row(request: TenantRequest, team: Team | None) -> Endpoint:
    """The endpoint that was named, of those on this page."""
    text = request.POST.get("endpoint", "")
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise Invalid(field="endpoint", fix="Use one of the page's buttons.")
    row = endpoints.one(request.actor, int(text))
    if row.team != team:
        raise Invalid(field="endpoint", fix="It belongs to another page.")
    return row


def _tried(form: EndpointForm, change: Callable[[], object]) -> bool:
    """Whether a change was made; where it was refused the form says why at its field."""
    if not form.is_valid():
        return False
    try:
        change()
    except Refused as refusal:
        field = refusal.field or refusal.values.get("field")
        if field not in form.fields:
            raise
        form.add_error(str(field), str(refusal.values.get("fix") or refusal))
        return False
    return True


def _done(request: TenantRequest, team: Team | None, says: str) -> HttpResponse:
    messages.success(request, says)
    return redirect("team-endpoints", team.slug) if team else redirect("endpoints")


def _form_of(row: Endpoint) -> EndpointForm:
    values = {name: getattr(row, name) for name in ("name", "kind", "topics", "active")}
    return EndpointForm(initial=values, prefix=str(row.pk))

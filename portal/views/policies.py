"""Who approves what: the policies in their order, trying them out, groups, and absences."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from governance.approvers import delegations, groups, policies, trials
from governance.approvers.delegations import may_delegate
from inventory import teams, tiers
from portal import policies_shown
from portal.policy_forms import AbsenceForm, PolicyForm, TrialForm, filled, keyed
from portal.tenant_scope import TenantRequest
from tenancy import clock, memberships, periods, tenants
from tenancy.access import NotAllowed
from tenancy.refusals import Invalid, NotFound, Refused

if TYPE_CHECKING:
    from governance.models import ApprovalPolicy

#: How many requests a replay names.
SHOWN = 50


@require_http_methods(["GET", "HEAD", "POST"])
def policy_list(request: TenantRequest) -> HttpResponse:
    """The policies in force and to come, in their order; posted to, one is moved or ended."""
    policies_shown.look(request.actor)
    now = clock.now()
    if request.method == "POST":
        return _act(request, at=now)
    rows = policies.listed(at=now)
    found = {one.policy.pk: one.says for one in policies.findings(rows)}
    currency = tenants.billing().currency
    return render(
        request,
        "policies/list.html",
        {
            "lines": [policies_shown.line(row, currency, found.get(row.pk, "")) for row in rows],
            "groups": groups.listed(request.actor),
            "may_change": _may_change(request),
            "now": now,
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: TenantRequest) -> HttpResponse:
    """A policy more: what it would have asked for of late is shown before it is added."""
    policies_shown.look(request.actor)
    form = PolicyForm(_rows(request), request.POST or None)
    return _form(request, form, None, at=clock.now())


@require_http_methods(["GET", "HEAD", "POST"])
def one_policy(request: TenantRequest, policy: int) -> HttpResponse:
    """A policy: what it does to what was asked of late; changed, another takes its place."""
    policies_shown.look(request.actor)
    row = policies.one(request.actor, policy)
    initial = filled(policies.wanted_of(row))
    form = PolicyForm(_rows(request), request.POST or None, initial=initial)
    return _form(request, form, row, at=clock.now())


@require_safe
def trial(request: TenantRequest) -> HttpResponse:
    """Who would have to approve something that somebody might ask for."""
    return _tried(request, "policies/trial.html")


@require_safe
def trial_shown(request: TenantRequest) -> HttpResponse:
    """The same as a fragment, as one types."""
    return _tried(request, "policies/_trial.html")


@require_http_methods(["GET", "HEAD", "POST"])
def absences(request: TenantRequest) -> HttpResponse:
    """Who decides in whose place; posted to, a stand-in is named or an absence ended."""
    now = clock.now()
    form = AbsenceForm(
        request.POST or None, initial={"absent": request.actor.email}, label_suffix=""
    )
    if request.method == "POST":
        if request.POST.get("do") == "end":
            row = delegations.one(request.actor, _number(request, "delegation"))
            delegations.end(row, by=request.actor, at=now)
            messages.success(request, f"{row.absent.name} decides again.")
            return redirect("absences")
        if _named(request, form, at=now):
            return redirect("absences")
    return render(
        request,
        "policies/absences.html",
        {
            "form": form,
            "rows": [
                (row, row.effective_from <= now, may_delegate(request.actor, row.absent_id))
                for row in delegations.seen_by(request.actor).filter(effective_until__gt=now)
            ],
            "zone": tenants.billing().zone,
        },
        status=400 if form.errors else 200,
    )


def _may_change(request: TenantRequest) -> bool:
    try:
        policies.require(request.actor)
    except NotAllowed:
        return False
    return True


def _rows(request: TenantRequest) -> dict[str, dict[str, Any]]:
    """What forms choose among."""
    return keyed(
        teams=teams.seen_by(request.actor),
        products=tiers.offered(),
        groups=[one.row for one in groups.listed(request.actor)],
    )


def _act(request: TenantRequest, *, at: datetime) -> HttpResponse:
    actor, row = request.actor, policies.one(request.actor, _number(request, "policy"))
    order = [one.pk for one in policies.listed(at=at)]
    place = order.index(row.pk) if row.pk in order else 0
    match request.POST.get("do", ""):
        case "end":
            policies.end(row, by=actor, at=at, reason=request.POST.get("reason", ""))
            says = f"“{row.name}” counts no more. Requests that were sent keep what they need."
        case "up" | "down" as way:
            then = place - 1 if way == "up" else place + 2
            before = policies.one(actor, order[max(then, 0)]) if then < len(order) else None
            policies.move(row, before=before, by=actor, at=at)
            says = f"“{row.name}” is moved."
        case _:
            raise Invalid(field="do", fix="Use one of the page's buttons.")
    messages.success(request, says)
    return redirect("policies")


def _form(
    request: TenantRequest, form: PolicyForm, row: ApprovalPolicy | None, *, at: datetime
) -> HttpResponse:
    """The form of a policy, with what it would have asked for of late."""
    do = request.POST.get("do", "show")
    if request.method == "POST":
        policies.require(request.actor)
    if request.method == "POST" and form.is_valid() and do == "save":
        try:
            with transaction.atomic():
                saved = _saved(request, form, row, at=at)
        except Invalid as refused:
            form.take(refused)
        else:
            messages.success(request, f"“{saved.name}” counts from now on.")
            return redirect("policies")
    over = row is not None and row.effective_until is not None and row.effective_until <= at
    tried = row
    if form.is_bound:
        tried = form.wanted.row() if form.is_valid() else None
        if tried is not None and row is not None:
            tried.pk, tried.position = row.pk, row.position
    found = trials.replay(tried, at=at) if tried else None
    return render(
        request,
        "policies/form.html",
        {
            "form": form,
            "row": row,
            "over": over,
            "line": policies_shown.line(tried, tenants.billing().currency) if tried else None,
            "replay": found,
            "lines": policies_shown.replayed(found.met[:SHOWN]) if found else [],
            "differing": sum(one.differs for one in found.met) if found else 0,
            "may_change": _may_change(request) and not over,
            "days": trials.REPLAYED_DAYS,
        },
        status=400 if form.errors else 200,
    )


def _saved(
    request: TenantRequest, form: PolicyForm, row: ApprovalPolicy | None, *, at: datetime
) -> ApprovalPolicy:
    if row is None:
        return policies.add(form.wanted, by=request.actor, at=at)
    return policies.change(row, form.wanted, by=request.actor, at=at)


def _tried(request: TenantRequest, template: str) -> HttpResponse:
    policies_shown.look(request.actor)
    form = TrialForm(_rows(request), request.GET or None)
    route = None
    if form.is_bound and form.is_valid():
        route = policies_shown.route(trials.preview(form.imagined, at=clock.now()))
    return render(request, template, {"form": form, "route": route})


def _named(request: TenantRequest, form: AbsenceForm, *, at: datetime) -> bool:
    """Whether a stand-in was named; where it was refused the form says why."""
    if not form.is_valid():
        return False
    said, zone = form.cleaned_data, tenants.billing().zone
    found = {}
    for field in ("absent", "stand_in"):
        try:
            found[field] = memberships.member(said[field])
        except NotFound:
            form.add_error(field, "Nobody of this address belongs to the tenant.")
            return False
    wanted = delegations.Wanted(
        **found,
        from_instant=max(periods.midnight(said["first_day"], zone), at),
        until=periods.midnight(said["last_day"] + timedelta(days=1), zone),
        reason=said["reason"],
    )
    try:
        with transaction.atomic():
            row = delegations.delegate(wanted, by=request.actor, at=at)
    except Refused as refused:
        form.take(refused)
        return False
    messages.success(request, f"{row.stand_in.name} decides for {row.absent.name} then.")
    return True


def _number(request: TenantRequest, field: str) -> int:
    text = request.POST.get(field, "")
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise Invalid(field=field, fix="Use one of the page's buttons.")
    return int(text)

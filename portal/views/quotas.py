"""Quotas: what limits each subscription; a subject's limits with their history, set and cleared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from billing import freshness
from governance.consequences import shares
from governance.limits import effects, limited, quotas
from governance.limits.effects import Effect
from governance.limits.limited import Limited
from governance.limits.quotas import LimitChanged
from portal import limits_shown, plans, rights
from portal.limits_shown import Limits, Shown
from portal.plans import PlanMismatch
from portal.quota_forms import LimitForm
from portal.tenant_scope import TenantRequest
from portal.views import asked
from tenancy import clock, tenants
from tenancy.refusals import Invalid, Refused

if TYPE_CHECKING:
    from governance.consequences.shares import Share
    from inventory.models import Subscription

PAGE = 50
SHOWN = {
    "": "all",
    "own": "with a limit of its own",
    "inherited": "with inherited limits only",
    "changed": "changed by approval",
    "near": "80 % and more used",
    "reached": "reached",
    "none": "without any limit",
}
_SET = "quota.set"


@dataclass(frozen=True, slots=True)
class Row:
    """A subscription with all that limits it."""

    subscription: Subscription
    limits: Limits


@dataclass(frozen=True, slots=True)
class Told:
    """What a limit would do, as the form shows it before anything is saved."""

    effect: Effect
    before: Shown | None
    after: Shown | None
    breaks: tuple[Share, ...]


@require_safe
def quota_list(request: TenantRequest) -> HttpResponse:
    """Every subscription that the actor sees, with what limits it; filters are in the address."""
    now, billing = clock.now(), tenants.billing()
    show, search = request.GET.get("show", ""), request.GET.get("q", "").strip()
    if show not in SHOWN:
        raise Invalid(field="show", fix="Choose one of the list, or none.")
    found = limited.subscriptions_seen_by(request.actor, search=search)
    rows, count, number = _page(request, found, show, at=now)
    return render(
        request,
        "quotas/list.html",
        {
            "rows": rows,
            "count": count,
            "number": number,
            "pages": max(1, -(-count // PAGE)),
            "show": show,
            "shown": list(SHOWN.items()),
            "search": search,
            "filters": urlencode({"show": show, "q": search}),
            "fresh": freshness.of({one.gateway_id for one in found}),
            "currency": billing.currency,
            "may_set": rights.may_set_limits(request.actor),
            "subjects": [
                {"name": one.name, "address": reverse(one.route, args=one.keys)}
                for one in limited.groups_seen_by(request.actor)
            ],
        },
    )


def _page(
    request: TenantRequest, found: Sequence[Subscription], show: str, *, at: datetime
) -> tuple[tuple[Row, ...], int, int]:
    """The rows of the page, how many there are in all, and the page's number.

    Only a filter that is about limits has them read for all.
    """
    limits = _limits(found, at=at) if show else {}
    if show:
        found = tuple(one for one in found if _passes(limits[one.pk], show))
    number = min(asked.page(request), max(1, -(-len(found) // PAGE)))
    here = found[(number - 1) * PAGE : number * PAGE]
    if not show:
        limits = _limits(here, at=at)
    return tuple(Row(one, limits[one.pk]) for one in here), len(found), number


def _limits(found: Sequence[Subscription], *, at: datetime) -> dict[int, Limits]:
    known = limits_shown.of_many(quotas.of((one.pk for one in found), at=at))
    return {one.pk: known.get(one.pk, Limits(())) for one in found}


def _passes(limits: Limits, show: str) -> bool:
    rows = [one.limit for one in limits.rows]
    percents = [one.share.percent or 0 for one in limits.rows]
    return {
        "own": any(not one.inherited for one in rows),
        "inherited": bool(rows) and all(one.inherited for one in rows),
        "changed": any(one.extra for one in rows),
        "near": any(one >= 80 for one in percents),
        "reached": any(one.reached for one in rows),
        "none": not rows,
    }[show]


@require_http_methods(["GET", "HEAD", "POST"])
def of_subscription(request: TenantRequest, gateway: str, name: str) -> HttpResponse:
    """The limits of one subscription."""
    return _subject(request, limited.subscription(request.actor, gateway, name))


@require_http_methods(["GET", "HEAD", "POST"])
def of_product(request: TenantRequest, product: int) -> HttpResponse:
    """The limits that a product gives to each subscription to it."""
    rights.see_shared_limits(request.actor)
    return _subject(request, limited.product(request.actor, product))


@require_http_methods(["GET", "HEAD", "POST"])
def of_team(request: TenantRequest, slug: str) -> HttpResponse:
    """The limits of all that a team owns together."""
    return _subject(request, limited.team(request.actor, slug))


@require_http_methods(["GET", "HEAD", "POST"])
def of_cost_center(request: TenantRequest, code: str) -> HttpResponse:
    """The limits of all that is booked to a cost center together."""
    rights.see_shared_limits(request.actor)
    return _subject(request, limited.cost_center(request.actor, code))


def _subject(request: TenantRequest, found: Limited) -> HttpResponse:
    if request.method == "POST":
        rights.set_limits(request.actor)
        return _set(request, found)
    if "limit" in request.GET and rights.may_set_limits(request.actor):
        form = LimitForm(request.GET.dict() | {"reason": "-"}, billing=tenants.billing())
        return render(request, "quotas/_effect.html", _told(found, form))
    return _show(request, found, LimitForm(billing=tenants.billing()))


def _show(
    request: TenantRequest, found: Limited, form: LimitForm, **further: object
) -> HttpResponse:
    now = clock.now()
    ids = limited.concerned(found.subject, at=now)
    bindings = quotas.of(ids, at=now)
    return render(
        request,
        "quotas/subject.html",
        {
            "found": found,
            "form": form,
            "limits": limits_shown.of_subject(found, bindings, at=now),
            "concerned": len(ids),
            "history": quotas.history(found.subject),
            "now": now,
            "billing": tenants.billing(),
            "seen": quotas.newest(found.subject),
            "may_set": rights.may_set_limits(request.actor),
            **further,
        },
        status=400 if form.errors else 409 if further.get("stale") else 200,
    )


def _set(request: TenantRequest, found: Limited) -> HttpResponse:
    """Set it; what would suspend somebody at once is shown first and set when it was seen."""
    form = LimitForm(request.POST, billing=tenants.billing())
    if not form.is_valid():
        return _show(request, found, form)
    try:
        return _checked(request, found, form)
    except LimitChanged as refused:
        return _show(request, found, form, stale=str(refused))
    except Refused as refused:
        field = {"until": "until_day"}.get(name := str(refused.values.get("field")), name)
        if field not in form.fields:
            raise
        form.add_error(field, str(refused.values["fix"]))
        return _show(request, found, form)


def _checked(request: TenantRequest, found: Limited, form: LimitForm) -> HttpResponse:
    now, wanted = clock.now(), form.wanted
    seen = _number(request.POST.get("seen", ""))
    start = form.starts(at=now)
    inputs = {name: request.POST.get(name, "") for name in (*form.fields, "seen")}
    inputs["subject"] = f"{found.level} {found.subject.pk}"
    effect = effects.of(found.subject, wanted, from_instant=start, until=form.ends, at=now)
    if effect.needs_a_word and not _shown(request, inputs):
        told = _told(found, form)
        return _show(request, found, form, **told, plan=plans.token(_SET, inputs))
    quotas.set_limit(
        found.subject,
        wanted,
        from_instant=start,
        until=form.ends,
        by=request.actor.email,
        at=now,
        reason=form.cleaned_data["reason"],
        seen=seen,
    )
    messages.success(request, f"{found.name}: {wanted.says(tenants.billing().currency)}.")
    return redirect(request.path)


def _shown(request: TenantRequest, inputs: dict[str, str]) -> bool:
    """Whether the effect of exactly this was shown."""
    try:
        plans.require(request.POST.get("plan", ""), _SET, inputs)
    except PlanMismatch:
        return False
    return True


def _told(found: Limited, form: LimitForm) -> dict[str, object]:
    """The effect, or why there is none to show."""
    if not form.is_valid():
        return {"told": None, "wrong": "Give a limit to see what it would do."}
    now = clock.now()
    try:
        effect = effects.of(
            found.subject,
            form.wanted,
            from_instant=form.starts(at=now),
            until=form.ends,
            at=now,
        )
    except Refused as refused:
        return {"told": None, "wrong": str(refused)}
    touched = shares.effect_of_limit(found.subject, form.wanted, at=now)
    return {
        "told": Told(
            effect,
            limits_shown.alone(effect.before),
            limits_shown.alone(effect.after),
            tuple(one for one in touched if one.breaks),
        )
    }


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise Invalid(field="seen", fix="Open the page again.")
    return int(text)

"""Capacity paid by the hour: what it cost, what was reserved, who used it; and its changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from billing import capacity as costs
from billing import capacity_month, reservations
from billing.prices import capacity_meters
from billing.prices.capacity_meters import Wanted
from billing.rules.capacity import Kind
from portal import capacity_shown, plans, rights
from portal.capacity_forms import MeterForm, ReservationForm, WithdrawForm
from portal.plans import PlanMismatch
from portal.tenant_scope import TenantRequest
from portal.views import asked
from portal.views.asked import Month
from tenancy import clock, runs, tenants
from tenancy.refusals import Invalid, NotFound, Refused


@dataclass(frozen=True, slots=True)
class Wish:
    """One change that the page offers: what it is called, its inputs, and how it is made."""

    verb: str
    title: str
    button: str
    inputs: Mapping[str, str]
    change: Callable[[], object]
    done: str


@require_http_methods(["GET", "HEAD", "POST"])
def capacity(request: TenantRequest) -> HttpResponse:
    """The page of a month, and the two steps of each of its changes."""
    rights.see_prices(request.actor)
    if request.method != "POST":
        return _page(request, ReservationForm())
    rights.change_prices(request.actor)
    match request.POST.get("do"):
        case "reserve":
            return _reserve(request)
        case "withdraw":
            return _step(request, _withdrawal(request))
        case "meter":
            return _step(request, _meter(request))
        case _:
            raise Invalid(field="do", fix="Choose one of the page's forms.")


def _page(request: TenantRequest, form: ReservationForm) -> HttpResponse:
    now = clock.now()
    billing = tenants.billing()
    period = asked.month(request, billing, now=now)
    found = capacity_month.of(period, at=now)
    newest = runs.latest(costs.STEP)
    shown = capacity_shown.of(found, through=newest.finished_at if newest else None)
    return render(
        request,
        "prices/capacity.html",
        {
            "month": Month.of(period, now=now),
            "shown": shown,
            "through": newest.finished_at if newest else None,
            "bought": reservations.all_of_tenant(),
            "unmapped": _unmapped(),
            "form": form,
            "may_change": rights.may_change_prices(request.actor),
            "hosting": Kind.HOSTING.value,
        },
        status=400 if form.errors else 200,
    )


def _unmapped() -> tuple[Wanted, ...]:
    """What is paid by the hour and has no meter yet."""
    mapped = capacity_meters.mapped()
    return tuple(
        one for one in capacity_meters.by_the_hour() if (one.deployment.pk, one.sku) not in mapped
    )


def _reserve(request: TenantRequest) -> HttpResponse:
    form = ReservationForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    wish = form.wish()
    wanted = Wish(
        verb="reservation.purchase",
        title=f"Reservation {wish.name}",
        button="Enter this reservation",
        inputs=_inputs(request, "do", *form.fields),
        change=lambda: reservations.purchase(wish, by=request.actor.email, at=clock.now()),
        done=f"Reservation {wish.name} is entered. Its days are computed within the hour.",
    )
    try:
        return _step(request, wanted)
    except Refused as refused:
        if refused.field not in form.fields:
            raise
        form.add_error(refused.field, str(refused))
        return _page(request, form)


def _withdrawal(request: TenantRequest) -> Wish:
    form = WithdrawForm(request.POST)
    said = form.said()
    return Wish(
        verb="reservation.withdraw",
        title=f"Withdraw reservation {said['name']}",
        button="Withdraw this reservation",
        inputs=_inputs(request, "do", *form.fields),
        change=lambda: reservations.withdraw(
            said["name"], by=request.actor.email, at=clock.now(), reason=said["reason"]
        ),
        done=f"Reservation {said['name']} counts for nothing now. Its days go within the hour.",
    )


def _meter(request: TenantRequest) -> Wish:
    form = MeterForm(request.POST)
    said = form.said()
    found = [
        (one, meter)
        for one in capacity_meters.by_the_hour()
        for meter in one.meters
        if (str(one.deployment.pk), one.sku) == (said["deployment"], said["sku"])
        and meter.azure_id == said["meter"]
    ]
    if not found:
        raise NotFound(kind="meter of capacity")
    wanted, meter = found[0]
    return Wish(
        verb="capacity-meter.confirm",
        title=f"{wanted.deployment}, {wanted.sku} → {meter.meter_name}",
        button="Confirm this meter",
        inputs=_inputs(request, "do", *form.fields),
        change=lambda: capacity_meters.confirm(
            wanted.deployment,
            wanted.sku,
            meter,
            from_instant=capacity_meters.ALWAYS,
            by=request.actor.email,
            at=clock.now(),
            reason=said["reason"],
        ),
        done=f"{meter.meter_name} prices the hours of {wanted.deployment} within the hour.",
    )


def _inputs(request: TenantRequest, *names: str) -> dict[str, str]:
    return {name: str(request.POST.get(name, "")) for name in names}


def _step(request: TenantRequest, wanted: Wish) -> HttpResponse:
    """Show what a change does to the cost of capacity, or make it if it was shown."""
    stale = False
    if given := request.POST.get("plan"):
        try:
            plans.require(given, wanted.verb, wanted.inputs)
        except PlanMismatch:
            stale = True
        else:
            wanted.change()
            messages.success(request, wanted.done)
            return redirect(reverse("capacity"))
    effect = costs.effect_of(wanted.change, at=clock.now())
    return render(
        request,
        "prices/capacity_plan.html",
        {
            "wanted": wanted,
            "stale": stale,
            "plan": plans.token(wanted.verb, wanted.inputs),
            "fields": tuple(wanted.inputs.items()),
            "effect": capacity_shown.plan(effect),
            "back": reverse("capacity"),
        },
    )

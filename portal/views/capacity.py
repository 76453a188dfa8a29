"""Capacity paid by the hour: what it cost, what was reserved, who used it; and its changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from billing import capacity as costs
from billing import capacity_month, reservations
from billing.prices import capacity_meters, meters
from billing.prices.capacity_meters import Wanted
from billing.prices.mapping import ALWAYS
from billing.rules.capacity import Kind
from portal import capacity_shown, rights
from portal.capacity_forms import MeterForm, ReservationForm, WithdrawForm
from portal.tenant_scope import TenantRequest
from portal.views import asked, planned
from portal.views.asked import Month
from portal.views.planned import Step
from tenancy import clock, runs, tenants
from tenancy.refusals import Invalid, NotFound, Refused

if TYPE_CHECKING:
    from billing.models import Meter


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
            return planned.step(request, _withdrawal(request))
        case "meter":
            return planned.step(request, _meter(request))
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
            **_meters(),
            "form": form,
            "may_change": rights.may_change_prices(request.actor),
            "hosting": Kind.HOSTING.value,
        },
        status=400 if form.errors else 200,
    )


def _meters() -> dict[str, object]:
    """What is paid by the hour and has no meter yet, and what has which."""
    held = capacity_meters.held()
    wanted = [
        (one, held.get((one.deployment.pk, one.sku))) for one in capacity_meters.by_the_hour()
    ]
    return {
        "unmapped": [one for one, rows in wanted if not rows],
        "mapped": [(one, rows) for one, rows in wanted if rows],
        "always": ALWAYS,
    }


def _reserve(request: TenantRequest) -> HttpResponse:
    form = ReservationForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    wish = form.wish()
    wanted = Step(
        verb="reservation.purchase",
        title=f"Reservation {wish.name}",
        button="Enter this reservation",
        inputs=_inputs(request, "do", *form.fields),
        change=lambda: reservations.purchase(wish, by=request.actor.email, at=clock.now()),
        done=f"Reservation {wish.name} is entered. Its days are computed within the hour.",
        back=reverse("capacity"),
    )
    try:
        return planned.step(request, wanted)
    except Refused as refused:
        if refused.field not in form.fields:
            raise
        form.add_error(refused.field, str(refused))
        return _page(request, form)


def _withdrawal(request: TenantRequest) -> Step:
    form = WithdrawForm(request.POST)
    said = form.said()
    return Step(
        verb="reservation.withdraw",
        title=f"Withdraw reservation {said['name']}",
        button="Withdraw this reservation",
        inputs=_inputs(request, "do", *form.fields),
        change=lambda: reservations.withdraw(
            said["name"], by=request.actor.email, at=clock.now(), reason=said["reason"]
        ),
        done=f"Reservation {said['name']} counts for nothing now. Its days go within the hour.",
        back=reverse("capacity"),
    )


def _meter(request: TenantRequest) -> Step:
    form = MeterForm(request.POST)
    said = form.said()
    wanted = _wanted(said["deployment"], said["sku"])
    meter = _named(said["other"] or said["meter"])
    since = said["since"] or ALWAYS
    return Step(
        verb="capacity-meter.confirm",
        title=f"{wanted.deployment}, {wanted.sku} → {meter.meter_name}",
        button="Confirm this meter",
        inputs=_inputs(request, "do", *form.fields),
        change=lambda: capacity_meters.confirm(
            wanted.deployment,
            wanted.sku,
            meter,
            from_instant=since,
            by=request.actor.email,
            at=clock.now(),
            reason=said["reason"],
        ),
        done=f"{meter.meter_name} prices the hours of {wanted.deployment} within the hour.",
        back=reverse("capacity"),
    )


def _wanted(deployment: str, sku: str) -> Wanted:
    for one in capacity_meters.by_the_hour():
        if (str(one.deployment.pk), one.sku) == (deployment, sku):
            return one
    raise NotFound(kind="deployment that is paid by the hour")


def _named(azure_id: str) -> Meter:
    found = meters.by_azure_id([azure_id]).get(azure_id)
    if found is None:
        raise Invalid(field="meter", fix="Choose one, or give the id of one under Prices → Meters.")
    return found


def _inputs(request: TenantRequest, *names: str) -> dict[str, str]:
    return {name: str(request.POST.get(name, "")) for name in names}

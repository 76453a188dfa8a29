"""One deployment's mappings: what holds and held, what is proposed, and a change by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from billing.prices import mapping, meters, proposals
from billing.prices.mapping import Choice
from billing.prices.proposals import Proposed
from billing.rules.token_classes import TokenClass
from portal import figures, rights
from portal.tenant_scope import TenantRequest
from portal.views import planned
from portal.views.mappings import CAPACITY, Offer, offers
from portal.views.planned import Step
from tenancy import clock
from tenancy.refusals import Invalid

if TYPE_CHECKING:
    from billing.models import Meter
    from inventory.models import Deployment

VERB = "change-mapping"


@dataclass(frozen=True, slots=True)
class Search:
    """The class whose meter is looked for, the words, and what fits."""

    token_class: TokenClass
    text: str
    proposed: tuple[Offer, ...]
    found: tuple[Offer, ...]
    confidence: str
    reasons: tuple[str, ...]


@require_http_methods(["GET", "HEAD", "POST"])
def one_mapping(request: TenantRequest, deployment: int) -> HttpResponse:
    """The deployment's page; a POST changes one class's mapping, its effect shown first."""
    rights.see_prices(request.actor)
    deployed = mapping.deployment(request.actor, deployment)
    if request.method == "POST":
        return _change(request, deployed)
    chosen = _class(request.GET.get("class", ""))
    found = proposals.of_deployment(deployed, at=clock.now(), used=[chosen] if chosen else ())
    return render(
        request,
        "prices/mapping.html",
        {
            "deployed": deployed,
            "may_change": rights.may_change_prices(request.actor),
            "found": found,
            "history": mapping.history(deployed),
            "classes": list(TokenClass),
            "search": _search(request, deployed, chosen, found) if chosen else None,
            "most": meters.MOST_FOUND,
        },
    )


def _search(
    request: TenantRequest,
    deployed: Deployment,
    chosen: TokenClass,
    found: tuple[Proposed, ...],
) -> Search:
    text = request.GET.get("text", "").strip()
    one = next(each for each in found if each.token_class is chosen)
    named = offers(one)
    known = {offer.value for offer in named}
    rows = meters.search(deployed.region, text, token_class=chosen) if text else []
    return Search(
        token_class=chosen,
        text=text,
        proposed=named,
        found=tuple(_offer(meter) for meter in rows if meter.azure_id not in known),
        confidence=f"{one.proposal.confidence:.2f}",
        reasons=one.proposal.reasons,
    )


def _offer(meter: Meter) -> Offer:
    gone = ", not listed any more" if meter.vanished_at else ""
    return Offer(meter.azure_id, meter.meter_name, f"{meter.product_name}{gone}")


def _change(request: TenantRequest, deployed: Deployment) -> HttpResponse:
    rights.change_prices(request.actor)
    posted = {name: request.POST.get(name, "").strip() for name in _FIELDS}
    chosen = _class(posted["class"])
    if chosen is None:
        raise Invalid(field="class", fix="Choose a token class.")
    if not posted["reason"]:
        raise Invalid(field="reason", fix="Say why; it stays in the history.")
    by, now = request.actor.email, clock.now()
    choice = Choice(
        deployment=deployed,
        token_class=chosen,
        meter=_meter(posted["meter"]),
        reason=posted["reason"],
        from_instant=_instant(posted["from"]),
    )
    name = choice.meter.meter_name if choice.meter else "no meter, capacity is paid for"
    since = f", from {figures.start(choice.from_instant)}" if choice.from_instant else ""
    query = urlencode({"class": chosen})
    return planned.step(
        request,
        Step(
            verb=VERB,
            title=f"Map {deployed.name or '(unnamed)'}, {chosen.label}",
            button="Confirm and rate again",
            inputs={"deployment": str(deployed.pk), **posted},
            change=lambda: mapping.confirm_many([choice], by=by, at=now),
            done=f"{chosen.label.capitalize()} is mapped. Its days are rated within a minute.",
            back=f"{reverse('mapping', args=[deployed.pk])}?{query}",
        ),
        context={"told": [f"{deployed.name}, {chosen.label}: {name}{since}"]},
    )


_FIELDS = ("class", "meter", "from", "reason")


def _class(text: str) -> TokenClass | None:
    if not text:
        return None
    try:
        return TokenClass(text)
    except ValueError:
        raise Invalid(field="class", fix="Choose one of the list.") from None


def _meter(value: str) -> Meter | None:
    """The meter of an id; None for covered by capacity."""
    if value == CAPACITY:
        return None
    found = meters.by_azure_id([value]).get(value)
    if found is None:
        raise Invalid(field="meter", fix="Choose a meter.")
    return found


def _instant(text: str) -> datetime | None:
    """The instant of a form's date and time, read as UTC; None where it was left empty."""
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(field="from", fix="Give a date and time, such as 2026-11-01T00:00.") from None
    instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    if not mapping.ALWAYS <= instant < _LATEST:
        raise Invalid(field="from", fix="Give a date from 2020 to 2199.")
    return instant


_LATEST = datetime(2200, 1, 1, tzinfo=UTC)

"""The calculator: what calls would cost with a model, by use and with provisioned throughput."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing.mixes import Mix
from billing.prices import estimates
from billing.prices.estimates import MOST_MODELS, Answer, Offer
from billing.rules import ptu_throughput
from billing.rules.offers import DeploymentType
from inventory import teams
from portal import comparison, crossing, estimating
from portal.comparison import Comparison
from portal.crossing import Crossing
from portal.estimating import Choice, Filled, Number
from portal.tenant_scope import TenantRequest
from tenancy import clock, periods, tenants
from tenancy.access import Actor

_USUAL_REGION = "swedencentral"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the form with what stands in it, and what is wrong with that."""

    number: Number
    text: str
    fault: str


@dataclass(frozen=True, slots=True)
class Pick:
    """One of the places for a model: what is chosen, and whether the list has it."""

    number: int
    chosen: str
    listed: bool


@dataclass(frozen=True, slots=True)
class Source:
    """Whose last month one may fill in: a team, and the subscriptions it owns today."""

    slug: str
    name: str
    subscriptions: tuple[str, ...]


@require_safe
def calculator(request: TenantRequest) -> HttpResponse:
    """The form, and what it asks: everything is in the address."""
    now, billing = clock.now(), tenants.billing()
    asked = request.GET
    filled = estimating.filled(
        request.actor,
        subscription=asked.get("subscription", ""),
        team=asked.get("team", ""),
        at=now,
    )
    mix = filled.mix if filled else None
    choice = _choice(request, mix)
    texts = estimating.texts(asked.dict(), mix)
    faults: Mapping[str, str] = {}
    answers: tuple[Answer, ...] = ()
    shown: Comparison | None = None
    if _is_asked(request, filled):
        question = estimating.question(choice, texts, at=now)
        faults = question.faults
        if question.asked:
            answers = estimates.estimate(question.asked, at=now, currency=billing.currency)
            found = [one.estimate for one in answers if one.estimate]
            if found:
                shown = comparison.of(found, question.asked.load.first_days)
    return render(
        request,
        "prices/calculator.html",
        {
            **_form(choice, texts, faults),
            "sources": _sources(request.actor, now=now),
            "filled": filled,
            "given": _given(request),
            "currency": billing.currency,
            "answers": answers,
            "refused": [one for one in answers if one.refused],
            "shown": shown,
            "crossing": _crossing(shown),
            "figures_source": ptu_throughput.SOURCE,
        },
    )


def _is_asked(request: TenantRequest, filled: Filled | None) -> bool:
    """Whether there is something to estimate: the form was sent, or a mix fills all of it."""
    if filled:
        return filled.mix is not None and bool(filled.mix.models or request.GET.get("model"))
    return "calls" in request.GET


def _crossing(shown: Comparison | None) -> tuple[str, Crossing] | None:
    """The drawing of the first model that has one, with its name."""
    for estimate in shown.estimates if shown else ():
        drawn = crossing.crossing(estimate)
        if drawn:
            return estimate.model, drawn
    return None


def _choice(request: TenantRequest, mix: Mix | None) -> Choice:
    """What is chosen; without a region the usual one, where the list has it."""
    asked = request.GET
    choice = estimating.chosen(
        asked.getlist("model"),
        deployment_type=asked.get("deployment_type", ""),
        region=asked.get("region", ""),
        mix=mix,
    )
    if choice.region:
        return choice
    regions = estimates.regions()
    usual = _USUAL_REGION if _USUAL_REGION in regions else next(iter(regions), "")
    return replace(choice, region=usual)


def _given(request: TenantRequest) -> list[tuple[str, str]]:
    """What was chosen and stays so when a mix is filled in."""
    kept = [("model", name) for name in estimating.models_of(request.GET.getlist("model"))]
    return kept + [
        (name, request.GET[name]) for name in ("deployment_type", "region") if name in request.GET
    ]


def _form(choice: Choice, texts: Mapping[str, str], faults: Mapping[str, str]) -> dict[str, object]:
    known = choice.deployment_type in list(DeploymentType)
    kind = DeploymentType(choice.deployment_type) if known else DeploymentType.GLOBAL
    offers = estimates.offered(kind, choice.region)
    return {
        "choice": choice,
        "faults": faults,
        "load": _fields(estimating.LOAD, texts, faults),
        "units": _fields(estimating.UNITS, texts, faults),
        "offers": offers,
        "picks": _picks(choice.models, offers),
        "types": [(one.value, one.label) for one in DeploymentType],
        "regions": estimates.regions(),
    }


def _fields(
    numbers: Sequence[Number], texts: Mapping[str, str], faults: Mapping[str, str]
) -> list[Field]:
    return [Field(one, texts[one.name], faults.get(one.name, "")) for one in numbers]


def _picks(models: Sequence[str], offers: Sequence[Offer]) -> list[Pick]:
    listed = {one.name for one in offers}
    chosen = [*models[:MOST_MODELS], *[""] * (MOST_MODELS - len(models))]
    return [Pick(number, name, not name or name in listed) for number, name in enumerate(chosen, 1)]


def _sources(actor: Actor, *, now: datetime) -> list[Source]:
    """The teams that the actor sees, with what they own today."""
    seen = teams.seen_by(actor)
    today = periods.local_day(now, tenants.billing().zone)
    owned = teams.owned([team.pk for team in seen], on=today)
    return [
        Source(
            team.slug,
            team.name,
            tuple(f"{one.gateway.name}/{one.name}" for one in owned.get(team.pk, ())),
        )
        for team in seen
    ]

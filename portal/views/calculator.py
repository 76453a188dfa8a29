"""The calculator: what calls would cost with a model, by use and with provisioned throughput."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing import mixes
from billing.mixes import Mix
from billing.prices import estimates
from billing.prices.estimates import MOST_MODELS, Answer, Offer
from billing.rules import ptu_throughput
from billing.rules.offers import DeploymentType
from inventory import subscriptions, teams
from portal import comparison, crossing, estimating
from portal.comparison import Comparison
from portal.crossing import Crossing
from portal.estimating import Choice, Number
from portal.tenant_scope import TenantRequest
from tenancy import clock, periods, tenants
from tenancy.access import Actor
from tenancy.periods import Period

_USUAL_REGION = "swedencentral"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the form with what stands in it, and what is wrong with that."""

    number: Number
    text: str
    fault: str


@dataclass(frozen=True, slots=True)
class Filled:
    """From whose last month the fields were filled; ``mix`` None: there was no call with tokens."""

    whose: str
    period: Period
    mix: Mix | None


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
    filled = _filled(request, now=now)
    choice, texts = _choice(request, filled), _texts(request, filled)
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


def _filled(request: TenantRequest, *, now: datetime) -> Filled | None:
    """The mix of whom the address names.

    Raises:
        NotFound: it names nobody that the actor may see.
    """
    actor, billing = request.actor, tenants.billing()
    period = billing.month_at(now).previous()
    if path := request.GET.get("subscription"):
        gateway, _, name = path.partition("/")
        subscription = subscriptions.one(actor, gateway, name)
        return Filled(subscription.name, period, mixes.of([subscription], period))
    if slug := request.GET.get("team"):
        team = teams.one(actor, slug)
        owned = teams.owned([team.pk], on=periods.local_day(now, billing.zone))
        return Filled(team.name, period, mixes.of(owned.get(team.pk, ()), period))
    return None


def _choice(request: TenantRequest, filled: Filled | None) -> Choice:
    mix = filled.mix if filled else None
    regions = estimates.regions()
    usual = _USUAL_REGION if _USUAL_REGION in regions else next(iter(regions), "")
    kind = mix.deployment_type if mix and mix.deployment_type in list(DeploymentType) else ""
    models = estimating.models_of(request.GET.getlist("model"))
    return Choice(
        models=models or (mix.models[:MOST_MODELS] if mix else ()),
        deployment_type=request.GET.get("deployment_type") or kind or DeploymentType.GLOBAL,
        region=request.GET.get("region", "").strip() or (mix.region if mix else "") or usual,
    )


def _texts(request: TenantRequest, filled: Filled | None) -> dict[str, str]:
    """What stands in each field: as sent, else from the mix, else the usual."""
    mix = filled.mix if filled else None
    from_mix = (
        {
            "calls": mix.calls,
            "input_tokens": mix.input_tokens,
            "cached_tokens": mix.cached_tokens,
            "output_tokens": mix.output_tokens,
        }
        if mix
        else {}
    )
    return {
        one.name: request.GET.get(one.name, str(from_mix.get(one.name, one.default or "")))
        for one in estimating.NUMBERS
    }


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

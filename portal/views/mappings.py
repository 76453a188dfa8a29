"""Mappings: what has no price and what it may hide, what is proposed, many confirmed at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from billing.prices import mapping, proposals, unpriced
from billing.prices.mapping import Choice
from billing.prices.proposals import Proposed
from billing.prices.unpriced import Gap
from billing.rules.meters.matching import MOST_OF_SEVERAL
from billing.rules.meters.proposing import Candidate
from portal import figures, rights
from portal.tenant_scope import TenantRequest
from portal.views import asked, planned
from portal.views.planned import Step
from tenancy import clock, tenants
from tenancy.money import Money
from tenancy.refusals import Invalid

if TYPE_CHECKING:
    from billing.models import Meter

VERB = "confirm-mappings"
#: The value of a choice without a meter: the capacity is paid for.
CAPACITY = "capacity"
SHOWN = {
    "": "everything",
    "unpriced": "without a price",
    "unmapped": "not mapped",
    "differs": "mapped otherwise than proposed",
}
ON_A_PAGE = 100


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing to choose for a class: a meter, or that capacity covers it."""

    value: str
    name: str
    about: str


@dataclass(frozen=True, slots=True)
class Row:
    """A deployment's class as the page shows it. ``estimate`` is a text; empty: unknown."""

    one: Proposed
    key: str
    offers: tuple[Offer, ...]
    gap: Gap | None = None
    estimate: str = ""

    @property
    def confidence(self) -> str:
        return f"{self.one.proposal.confidence:.2f}"

    @property
    def choosable(self) -> bool:
        """Whether there is anything to confirm that is not so already."""
        return bool(self.offers) and (self.one.mapping is None or self.one.differs)

    @property
    def is_sure(self) -> bool:
        """Whether the proposed meter is chosen unless a person chooses another."""
        return self.one.is_proposed and self.one.proposal.confidence > MOST_OF_SEVERAL

    @property
    def held(self) -> str:
        """What is mapped now; empty: nothing."""
        if self.one.mapping is None:
            return ""
        return self.one.mapping.meter.meter_name if self.one.mapping.meter else CAPACITY


@dataclass(frozen=True, slots=True)
class Filters:
    """What the page was asked to show."""

    show: str
    model: str
    text: str

    @classmethod
    def of(cls, request: TenantRequest) -> Filters:
        """The filters of the address.

        Raises:
            Invalid: ``show`` is none of the list.
        """
        show = request.GET.get("show", "")
        if show not in SHOWN:
            raise Invalid(field="show", fix="Choose one of the list, or none.")
        return cls(show, request.GET.get("model", ""), request.GET.get("text", "").strip())

    def let(self, one: Proposed) -> bool:
        """Whether a class passes, by its model and the text."""
        deployed = one.deployment
        meter = one.mapping.meter if one.mapping else one.meter
        told = (
            f"{deployed.name} {deployed.host} {deployed.model} {meter.meter_name if meter else ''}"
        )
        return self.model in ("", deployed.model) and self.text.lower() in told.lower()

    def shows(self, one: Proposed) -> bool:
        """Whether a class without usage that lacks a price is listed."""
        if self.show == "unmapped":
            return one.mapping is None and self.let(one)
        if self.show == "differs":
            return one.differs and self.let(one)
        return self.show == "" and self.let(one)

    @property
    def query(self) -> str:
        """The same as part of an address."""
        return urlencode({"show": self.show, "model": self.model, "text": self.text})


@require_http_methods(["GET", "HEAD", "POST"])
def mappings(request: TenantRequest) -> HttpResponse:
    """The queue and every other class; a POST confirms what was ticked, its effect shown first."""
    rights.see_prices(request.actor)
    now = clock.now()
    used = unpriced.usage()
    found = proposals.of_tenant(at=now, used=unpriced.classes(used))
    if request.method == "POST":
        return _confirm(request, {key_of(one): one for one in found})
    filters, number = Filters.of(request), asked.page(request)
    gaps = unpriced.gaps(used, found, at=now)
    waiting = {key_of(gap.proposed) for gap in gaps}
    others = [one for one in found if key_of(one) not in waiting and filters.shows(one)]
    first = (number - 1) * ON_A_PAGE
    return render(
        request,
        "prices/mappings.html",
        {
            "may_change": rights.may_change_prices(request.actor),
            "filters": filters,
            "shown": list(SHOWN.items()),
            "models": sorted({one.deployment.model for one in found if one.deployment.model}),
            "rule": mapping.threshold(),
            "currency": tenants.billing().currency,
            "waiting": len(gaps),
            "queue": [
                _row(gap.proposed, gap)
                for gap in gaps
                if filters.show != "differs" and filters.let(gap.proposed)
            ],
            "rows": [_row(one) for one in others[first : first + ON_A_PAGE]],
            "total": len(others),
            "number": number,
            "pages": max(1, -(-len(others) // ON_A_PAGE)),
        },
    )


def key_of(one: Proposed) -> str:
    """What names a deployment's class in a form."""
    return f"{one.deployment.pk}:{one.token_class}"


def offers(one: Proposed) -> tuple[Offer, ...]:
    """What is proposed for a class, then the alternatives in their order."""
    best = one.proposal.best
    found = [*([best] if best else []), *one.proposal.alternatives]
    named = [_offer(each) for each in found]
    if one.proposal.covered:
        named.append(Offer(CAPACITY, "no meter: capacity is paid for", one.proposal.says))
    return tuple(named)


def _offer(candidate: Candidate[Meter]) -> Offer:
    against = "; ".join(candidate.against)
    return Offer(
        candidate.of.azure_id,
        f"{candidate.of.meter_name} ({candidate.confidence:.2f})",
        f"{candidate.of.product_name}. {against}" if against else candidate.of.product_name,
    )


def _row(one: Proposed, gap: Gap | None = None) -> Row:
    return Row(one, key_of(one), offers(one), gap, _estimate(gap) if gap else "")


def _estimate(gap: Gap) -> str:
    if gap.low is None or gap.high is None:
        return ""
    low, high = _amount(gap.low), _amount(gap.high)
    return low if low == high else f"{low} to {high}"


def _amount(amount: Money) -> str:
    text = figures.plain(amount)
    return "under 0.01" if amount.amount and text == "0.00" else text


def _confirm(request: TenantRequest, found: Mapping[str, Proposed]) -> HttpResponse:
    rights.change_prices(request.actor)
    keys = request.POST.getlist("choose")
    if not keys:
        raise Invalid(field="choose", fix="Tick at least one class.")
    why, now = request.POST.get("reason", "").strip(), clock.now()
    picked = {name_of(key): request.POST.get(name_of(key), "") for key in keys}
    choices = [_choice(found.get(key), picked[name_of(key)], why) for key in keys]
    by = request.actor.email
    classes = "class" if len(keys) == 1 else "classes"
    return planned.step(
        request,
        Step(
            verb=VERB,
            title=f"Map {len(keys)} {classes}",
            button="Confirm and rate again",
            inputs={"choose": keys, "reason": why, **picked},
            change=lambda: mapping.confirm_many(choices, by=by, at=now),
            done=f"{len(keys)} {classes} mapped. Their days are rated again within a minute.",
            back=reverse("mappings"),
        ),
        context={"told": _told(choices)},
    )


def name_of(key: str) -> str:
    """The name of the field that says what to choose for a class."""
    return f"meter:{key}"


def _choice(one: Proposed | None, value: str, why: str) -> Choice:
    if one is None:
        raise Invalid(field="choose", fix="A class is not there any more. Load the page again.")
    if value not in {offer.value for offer in offers(one)}:
        named = f"{one.deployment.name}, {one.token_class.label}"
        raise Invalid(field="meter", fix=f"Choose one of the meters offered for {named}.")
    candidates = [*([one.proposal.best] if one.proposal.best else []), *one.proposal.alternatives]
    chosen = next((each for each in candidates if each.of.azure_id == value), None)
    return Choice(
        deployment=one.deployment,
        token_class=one.token_class,
        meter=chosen.of if chosen else None,
        reason=why or _reason(one, chosen),
        units_per_price=chosen.units_per_price if chosen else 1,
    )


def _reason(one: Proposed, chosen: Candidate[Meter] | None) -> str:
    if chosen is None or chosen is one.proposal.best:
        return mapping.reason(one)
    return f"Confidence {chosen.confidence:.2f}: {'; '.join(chosen.reasons)}."


def _told(choices: Iterable[Choice]) -> Sequence[str]:
    return [
        f"{one.deployment.name}, {one.token_class.label}: "
        f"{one.meter.meter_name if one.meter else 'no meter, capacity is paid for'}"
        for one in choices
    ]

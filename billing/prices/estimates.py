"""Estimates: what calls would cost with the prices in force, by use and with PTUs.

Prices are the tenant's own (`price_terms`), in its billing currency, with the list's beside them.
Whatever the list leaves open is refused and said, model by model; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext

from billing import price_terms
from billing.models import Meter
from billing.price_terms import Term
from billing.prices import meters, throughput
from billing.prices.stock import Stock, stocked
from billing.prices.throughput import Provisioned
from billing.rules import estimating, offers
from billing.rules.estimating import WIDE, Load, Month, Peak
from billing.rules.offers import DeploymentType, Family
from billing.rules.token_classes import CHARGED_AS, LONG, TokenClass
from tenancy.refusals import Refused

MOST_MODELS = 4
_WRITES = (TokenClass.CACHE_WRITE, TokenClass.LONG_CACHE_WRITE)


class NotOffered(Refused):
    code = "model-not-offered"
    status = 400
    field = "model"
    text = "The price list has no {model} as {kind} in {region}. Choose one of its models."


class SeveralVersions(Refused):
    code = "model-ambiguous"
    status = 400
    field = "model"
    text = "{model} is offered in several versions. Choose one: {choices}."


class SeveralMeters(Refused):
    code = "meters-ambiguous"
    field = "model"
    text = "Two meters with different prices say {token_class} of {model}: {meters}."


class NoPrice(Refused):
    code = "price-missing"
    field = "model"
    text = (
        "The price list has no {classes} price for {model} as {kind} in {region}. Without it the"
        " estimate would be too low."
    )


class NoRate(Refused):
    code = "exchange-rate-missing"
    field = "model"
    text = "Its prices are in {currencies}, and there is no exchange rate to add them with."


@dataclass(frozen=True, slots=True)
class Asked:
    """What to estimate. ``units`` are figures that replace Microsoft's for every model."""

    models: tuple[str, ...]
    deployment_type: DeploymentType
    region: str
    load: Load
    peak: Peak
    units: throughput.Given


@dataclass(frozen=True, slots=True)
class Priced:
    """A call's tokens of one class, and the meter they are priced by.

    Unit prices are per token, in ``currency``, the estimate's; ``list_unit_price`` is None where
    the list's is not believed or not convertible. ``sheet`` names the price sheet that made the
    price, empty: none did.
    """

    token_class: TokenClass
    tokens: int
    azure_id: str
    meter_name: str
    product: str
    region: str
    currency: str
    unit_price: Decimal
    list_unit_price: Decimal | None
    since: datetime
    sheet: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the load costs with one model. ``at_list`` is None where a list price is missing.

    ``converted`` says whether the amounts are in the billing currency.
    """

    model: str
    currency: str
    converted: bool
    prices: tuple[Priced, ...]
    months: tuple[Month, ...]
    at_list: tuple[Month, ...] | None
    notes: tuple[str, ...]
    provisioned: Provisioned

    @property
    def whole(self) -> Month:
        """All months as one."""
        return estimating.whole(self.months)


@dataclass(frozen=True, slots=True)
class Answer:
    """One model's estimate, or why there is none."""

    asked: str
    estimate: Estimate | None = None
    refused: Refused | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A model to choose from, and whether it can be asked and answers: input and output."""

    name: str
    complete: bool


def regions() -> tuple[str, ...]:
    """The regions that the list has meters for, by name."""
    found = Meter.objects.filter(vanished_at=None).exclude(region__in=("", "Global"))
    return tuple(found.order_by("region").values_list("region", flat=True).distinct())


def offered(deployment_type: DeploymentType, region: str) -> tuple[Offer, ...]:
    """The models that the list has in a region for a deployment type."""
    return tuple(
        Offer(one.name, {TokenClass.INPUT, TokenClass.OUTPUT} <= set(one.meters))
        for one in offers.families(deployment_type, meters.readings({region})[region])
    )


def estimate(asked: Asked, *, at: datetime, currency: str) -> tuple[Answer, ...]:
    """Each model's estimate, or why it has none, in the order asked."""
    readings = meters.readings({asked.region})[asked.region]
    listed = offers.families(asked.deployment_type, readings)
    chosen = [(name, _family(name, asked, listed)) for name in asked.models]
    families = [one for _, one in chosen if isinstance(one, Family)]
    units = {
        vendor: throughput.meters(asked.deployment_type.scope, vendor, readings)
        for vendor in {one.vendor for one in families}
    }
    tokens_of = (meter for one in families for meters in one.meters.values() for meter in meters)
    hours_of = (meter for one in units.values() for meter in one.hourly)
    stock = stocked((*tokens_of, *hours_of), at=at)
    return tuple(
        _answer(name, _Question(asked, one, units[one.vendor], stock, currency))
        if isinstance(one, Family)
        else Answer(name, refused=one)
        for name, one in chosen
    )


@dataclass(frozen=True, slots=True)
class _Question:
    """One model of what is asked, with all that is needed to answer."""

    asked: Asked
    family: Family[Meter]
    units: throughput.Meters
    stock: Stock
    billed: str


def _answer(name: str, question: _Question) -> Answer:
    try:
        return Answer(name, estimate=_estimate(question))
    except Refused as refusal:
        return Answer(name, refused=refusal)


def _family(name: str, asked: Asked, listed: Sequence[Family[Meter]]) -> Family[Meter] | Refused:
    found = offers.asked_for(name, listed)
    if not found:
        return NotOffered(model=name, kind=asked.deployment_type.label, region=asked.region)
    if len(found) > 1:
        return SeveralVersions(model=name, choices=", ".join(one.name for one in found))
    return found[0]


def _estimate(question: _Question) -> Estimate:
    load, family = question.asked.load, question.family
    tokens = estimating.per_call(load, family.meters)
    chosen = _chosen(question, tokens)
    currency = _currency(question, [term for _, term in chosen.values()])
    prices = tuple(
        _priced(one, count, *chosen[one], question.stock, currency) for one, count in tokens.items()
    )
    paid = {one.token_class: one.unit_price for one in prices}
    at_list = {
        one.token_class: one.list_unit_price for one in prices if one.list_unit_price is not None
    }
    return Estimate(
        model=family.name,
        currency=currency,
        converted=currency == question.billed,
        prices=prices,
        months=estimating.by_use(load, tokens, paid),
        at_list=(estimating.by_use(load, tokens, at_list) if len(at_list) == len(prices) else None),
        notes=tuple(_notes(load, family, tokens)),
        provisioned=_provisioned(question, tokens, paid, currency),
    )


def _provisioned(
    question: _Question,
    tokens: Mapping[TokenClass, int],
    paid: Mapping[TokenClass, Decimal],
    currency: str,
) -> Provisioned:
    asked = question.asked
    with localcontext(WIDE):
        call_cost = sum((count * paid[one] for one, count in tokens.items()), Decimal(0))
    wanted = throughput.Wanted(
        model=question.family.model,
        scope=asked.deployment_type.scope,
        load=asked.load,
        peak=asked.peak,
        given=asked.units,
        call_cost=call_cost,
    )
    return throughput.provisioned(
        wanted, throughput.priced(question.units, question.stock, currency=currency)
    )


def _chosen(
    question: _Question, tokens: Iterable[TokenClass]
) -> dict[TokenClass, tuple[Meter, Term]]:
    """The meter and term of each class.

    Raises:
        SeveralMeters, NoPrice: the list says two prices, or none that is believed.
    """
    family, found, missing = question.family, {}, []
    for token_class in tokens:
        charged_as = CHARGED_AS.get(token_class, token_class)
        meters = family.meters.get(token_class) or family.meters.get(charged_as, ())
        priced = question.stock.priced(meters)
        if len({(term.unit_price, term.currency) for _, term in priced}) > 1:
            raise SeveralMeters(
                token_class=token_class.label,
                model=family.name,
                meters=" and ".join(f"“{meter.meter_name}”" for meter, _ in priced),
            )
        if priced:
            found[token_class] = priced[0]
        else:
            missing.append(token_class.label)
    if missing:
        raise NoPrice(
            classes=" and no ".join(missing),
            model=family.name,
            kind=question.asked.deployment_type.label,
            region=question.asked.region,
        )
    return found


def _currency(question: _Question, terms: Iterable[Term]) -> str:
    """The billing currency where every price converts to it, else the prices' own."""
    currencies = {str(term.currency) for term in terms}
    if all(question.stock.rate(one, question.billed) is not None for one in currencies):
        return question.billed
    if len(currencies) > 1:
        raise NoRate(currencies=" and ".join(sorted(currencies)))
    return currencies.pop()


def _priced(
    token_class: TokenClass, tokens: int, meter: Meter, term: Term, stock: Stock, currency: str
) -> Priced:
    paid = stock.convert(term.unit_price, str(term.currency), currency)
    assert paid is not None  # noqa: S101 - chosen for its price, in a currency that converts
    return Priced(
        token_class=token_class,
        tokens=tokens,
        azure_id=meter.azure_id,
        meter_name=meter.meter_name,
        product=meter.product_name,
        region=meter.region,
        currency=currency,
        unit_price=paid,
        list_unit_price=stock.convert(term.list_unit_price, price_terms.LIST_CURRENCY, currency),
        since=term.starts,
        sheet=stock.sheet(term),
    )


def _notes(load: Load, family: Family[Meter], tokens: Mapping[TokenClass, int]) -> Iterator[str]:
    """What a reader must know about the figures."""
    if load.is_long:
        band = f"A prompt of {load.prompt:,} tokens is beyond {estimating.LONGEST_SHORT_PROMPT:,}"
        if set(tokens) & set(LONG.values()):
            yield f"{band}: the long context's meters are used."
        else:
            yield f"{band}, and the list has no long-context meters for this model."
    if any(one in CHARGED_AS and one not in family.meters for one in tokens):
        yield (
            "The list has no price for cached input of this model: those tokens are counted at"
            " the price of input."
        )
    if any(one in family.meters for one in _WRITES):
        yield "Writing to the cache is priced apart for this model, and is not in here."

"""Estimates over the real price list, on a tenant's own terms."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from billing.models import Meter, Price, PriceSheet, PriceType, SheetLine
from billing.prices import estimates
from billing.prices.estimates import Answer, Asked, Estimate
from billing.prices.throughput import NOT_LISTED, Given
from billing.rules.estimating import Load, Peak
from billing.rules.offers import DeploymentType
from billing.rules.token_classes import TokenClass
from tenancy import scope
from tenancy.refusals import Refused
from tests.prices import real_list
from tests.prices.real_list import REGION
from tests.world import NOW, Place, World

JANUARY = date(2027, 1, 1)
LOAD = Load(1_000_000, 1_500, 500, 400, JANUARY)
QUESTION = Asked(("gpt-5",), DeploymentType.GLOBAL, REGION, LOAD, Peak(220, Decimal(2)), Given())


@pytest.fixture
def listed(world: World) -> World:
    real_list.load()
    return world


def answers(place: Place, asked: Asked = QUESTION, currency: str = "USD") -> tuple[Answer, ...]:
    with scope.of(place.ref):
        return estimates.estimate(asked, at=NOW, currency=currency)


def estimate(place: Place, asked: Asked = QUESTION, currency: str = "USD") -> Estimate:
    (answer,) = answers(place, asked, currency)
    assert answer.estimate, answer.refused
    return answer.estimate


def refusal(place: Place, asked: Asked) -> Refused:
    (answer,) = answers(place, asked)
    assert answer.refused
    assert answer.estimate is None
    return answer.refused


def sheet(place: Place, **line: object) -> None:
    """A price sheet of one line, in force since September."""
    with scope.of(place.ref):
        made = PriceSheet.objects.create(
            name="Enterprise agreement",
            effective_from=datetime(2026, 9, 1, tzinfo=UTC),
            source="contract",
            applied_by="dan@example.org",
            applied_at=NOW,
        )
        SheetLine.objects.create(sheet=made, number=1, **line)


def test_a_month_is_calls_times_tokens_times_price(listed: World) -> None:
    found = estimate(listed.contoso)

    assert {one.token_class: one.unit_price for one in found.prices} == {
        TokenClass.INPUT: Decimal("0.00000125"),
        TokenClass.CACHED_INPUT: Decimal("0.000000125"),
        TokenClass.OUTPUT: Decimal("0.00001"),
    }
    # 1,500 million × 1.25 + 500 million × 0.125 + 400 million × 10, per million
    assert found.months[0].cost == Decimal(1875) + Decimal("62.5") + Decimal(4000)
    assert found.whole.cost == 12 * Decimal("5937.5")
    assert found.at_list == found.months
    assert (found.currency, found.converted) == ("USD", True)


def test_every_price_names_its_meter(listed: World) -> None:
    for one in estimate(listed.contoso).prices:
        meter = Meter.objects.get(azure_id=one.azure_id)
        price = Price.objects.get(meter=meter)
        assert (one.meter_name, one.product, one.region) == (
            meter.meter_name,
            meter.product_name,
            REGION,
        )
        assert (one.unit_price, one.since, one.sheet) == (
            price.unit_price,
            price.effective_from,
            "",
        )


def test_a_negotiated_price_is_used_and_the_list_stays_beside_it(listed: World) -> None:
    sheet(listed.contoso, kind="discount", percent=20, meter_filter="*outp*")
    elsewhere = estimate(listed.fabrikam, currency="USD")
    found = estimate(listed.contoso)

    assert found.at_list == elsewhere.months
    assert [one.sheet for one in found.prices] == ["", "", "Enterprise agreement"]
    assert found.prices[-1].list_unit_price == Decimal("0.00001")
    assert found.prices[-1].unit_price == Decimal("0.000008")


def test_amounts_are_in_the_billing_currency(listed: World) -> None:
    found = estimate(listed.fabrikam, currency="EUR")

    assert (found.currency, found.converted) == ("EUR", True)
    assert found.months[0].cost == Decimal("5937.5") * Decimal("0.9")
    hourly = found.provisioned.ways[0]
    assert hourly.price.amount == Decimal("0.9")


def test_without_an_exchange_rate_amounts_stay_in_the_lists_currency(listed: World) -> None:
    found = estimate(listed.contoso, currency="CHF")

    assert (found.currency, found.converted) == ("USD", False)
    assert found.months[0].cost == Decimal("5937.5")


def test_prices_in_two_currencies_do_not_add(listed: World) -> None:
    output = estimate(listed.contoso).prices[-1]
    meter = Meter.objects.get(azure_id=output.azure_id)
    sheet(
        listed.contoso,
        kind="exact",
        meter=meter,
        currency="EUR",
        listed_price=9,
        unit_of_measure="1M",
        unit_price=Decimal("0.000009"),
    )
    (answer,) = answers(listed.contoso, currency="CHF")

    assert isinstance(answer.refused, estimates.NoRate)
    assert "EUR and USD" in str(answer.refused)


def test_growth_shows_in_the_last_month(listed: World) -> None:
    grown = replace(QUESTION, load=replace(LOAD, growth=Decimal(10), months=3))
    months = estimate(listed.contoso, grown).months

    assert [month.cost for month in months] == [
        Decimal("5937.5"),
        Decimal("5937.5") * Decimal("1.1"),
        Decimal("5937.5") * Decimal("1.21"),
    ]


def test_a_long_prompt_uses_the_long_meters_and_says_so(listed: World) -> None:
    long = replace(QUESTION, models=("gpt-5.4",), load=replace(LOAD, calls=1, input_tokens=300_000))
    found = estimate(listed.contoso, long)

    assert [one.meter_name for one in found.prices] == [
        "5.4 longco inp Gl 1M Tokens",
        "5.4 longco cd inp Gl 1M Tokens",
        "5.4 longco opt Gl 1M Tokens",
    ]
    assert "300,500" in found.notes[0]
    assert "long context's meters" in found.notes[0]
    assert "128,000" in found.provisioned.missing
    without = estimate(listed.contoso, replace(long, models=("gpt-5",)))
    assert "no long-context meters" in without.notes[0]


def test_an_incomplete_model_is_refused_with_what_is_missing(listed: World) -> None:
    says = refusal(listed.contoso, replace(QUESTION, models=("gpt-5.2",)))

    assert isinstance(says, estimates.NoPrice)
    assert "no input and no cached input price for gpt-5.2 as Global Standard" in str(says)


@pytest.mark.parametrize(
    ("model", "kind", "says"),
    [
        ("gpt-7", estimates.NotOffered, "no gpt-7 as Global Standard in swedencentral"),
        ("gpt-4o", estimates.SeveralVersions, "gpt-4o@0806, gpt-4o@1120"),
    ],
)
def test_a_name_that_says_no_one_model_is_refused(
    listed: World, model: str, kind: type[Refused], says: str
) -> None:
    told = refusal(listed.contoso, replace(QUESTION, models=(model,)))
    assert isinstance(told, kind)
    assert says in str(told)


def test_two_meters_with_two_prices_are_refused(listed: World) -> None:
    output = Meter.objects.get(azure_id=estimate(listed.contoso).prices[-1].azure_id)
    price = Price.objects.get(meter=output)
    output.pk, output.azure_id = None, "another"
    output.save()
    price.pk, price.meter, price.unit_price = None, output, price.unit_price * 2
    price.save()

    told = refusal(listed.contoso, QUESTION)
    assert isinstance(told, estimates.SeveralMeters)
    assert output.meter_name in str(told)


def test_a_price_that_is_doubted_is_not_used(world: World) -> None:
    real_list.load(doubted="GPT 5 outpt Glbl 1M Tokens")
    told = refusal(world.contoso, QUESTION)
    assert "no output price" in str(told)


def test_one_model_that_fails_does_not_stop_the_others(listed: World) -> None:
    asked = replace(QUESTION, models=("gpt-5", "gpt-7", "gpt-5-mini"))
    first, second, third = answers(listed.contoso, asked)

    assert [first.asked, second.asked, third.asked] == list(asked.models)
    assert first.estimate
    assert second.refused
    assert third.estimate
    assert third.estimate.months[0].cost < first.estimate.months[0].cost


def test_cached_tokens_without_a_price_of_their_own_are_input(listed: World) -> None:
    cached = estimate(listed.contoso).prices[1]
    Meter.objects.filter(azure_id=cached.azure_id).update(vanished_at=NOW)

    found = estimate(listed.contoso)
    assert found.prices[1].unit_price == found.prices[0].unit_price
    assert "at the price of input" in found.notes[0]


def test_units_are_sized_priced_and_broken_even(listed: World) -> None:
    found = estimate(listed.contoso).provisioned

    # (1,500 + 8 × 400) tokens × 2 ÷ (220 h × 60 × 4,750 TPM): for one call a month
    assert found.each == Fraction((1_500 + 8 * 400) * 2, 220 * 60 * 4_750)
    assert found.stated == "Microsoft's documentation, 21 May 2026"
    hourly, month, year = found.ways
    assert (hourly.units[0], year.units[0]) == (150, 150)
    assert [way.price.amount for way in found.ways] == [Decimal(1), Decimal(260), Decimal(2652)]
    # January, March and December have 744 hours, February 672.
    assert hourly.months[:2] == (Decimal(150 * 744), Decimal(150 * 672))
    assert month.months[0] == 150 * 260
    assert year.months[0] == 150 * 221
    for way in found.ways:
        assert way.break_even is None


def test_units_pay_where_calls_come_evenly(listed: World) -> None:
    evenly = replace(QUESTION, peak=Peak(730, Decimal(1)))
    found = estimate(listed.contoso, evenly)
    _, _, year = found.provisioned.ways
    call_cost = found.months[0].cost / LOAD.calls

    assert year.break_even is not None
    assert year.per_month is not None
    calls, units = year.break_even.calls, year.break_even.units
    assert call_cost * calls >= year.per_month * units
    assert call_cost * (calls - 1) < year.per_month * units
    assert year.break_even.used <= 1


def test_what_is_not_in_the_list_is_said(world: World) -> None:
    real_list.load(without=PriceType.RESERVATION)
    ways = estimate(world.contoso).provisioned.ways

    assert [way.price.absent for way in ways] == ["", NOT_LISTED, NOT_LISTED]
    assert [way.whole is None for way in ways] == [False, True, True]


def test_a_model_without_figures_asks_for_them_and_takes_them(listed: World) -> None:
    nano = replace(QUESTION, models=("gpt-5-nano",))
    asked_for = estimate(listed.contoso, nano).provisioned
    assert "input TPM per PTU, output weight, minimum, increment" in asked_for.missing
    assert asked_for.ways == ()

    given = replace(nano, units=Given(Decimal(50_000), Decimal(8), 10, 5))
    found = estimate(listed.contoso, given).provisioned
    assert found.capacity is not None
    assert found.capacity.minimum == 10
    assert found.missing == ""


def test_the_models_to_choose_from_are_those_of_the_list(listed: World) -> None:
    offered = {one.name: one.complete for one in estimates.offered(DeploymentType.GLOBAL, REGION)}
    assert offered["gpt-5"]
    assert not offered["gpt-5.2"]
    assert REGION in estimates.regions()
    assert estimates.offered(DeploymentType.GLOBAL, "nowhere") == ()

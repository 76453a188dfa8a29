"""What a change marks to be rated again: the days whose price it changes, all of them, no others.

Each test looks twice. At what is marked after the change; and, that rated, at what rating every
day once more changes: nothing, so nothing was missed.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from billing import exchange, marking, rating
from billing.models import (
    DayToRate,
    ExchangeRate,
    Meter,
    MeterMapping,
    Price,
    PriceDecision,
    PriceType,
    RateOrigin,
    Usage,
)
from billing.prices import mapping, sheets, suspects
from billing.prices.mapping import Choice
from billing.prices.suspects import Verdict
from billing.rules.sheet_lines import AgreedLine, Kind
from billing.rules.token_classes import COMMON, TokenClass
from inventory.models import Deployment
from tenancy import scope
from tests.flows.november import a_load, a_meter, days, like, marked, on, settled, state, used
from tests.world import NOW, START, Place, World
from tests.world_usage import told_of

INPUT, OUTPUT, PAGES = TokenClass.INPUT, TokenClass.OUTPUT, TokenClass.PAGES
BY = "dan@example.org"
CHAT = "gpt-5.2-chat"


@pytest.fixture
def contoso(world: World) -> Place:
    """Contoso with two deployments; the input of both is priced by one meter."""
    place = world.contoso
    with scope.of(place.ref):
        DayToRate.objects.all().delete()
        PriceDecision.objects.all().delete()
        used(place, place.deployment)
        other = like(place.deployment, "other")
        used(place, other)
        confirm(other, INPUT, a_price_of(place))
    return place


def a_price_of(place: Place) -> Meter:
    """The meter that prices the input of Contoso's first deployment."""
    found = MeterMapping.objects.select_related("meter").get(
        deployment=place.deployment, token_class=INPUT
    )
    assert found.meter is not None
    return found.meter


def confirm(
    deployment: Deployment,
    token_class: TokenClass,
    meter: Meter | None,
    since: datetime | None = None,
) -> None:
    mapping.confirm(deployment, token_class, meter, by=BY, at=NOW, reason="so", from_instant=since)


# Suspect prices.


def doubted(place: Place, since: datetime) -> Price:
    with scope.of(place.ref):
        meter = a_price_of(place)
    return state(meter, since, "1700", run=a_load(), doubts=[{"rule": "jump", "says": "x"}])


def decide(place: Place, price: Price, verdict: Verdict) -> None:
    with scope.of(place.ref):
        suspects.decide(price.pk, verdict, by=BY, at=NOW, reason="I asked Azure.")


def test_a_suspect_is_in_force_until_the_next_price_only(contoso: Place) -> None:
    price = doubted(contoso, on(8, 12))
    state(price.meter, on(12, 12), "1.80", run=a_load())
    with settled(contoso):
        decide(contoso, price, Verdict.ACCEPTED)
        assert marked(contoso) == {CHAT: days(9, 12), "other": days(9, 12)}
    with settled(contoso):
        decide(contoso, price, Verdict.REJECTED)
        assert marked(contoso) == {CHAT: days(9, 12), "other": days(9, 12)}


def test_rejecting_what_was_not_in_force_marks_nothing(contoso: Place) -> None:
    price = doubted(contoso, on(8))
    with settled(contoso):
        decide(contoso, price, Verdict.REJECTED)
        assert marked(contoso) == {}


def test_a_suspect_behind_an_exact_price_changes_what_the_list_says_only_there(
    contoso: Place,
) -> None:
    """The list cost beside the cost is of the list price, so those days are rated too."""
    price = doubted(contoso, on(8))
    with scope.of(contoso.ref):
        line = AgreedLine(
            1, Kind.EXACT, price.meter.azure_id, price=Decimal(1), unit_of_measure="1M",
            currency="USD",
        )  # fmt: skip
        sheets.apply(
            sheets.Wanted(
                name="Contract", source="x", effective_from=on(1), effective_until=None,
                lines=(line,),
            ),
            by=BY,
            at=NOW,
        )  # fmt: skip
    with settled(contoso):
        decide(contoso, price, Verdict.ACCEPTED)
        assert marked(contoso) == {CHAT: days(8, 19), "other": days(8, 19)}


def test_a_suspect_of_a_meter_that_a_class_left_marks_its_days_no_more(contoso: Place) -> None:
    price = doubted(contoso, on(8))
    with scope.of(contoso.ref):
        confirm(contoso.deployment, INPUT, a_meter(), on(10))
        confirm(contoso.deployment, OUTPUT, price.meter)  # of which there is no usage
    with settled(contoso):
        decide(contoso, price, Verdict.ACCEPTED)
        assert marked(contoso) == {CHAT: days(8, 9), "other": days(8, 19)}


# Mappings.


def test_a_mapping_counts_until_the_next_one_of_its_class(contoso: Place) -> None:
    first, second = a_meter("first"), a_meter("second")
    with settled(contoso), scope.of(contoso.ref):
        confirm(contoso.deployment, INPUT, first, on(15))
        confirm(contoso.deployment, PAGES, first, on(9))
        DayToRate.objects.all().delete()
        confirm(contoso.deployment, INPUT, second, on(8))
        assert marked(contoso) == {CHAT: days(8, 14)}
        marking.mark_days(since=on(9))  # what was taken away above


def test_a_mapping_marks_only_days_on_which_its_class_was_used(contoso: Place) -> None:
    meter = a_meter()
    with settled(contoso), scope.of(contoso.ref):
        confirm(contoso.deployment, OUTPUT, meter)
        assert marked(contoso) == {}
        confirm(contoso.deployment, PAGES, meter)
        assert marked(contoso) == {CHAT: days(10, 10)}


def test_a_mapping_that_says_what_holds_already_marks_nothing(contoso: Place) -> None:
    with settled(contoso), scope.of(contoso.ref):
        meter = a_price_of(contoso)
        confirm(contoso.deployment, INPUT, meter, on(8))
        assert marked(contoso) == {}
        confirm(contoso.deployment, INPUT, None, on(8))
        assert marked(contoso) == {CHAT: days(8, 19)}


def test_many_mappings_mark_each_its_own_days(contoso: Place) -> None:
    meter = a_meter()
    with scope.of(contoso.ref):
        other = Deployment.objects.get(name="other")
        wanted = [
            (contoso.deployment, INPUT, on(8)),
            (contoso.deployment, INPUT, on(6)),
            (other, INPUT, on(17)),
            (other, PAGES, on(7)),
        ]
    with settled(contoso), scope.of(contoso.ref):
        mapping.confirm_many(
            [
                Choice(
                    deployment=deployment, token_class=token_class, meter=meter, reason="so",
                    from_instant=since,
                )
                for deployment, token_class, since in wanted
            ],
            by=BY,
            at=NOW,
        )  # fmt: skip
        assert marked(contoso) == {CHAT: days(6, 19), "other": days(17, 19) | days(10, 10)}


# Exchange rates.


@pytest.fixture
def fabrikam(world: World) -> Place:
    """Fabrikam, billed in EUR, with usage on every day."""
    place = world.fabrikam
    with scope.of(place.ref):
        DayToRate.objects.all().delete()
        used(place, place.deployment)
    return place


def set_rate(value: str, since: datetime, currency: str = "USD") -> None:
    exchange.set_rate(
        currency, "EUR", Decimal(value), from_instant=since, source="x", by=BY, at=NOW
    )


def test_a_rate_counts_until_the_next_one_of_its_pair(fabrikam: Place) -> None:
    with scope.of(fabrikam.ref):
        set_rate("1.2", on(10), "GBP")
    with settled(fabrikam), scope.of(fabrikam.ref):
        set_rate("0.8", on(12))
        assert marked(fabrikam) == {CHAT: days(12, 19)}
    with settled(fabrikam), scope.of(fabrikam.ref):
        set_rate("0.7", on(7, 12))
        assert marked(fabrikam) == {CHAT: days(8, 11)}
    with settled(fabrikam), scope.of(fabrikam.ref):
        set_rate("0.75", on(7, 12))
        assert marked(fabrikam) == {CHAT: days(8, 11)}
        assert ExchangeRate.objects.filter(from_currency="USD").count() == 3


def test_rates_of_a_file_mark_from_the_first_that_is_new(fabrikam: Place) -> None:
    quoted = [
        exchange.Quoted("USD", "EUR", Decimal(f"0.8{day}"), on(day), "x") for day in (9, 8, 13)
    ]
    with scope.of(fabrikam.ref):
        set_rate("0.89", on(9))
        set_rate("0.70", on(11))
    with settled(fabrikam), scope.of(fabrikam.ref):
        exchange.set_rates(quoted, origin=RateOrigin.FILE, by=BY, at=NOW)
        assert marked(fabrikam) == {CHAT: days(8, 8) | days(13, 19)}


# Newer price lists.


def test_a_newer_price_counts_until_the_next_one_of_its_meter(contoso: Place) -> None:
    with scope.of(contoso.ref):
        meter = a_price_of(contoso)
    state(meter, on(14), "1.90", run=a_load())
    with settled(contoso):
        state(meter, on(8, 12), "1.80", run=a_load())
        with scope.of(contoso.ref):
            rating.mark_repriced()
        assert marked(contoso) == {CHAT: days(9, 13), "other": days(9, 13)}


def test_a_price_that_is_stated_anew_counts_from_its_start(contoso: Place) -> None:
    with scope.of(contoso.ref):
        meter = a_price_of(contoso)
        confirm(contoso.deployment, INPUT, a_meter(), on(17))
    state(meter, on(14), "1.90", run=a_load())
    with settled(contoso):
        state(meter, on(14), "1.80", run=a_load())
        with scope.of(contoso.ref):
            rating.mark_repriced()
        assert marked(contoso) == {CHAT: days(14, 16), "other": days(14, 19)}


@pytest.mark.parametrize(
    "said",
    [
        {"doubts": [{"rule": "jump", "says": "x"}]},
        {"price_type": PriceType.RESERVATION, "reservation_term": "1 Year"},
        {"tier_minimum_units": Decimal(1000)},
        {"currency": "EUR"},
    ],
    ids=["suspect", "reservation", "higher tier", "reference"],
)
def test_a_price_that_usage_is_not_charged_by_marks_nothing(
    contoso: Place, said: dict[str, object]
) -> None:
    with scope.of(contoso.ref):
        meter = a_price_of(contoso)
    with settled(contoso):
        state(meter, on(8), "1.80", run=a_load(), **said)
        with scope.of(contoso.ref):
            rating.mark_repriced()
        assert marked(contoso) == {}


def test_a_suspect_that_was_accepted_ends_a_newer_price(contoso: Place) -> None:
    price = doubted(contoso, on(12))
    decide(contoso, price, Verdict.ACCEPTED)
    with settled(contoso):
        state(price.meter, on(8), "1.80", run=a_load())
        with scope.of(contoso.ref):
            rating.mark_repriced()
        assert marked(contoso) == {CHAT: days(8, 11), "other": days(8, 11)}


def test_a_decision_between_a_load_and_its_rating_misses_nothing(contoso: Place) -> None:
    price = doubted(contoso, on(12))
    decide(contoso, price, Verdict.ACCEPTED)
    with settled(contoso):
        state(price.meter, on(8), "1.80", run=a_load())
        decide(contoso, price, Verdict.REJECTED)
        with scope.of(contoso.ref):
            rating.mark_repriced()
        assert marked(contoso) == {CHAT: days(8, 19), "other": days(8, 19)}


def test_the_first_list_of_all_reaches_back_to_the_first_mapping(contoso: Place) -> None:
    with scope.of(contoso.ref):
        other = Deployment.objects.get(name="other")
        MeterMapping.objects.filter(deployment=other).update(effective_from=START)
        meter = a_meter()
        confirm(other, PAGES, meter)
    with settled(contoso):
        state(meter, START, "3", run=a_load())
        with scope.of(contoso.ref):
            rating.mark_repriced()
        assert marked(contoso) == {"other": days(10, 10)}


@pytest.mark.parametrize("token_class", COMMON)
def test_a_span_of_each_class_with_a_column_marks_the_days_on_which_it_was_used(
    contoso: Place, token_class: TokenClass
) -> None:
    with scope.of(contoso.ref):
        alone = like(contoso.deployment, "alone")
        key = contoso.houses[0].subscription
        Usage.objects.create(
            series=told_of(key, alone),
            gateway=contoso.gateway,
            bucket_start=on(7, 9),
            subscription=key,
            deployment=alone,
            **{token_class.column: 5},
        )
        marking.mark_spans([marking.Span(alone.pk, token_class, on(1), None)])

        assert list(DayToRate.objects.filter(deployment=alone).values_list("day", flat=True)) == [
            on(7).date()
        ]

"""What the real price list offers in one region, grouped into models."""

from __future__ import annotations

import pytest

from billing.rules import offers
from billing.rules.meters import reading
from billing.rules.meters.meanings import Scope, Vendor
from billing.rules.meters.reading import Reading
from billing.rules.offers import DeploymentType, Family
from billing.rules.token_classes import LONG, TokenClass
from tests.rules.meters import lists
from tests.rules.meters.lists import Meter, PriceList

THREE = {TokenClass.INPUT, TokenClass.CACHED_INPUT, TokenClass.OUTPUT}


def readings(region: str = "swedencentral") -> list[tuple[Meter, Reading]]:
    found = {
        listed.meter
        for price_list in PriceList
        for listed in lists.prices(price_list)
        if listed.region == region
    }
    says = [
        (meter, reading.read(meter.product, meter.name, unit_of_measure=meter.unit))
        for meter in sorted(found)
    ]
    return [(meter, read) for meter, read in says if isinstance(read, Reading)]


@pytest.fixture(scope="module")
def newest() -> list[tuple[Meter, Reading]]:
    return [
        (listed.meter, read)
        for listed in lists.prices(PriceList.AUGUST_2026)
        if listed.region == "swedencentral"
        and isinstance(
            read := reading.read(
                listed.meter.product, listed.meter.name, unit_of_measure=listed.meter.unit
            ),
            Reading,
        )
    ]


def one(name: str, offered: tuple[Family[Meter], ...]) -> Family[Meter]:
    (found,) = offers.asked_for(name, offered)
    return found


@pytest.mark.parametrize(
    ("kind", "name", "output"),
    [
        (DeploymentType.GLOBAL, "gpt-5-mini", "GPT 5 Mini outpt Glbl 1M Tokens"),
        (DeploymentType.DATA_ZONE, "gpt-5.2", "GPT 5.2 opt Dz 1M Tokens"),
        (DeploymentType.REGIONAL, "gpt-4.1", "gpt 4.1 Outp regnl Tokens"),
        (DeploymentType.GLOBAL_BATCH, "gpt-5.2", "GPT 5.2 Batch opt Gl 1M Tokens"),
    ],
)
def test_a_model_has_the_meters_of_its_type(
    newest: list[tuple[Meter, Reading]], kind: DeploymentType, name: str, output: str
) -> None:
    found = one(name, offers.families(kind, newest))

    assert found.meters.keys() >= THREE
    assert [meter.name for meter in found.meters[TokenClass.OUTPUT]] == [output]


def test_a_model_whose_list_entry_is_incomplete_shows_what_there_is(
    newest: list[tuple[Meter, Reading]],
) -> None:
    found = one("gpt-5.2", offers.families(DeploymentType.GLOBAL, newest))
    assert set(found.meters) == {TokenClass.OUTPUT}


def test_long_context_is_of_the_same_family(newest: list[tuple[Meter, Reading]]) -> None:
    found = one("gpt-5.4", offers.families(DeploymentType.GLOBAL, newest))
    assert set(found.meters) == THREE | {LONG[token_class] for token_class in THREE}


def test_a_name_without_a_snapshot_is_exactly_the_one_without(
    newest: list[tuple[Meter, Reading]],
) -> None:
    offered = offers.families(DeploymentType.GLOBAL, newest)

    assert one("gpt-5.2-chat", offered).variant == ""
    assert one("GPT-5.2-chat@0210 ", offered).variant == "0210"
    assert [found.name for found in offers.asked_for("gpt-4o", offered)] == [
        "gpt-4o@0806",
        "gpt-4o@1120",
    ]
    assert offers.asked_for("gpt-7", offered) == ()


@pytest.mark.parametrize("kind", DeploymentType)
def test_no_class_of_the_newest_list_is_said_twice(
    newest: list[tuple[Meter, Reading]], kind: DeploymentType
) -> None:
    twice = [
        (found.name, token_class, [meter.name for meter in meters])
        for found in offers.families(kind, newest)
        for token_class, meters in found.meters.items()
        if len(meters) > 1
    ]
    assert twice == []


def test_units_are_those_of_the_vendor_and_the_scope() -> None:
    both = readings()

    for scope, name in (
        (Scope.GLOBAL, "Provisioned Managed Global Unit"),
        (Scope.DATA_ZONE, "Provisioned Managed Data Zone Unit"),
        (Scope.REGIONAL, "Provisioned Managed Regional Unit"),
    ):
        hourly = offers.hourly_units(scope, Vendor.OPENAI, both)
        assert {(meter.product, meter.name) for meter in hourly} == {("Azure OpenAI", name)}
        (reserved,) = offers.reserved_units(scope, Vendor.OPENAI, both)
        assert reserved.product == "Azure AI Foundry Provisioned Throughput Reservation"
    assert offers.hourly_units(Scope.GLOBAL, Vendor.COHERE, both) == ()

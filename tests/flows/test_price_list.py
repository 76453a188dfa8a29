"""The price list, page after page: whole or not at all."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from billing.prices.catalogue import Shrunken, Unreadable
from connectors.failures import ConnectorError, Partial, Permanent
from tests.azure import Azure
from tests.flows.shop import (
    COUNT,
    LATER,
    LIST,
    SERVICE,
    changes,
    doubts,
    ledger,
    prices,
    put,
    take_off,
)
from tests.flows.steps import catalogue_sync, rows


def test_a_second_load_writes_nothing(shop: Azure) -> None:
    before = prices()

    assert catalogue_sync().new_prices == 0

    assert prices() == before
    assert len(shop.requests(LIST)) == 3


def test_a_price_is_per_single_unit_whatever_it_is_listed_per(shop: Azure) -> None:
    put(shop, 100, "0.0022", unitOfMeasure="1K", meterName="Model x Tokens")
    put(shop, 101, "3.25", unitOfMeasure="1 Hour", meterName="Model y Unit")
    put(shop, 102, "3.25", unitOfMeasure="a barrel", meterName="Model z Unit")

    loaded = catalogue_sync()

    assert (loaded.new_prices, loaded.left_out) == (2, 1)
    found = {name: price for _id, name, _from, price, _run in prices()}
    assert found["Model x Tokens"] == Decimal("0.0000022")
    assert found["Model y Unit"] == Decimal("3.25")
    assert found["Model 3 inp Gl 1M Tokens"] == Decimal("0.0000045")


def test_a_new_price_is_added_and_the_old_one_stays_for_its_time(shop: Azure) -> None:
    before = prices()
    put(shop, 3, "9", effectiveStartDate="2026-06-01T00:00:00Z")

    assert catalogue_sync().new_prices == 1

    after = prices()
    assert len(after) == len(before) + 1
    assert {row[0] for row in after} == {row[0] for row in before}
    assert set(before) < set(after)


BREAKS: dict[str, tuple[type[ConnectorError], dict[str, Any]]] = {
    "status": (ConnectorError, {"status": 403}),
    "truncate": (ConnectorError, {"times": 9}),
    "reset": (ConnectorError, {"times": 9}),
    "foreign_next_link": (Permanent, {}),
    "link_loop": (Permanent, {}),
}


@pytest.mark.parametrize("page", [1, 2, 3])
@pytest.mark.parametrize("kind", list(BREAKS))
def test_a_list_that_breaks_off_at_any_page_leaves_the_old_one_in_force(
    shop: Azure, kind: str, page: int
) -> None:
    refusal, more = BREAKS[kind]
    before = prices()
    put(shop, 1, "99", effectiveStartDate="2026-07-01T00:00:00Z")
    shop.fault(kind, LIST, page=page, **more)

    with pytest.raises(refusal):
        catalogue_sync()

    assert prices() == before
    outcome, error, _detail = ledger()
    assert (outcome, error != "") == ("failed", True)
    shop.forgive()
    assert catalogue_sync().new_prices == 1


def test_a_page_that_comes_twice_is_asked_for_again(shop: Azure) -> None:
    put(shop, 11, "99", effectiveStartDate="2026-07-01T00:00:00Z")
    shop.fault("duplicate_page", LIST)

    assert catalogue_sync().new_prices == 1


def test_a_page_that_keeps_coming_twice_is_refused(shop: Azure) -> None:
    before = prices()
    shop.fault("duplicate_page", LIST, times=9)

    with pytest.raises(Partial):
        catalogue_sync()

    assert prices() == before


def test_a_list_without_its_next_link_is_read_on_to_its_end(shop: Azure) -> None:
    put(shop, 11, "99", effectiveStartDate="2026-07-01T00:00:00Z")
    shop.fault("drop_next_link", LIST)

    assert catalogue_sync().new_prices == 1


def test_a_list_that_lost_many_of_its_meters_is_not_believed(shop: Azure) -> None:
    before = prices()
    for number in range(3):
        take_off(shop, number)
    put(shop, 10, "99", effectiveStartDate="2026-07-01T00:00:00Z")

    with pytest.raises(Shrunken, match="9 meters, after 12"):
        catalogue_sync()

    assert prices() == before


def test_a_list_that_lost_few_of_its_meters_is_and_their_prices_stay(shop: Azure) -> None:
    before = prices()
    take_off(shop, 0)

    assert catalogue_sync().meters == COUNT - 1

    assert prices() == before


def test_an_empty_list_is_not_believed(shop: Azure) -> None:
    before = prices()
    for number in range(COUNT):
        take_off(shop, number)

    with pytest.raises(Unreadable):
        catalogue_sync()

    assert prices() == before


@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_list_in_another_currency_on_any_page_is_refused_whole(shop: Azure, page: int) -> None:
    before = prices()
    put(shop, page * 4, "99", effectiveStartDate="2026-07-01T00:00:00Z")
    put(shop, page * 4 - 1, "3.5", effectiveStartDate="2026-07-01T00:00:00Z", currencyCode="EUR")

    with pytest.raises(Permanent, match="gave EUR"):
        catalogue_sync()

    assert prices() == before
    outcome, error, _detail = ledger()
    assert (outcome, "gave EUR" in error) == ("failed", True)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pages_in_another_order_are_the_same_list(shop: Azure, seed: int) -> None:
    before = prices()
    shop.post("/knobs", {"price_order": seed})
    put(shop, 7, "9.5", effectiveStartDate="2026-07-01T00:00:00Z")

    assert catalogue_sync().new_prices == 1

    assert {row[:4] for row in before} < {row[:4] for row in prices()}
    assert catalogue_sync().new_prices == 0


def test_two_unlike_prices_for_the_same_are_left_out_whichever_comes_first(shop: Azure) -> None:
    before = prices()
    put(shop, 3, "8", effectiveStartDate="2026-07-01T00:00:00Z")
    put(shop, 3, "9", effectiveStartDate="2026-07-01T00:00:00Z")

    loaded = catalogue_sync()

    assert (loaded.new_prices, loaded.left_out) == (0, 1)
    assert prices() == before


def test_reservations_and_tiers_are_held_apart_and_other_kinds_are_not(shop: Azure) -> None:
    monthly = {"type": "Reservation", "unitOfMeasure": "1/Hour"}
    for term, price in (("1 Month", "260"), ("1 Year", "2652")):
        put(shop, "Provisioned Unit", price, reservationTerm=term, **monthly)
    put(shop, "Provisioned Unit", "1", unitOfMeasure="1/Hour")
    put(shop, "Banded Unit", "5", unitOfMeasure="1K")
    put(shop, "Banded Unit", "4", unitOfMeasure="1K", tierMinimumUnits=1000.0)
    put(shop, "Tested Unit", "1", type="DevTestConsumption")

    loaded = catalogue_sync()

    assert (loaded.new_prices, loaded.meters) == (5, COUNT + 2)
    held = rows(
        "SELECT meter.meter_name, price_type, reservation_term, tier_minimum_units::int,"
        "       trim_scale(price.unit_price)::text"
        "  FROM billing_price price JOIN billing_meter meter ON meter.id = price.meter_id"
        " WHERE meter.meter_name LIKE '%%Unit' ORDER BY 1, 2, 3, 4"
    )
    assert held == [
        ("Banded Unit", "Consumption", "", 0, "0.005"),
        ("Banded Unit", "Consumption", "", 1000, "0.004"),
        ("Provisioned Unit", "Consumption", "", 0, "1"),
        ("Provisioned Unit", "Reservation", "1 Month", 0, "260"),
        ("Provisioned Unit", "Reservation", "1 Year", 0, "2652"),
    ]
    assert doubts() == {"Banded Unit": {"tiered"}}
    assert ledger()[2]["other_kinds"] == 1
    assert catalogue_sync().new_prices == 0


def test_other_currencies_are_loaded_beside_and_nothing_is_charged_by_them(
    shop: Azure, settings: Any
) -> None:
    before = prices()
    chosen = settings.APPORTION.model_copy(update={"price_currencies": ("EUR",)})
    settings.APPORTION = chosen

    loaded = catalogue_sync()

    assert (loaded.new_prices, loaded.references) == (0, COUNT)
    assert (len(prices()), len(changes())) == (len(before) + COUNT, 0)
    one = rows(
        "SELECT currency, trim_scale(listed_price)::text FROM billing_price price"
        "  JOIN billing_meter meter ON meter.id = price.meter_id"
        " WHERE meter.meter_name LIKE 'Model 3 %%' ORDER BY 1"
    )
    assert one == [("EUR", "3.88125"), ("USD", "4.5")]
    assert catalogue_sync().references == 0


def test_a_service_that_is_asked_for_no_longer_takes_nothing_with_it(
    shop: Azure, settings: Any
) -> None:
    put(shop, "Other Tokens", "1", serviceName="Lone Models")
    chosen = settings.APPORTION.model_copy(update={"azure_price_services": ("Lone Models",)})
    settings.APPORTION = chosen

    assert catalogue_sync().meters == 1

    assert rows("SELECT count(*)::int FROM billing_meter WHERE vanished_at IS NOT NULL") == [(0,)]


def only_in(settings: Any, *regions: str) -> None:
    """Have the prices of these regions loaded alone."""
    settings.APPORTION = settings.APPORTION.model_copy(update={"price_regions": regions})


def vanished() -> list[str]:
    found = rows("SELECT meter_name FROM billing_meter WHERE vanished_at IS NOT NULL ORDER BY 1")
    return [name for (name,) in found]


def test_prices_of_the_regions_named_alone_are_asked_for(shop: Azure, settings: Any) -> None:
    for region in ("westeurope", "eastus2", "uksouth"):
        put(shop, f"Model {region} Tokens", "1", armRegionName=region)
    only_in(settings, "westeurope", "eastus2")

    assert (catalogue_sync().items, ledger()[2].get("regions_without_prices")) == (2, None)

    asked = {request["query"]["$filter"] for request in shop.requests(LIST)}
    said = "(armRegionName eq 'westeurope' or armRegionName eq 'eastus2')"
    assert asked == {f"serviceName eq '{SERVICE}' and {said}"}
    assert "Model uksouth Tokens" not in {row[1] for row in prices()}


def test_regions_that_are_asked_for_no_longer_stay_and_take_no_news(
    shop: Azure, settings: Any
) -> None:
    put(shop, "Western Tokens", "1", armRegionName="westeurope")
    catalogue_sync()
    before = prices()
    only_in(settings, "westeurope")
    put(shop, 3, "9", effectiveStartDate=LATER)
    take_off(shop, 4)

    assert (catalogue_sync().meters, prices(), vanished()) == (1, before, [])

    only_in(settings)
    assert catalogue_sync().new_prices == 1
    assert vanished() == ["Model 4 inp Gl 1M Tokens"]


def test_a_list_that_lost_meters_of_a_region_that_is_asked_for_is_not_believed(
    shop: Azure, settings: Any
) -> None:
    put(shop, "Western Tokens", "1", armRegionName="westeurope")
    catalogue_sync()
    only_in(settings, "swedencentral")
    for number in range(3):
        take_off(shop, number)

    with pytest.raises(Shrunken, match=f"{COUNT - 3} meters, after {COUNT}"):
        catalogue_sync()

    put(shop, 0, "1.5")
    put(shop, 1, "2.5")
    catalogue_sync()
    assert vanished() == ["Model 2 inp Gl 1M Tokens"]


def test_a_region_without_a_price_is_told(shop: Azure, settings: Any) -> None:
    only_in(settings, "swedencentral", "swedencentraal")
    catalogue_sync()
    assert ledger()[2]["regions_without_prices"] == "swedencentraal"

    only_in(settings, "swedencentraal")
    with pytest.raises(Unreadable, match=f"{SERVICE} in swedencentraal"):
        catalogue_sync()

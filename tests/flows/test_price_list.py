"""The price list, page after page: whole or not at all."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from billing.prices.catalogue import Shrunken, Unreadable
from connectors.failures import ConnectorError, Partial, Permanent
from tests.azure import Azure
from tests.flows.steps import catalogue_sync, rows

LIST = "/api/retail/prices"
SERVICE = "Loopback Models"
COUNT = 12


def put(azure: Azure, number: int, price: str, **more: Any) -> None:
    """One item of a small service of its own."""
    wanted = {
        "meterName": f"Model {number} inp Gl 1M Tokens",
        "productName": "Loopback",
        "serviceName": SERVICE,
        "armRegionName": "swedencentral",
        "retailPrice": float(price),
        "effectiveStartDate": "2026-01-01T00:00:00Z",
    }
    azure.control.put("/prices", json=wanted | more).raise_for_status()


def prices() -> list[tuple[Any, ...]]:
    """Every price that is held, in order."""
    return rows(
        "SELECT meter.azure_id, meter.meter_name, price.effective_from, price.unit_price,"
        "       price.run_id"
        "  FROM billing_price price JOIN billing_meter meter ON meter.id = price.meter_id"
        " ORDER BY 2, 3"
    )


@pytest.fixture
def shop(committed: None, azure: Azure, settings: Any) -> Azure:
    """A short list in three pages, loaded once."""
    settings.APPORTION = settings.APPORTION.model_copy(update={"azure_price_services": (SERVICE,)})
    for number in range(COUNT):
        put(azure, number, f"{number + 1}.5")
    azure.post("/knobs", {"price_page": 5})
    loaded = catalogue_sync()
    assert (loaded.items, loaded.meters, loaded.new_prices) == (COUNT, COUNT, COUNT)
    azure.control.delete("/requests")
    return azure


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

    assert (loaded.new_prices, loaded.held_back) == (2, 1)
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


@pytest.mark.parametrize(
    ("kind", "page", "refusal", "more"),
    [
        ("status", 1, ConnectorError, {"status": 403}),
        ("status", 2, ConnectorError, {"status": 403}),
        ("status", 3, ConnectorError, {"status": 403}),
        ("truncate", 3, ConnectorError, {"times": 9}),
        ("foreign_next_link", 1, Permanent, {}),
        ("foreign_next_link", 2, Permanent, {}),
        ("link_loop", 1, Permanent, {}),
        ("link_loop", 2, Permanent, {}),
    ],
)
def test_a_list_that_breaks_off_at_any_page_leaves_the_old_one_in_force(
    shop: Azure, kind: str, page: int, refusal: type[ConnectorError], more: dict[str, Any]
) -> None:
    before = prices()
    put(shop, 1, "99", effectiveStartDate="2026-07-01T00:00:00Z")
    shop.fault(kind, LIST, page=page, **more)

    with pytest.raises(refusal):
        catalogue_sync()

    assert prices() == before
    ledger = "SELECT outcome, error <> '' FROM tenancy_installationrun ORDER BY id DESC LIMIT 1"
    assert rows(ledger) == [("failed", True)]
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
        _take_off(shop, number)
    put(shop, 10, "99", effectiveStartDate="2026-07-01T00:00:00Z")

    with pytest.raises(Shrunken, match="9 meters, after 12"):
        catalogue_sync()

    assert prices() == before


def test_a_list_that_lost_few_of_its_meters_is_and_their_prices_stay(shop: Azure) -> None:
    before = prices()
    _take_off(shop, 0)

    assert catalogue_sync().meters == COUNT - 1

    assert prices() == before


def test_an_empty_list_is_not_believed(shop: Azure) -> None:
    before = prices()
    for number in range(COUNT):
        _take_off(shop, number)

    with pytest.raises(Unreadable):
        catalogue_sync()

    assert prices() == before


def _take_off(azure: Azure, number: int) -> None:
    wanted = {"meterName": f"Model {number} inp Gl 1M Tokens"}
    azure.control.request("DELETE", "/prices", json=wanted).raise_for_status()

"""The public price list: all of it, each row once, exact, or a failure."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from typing import Any

import pytest

from connectors import retail_prices
from connectors.failures import Partial, Permanent, Transient
from connectors.records import RetailPrice
from connectors.retail_prices import PriceFilter
from tests.connectors.conftest import Azure

PATH = "/api/retail/prices"
SWEDEN = PriceFilter(services=("Foundry Models",), regions=("swedencentral",))


def read(azure: Azure, wanted: PriceFilter = SWEDEN) -> list[RetailPrice]:
    return [price for page in retail_prices.pages(azure.endpoints, filter=wanted) for price in page]


@pytest.fixture(scope="module")
def whole(running: Azure) -> list[RetailPrice]:
    """The list without trouble on the way."""
    return read(running)


def test_all_pages_of_one_region(azure: Azure, whole: list[RetailPrice]) -> None:
    keys = {
        (p.meter_id, p.region, p.reservation_term, p.tier_minimum_units, p.effective_start)
        for p in whole
    }
    assert len(keys) == len(whole) > 1000
    assert {(p.region, p.currency) for p in whole} == {("swedencentral", "USD")}
    assert all(p.effective_start.tzinfo is UTC for p in whole)
    pages = list(retail_prices.pages(azure.endpoints, filter=SWEDEN))
    assert len(pages) > 1


def test_prices_are_exact_decimals(whole: list[RetailPrice]) -> None:
    assert all(isinstance(p.retail_price, Decimal) for p in whole)
    chat = [p for p in whole if p.meter_name.lower().startswith("gpt 5.2 chat inp gl")]
    assert chat
    per_token = {p.retail_price / {"1K": 1000, "1M": 1_000_000}[p.unit_of_measure] for p in chat}
    assert per_token == {Decimal("0.00000175")}


def test_several_services_and_regions(azure: Azure, whole: list[RetailPrice]) -> None:
    wanted = replace(SWEDEN, regions=("swedencentral", "southindia"))
    found = read(azure, wanted)
    assert {p.region for p in found} == {"swedencentral", "southindia"}
    assert sum(p.region == "swedencentral" for p in found) == len(whole)
    assert read(azure, PriceFilter(services=("No such service",))) == []


@pytest.mark.parametrize("kind", ["reset", "truncate", "duplicate_page", "drop_next_link"])
def test_trouble_on_the_way_loses_nothing(
    azure: Azure, whole: list[RetailPrice], kind: str
) -> None:
    azure.fault(kind, PATH)
    assert read(azure) == whole


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_burst_of_errors_is_outlived(azure: Azure, whole: list[RetailPrice], status: int) -> None:
    azure.fault("status", PATH, status=status, times=2)
    assert read(azure) == whole


def test_tries_are_bounded(azure: Azure) -> None:
    azure.fault("status", PATH, status=500, times=99)
    with pytest.raises(Transient, match="answered 500"):
        read(azure)
    assert len(azure.requests(PATH)) == 3


def test_a_page_that_stays_the_same_is_no_whole_list(azure: Azure) -> None:
    azure.fault("duplicate_page", PATH, times=99)
    once = replace(azure.endpoints, tries=1)
    with pytest.raises(Partial, match="same page twice"):
        list(retail_prices.pages(once, filter=SWEDEN))


def test_a_link_to_another_host_is_not_followed(azure: Azure) -> None:
    azure.fault("foreign_next_link", PATH)
    with pytest.raises(Permanent, match="links to another host"):
        read(azure)


def test_links_in_a_circle_end(azure: Azure) -> None:
    azure.fault("link_loop", PATH, times=99)
    with pytest.raises((Permanent, Partial), match=r"already read|same page twice"):
        read(azure)


def test_too_many_pages_end(azure: Azure) -> None:
    short = replace(azure.endpoints, most_pages=1)
    pages: Iterator[tuple[RetailPrice, ...]] = retail_prices.pages(short, filter=SWEDEN)
    with pytest.raises(Permanent, match="did not end after 1 pages"):
        list(pages)


@pytest.mark.parametrize("currency", ["usd", "", "US", "USD' or '1'"])
def test_a_currency_is_three_capitals(azure: Azure, currency: str) -> None:
    with pytest.raises(Permanent, match="not a currency code"):
        read(azure, replace(SWEDEN, currency=currency))


@pytest.mark.parametrize(
    ("odd", "says"),
    [
        ({"retailPrice": "0.1"}, r"row of meter .* has no usable 'retailPrice'"),
        ({"retailPrice": True}, "no usable 'retailPrice'"),
        ({"retailPrice": None}, "no usable 'retailPrice'"),
        ({"meterId": None}, "row of meter Odd meter has no usable 'meterId'"),
        ({"unitOfMeasure": 1000}, "no usable 'unitOfMeasure'"),
        ({"currencyCode": "EUR"}, "gave EUR for meter"),
    ],
)
def test_a_row_that_cannot_be_read_fails_the_list(
    azure: Azure, odd: dict[str, Any], says: str
) -> None:
    row = {"meterName": "Odd meter", "serviceName": "Odd", "retailPrice": 0.1} | odd
    azure.control.put("/prices", json=row).raise_for_status()
    try:
        with pytest.raises(Permanent, match=says):
            read(azure, PriceFilter(services=("Odd",)))
    finally:
        azure.control.request("DELETE", "/prices", json={"serviceName": "Odd"}).raise_for_status()

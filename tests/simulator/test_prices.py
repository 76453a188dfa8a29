import csv
import gzip
import io
import json
import re
from pathlib import Path
from typing import Any

from simulator import price_list
from tests.simulator.conftest import Azure

PATH = "/api/retail/prices"
CHAT = "serviceName eq 'Foundry Models' and contains(meterName, 'GPT 5.2 chat inp Gl')"
SWEDEN = f"{CHAT} and armRegionName eq 'swedencentral'"


def _pages(azure: Azure, wanted: str) -> list[dict[str, Any]]:
    link: str | None = f"{azure.running.azure}{PATH}"
    params: dict[str, str] | None = {"currencyCode": "'USD'", "$filter": wanted}
    pages = []
    while link:
        page = azure.wire.get(link, params=params).raise_for_status().json()
        pages.append(page)
        link, params = page["NextPageLink"], None
    return pages


def test_all_pages_together_are_the_list_once(azure: Azure) -> None:
    pages = _pages(azure, "serviceName eq 'Foundry Models' and armRegionName eq 'swedencentral'")
    azure.tell("/knobs", price_page=100)
    small = _pages(azure, "serviceName eq 'Foundry Models' and armRegionName eq 'swedencentral'")
    assert len(small) > len(pages)
    items = [item for page in small for item in page["Items"]]
    assert [page["Count"] for page in small[:-1]] == [100] * (len(small) - 1)
    assert items == [item for page in pages for item in page["Items"]]
    # The terms of a reservation have the id of the meter that they are for.
    bought = [item for item in items if item["type"] == "Reservation"]
    assert len({item["meterId"] for item in items}) == len(items) - len(bought)


def test_the_newer_list_is_served_whole_with_its_numbers_as_written(azure: Azure) -> None:
    file = Path(price_list.__file__).parent / "data" / "retail-prices-2026-08-meters.ndjson.gz"
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        written = [
            (meter["productName"], meter["meterName"], region, number)
            for line in lines
            for meter in [json.loads(line)]
            for number in re.findall(r'"retailPrice": ([^,}]+)', line)
            for region in meter["regions"]
        ]
    answer = azure.control.get("/export/prices.csv")
    served = [
        (row["productName"], row["meterName"], row["armRegionName"], row["retailPrice"])
        for row in csv.DictReader(io.StringIO(answer.text))
        if row["serviceName"] == "Foundry Models"
        and row["meterName"] != "Provisioned Managed Global Unit"
    ]
    assert sorted(served) == sorted(written)


def test_an_item_has_every_field_and_a_stable_id(azure: Azure) -> None:
    (page,) = _pages(azure, SWEDEN)
    (item,) = page["Items"]
    assert (item["retailPrice"], item["unitOfMeasure"], item["currencyCode"]) == (1.75, "1M", "USD")
    assert item["skuName"] == "GPT 5.2 chat inp Gl"
    assert item["type"] == "Consumption"
    assert item["meterId"] == _pages(azure, SWEDEN)[0]["Items"][0]["meterId"]


def test_real_ids_are_kept_where_the_older_list_has_them(azure: Azure) -> None:
    file = Path(price_list.__file__).parent / "data" / "retail-prices-2025-08-items.ndjson.gz"
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        older = [json.loads(line) for line in lines]
    known = next(
        i
        for i in older
        if i["meterName"] == "gpt 4.1 Inp regnl Tokens" and i["armRegionName"] == "swedencentral"
    )
    wanted = "meterName eq 'gpt 4.1 Inp regnl Tokens' and armRegionName eq 'swedencentral'"
    (item,) = _pages(azure, wanted)[0]["Items"]
    assert item["meterId"] == known["meterId"]
    assert item["skuId"] == known["skuId"]


def test_filters_combine(azure: Azure) -> None:
    either = "(armRegionName eq 'swedencentral' or armRegionName eq 'southindia')"
    items = _pages(azure, f"{CHAT} and {either}")[0]["Items"]
    assert {item["armRegionName"] for item in items} == {"swedencentral", "southindia"}
    others = _pages(azure, f"{CHAT} and armRegionName ne 'swedencentral'")[0]["Items"]
    assert others
    assert "swedencentral" not in {item["armRegionName"] for item in others}
    wrong = azure.wire.get(PATH, params={"$filter": "armRegionName like 'x'"})
    assert wrong.status_code == 400


def test_a_new_price_is_served_from_the_day_it_starts(azure: Azure) -> None:
    change = {
        "meterName": "GPT 5.2 chat inp Gl 1M Tokens",
        "armRegionName": "swedencentral",
        "retailPrice": 2.05,
        "effectiveStartDate": "2026-11-25T00:00:00Z",
    }
    assert azure.control.put("/prices", json=change).json() == {"changed": 1}
    assert _pages(azure, SWEDEN)[0]["Items"][0]["retailPrice"] == 1.75
    azure.tell("/clock", now="2026-11-25T00:00:00Z")
    (item,) = _pages(azure, SWEDEN)[0]["Items"]
    assert (item["retailPrice"], item["effectiveStartDate"]) == (2.05, "2026-11-25T00:00:00Z")
    gone = azure.control.request("DELETE", "/prices", json={"meterName": change["meterName"]})
    assert gone.json()["changed"] > 1
    assert _pages(azure, SWEDEN)[0]["Items"] == []


def test_before_a_price_change_the_older_price_is_in_force(azure: Azure) -> None:
    wanted = (
        "meterName eq 'Provisioned Managed Regional Unit' and armRegionName eq 'swedencentral' "
        "and productName eq 'Azure OpenAI'"
    )
    assert [i["retailPrice"] for i in _pages(azure, wanted)[0]["Items"]] == [2.2]
    azure.tell("/clock", now="2025-08-31T23:59:59Z")
    assert [i["retailPrice"] for i in _pages(azure, wanted)[0]["Items"]] == [2.0]


GLOBAL_PTU = (
    "meterName eq 'Provisioned Managed Global Unit' and armRegionName eq 'swedencentral'"
    " and serviceName eq 'Foundry Models'"
)
DATA_ZONE_PTU = (
    "meterName eq 'Provisioned Managed Data Zone Unit' and armRegionName eq 'swedencentral'"
    " and productName eq 'Azure AI Foundry Provisioned Throughput Reservation'"
)


def _put(azure: Azure, **wanted: Any) -> None:
    known = {"meterName": "Model x Tokens", "armRegionName": "swedencentral", "productName": "Own"}
    azure.control.put("/prices", json=known | wanted).raise_for_status()


def _own(azure: Azure, **query: str) -> list[dict[str, Any]]:
    asked = {"$filter": "productName eq 'Own'"} | query
    items: list[dict[str, Any]] = azure.wire.get(PATH, params=asked).json()["Items"]
    return items


def test_throughput_units_are_listed_by_the_hour_and_reserved_by_the_term(azure: Azure) -> None:
    found = [
        (i["type"], i.get("reservationTerm"), i["unitOfMeasure"], i["retailPrice"])
        for i in _pages(azure, GLOBAL_PTU)[0]["Items"]
    ]
    assert sorted(found, key=str) == [
        ("Consumption", None, "1/Hour", 1.0),
        ("Reservation", "1 Month", "1/Hour", 260.0),
        ("Reservation", "1 Year", "1/Hour", 2652.0),
    ]
    assert len({i["meterId"] for i in _pages(azure, GLOBAL_PTU)[0]["Items"]}) == 1


def test_an_item_counts_through_its_last_minute(azure: Azure) -> None:
    assert _pages(azure, DATA_ZONE_PTU)[0]["Items"] == []
    azure.tell("/clock", now="2025-08-31T23:59:59Z")
    assert [i["retailPrice"] for i in _pages(azure, DATA_ZONE_PTU)[0]["Items"]] == [260.0, 2652.0]
    azure.tell("/clock", now="2025-09-01T00:00:00Z")
    assert _pages(azure, DATA_ZONE_PTU)[0]["Items"] == []


def test_tiers_and_reservations_stand_beside_the_price_of_their_meter(azure: Azure) -> None:
    _put(azure, retailPrice=1.0)
    _put(azure, retailPrice=0.8, tierMinimumUnits=1000)
    _put(azure, retailPrice=90.0, type="Reservation", reservationTerm="1 Month")
    _put(azure, retailPrice=900.0, type="Reservation", reservationTerm="1 Year")
    _put(azure, retailPrice=1.1, effectiveStartDate="2026-11-01T00:00:00Z")

    found = [
        (i["type"], i.get("reservationTerm"), i["tierMinimumUnits"], i["retailPrice"])
        for i in _own(azure)
    ]
    assert sorted(found, key=str) == [
        ("Consumption", None, 0.0, 1.1),
        ("Consumption", None, 1000, 0.8),
        ("Reservation", "1 Month", 0.0, 90.0),
        ("Reservation", "1 Year", 0.0, 900.0),
    ]
    assert len({i["meterId"] for i in _own(azure)}) == 1


def test_a_meter_keeps_its_id_when_its_unit_or_currency_changes(azure: Azure) -> None:
    _put(azure, retailPrice=0.002, unitOfMeasure="1K")
    (before,) = _own(azure)
    _put(
        azure,
        retailPrice=2.0,
        unitOfMeasure="1M",
        currencyCode="EUR",
        effectiveStartDate="2026-11-01T00:00:00Z",
    )
    (after,) = _own(azure)
    assert (before["unitOfMeasure"], before["currencyCode"]) == ("1K", "USD")
    assert (after["unitOfMeasure"], after["currencyCode"]) == ("1M", "EUR")
    assert after["meterId"] == before["meterId"]


def test_the_list_in_another_currency_is_an_estimate_at_one_rate(azure: Azure) -> None:
    _put(azure, retailPrice=1.75)
    azure.tell("/knobs", list_rates={"EUR": 0.9})
    (item,) = _own(azure, currencyCode="'EUR'")
    assert (item["currencyCode"], item["retailPrice"], item["unitPrice"]) == ("EUR", 1.575, 1.575)
    assert _own(azure)[0]["retailPrice"] == 1.75
    page = azure.wire.get(PATH, params={"currencyCode": "EUR", "$filter": SWEDEN}).json()
    assert page["BillingCurrency"] == "EUR"
    assert azure.wire.get(PATH, params={"currencyCode": "GBP"}).status_code == 400

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
    assert len({item["meterId"] for item in items}) == len(items)


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

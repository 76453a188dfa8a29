"""Price sheets through the API: told first, then applied; each line at fault is named."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from billing import rating
from billing.documents import price_sheet_csv
from billing.models import PriceSheet, RatedDay, SheetLine
from tenancy import scope
from tenancy.runs import Contention
from tests.api.conftest import problem
from tests.world import World
from tests.world_usage import BUCKET

ROOT = "/api/v1/price-sheets/"
METER = "0b0e5d1f-0000-4000-8000-000000000001"
TENTH = {"kind": "discount", "product_filter": "Azure OpenAI*", "percent": "10"}
EXACT = {
    "kind": "exact",
    "meter_id": METER,
    "price": "1.50",
    "unit_of_measure": "1M",
    "currency": "USD",
}
BODY: dict[str, Any] = {
    "name": "Contract",
    "source": "Enrollment 77",
    "effective_from": "2026-11-01T00:00:00Z",
    "lines": [TENTH],
}
SAID = {name: BODY[name] for name in ("name", "source", "effective_from")}
CSV = "Kind,ProductFilter,Percent\r\ndiscount,Azure OpenAI*,10\r\n"


def post(world: World, path: str, body: Any, name: str = "dan", *scopes: str) -> Any:
    client = Client(raise_request_exception=False)
    return client.post(
        path,
        body if isinstance(body, str) else json.dumps(body),
        content_type="text/csv" if isinstance(body, str) else "application/json",
        headers={"Authorization": f"Bearer {world.token(name, *scopes)}"},
    )


def get(world: World, path: str, name: str = "dan", **headers: str) -> Any:
    bearer = {"Authorization": f"Bearer {world.token(name)}"}
    return Client(raise_request_exception=False).get(path, headers=bearer | headers)


def held(world: World) -> list[str]:
    with scope.of(world.contoso.ref):
        return sorted(PriceSheet.objects.values_list("name", flat=True))


def test_a_sheet_tells_its_effect_and_is_applied_with_its_plan(world: World) -> None:
    told = post(world, ROOT, BODY)
    assert told.status_code == 200, told.content
    plan = told.json()
    assert plan["applied"] is False
    assert Decimal(plan["effect"]["open"]["difference"]) == Decimal("-0.35")
    assert [team["team"] for team in plan["effect"]["teams"]] == ["search", "support"]
    assert held(world) == ["Pilot"]

    done = post(world, ROOT, BODY | {"plan": plan["plan"]})
    assert done.status_code == 200, done.content
    assert done.json() == plan | {"applied": True, "plan": None}
    assert held(world) == ["Contract", "Pilot"]


def test_a_plan_of_other_lines_applies_nothing(world: World) -> None:
    plan = post(world, ROOT, BODY).json()["plan"]
    other = BODY | {"plan": plan, "lines": [TENTH | {"percent": "90"}]}
    assert problem(post(world, ROOT, other), 409)["code"] == "plan-mismatch"
    assert held(world) == ["Pilot"]


def test_csv_is_taken_with_the_rest_in_the_address(world: World) -> None:
    plan = post(world, f"{ROOT}?{urlencode(SAID)}", CSV).json()["plan"]
    done = post(world, f"{ROOT}?{urlencode(SAID | {'plan': plan})}", CSV)
    assert done.status_code == 200, done.content
    assert held(world) == ["Contract", "Pilot"]


def test_csv_and_json_of_the_same_lines_are_the_same_sheet(world: World) -> None:
    plan = post(world, ROOT, BODY).json()["plan"]
    assert post(world, ROOT, BODY | {"plan": plan}).status_code == 200
    again = post(world, f"{ROOT}?{urlencode(SAID)}", CSV)
    assert again.status_code == 200
    assert again.json()["effect"]["days"] == 0
    other = post(world, f"{ROOT}?{urlencode(SAID)}", CSV.replace("10", "11"))
    assert problem(other, 409)["code"] == "price-sheet-exists"


def test_each_line_at_fault_is_named(world: World) -> None:
    lines = [TENTH, EXACT | {"currency": "JPY"}, EXACT | {"meter_id": "nobody"}, EXACT, {}]
    document = problem(post(world, ROOT, BODY | {"lines": lines[:4]}), 400)
    assert [fault["field"] for fault in document["errors"]] == [
        "lines.1.currency",
        "lines.2.meter_id",
        "lines.3.meter_id",
    ]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"kind": "gift"}, "lines.0.kind"),
        (TENTH | {"percent": "200"}, "lines.0.percent"),
        (TENTH | {"percent": 10}, "lines.0.percent"),
        (TENTH | {"percnt": "1"}, "lines.0.percnt"),
        (EXACT | {"price": "1,5"}, "lines.0.price"),
        (EXACT | {"region": "westeurope"}, "lines.0.region"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(world: World, line: dict[str, Any], field: str) -> None:
    document = problem(post(world, ROOT, BODY | {"lines": [line]}), 400)
    assert [fault["field"] for fault in document["errors"]] == [field]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": " "}, "name"),
        ({"effective_from": "2026-11-01"}, "effective_from"),
        ({"effective_from": "2026-11-01T00:30:00Z"}, "effective_from"),
        ({"effective_until": "2026-10-01T00:00:00Z"}, "effective_until"),
        ({"lines": []}, "lines"),
        ({"price": "1"}, "price"),
    ],
)
def test_a_sheet_that_is_none_is_refused_at_its_field(
    world: World, changed: dict[str, Any], field: str
) -> None:
    document = problem(post(world, ROOT, BODY | changed), 400)
    assert [fault["field"].partition(".")[0] for fault in document["errors"]] == [field]


def test_csv_without_a_name_or_too_long_is_refused(world: World) -> None:
    document = problem(post(world, ROOT, CSV), 400)
    assert {fault["field"] for fault in document["errors"]} == set(SAID)
    great = "Kind\n" + "x" * price_sheet_csv.LARGEST
    answer = post(world, f"{ROOT}?{urlencode(SAID)}", great)
    assert problem(answer, 400)["code"] == "price-sheet-too-large"


@pytest.mark.parametrize("name", ["alice", "carol", "vic"])
def test_only_finance_and_administrators_change_sheets(world: World, name: str) -> None:
    with scope.of(world.contoso.ref):
        pilot = PriceSheet.objects.get(name="Pilot").pk
    end = {"effective_until": None, "reason": "So."}
    assert problem(post(world, ROOT, BODY, name), 403)["code"] == "not-allowed"
    assert problem(post(world, f"{ROOT}{pilot}/end/", end, name), 403)["code"] == "not-allowed"


def test_reading_scopes_change_nothing(world: World) -> None:
    with scope.of(world.contoso.ref):
        pilot = PriceSheet.objects.get(name="Pilot").pk
    end = {"effective_until": None, "reason": "So."}
    for path, body in ((ROOT, BODY), (f"{ROOT}{pilot}/end/", end)):
        answer = post(world, path, body, "dan", "read:prices")
        assert problem(answer, 403)["code"] == "missing-scope"


def test_a_team_owner_reads_no_sheet(world: World) -> None:
    with scope.of(world.contoso.ref):
        pilot = PriceSheet.objects.get(name="Pilot").pk
    for path in (ROOT, f"{ROOT}{pilot}/", f"{ROOT}{pilot}/lines/"):
        assert problem(get(world, path, "alice"), 403)["code"] == "not-allowed"


def test_another_tenants_sheet_is_not_there(world: World) -> None:
    with scope.of(world.contoso.ref):
        pilot = PriceSheet.objects.get(name="Pilot").pk
    end = {"effective_until": None, "reason": "So."}
    for path in (f"{ROOT}{pilot}/", f"{ROOT}{pilot}/lines/", f"{ROOT}{pilot}/lines/?format=csv"):
        assert get(world, path, "mallory").status_code == 404
    assert post(world, f"{ROOT}{pilot}/end/", end, "mallory").status_code == 404


def test_lines_are_read_as_json_and_as_the_csv_they_can_be_made_from(world: World) -> None:
    body = BODY | {"lines": [EXACT, TENTH]}
    plan = post(world, ROOT, body).json()["plan"]
    assert post(world, ROOT, body | {"plan": plan}).status_code == 200
    (sheet,) = [one for one in get(world, ROOT).json()["results"] if one["name"] == "Contract"]
    assert get(world, sheet["url"]).json() == sheet
    exact, tenth = get(world, sheet["lines_url"]).json()["results"]
    assert (exact["meter_id"], exact["price"], exact["unit_price"]) == (METER, "1.5", "0.0000015")
    assert (tenth["meter_id"], tenth["percent"], tenth["price"]) == ("", "10", None)
    text = get(world, sheet["lines_url"], Accept="text/csv")
    assert text["Content-Type"] == "text/csv; charset=utf-8"
    assert len(price_sheet_csv.parse(text.content).lines) == 2


def test_an_end_is_told_and_set(world: World) -> None:
    plan = post(world, ROOT, BODY).json()["plan"]
    post(world, ROOT, BODY | {"plan": plan})
    with scope.of(world.contoso.ref):
        path = f"{ROOT}{PriceSheet.objects.get(name='Contract').pk}/end/"
    end = {"effective_until": "2026-11-03T00:00:00Z", "reason": "Renegotiated."}
    told = post(world, path, end).json()
    assert Decimal(told["effect"]["open"]["difference"]) == Decimal("0.35")
    assert post(world, path, end | {"plan": told["plan"]}).json()["applied"] is True
    early = end | {"effective_until": "2026-10-03T00:00:00Z"}
    assert problem(post(world, path, early), 400)["code"] == "price-sheet-ends-before-start"


# What it made of costs.


@pytest.fixture
def rated(world: World) -> World:
    """November at a tenth off and five percent on top; twelve pictures and paid capacity beside."""
    body = BODY | {"lines": [TENTH, {"kind": "markup", "percent": "5"}]}
    plan = post(world, ROOT, body).json()["plan"]
    assert post(world, ROOT, body | {"plan": plan}).status_code == 200
    rating.rate(world.contoso.ref, contention=Contention.TAKE_OVER)
    with scope.of(world.contoso.ref):
        row = RatedDay.objects.get(day=BUCKET.date(), subscription=world.search.subscription)
        row.pk, row.token_class, row.quantity, row.list_cost = None, "images", 12, None
        row.price, row.sheet_line, row.markup_line = None, None, None
        row.unit_price, row.price_currency, row.cost = None, "", Decimal(0)
        row.save(force_insert=True)
    return world


def test_a_cost_says_the_sheet_that_made_it_and_the_list_cost(rated: World) -> None:
    rows = get(rated, "/api/v1/costs/?month=2026-11&team=search").json()["results"]
    (tokens,) = [row for row in rows if row["token_class"] == "input"]
    assert tokens["unit_price"] == "0.00000165375"
    assert tokens["price_currency"] == "USD"
    assert tokens["price"]["unit_price"] == "0.00000175"
    assert (tokens["sheet"]["name"], tokens["sheet"]["line"]) == ("Contract", 1)
    assert (tokens["markup"]["kind"], tokens["markup"]["percent"]) == ("markup", "5")
    assert (tokens["list_cost"], tokens["cost"]) == ("1.75", "1.65375")


def test_what_capacity_covers_costs_nothing_and_has_no_price(rated: World) -> None:
    rows = get(rated, "/api/v1/costs/?month=2026-11&team=search").json()["results"]
    (images,) = [row for row in rows if row["token_class"] == "images"]
    assert (images["unit"], images["quantity"], images["cost"]) == ("image", 12, "0")
    assert (images["unit_price"], images["price"], images["sheet"]) == (None, None, None)
    lines = get(rated, "/api/v1/teams/search/statements/2026-11/").json()["lines"]
    (line,) = [one for one in lines if one["token_class"] == "images"]
    assert (line["unit"], line["unit_price"], line["amount"]) == ("image", None, "0.00")


def test_a_statements_line_says_the_sheet_and_the_list_cost(rated: World) -> None:
    statement = get(rated, "/api/v1/teams/search/statements/2026-11/").json()
    (line,) = [one for one in statement["lines"] if one["token_class"] == "input"]
    assert (line["sheet"], line["markup_percent"]) == ("Contract", "5")
    assert line["list_cost"] == {"amount": "1.75", "currency": "USD"}
    assert line["price_from"] == "2026-11-01T00:00:00Z"
    assert (line["exact"], statement["total"]) == ("1.65375", "1.65")


def test_every_cost_is_quantity_times_unit_price_times_rate(rated: World) -> None:
    for row in get(rated, "/api/v1/costs/?month=2026-11").json()["results"]:
        if row["unit_price"] is not None:
            whole = row["quantity"] * Decimal(row["unit_price"])
            assert Decimal(row["cost"]) == whole / row["units_per_price"]


def test_rows_of_a_day_that_differ_in_their_sheet_alone_are_each_seen_once(world: World) -> None:
    """A sheet that ends within a day: both its prices are rows of that day."""
    with scope.of(world.contoso.ref):
        row = RatedDay.objects.get(day=BUCKET.date(), subscription=world.search.subscription)
        line = SheetLine.objects.filter(sheet__name="Pilot", kind="discount").get()
        row.pk, row.sheet_line, row.quantity = None, line, 7
        row.save(force_insert=True)
    path = "/api/v1/costs/?month=2026-11&team=search&page_size=1"
    seen = []
    while path:
        page = get(world, path).json()
        seen += [row["quantity"] for row in page["results"]]
        path = page["next"]
    assert sorted(seen) == [7, 1_000_000]

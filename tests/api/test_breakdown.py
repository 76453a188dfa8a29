"""Usage broken down over the API: the parts are the whole, pages are walked, others' are hidden."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from billing.breakdown import By
from portal.api.breakdown_examples import BREAKDOWN
from tests.api import history
from tests.api.conftest import Program, problem
from tests.world import World

Asking = Callable[..., Program]
ADDRESS = "usage/breakdown/"
NOVEMBER: dict[str, Any] = {"month": "2026-11"}


@pytest.fixture(autouse=True)
def month(world: World) -> None:
    history.write(world)
    history.hand_over(world)


def costs(rows: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(row["cost"]) for row in rows if row["cost"]), Decimal(0))


@pytest.mark.parametrize("by", [one.value for one in By])
def test_every_dimension_sums_to_what_the_costs_list_has(program: Asking, by: str) -> None:
    dan = program("dan")
    answer = dan.read(ADDRESS, by=by, **NOVEMBER, page_size=500)
    listed = dan.all("costs/", **NOVEMBER)
    assert costs(answer["results"]) == Decimal(answer["total"]["cost"]) == costs(listed)
    assert sum(row["tokens"] for row in answer["results"]) == answer["total"]["tokens"]
    assert answer["total"]["tokens"] == sum(row["quantity"] for row in listed)


def test_pages_are_walked_once_each_and_all_have_the_total(program: Asking) -> None:
    dan = program("dan")
    query = {"by": "day,subscription", **NOVEMBER}
    whole = dan.read(ADDRESS, **query, page_size=500)
    pages = dan.walk(ADDRESS, **query, page_size=7)
    assert [row for page in pages for row in page] == whole["results"]
    assert len(pages) > 2
    assert dan.read(ADDRESS, **query, page_size=1)["total"] == whole["total"]
    assert whole["found"] == len(whole["results"])


def test_a_handed_over_subscription_counts_for_each_team_on_its_days(program: Asking) -> None:
    dan = program("dan")
    rows = dan.read(ADDRESS, by="team,subscription", **NOVEMBER)["results"]
    teams = {
        row["values"]["team"]
        for row in rows
        if row["values"]["subscription"] == "apim-contoso/key-search"
    }
    assert teams == {"search", "support"}
    mine = program("alice").read(ADDRESS, by="team,subscription", **NOVEMBER)["results"]
    assert [row for row in rows if row["values"]["team"] == "search"] == [
        {**row, "share": next(one["share"] for one in rows if one["values"] == row["values"])}
        for row in mine
    ]


def test_it_is_narrowed_by_any_value(program: Asking) -> None:
    dan = program("dan")
    told = dan.read(ADDRESS, by="model", caller_application="Assistant", **NOVEMBER)
    assert told["total"]["tokens"] == 2_000_000
    untold = dan.read(ADDRESS, by="team", caller_application="", team="", **NOVEMBER)
    assert {row["values"]["team"] for row in untold["results"]} == {""}
    days = {"from": "2026-11-03", "to": "2026-11-04"}
    assert dan.read(ADDRESS, by="day", **days)["total"]["tokens"] == 2_000_000


def test_the_example_is_like_an_answer(program: Asking) -> None:
    days = {"from": "2026-11-03", "to": "2026-11-04"}
    answer = program("alice").read(ADDRESS, by="team,model", **days)
    assert answer == BREAKDOWN


def test_teams_of_others_are_not_there(program: Asking) -> None:
    for team in ("support", "none"):
        problem(program("alice").ask(ADDRESS, by="model", team=team, **NOVEMBER), 404)
    assert program("mallory").read(ADDRESS, by="team", **NOVEMBER)["results"] != []
    problem(program("mallory").ask(ADDRESS, by="team", team="search", **NOVEMBER), 404)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "by"),
        ({"by": "nothing"}, "by"),
        ({"by": "team,team"}, "by"),
        ({"by": "team,model,api,product"}, "by"),
        ({"by": "team", "from": "2026-11-01"}, "to"),
        ({"by": "team", "from": "2026-11-02", "to": "2026-11-02"}, "to"),
        ({"by": "team", "from": "2024-11-02", "to": "2026-11-02"}, "to"),
        ({"by": "team", "month": "2026-11", "from": "2026-11-02"}, "from"),
        ({"by": "team", "day": "2026-11-02", **NOVEMBER}, "day"),
        ({"by": "team", "cursor": "x", **NOVEMBER}, "cursor"),
    ],
)
def test_what_cannot_be_asked_names_its_field(
    program: Asking, query: dict[str, Any], field: str
) -> None:
    document = problem(program("dan").ask(ADDRESS, **query), 400)
    assert field in {fault["field"] for fault in document["errors"]}


def test_two_series_of_one_subscription_are_two_rows_of_every_list(
    program: Asking, world: World
) -> None:
    """Same bucket, subscription and deployment; only what the caller said differs."""
    history.second_series(world)
    dan = program("dan")
    window = {"from": "2026-11-03T00:00:00Z", "to": "2026-11-04T00:00:00Z"}
    for page_size in (1, 500):
        usage = dan.all("usage/", **window, subscription="key-search", page_size=page_size)
        told = [(row["dimensions"]["application"], row["tokens"]["input"]) for row in usage]
        assert sorted(told) == [("Assistant", 1_000_000), ("Chat", 300)]
        assert {row["dimensions"]["application"]: row["tokens"]["further"] for row in usage} == {
            "Assistant": {},
            "Chat": {"cache_write": 7},
        }
        days = {"from_day": "2026-11-03", "to_day": "2026-11-04", "subscription": "key-search"}
        listed = dan.all("costs/", **days, page_size=page_size)
        assert sorted((row["dimensions"]["application"], row["quantity"]) for row in listed) == [
            ("Assistant", 1_000_000),
            ("Chat", 7),
            ("Chat", 300),
        ]
        (chat,) = dan.all("usage/", **window, application="Chat", page_size=page_size)
        assert chat["tokens"]["total"] == 307
        (further,) = dan.all("further-usage/", **window, application="Chat", page_size=page_size)
        assert further["quantity"] == 7

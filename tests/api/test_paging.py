"""Walking a list shows every row exactly once, in one order, whatever the page's size."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Price, RatedDay
from billing.rules.token_classes import TokenClass
from tenancy import scope
from tests.api import history
from tests.api.conftest import Program, problem
from tests.api.test_visibility import LISTS
from tests.world import World
from tests.world_usage import told_of

Asking = Callable[..., Program]
lists = pytest.mark.parametrize("address", LISTS)


@pytest.fixture(autouse=True)
def month(world: World) -> None:
    history.write(world)


@lists
@pytest.mark.parametrize("size", [2, 7])
def test_walking_shows_each_row_once(program: Asking, address: str, size: int) -> None:
    dan = program("dan")
    few = {"subscription": "key-search"} if address in {"usage/", "costs/"} else {}
    query = LISTS[address] | few
    whole = dan.read(address, **query, page_size=500)
    pages = dan.walk(address, **query, page_size=size)
    rows = [row for page in pages for row in page]

    assert whole["next"] is None
    assert rows == whole["results"]
    assert len({str(row) for row in rows}) == len(rows)
    assert all(len(page) == size for page in pages[:-1])
    assert 1 <= len(pages[-1]) <= size


def test_the_order_is_the_promised_one(program: Asking) -> None:
    dan = program("dan")
    costs = dan.all("costs/", month="2026-11")
    usage = dan.all("usage/", **LISTS["usage/"])
    keys = [(row["gateway"], row["name"]) for row in dan.all("subscriptions/")]
    assert [row["day"] for row in costs] == sorted(row["day"] for row in costs)
    assert [row["start"] for row in usage] == sorted(row["start"] for row in usage)
    assert keys == sorted(keys)


def test_a_row_added_meanwhile_shifts_nothing(program: Asking, world: World) -> None:
    dan = program("dan")
    before = dan.all("subscriptions/", page_size=1)
    second = dan.read(dan.read("subscriptions/", page_size=1)["next"])
    with scope.of(world.contoso.ref):
        added = world.search.subscription
        added.pk, added.name = None, "a-name-that-comes-first"
        added.save(force_insert=True)
    rest = [row for page in dan.walk(second["next"]) for row in page]
    assert rest == before[2:] != []


def _cursor(link: str) -> str:
    return parse_qs(urlsplit(link).query)["cursor"][0]


def test_a_cursor_fits_its_own_question_only(program: Asking) -> None:
    dan = program("dan")
    cursor = _cursor(dan.read("costs/", month="2026-11", page_size=2)["next"])
    other_size = dan.read("costs/", month="2026-11", page_size=5, cursor=cursor)
    assert len(other_size["results"]) == 5

    others: list[tuple[Program, str, dict[str, Any]]] = [
        (dan, "costs/", {"month": "2026-10"}),
        (dan, "costs/", {"month": "2026-11", "team": "search"}),
        (dan, "usage/", LISTS["usage/"]),
        (dan, "teams/", {}),
        (program("mallory"), "costs/", {"month": "2026-11"}),
    ]
    for asking, address, query in others:
        document = problem(asking.ask(address, **query, cursor=cursor), 400)
        assert document["code"] == "bad-cursor"
        assert document["errors"][0]["field"] == "cursor"


@pytest.mark.parametrize(
    "made_up",
    ["x", "x:y", ":", "é", "WyIyMDI2LTExLTA0Il0:" + "A" * 43, "null", "' OR 1=1 --", "a" * 1000],
)
@lists
def test_a_made_up_cursor_is_refused(program: Asking, address: str, made_up: str) -> None:
    answer = program("dan").ask(address, **LISTS[address], cursor=made_up)
    assert problem(answer, 400)["errors"][0]["field"] == "cursor"


def test_statements_are_walked_over_months(program: Asking, world: World) -> None:
    with scope.of(world.contoso.ref):
        RatedDay.objects.create(
            series=told_of(world.support.subscription, world.contoso.deployment),
            day=date(2026, 10, 31),
            subscription=world.support.subscription,
            deployment=world.contoso.deployment,
            token_class=TokenClass.INPUT,
            price=Price.objects.first(),
            unit_price=Decimal("0.00000175"),
            price_currency="USD",
            quantity=2_000_000,
            list_cost=Decimal("3.50"),
            cost=Decimal("3.50"),
        )
    rows = program("dan").all("statements/", page_size=1)
    assert [(row["period"]["month"], row["team"]) for row in rows] == [
        ("2026-09", "search"),
        ("2026-09", "support"),
        ("2026-10", "support"),
        ("2026-11", "search"),
        ("2026-11", "support"),
    ]
    # September has cache writes alone, which nothing prices yet.
    assert [row["total"]["amount"] for row in rows[:3]] == ["0.00", "0.00", "3.50"]


@pytest.mark.parametrize("address", LISTS)
def test_a_list_asks_the_database_as_often_for_many_rows_as_for_one(
    program: Asking, address: str
) -> None:
    dan = program("dan")
    dan.read("")  # the token's first use is noted
    counts = []
    for size in (1, 500):
        with CaptureQueriesContext(connection) as asked:
            dan.read(address, **LISTS[address], page_size=size)
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 20

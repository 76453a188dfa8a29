"""Budgets and alerts through the API: as they stand, set, and only one's own."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from governance import alerts
from governance.models import Budget
from portal.api import budget_examples
from tenancy import scope
from tests.api.conftest import Program, problem
from tests.world import NOW, World

Asking = Callable[..., Program]
BODY = budget_examples.SENT


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    return type(value).__name__ if not isinstance(value, list) else "list"


def test_they_stand_as_on_the_page(program: Asking) -> None:
    rows = program("dan").all("budgets/")
    assert [(row["team"], row["cost_center"]) for row in rows] == [
        ("search", None),
        ("support", None),
        (None, "CC-search"),
    ]
    mine = rows[0]
    assert mine["spent"] == {"amount": "1.75", "currency": "USD", "basis": "estimated"}
    assert (mine["percent"], mine["breaks"]) == ("1.75", False)
    assert Decimal(mine["forecast"]["p90"]) > Decimal(mine["forecast"]["p50"])
    assert mine["usage_through"] == "2026-11-20T14:00:00Z"
    assert shape(mine) == shape(budget_examples.STANDING)


def test_a_page_goes_on_where_the_one_before_ended(program: Asking) -> None:
    pages = program("dan").walk("budgets/", page_size=1)
    assert [len(page) for page in pages] == [1, 1, 1]
    assert [row for page in pages for row in page] == program("dan").all("budgets/")


def test_teams_see_their_own(program: Asking) -> None:
    rows = program("bob").all("budgets/")
    assert [row["team"] for row in rows] == ["support"]
    said = program("bob").all("budgets/history/")
    assert {row["team"] for row in said} == {"support"}
    problem(program("bob").ask("budgets/history/", team="search"), 404)
    assert not [row for row in program("mallory").all("budgets/") if row["team"] == "search"]


def test_one_is_set_and_told(world: World, program: Asking) -> None:
    answer = program("dan").send("budgets/", BODY)
    assert answer.status_code == 200, answer.content
    row = answer.json()
    assert (row["team"], row["amount"], row["from_day"]) == ("search", "250", "2026-12-01")
    assert (row["set_by"], row["thresholds"]) == ("dan@example.org", [50, 80, 100])
    assert shape(row) == shape(budget_examples.SAID)
    assert program("dan").send("budgets/", BODY).json() == row, "the same again"
    with scope.of(world.contoso.ref):
        assert Budget.objects.filter(amount=250).count() == 1
    history = program("alice").all("budgets/history/", team="search")
    assert [one["amount"] for one in history] == ["100", "250"]


def test_a_cost_center_is_cleared(program: Asking) -> None:
    body = {"cost_center": "CC-search", "amount": None, "from_day": "2026-11-01"}
    assert program("erin").send("budgets/", body).status_code == 200
    rows = program("dan").all("budgets/")
    assert [row["cost_center"] for row in rows] == [None, None]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"amount": "-1"}, "amount"),
        ({"amount": "much"}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "1e30"}, "amount"),
        ({"from_day": "2026-12-02"}, "from_day"),
        ({"period": "year"}, "from_day"),
        ({"period": "week"}, "period"),
        ({"thresholds": [0]}, "thresholds.0"),
        ({"thresholds": "x"}, "thresholds"),
        ({"cost_center": "CC-search"}, "team"),
        ({"team": None}, "team"),
        ({"budget": 1}, "budget"),
    ],
)
def test_a_faulty_body_names_the_field(
    world: World, program: Asking, said: dict[str, Any], field: str
) -> None:
    told = problem(program("dan").send("budgets/", BODY | said), 400)
    assert field in {fault["field"] for fault in told["errors"]}
    with scope.of(world.contoso.ref):
        assert not Budget.objects.filter(recorded_at=NOW).exists()


def test_it_is_for_finance_and_administrators(program: Asking) -> None:
    for name in ("alice", "carol", "vic"):
        problem(program(name).send("budgets/", BODY), 403)
    problem(program("dan", "read:budgets").send("budgets/", BODY), 403)
    problem(program("dan").send("budgets/", BODY | {"team": "pune"}), 404)
    problem(program("dan", "read:usage").ask("budgets/"), 403)


def test_alerts_say_what_they_rest_on(world: World, program: Asking) -> None:
    body = {"team": "search", "amount": "2", "from_day": "2026-11-01", "thresholds": [80]}
    assert program("dan").send("budgets/", body).status_code == 200
    with scope.of(world.contoso.ref):
        alerts.look(at=NOW)
    (row,) = program("alice").all("alerts/", open="true", kind="budget_used")
    assert (row["subject"], row["team"], row["threshold"]) == ("team", "search", 80)
    assert row["says"] == "80 % of the month's budget is spent"
    assert row["period_start"] == "2026-10-31T23:00:00Z"
    assert row["evidence"]["spent"] == "1.75 USD"
    assert set(row) == set(budget_examples.ALERT)
    assert program("bob").all("alerts/", open="true", kind="budget_used") == []
    assert len(program("alice").all("alerts/")) > 1, "those that ended too"
    problem(program("alice").ask("alerts/", kind="x"), 400)
    problem(program("alice").ask("alerts/", open="x"), 400)

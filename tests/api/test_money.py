"""Amounts that programs read add up to what people see."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tenancy import money
from tests.api import history
from tests.api.conftest import Program
from tests.world import World

Asking = Callable[..., Program]


@pytest.fixture(autouse=True)
def month(world: World) -> None:
    history.write(world)
    history.hand_over(world)


@pytest.mark.parametrize(
    ("name", "place"), [("dan", 0), ("dan", 1), ("alice", 0), ("mallory", 0), ("mallory", 1)]
)
def test_costs_of_a_team_and_month_sum_to_its_statement(
    program: Asking, world: World, name: str, place: int
) -> None:
    asking = program(name)
    tenant = world.fabrikam if name == "mallory" else world.contoso
    team = tenant.houses[place].team.slug
    costs = asking.all("costs/", month="2026-11", team=team, page_size=7)
    statement = asking.read(f"teams/{team}/statements/2026-11/")
    exact = sum((Decimal(row["cost"]) for row in costs if row["cost"] is not None), Decimal(0))

    assert len(costs) > 20
    assert (
        Decimal(statement["total"]) == money.rounded(money.of(exact, statement["currency"])).amount
    )
    assert sum(Decimal(line["amount"]) for line in statement["lines"]) == Decimal(
        statement["total"]
    )
    assert sum(Decimal(line["exact"]) for line in statement["lines"]) == exact


def test_every_cost_is_quantity_times_price_times_rate(program: Asking) -> None:
    for name in ("dan", "mallory"):
        priced = [row for row in program(name).all("costs/", month="2026-11") if row["cost"]]
        assert priced
        for row in priced:
            rate = Decimal(row["exchange_rate"]["rate"]) if row["exchange_rate"] else Decimal(1)
            listed = row["quantity"] * Decimal(row["price"]["unit_price"])
            assert Decimal(row["list_cost"]) == listed
            assert Decimal(row["cost"]) == listed * rate


def test_an_unpriced_row_has_no_cost_and_never_zero(program: Asking) -> None:
    rows = program("dan").all("costs/", month="2026-11", deployment="mystery")
    assert rows
    assert {(row["price"], row["list_cost"], row["cost"]) for row in rows} == {(None, None, None)}


def test_the_statement_counts_what_has_no_price(program: Asking) -> None:
    dan = program("dan")
    statement = dan.read("teams/search/statements/2026-11/")
    rows = dan.all("costs/", month="2026-11", team="search")
    unpriced = sum(row["quantity"] for row in rows if row["cost"] is None)
    assert statement["unpriced_tokens"] == unpriced > 0
    assert sum(gap["quantity"] for gap in statement["unpriced"]) == unpriced


def test_usage_and_costs_count_the_same_tokens(program: Asking) -> None:
    dan = program("dan")
    usage = dan.all("usage/", **{"from": "2026-11-01T00:00:00Z", "to": "2026-11-30T00:00:00Z"})
    costs = dan.all("costs/", month="2026-11")
    for token_class in ("input", "cached_input", "output"):
        used = sum(row["tokens"][token_class] for row in usage)
        rated = sum(row["quantity"] for row in costs if row["token_class"] == token_class)
        assert used == rated > 0
    assert all(
        row["tokens"]["total"]
        == row["tokens"]["input"] + row["tokens"]["cached_input"] + row["tokens"]["output"]
        for row in usage
    )


def test_the_list_of_statements_has_the_statements_totals(program: Asking) -> None:
    dan = program("dan")
    listed = dan.all("statements/", month="2026-11")
    assert [(row["team"], row["period"]["month"]) for row in listed] == [
        ("search", "2026-11"),
        ("support", "2026-11"),
    ]
    for row in listed:
        statement = dan.read(row["url"])
        assert row["total"]["amount"] == statement["total"]
        assert row["unpriced_tokens"] == statement["unpriced_tokens"]
        assert dan.read(f"teams/{row['team']}/")["this_month"]["spent"] == row["total"]


def test_a_subscription_shows_what_its_costs_sum_to(program: Asking) -> None:
    dan = program("dan")
    for row in dan.all("subscriptions/"):
        costs = dan.all("costs/", month="2026-11", subscription=row["name"]) if row["name"] else []
        exact = sum((Decimal(cost["cost"] or 0) for cost in costs), Decimal(0))
        spent = row["this_month"]["spent"]
        assert not row["name"] or Decimal(spent["amount"]) == exact > 0


@pytest.mark.parametrize("how", [{"headers": {"Accept": "text/csv"}}, {"format": "csv"}])
def test_the_statement_as_csv_has_the_same_lines(program: Asking, how: dict[str, Any]) -> None:
    dan = program("dan")
    answer = dan.ask("teams/search/statements/2026-11/", **how)
    statement = dan.read("teams/search/statements/2026-11/")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "statement-search-2026-11-draft.csv" in answer["Content-Disposition"]
    assert [row["Amount"] for row in rows if row["Kind"] == "line"] == [
        line["amount"] for line in statement["lines"]
    ]
    assert [row["Amount"] for row in rows if row["Kind"] == "total"] == [statement["total"]]


def test_an_amount_keeps_every_digit_that_counts(program: Asking) -> None:
    row = program("dan").all(
        "costs/",
        from_day="2026-11-04",
        to_day="2026-11-05",
        team="search",
        deployment="gpt-5.2-chat",
    )
    costs = {one["token_class"]: one["cost"] for one in row}
    assert costs["output"] == str(Decimal("0.000013999999") * (331 + 662))

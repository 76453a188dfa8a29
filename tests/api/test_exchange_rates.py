"""Exchange rates through the API: listed, and set once their effect was told."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from billing.models import ExchangeRate
from tenancy import scope
from tests.api.conftest import Program, problem
from tests.world import World

Asking = Callable[..., Program]
RATE = {
    "from_currency": "USD",
    "to_currency": "EUR",
    "rate": "0.45",
    "effective_from": "2026-11-01T00:00:00Z",
    "source": "invoice 4711",
}


def count(world: World) -> int:
    with scope.of(world.fabrikam.ref):
        return ExchangeRate.objects.count()


def test_they_are_listed_with_their_source(program: Asking) -> None:
    (row,) = program("mallory").all("exchange-rates/")

    assert row["rate"] == "0.9"
    assert row["source"] == "European Central Bank, reference rate"
    assert row["origin"] == "manual"


def test_they_are_set_only_with_the_plan_of_exactly_these(world: World, program: Asking) -> None:
    asking = program("mallory")

    planned = asking.send("exchange-rates/", {"rates": [RATE]})

    assert planned.status_code == 200, planned.content
    answer = planned.json()
    assert answer["applied"] is False
    assert Decimal(answer["effect"]["open"]["after"]) * 2 == Decimal(
        answer["effect"]["open"]["before"]
    )
    assert count(world) == 1
    other = asking.send("exchange-rates/", {"rates": [RATE | {"rate": "0.5"}]} | plan(answer))
    assert problem(other, 409)["code"] == "plan-mismatch"
    assert count(world) == 1
    done = asking.send("exchange-rates/", {"rates": [RATE]} | plan(answer))
    assert done.status_code == 200
    assert done.json()["applied"] is True
    assert done.json()["effect"] == answer["effect"]
    assert count(world) == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "rates"),
        ({"rates": []}, "rates"),
        ({"rates": [RATE | {"rate": "much"}]}, "rates.0.rate"),
        ({"rates": [RATE | {"rate": "0"}]}, "rates.0.rate"),
        ({"rates": [RATE | {"from_currency": "XXQ"}]}, "from_currency"),
        ({"rates": [RATE], "plans": "x"}, "plans"),
        ([], None),
    ],
)
def test_a_faulty_body_names_the_field(
    world: World, program: Asking, body: Any, field: str | None
) -> None:
    answer = program("mallory").send("exchange-rates/", body)

    told = problem(answer, 400)
    assert field is None or field in {fault["field"] for fault in told["errors"]}
    assert count(world) == 1


def test_it_takes_the_scope_and_the_role(program: Asking) -> None:
    reading = program("mallory", "read:prices").send("exchange-rates/", {"rates": [RATE]})
    assert problem(reading, 403)["code"] == "missing-scope"
    auditor = program("vic").send("exchange-rates/", {"rates": [RATE]})
    assert problem(auditor, 403)["code"] == "not-allowed"


def plan(answer: dict[str, Any]) -> dict[str, str]:
    return {"plan": answer["plan"]}

"""The calculator by API: the same figures, with every meter, and faults by field."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from portal.api.estimate_example import ESTIMATE
from tests.prices import real_list
from tests.world import NOW, World

ADDRESS = "/api/v1/estimates/"
LOAD = {
    "model": "gpt-5",
    "region": real_list.REGION,
    "calls": 1_000_000,
    "input_tokens": 1500,
    "cached_tokens": 500,
    "output_tokens": 400,
}


@pytest.fixture
def listed(world: World, clock_at: Callable[[datetime], None]) -> World:
    clock_at(NOW)
    real_list.load()
    return world


def ask(token: str, **asked: object) -> tuple[int, dict[str, Any]]:
    answer = Client().get(
        f"{ADDRESS}?{urlencode(asked)}", headers={"Authorization": f"Bearer {token}"}
    )
    return answer.status_code, json.loads(answer.content)


def test_the_example_is_a_real_answer(listed: World) -> None:
    status, answer = ask(listed.token("alice"), **LOAD, months=1, active_hours=730, peak_factor=1)

    assert status == 200
    assert answer == ESTIMATE


def test_amounts_are_exact_and_sum(listed: World) -> None:
    _, answer = ask(listed.token("alice"), **LOAD, growth="7.5", months=36)
    found = answer["results"][0]["estimate"]

    assert len(found["months"]) == 36
    assert found["months"][0]["month"] == "2026-12"
    assert found["months"][-1]["month"] == "2029-11"
    for month in found["months"]:
        assert Decimal(month["cost"]) == sum(Decimal(one["cost"]) for one in month["classes"])
    assert Decimal(found["total"]) == sum(Decimal(month["cost"]) for month in found["months"])


def test_a_model_without_an_estimate_says_why(listed: World) -> None:
    status, answer = ask(listed.token("alice"), **{**LOAD, "model": "gpt-5,gpt-5.2,gpt-9"})

    assert status == 200
    assert [one["refused"] and one["refused"]["code"] for one in answer["results"]] == [
        None,
        "price-missing",
        "model-not-offered",
    ]
    assert "no input" in answer["results"][1]["refused"]["detail"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"calls": "1e6"}, "calls"),
        ({"growth": "NaN"}, "growth"),
        ({"model": ""}, "model"),
        ({"region": ""}, "region"),
        ({"deployment_type": "Cheap"}, "deployment_type"),
        ({"months": 0}, "months"),
        ({"color": "blue"}, "color"),
        ({"input_tokens": 0, "cached_tokens": 0, "output_tokens": 0}, "input_tokens"),
    ],
)
def test_a_fault_names_its_parameter(listed: World, changed: dict[str, object], field: str) -> None:
    status, problem = ask(listed.token("alice"), **{**LOAD, **changed})
    assert status == 400
    assert [fault["field"] for fault in problem["errors"]] == [field]


def test_it_needs_the_scope_of_prices(listed: World) -> None:
    status, problem = ask(listed.token("dan", "read:costs"), **LOAD)
    assert status == 403
    assert "read:prices" in problem["detail"]


@pytest.mark.parametrize("asked", [{"team": "search"}, {"subscription": "apim-contoso/key-search"}])
def test_a_load_is_taken_from_whom_one_sees(listed: World, asked: dict[str, str]) -> None:
    load = {**LOAD, **asked}
    assert ask(listed.token("alice"), **load)[0] == 200
    assert ask(listed.token("bob"), **load)[0] == 404
    assert ask(listed.token("mallory"), **load)[0] == 404

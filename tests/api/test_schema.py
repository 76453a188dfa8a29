"""The schema says what is so: it is current, its examples are real answers, and it is readable."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client

from portal.api import examples, quota_examples
from tests.api.conftest import Program, problem

Asking = Callable[..., Program]
CHECKED_IN = Path(__file__).parents[2] / "docs" / "reference" / "openapi.yaml"
WINDOW = "from=2026-11-01T00:00:00Z&to=2026-11-30T00:00:00Z"


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    schema: dict[str, Any] = yaml.safe_load(CHECKED_IN.read_text())
    return schema


def test_the_checked_in_schema_is_current(tmp_path: Path) -> None:
    made = tmp_path / "openapi.yaml"
    call_command("spectacular", file=str(made), validate=True, fail_on_warn=True)
    assert made.read_text() == CHECKED_IN.read_text(), (
        "The API changed: manage.py spectacular --validate --fail-on-warn"
        " --file docs/reference/openapi.yaml"
    )


def test_the_schema_is_public(described: dict[str, Any]) -> None:
    answer = Client().get("/api/v1/schema/", headers={"Accept": "application/json"})
    assert answer.status_code == 200
    assert json.loads(answer.content)["paths"].keys() == described["paths"].keys()


def test_every_operation_says_what_it_is_and_how_it_refuses(described: dict[str, Any]) -> None:
    names = []
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            assert method in {"get", "post"}, path
            if method == "post":
                assert {"409", "415"} <= operation["responses"].keys(), path
                assert operation["requestBody"]["content"], path
            assert operation["summary"], path
            assert operation["security"] == [{"token": []}], path
            assert {"200", "202"} & operation["responses"].keys(), path
            assert {"400", "401", "406", "429"} <= operation["responses"].keys(), path
            assert "{" not in path or "404" in operation["responses"], path
            assert all(one["description"] for one in operation.get("parameters", ())), path
            names.append(operation["operationId"])
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("address", "example", "kind"),
    [
        ("", examples.INDEX, "one"),
        ("teams/", examples.TEAM, "page"),
        ("teams/search/", examples.TEAM, "one"),
        ("subscriptions/", examples.SUBSCRIPTION, "page"),
        ("subscriptions/apim-contoso/key-search/", examples.SUBSCRIPTION, "one"),
        ("limits/", quota_examples.LIMITS, "page"),
        ("quotas/", quota_examples.QUOTA, "page"),
        (f"usage/?{WINDOW}", examples.USAGE, "page"),
        ("costs/?month=2026-11", examples.COST, "page"),
        ("statements/", examples.MONTH_OF_TEAM, "page"),
        ("mappings/", examples.MAPPING, "page"),
        ("reservations/", examples.RESERVATION, "page"),
        ("mapping-proposals/", examples.PROPOSAL, "page"),
        ("teams/search/statements/2026-11/", examples.STATEMENT, "one"),
    ],
)
def test_an_example_looks_like_the_answer(
    program: Asking, address: str, example: dict[str, Any], kind: str
) -> None:
    answer = program("dan").read(address)
    real = answer["results"][0] if kind == "page" else answer
    assert _shape(real) == _shape(example)


def _shape(value: Any) -> Any:
    match value:
        case dict():
            return {name: _shape(inner) for name, inner in value.items()}
        case list():
            return [_shape(inner) for inner in value[:1]]
        case _:
            return type(value).__name__


def test_the_documentation_needs_no_inline_script() -> None:
    page = Client().get("/api/v1/docs/", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert b"<script>" not in page.content
    assert b"<style" not in page.content
    script = Client().get("/api/v1/docs/?script=", headers={"Accept": "text/html"})
    assert script["Content-Type"].startswith("application/javascript")
    assert b"/api/v1/schema/" in script.content


def test_an_address_that_is_not_there_is_a_problem_not_a_page() -> None:
    document = problem(Client().get("/api/v1/nothing/"), 404)
    assert document["instance"] == "/api/v1/nothing/"

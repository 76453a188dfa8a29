"""Limits through the API: told with whose they are and what binds, set once their effect was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from governance.limits import quotas
from governance.limits.quotas import Wanted
from governance.models import Quota, Unit
from inventory.models import Product
from tenancy import scope
from tests.api.conftest import Program, problem
from tests.world import NOW, World

Asking = Callable[..., Program]
OF_KEY = "subscriptions/apim-contoso/key-search/limits/"
BODY: dict[str, Any] = {
    "gateway": "apim-contoso",
    "subscription": "key-search",
    "limit": "10",
    "reason": "The pilot is over.",
}


def count(world: World) -> int:
    with scope.of(world.contoso.ref):
        return Quota.objects.count()


def body(program: Program, **changed: Any) -> dict[str, Any]:
    """The body of a change of the key's limit, of the version that is known now."""
    return BODY | {"version": program.read(OF_KEY)["version"]} | changed


def test_limits_are_told_with_whose_they_are_and_what_binds(world: World, program: Asking) -> None:
    with scope.of(world.contoso.ref):
        quotas.set_limit(
            world.search.team,
            Wanted(Decimal(2_000_000), unit=Unit.TOKENS),
            from_instant=NOW - timedelta(days=60),
            by="erin",
            at=NOW,
        )
    rows = {row["subscription"]: row for row in program("carol").all("limits/")}
    first, second = rows["key-search"]["limits"]
    assert (first["level"], first["unit"], first["limit"], first["binds"]) == (
        "team",
        "tokens",
        "2000000",
        True,
    )
    assert (first["used"], first["percent"], first["subject"]) == ("1000000", "50", "Search")
    assert (second["level"], second["limit"], second["used"]) == ("subscription", "5", "1.75")
    assert (first["inherited"], second["inherited"]) == (True, False)
    assert set(rows) == {"key-search", "key-support"}
    assert [row["subscription"] for row in program("alice").all("limits/")] == ["key-search"]
    assert program("carol").all("limits/", product="none") == []


def test_one_subscriptions_limits_say_which_is_reached_first(world: World, program: Asking) -> None:
    with scope.of(world.contoso.ref):
        Product.objects.filter(pk=world.contoso.product.pk).update(
            token_quota=30_000_000, token_quota_period="Monthly"
        )
    told = program("alice").read(OF_KEY)
    (only,) = told["limits"]
    assert only["binds"] is True
    assert {"expected", "reached_on", "reached_first"} <= set(only)
    assert told["in_gateway"]["tokens"] == 30_000_000
    assert told["version"] == world.search.quota.pk
    assert program("bob").ask(OF_KEY).status_code == 404


def test_a_limit_is_set_only_with_the_plan_of_exactly_it(world: World, program: Asking) -> None:
    erin, before = program("erin"), count(world)
    asked = body(erin)
    planned = erin.send("quotas/", asked)
    assert planned.status_code == 200, planned.content
    told = planned.json()
    assert (told["applied"], told["suspends"], told["subscriptions"]) == (False, 0, 1)
    assert (told["before"]["limit"], told["after"]["limit"]) == ("5", "10")
    assert told["after"]["percent"] == "17.5"
    assert count(world) == before
    other = erin.send("quotas/", asked | {"limit": "11", "plan": told["plan"]})
    assert problem(other, 409)["code"] == "plan-mismatch"
    done = erin.send("quotas/", asked | {"plan": told["plan"]})
    assert done.status_code == 200, done.content
    assert done.json()["applied"] is True
    assert count(world) == before + 1
    assert erin.read(OF_KEY)["limits"][0]["limit"] == "10"
    again = erin.send("quotas/", asked | {"plan": told["plan"]})
    assert problem(again, 409)["code"] == "limit-changed"
    assert count(world) == before + 1


def test_whom_it_would_suspend_is_told(world: World, program: Asking) -> None:
    erin = program("erin")
    told = erin.send("quotas/", body(erin, limit="1")).json()
    assert (told["suspends"], told["suspended"]) == (1, ["key-search"])


def test_a_cleared_limit_falls_back_to_the_products(world: World, program: Asking) -> None:
    erin = program("erin")
    asked = body(erin, limit=None)
    plan = erin.send("quotas/", asked).json()["plan"]
    assert erin.send("quotas/", asked | {"plan": plan}).status_code == 200
    (only,) = erin.read(OF_KEY)["limits"]
    assert (only["level"], only["limit"], only["inherited"]) == ("product", "20", True)


@pytest.mark.parametrize(
    "subject",
    [
        {"team": "search"},
        {"cost_center": "CC-search"},
        {"gateway": "apim-contoso", "product": "gold"},
    ],
)
def test_other_subjects_are_named_by_their_keys(
    world: World, program: Asking, subject: dict[str, str]
) -> None:
    erin = program("erin")
    known = erin.all("quotas/", **subject)
    version = max((row["version"] for row in known), default=0)
    asked = {"limit": "30", "reason": "x", "version": version, **subject}
    planned = erin.send("quotas/", asked)
    assert planned.status_code == 200, planned.content
    done = erin.send("quotas/", asked | {"plan": planned.json()["plan"]})
    assert done.status_code == 200, done.content
    newest = erin.all("quotas/", **subject)[-1]
    assert (newest["limit"], newest["set_by"]) == ("30", "erin@example.org")
    assert newest["version"] == done.json()["version"]


def test_the_history_is_kept_and_filtered(world: World, program: Asking) -> None:
    rows = program("carol").all("quotas/", subscription="key-search")
    assert [(row["limit"], row["reason"]) for row in rows] == [("5", "First limit.")]
    levels = {row["level"] for row in program("carol").all("quotas/")}
    assert levels == {"subscription", "product", "team", "cost_center"}
    teams = program("carol").all("quotas/", level="team")
    assert {row["name"] for row in teams} == {"search"}
    mine = program("bob").all("quotas/")
    assert "key-search" not in {row["name"] for row in mine}


@pytest.mark.parametrize("name", ["alice", "carol", "dan", "vic"])
def test_only_an_administrator_sets(world: World, program: Asking, name: str) -> None:
    before = count(world)
    refused = program(name).send("quotas/", BODY | {"version": 0})
    assert problem(refused, 403)["code"] == "not-allowed"
    assert count(world) == before


def test_another_tenants_subject_is_none(world: World, program: Asking) -> None:
    refused = program("mallory").send("quotas/", BODY | {"version": 0})
    assert problem(refused, 404)["code"] == "not-found"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"limit": "-1"}, "limit"),
        ({"limit": "1.5", "unit": "tokens"}, "limit"),
        ({"limit": "much"}, "limit"),
        ({"unit": "pages"}, "unit"),
        ({"every": "fortnight"}, "every"),
        ({"thresholds": [0]}, "thresholds.0"),
        ({"reason": ""}, "reason"),
        ({"effective_from": "2026-11-01"}, "effective_from"),
        ({"effective_until": "2026-11-01T00:00:00Z"}, "until"),
        ({"team": "search"}, "subject"),
        ({"amount": "3"}, "amount"),
        ({"version": None}, "version"),
    ],
)
def test_a_faulty_body_names_the_field(
    world: World, program: Asking, changed: dict[str, Any], field: str
) -> None:
    erin, before = program("erin"), count(world)
    told = problem(erin.send("quotas/", body(erin, **changed)), 400)
    named = {fault["field"] for fault in told.get("errors", ())}
    assert field in named or told["detail"].startswith(f"{field}: ")
    assert count(world) == before

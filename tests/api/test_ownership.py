"""Whose a subscription is, through the API: assigned from a day on, with its history."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from inventory.models import CostCenter, Ownership
from tenancy import scope
from tests.api.conftest import Program, problem
from tests.world import World

Asking = Callable[..., Program]
HERE = "subscriptions/apim-contoso/key-search/ownership/"
BECAUSE = "Support has run it since the 2nd."
MOVE = {"team": "support", "from_day": "2026-11-02", "reason": BECAUSE}


def count(world: World) -> int:
    with scope.of(world.contoso.ref):
        return Ownership.objects.count()


def test_a_move_is_made_and_told_with_its_history(world: World, program: Asking) -> None:
    erin = program("erin")
    sent = MOVE | {"environment": "test", "application": "Chat", "cost_center": "CC-search"}
    made = erin.send(HERE, sent)

    assert made.status_code == 200, made.content
    assert made.json() == {
        "team": "support",
        "cost_center": "CC-search",
        "environment": "test",
        "application": "Chat",
        "from_day": "2026-11-02",
        "until_day": None,
        "replaced": False,
        "retroactive": True,
        "reason": BECAUSE,
        "recorded_at": "2026-11-20T14:20:00Z",
        "recorded_by": "erin@example.org",
    }
    first, second = erin.all(HERE, page_size=1)
    assert (first["team"], first["until_day"], first["retroactive"]) == (
        "search",
        "2026-11-02",
        False,
    )
    assert second == made.json()
    assert erin.send(HERE, sent).json() == second
    assert count(world) == 3


def test_what_was_replaced_is_told_too(program: Asking) -> None:
    erin = program("erin")
    erin.send(HERE, MOVE)
    erin.send(HERE, MOVE | {"team": None, "reason": "Nobody's, it turned out."})
    rows = erin.all(HERE)
    assert [(row["team"], row["replaced"]) for row in rows] == [
        ("search", False),
        ("support", True),
        (None, False),
    ]


def test_the_statements_tell_of_the_move_and_their_sum_stays(program: Asking) -> None:
    erin = program("erin")
    read = [f"teams/{team}/statements/2026-11/" for team in ("search", "support")]
    before = sum(Decimal(erin.read(one)["total"]) for one in read)
    erin.send(HERE, MOVE)
    ours, theirs = (erin.read(one) for one in read)

    assert [move["way"] for move in ours["moves"]] == ["out"]
    (move,) = theirs["moves"]
    assert move == {
        "way": "in",
        "subscription": "key-search",
        "gateway": "apim-contoso",
        "from_team": "Search",
        "from_cost_center": "CC-search Cost center of search",
        "to_team": "Support",
        "to_cost_center": "CC-support Cost center of support",
        "from_day": "2026-11-02",
        "first_day": "2026-11-02",
        "last_day": "2026-11-19",
        "recorded_at": "2026-11-20T14:20:00Z",
        "recorded_by": "erin@example.org",
        "reason": BECAUSE,
        "exact": "1.75",
        "amount": "1.75",
        "unpriced_tokens": 0,
    }
    assert Decimal(ours["total"]) + Decimal(theirs["total"]) == before
    assert theirs["cost_centers"] == [
        {"cost_center": "CC-support Cost center of support", "amount": "3.50"}
    ]


@pytest.mark.parametrize(
    ("changed", "status", "field", "code"),
    [
        ({"reason": ""}, 400, "reason", "retroactive-needs-reason"),
        ({"from_day": "2026-08-01"}, 409, "from_day", "ownership-month-closed"),
        ({"team": "pune"}, 400, "team", "invalid"),
        ({"cost_center": "CC-pune"}, 400, "cost_center", "invalid"),
        ({"from_day": "soon"}, 400, "from_day", "invalid"),
        ({"owner": "support"}, 400, "owner", "invalid"),
    ],
)
def test_what_is_refused_names_the_field_and_changes_nothing(
    world: World, program: Asking, changed: dict[str, Any], status: int, field: str, code: str
) -> None:
    told = problem(program("erin").send(HERE, MOVE | changed), status)
    assert told["code"] == code
    assert [fault["field"] for fault in told["errors"]] == [field]
    assert count(world) == 2


@pytest.mark.parametrize("name", ["alice", "bob", "carol", "dan", "vic"])
def test_only_an_administrator_assigns(world: World, program: Asking, name: str) -> None:
    assert program(name).send(HERE, MOVE).status_code == 403
    assert count(world) == 2


def test_the_token_needs_the_scope_to_write(world: World, program: Asking) -> None:
    told = problem(program("erin", "read:inventory").send(HERE, MOVE), 403)
    assert told["code"] == "missing-scope"
    assert count(world) == 2


def test_another_tenant_finds_nothing_and_sees_no_move(world: World, program: Asking) -> None:
    program("erin").send(HERE, MOVE)
    mallory = program("mallory")
    assert mallory.send(HERE, MOVE | {"team": "pune"}).status_code == 404
    assert mallory.ask(HERE).status_code == 404
    for team in ("pune", "kochi"):
        assert mallory.read(f"teams/{team}/statements/2026-11/")["moves"] == []
    rows = mallory.all("subscriptions/apim-fabrikam/key-pune/ownership/")
    assert [row["team"] for row in rows] == ["pune"]
    with scope.of(world.fabrikam.ref):
        assert not Ownership.objects.filter(reason=BECAUSE).exists()


def test_one_sees_of_the_history_what_was_ones_own(program: Asking) -> None:
    program("erin").send(HERE, MOVE)
    assert program("alice").ask(HERE).status_code == 404
    assert [row["team"] for row in program("bob").all(HERE)] == ["support"]


def test_subscriptions_say_what_they_are_for_and_are_found_by_it(
    world: World, program: Asking
) -> None:
    erin = program("erin")
    with scope.of(world.contoso.ref):
        CostCenter.objects.create(code="CC-pilot", name="Pilot")
    sent = {"team": "search", "environment": "test", "application": "Pilot"}
    today = {"from_day": "2026-11-20", "cost_center": "CC-pilot"}
    assert erin.send(HERE, sent | today).status_code == 200

    (found,) = erin.all("subscriptions/", environment="test")
    assert (found["name"], found["team"], found["cost_center"]) == (
        "key-search",
        "search",
        "CC-pilot",
    )
    assert (found["environment"], found["application"]) == ("test", "Pilot")
    assert erin.read(found["ownership_url"])["results"][-1]["environment"] == "test"
    assert [row["name"] for row in erin.all("subscriptions/", environment="production")] == [
        "key-support"
    ]
    assert erin.all("subscriptions/", application="Assistant of search") == []
    assert erin.all("subscriptions/", application="Pilot", team="support") == []

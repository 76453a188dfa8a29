"""What a token sees: its person's own teams, of its own tenant, on the days they were theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from governance.models import Suspension
from inventory.models import TeamMember
from tenancy import scope
from tests.api import history
from tests.api.addresses import BY_TEAM, EVERY, OF_ALICES_TEAM, Address
from tests.api.conftest import Program, problem
from tests.world import NOW, World

Asking = Callable[..., Program]
WINDOW = {"from": "2026-11-01T00:00:00Z", "to": "2026-11-30T00:00:00Z"}
LISTS: dict[str, dict[str, Any]] = {
    "teams/": {},
    "subscriptions/": {},
    "usage/": WINDOW,
    "costs/": {"month": "2026-11"},
    "statements/": {},
}
lists = pytest.mark.parametrize("address", LISTS)


def _team(row: dict[str, Any]) -> str | None:
    return row["team"] if "team" in row else row["slug"]  # type: ignore[no-any-return]  # JSON


@lists
def test_a_team_owner_sees_the_own_team_only(program: Asking, world: World, address: str) -> None:
    history.write(world)
    for name, team in (("alice", "search"), ("bob", "support")):
        rows = program(name).all(address, **LISTS[address])
        assert rows
        assert {_team(row) for row in rows} == {team}


@lists
def test_finance_sees_every_team_and_what_is_nobodys(
    program: Asking, world: World, address: str
) -> None:
    history.write(world)
    seen = {_team(row) for row in program("dan").all(address, **LISTS[address])}
    of_teams = {"search", "support"}
    assert seen == (of_teams if address in {"teams/", "statements/"} else {*of_teams, None})


@lists
def test_another_tenant_sees_nothing_of_this_one(
    program: Asking, world: World, address: str
) -> None:
    history.write(world)
    rows = program("mallory").all(address, **LISTS[address])
    assert {_team(row) for row in rows} <= {
        *(house.team.slug for house in world.fabrikam.houses),
        None,
    }
    assert "contoso" not in str(rows)


@pytest.mark.parametrize("address", OF_ALICES_TEAM, ids=lambda address: address.name)
@pytest.mark.parametrize("name", ["bob", "mallory"])
def test_others_get_the_answer_for_what_does_not_exist(
    program: Asking, address: Address, name: str
) -> None:
    assert program("alice").ask(address.path).status_code == 200
    asking = program(name)
    theirs = problem(asking.ask(address.path), 404)
    none = problem(
        asking.ask(address.path.replace("/search/", "/none/").replace("key-search", "none")), 404
    )
    assert {**theirs, "instance": ""} == {**none, "instance": ""}


@pytest.mark.parametrize("address", BY_TEAM)
@pytest.mark.parametrize("name", ["bob", "mallory"])
def test_filtering_by_anothers_team_tells_nothing(program: Asking, address: str, name: str) -> None:
    assert program("alice").all(address.format(team="search"))
    theirs = problem(program(name).ask(address.format(team="search")), 404)
    none = problem(program(name).ask(address.format(team="none")), 404)
    assert {**theirs, "instance": ""} == {**none, "instance": ""}


@pytest.mark.parametrize("name", ["carol", "dan", "erin", "vic"])
def test_whoever_sees_the_whole_tenant_sees_each(program: Asking, name: str) -> None:
    asking = program(name)
    answers = {address.name: asking.ask(address.path).status_code for address in EVERY}
    assert answers == {address.name: 200 for address in EVERY}


@pytest.mark.parametrize("address", ["usage/", "costs/"])
def test_a_day_stays_with_the_team_that_owned_it(
    program: Asking, world: World, address: str
) -> None:
    history.write(world)
    history.hand_over(world)
    query = {**LISTS[address], "subscription": "key-search"}

    def days(name: str) -> set[str]:
        rows = program(name).all(address, **query)
        return {row.get("day") or row["start"][:10] for row in rows}

    before, after = days("alice"), days("bob")
    assert before
    assert after
    assert max(before) < history.HANDED_OVER.isoformat() <= min(after)
    assert days("dan") == before | after
    assert problem(program("alice").ask("subscriptions/apim-contoso/key-search/"), 404)


def test_a_viewer_in_no_team_sees_an_empty_tenant(program: Asking, world: World) -> None:
    with scope.of(world.contoso.ref):
        TeamMember.objects.filter(person=world.people["alice"]).delete()
    for address, query in LISTS.items():
        assert program("alice").all(address, **query) == []


def test_a_suspension_of_ours_is_told_with_its_evidence(program: Asking, world: World) -> None:
    with scope.of(world.contoso.ref):
        Suspension.objects.create(
            subscription=world.search.subscription,
            reason="limit reached",
            evidence={"cost": "5.10", "limit": "5"},
            since=NOW,
        )
    shown = program("alice").read("subscriptions/apim-contoso/key-search/")
    assert shown["suspension"] == {
        "since": "2026-11-20T14:20:00Z",
        "reason": "limit reached",
        "evidence": {"cost": "5.10", "limit": "5"},
    }
    assert program("bob").read("subscriptions/apim-contoso/key-support/")["suspension"] is None


def test_a_subscription_tells_its_limit_and_where_it_comes_from(program: Asking) -> None:
    shown = program("alice").read("subscriptions/apim-contoso/key-search/")
    assert shown["limit"] == {
        "amount": "5",
        "currency": "USD",
        "hardness": "hard",
        "source": "this subscription",
    }
    assert shown["this_month"]["spent"] == {
        "amount": "1.75",
        "currency": "USD",
        "basis": "estimated",
    }
    assert shown["this_month"]["usage_through"] == "2026-11-20T14:00:00Z"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"state": "active"}, ["key-search", "key-support"]),
        ({"state": "suspended"}, []),
        ({"product": "gold", "team": "search"}, ["key-search"]),
        ({"product": "silver"}, []),
        ({"gateway": "apim-contoso", "team": "support"}, ["key-support"]),
        ({"gateway": "elsewhere"}, []),
    ],
)
def test_subscriptions_are_narrowed_by_what_is_asked(
    program: Asking, query: dict[str, str], names: list[str]
) -> None:
    rows = program("dan").all("subscriptions/", **query)
    assert [row["name"] for row in rows] == names

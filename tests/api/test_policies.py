"""Approval policies, groups and absences through the API: the same rules as on the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from governance.models import ApprovalPolicy, Delegation
from portal.api import policy_examples as shown
from tenancy import scope
from tests.api.conftest import Program, problem
from tests.api.test_schema import _shape
from tests.world import World

Asking = Callable[..., Program]
LARGE: dict[str, Any] = {
    "name": "Large ones",
    "demand": "two",
    "group": "FinOps",
    "kinds": ["increase"],
    "team": "search",
    "tier": {"gateway": "apim-contoso", "name": "gold"},
    "environment": "production",
    "amount_from": "500",
    "percent_from": "50",
    "days_from": 30,
    "forecast_from": "120.5",
    "escalate_to": "FinOps",
}
AWAY = {
    "absent": "carol@example.org",
    "stand_in": "erin@example.org",
    "from": "2026-11-20T23:00:00Z",
    "until": "2026-11-27T23:00:00Z",
    "reason": "On leave.",
}


def added(program: Asking, who: str = "erin", **more: Any) -> dict[str, Any]:
    answer = program(who).send("policies/", LARGE | more)
    assert answer.status_code == 200, answer.content
    row: dict[str, Any] = answer.json()
    return row


def names(program: Asking) -> list[str]:
    return [row["name"] for row in program("carol").all("policies/")]


def test_the_examples_look_like_the_answers(world: World, program: Asking) -> None:
    made, carol = added(program), program("carol")
    until = {"effective_until": made["effective_from"]}
    assert _shape(made | until) == _shape(shown.POLICY)
    trial = {"kind": "increase", "team": "search", "tier": LARGE["tier"]}
    route = carol.send("policies/trial/", trial).json()
    assert _shape(route) == _shape(shown.ROUTE)
    everything = next(row for row in carol.all("policies/") if row["name"] == "Whatever is asked")
    assert _shape(carol.read(f"policies/{everything['id']}/replay/")) == _shape(shown.REPLAY)
    assert _shape(carol.all("approver-groups/")[0]) == _shape(shown.GROUP)
    assert _shape(carol.all("delegations/")[0]) == _shape(shown.DELEGATION)


def test_a_policy_is_added_changed_moved_and_ended(world: World, program: Asking) -> None:
    made, erin = added(program), program("erin")
    assert (made["amount_from"], made["forecast_from"]) == ("500", "120.5")
    assert made["tier"] == {"gateway": "apim-contoso", "name": "gold"}
    assert names(program) == ["Whatever is asked", "While on trial", "Large ones"]
    changed = erin.send(f"policies/{made['id']}/", LARGE | {"name": "Larger ones"}).json()
    assert changed["id"] != made["id"]
    assert changed["position"] == made["position"]
    with scope.of(world.contoso.ref):
        assert ApprovalPolicy.objects.get(name="Large ones").effective_until is not None
        first = ApprovalPolicy.objects.get(name="Whatever is asked").pk
    act = f"policies/{changed['id']}/act/"
    moved = erin.send(act, {"act": "move", "before": first}).json()
    assert moved["position"] < erin.read(f"policies/{first}/")["position"]
    assert erin.send(act, {"act": "end", "reason": "Too strict."}).json()["effective_until"]
    assert problem(erin.send(act, {"act": "end"}), 409)["code"] == "policy-over"


def test_only_administrators_change_policies_and_teams_do_not_see_them(
    world: World, program: Asking
) -> None:
    made = added(program)
    for who in ("carol", "dan", "alice"):
        assert problem(program(who).send("policies/", LARGE), 403)["code"] == "not-allowed"
    for address in ("policies/", f"policies/{made['id']}/", "approver-groups/"):
        problem(program("alice").ask(address), 403)
    problem(program("mallory").ask(f"policies/{made['id']}/"), 404)
    act = f"policies/{made['id']}/act/"
    problem(program("carol").send(act, {"act": "end"}), 403)
    problem(program("mallory").send(act, {"act": "end"}), 404)
    narrow = program("erin", "read:policies")
    assert problem(narrow.send("policies/", LARGE), 403)["code"] == "missing-scope"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": ""}, "name"),
        ({"demand": "nobody"}, "demand"),
        ({"demand": "automatic"}, "group"),
        ({"group": "Nobody"}, "group"),
        ({"kinds": ["increase", "x"]}, "kinds"),
        ({"team": "nowhere"}, "team"),
        ({"tier": {"gateway": "apim-contoso", "name": "lead"}}, "tier"),
        ({"amount_from": "-1"}, "amount_from"),
        ({"amount_from": "NaN"}, "amount_from"),
        ({"amount_from": "0.00001"}, "amount_from"),
        ({"percent_from": "1e30"}, "percent_from"),
        ({"days_from": 0}, "days_from"),
        ({"window_days": 367}, "window_days"),
        ({"expires_after_days": 366}, "expires_after_days"),
        ({"remind_after_hours": "soon"}, "remind_after_hours"),
        ({"amount": "5"}, "amount"),
    ],
)
def test_what_cannot_be_taken_names_its_field(
    world: World, program: Asking, changed: dict[str, Any], field: str
) -> None:
    said = problem(program("erin").send("policies/", LARGE | changed), 400)
    assert field in said["detail"] or field in str(said.get("errors"))
    assert names(program) == ["Whatever is asked", "While on trial"]


def test_a_trial_tells_who_would_approve(world: World, program: Asking) -> None:
    added(program, percent_from=None, days_from=None, forecast_from=None, tier=None)
    asked = {"kind": "increase", "team": "search", "environment": "production"}
    carol = program("carol")
    small = carol.send("policies/trial/", asked | {"amount": "499.99"}).json()
    assert [(one["group"], one["people"]) for one in small["needs"]] == [("FinOps", 1)]
    large = carol.send("policies/trial/", asked | {"amount": "500"}).json()
    assert [(one["group"], one["people"]) for one in large["needs"]] == [("FinOps", 2)]
    assert [one["name"] for one in large["met"]] == ["Whatever is asked", "Large ones"]
    problem(program("alice").send("policies/trial/", asked), 403)
    problem(carol.send("policies/trial/", asked | {"days": -1}), 400)


def test_groups_are_kept_by_administrators(world: World, program: Asking) -> None:
    erin = program("erin")
    made = erin.send("approver-groups/", {"name": "Security"}).json()
    assert erin.send("approver-groups/", {"name": "Security"}).json() == made
    members = f"approver-groups/{made['id']}/members/"
    joined = erin.send(members, {"act": "join", "person": "Dan@example.org"}).json()
    assert joined["members"] == [{"person": "dan@example.org", "approves": False}]
    stranger = problem(erin.send(members, {"act": "join", "person": "mallory@example.org"}), 400)
    assert "person" in stranger["detail"]
    problem(program("carol").send(members, {"act": "join", "person": "carol@example.org"}), 403)
    problem(program("mallory").send(members, {"act": "leave", "person": "dan@example.org"}), 404)
    left = erin.send(members, {"act": "leave", "person": "dan@example.org"}).json()
    assert left["members"] == []
    assert [row["name"] for row in erin.all("approver-groups/", page_size=1)] == [
        "FinOps",
        "Security",
    ]


def test_a_stand_in_is_named_for_oneself_and_taken_back(world: World, program: Asking) -> None:
    carol = program("carol")
    made = carol.send("delegations/", AWAY).json()
    assert made == {**made, **AWAY, "made_by": "carol@example.org"}
    assert problem(carol.send("delegations/", AWAY), 409)["code"] == "stands-in-already"
    forged = problem(program("dan").send("delegations/", AWAY), 403)
    assert forged["code"] == "not-yours-to-delegate"
    problem(carol.send("delegations/", AWAY | {"until": "2026-11-20T00:00:00Z"}), 400)
    problem(carol.send("delegations/", AWAY | {"stand_in": "mallory@example.org"}), 400)
    end = f"delegations/{made['id']}/end/"
    problem(program("alice").send(end, {}), 404)
    problem(program("dan").send(end, {}), 403)
    assert carol.send(end, {}).json()["until"] == "2026-11-20T14:20:00Z"
    assert problem(carol.send(end, {}), 409)["code"] == "delegation-over"
    with scope.of(world.contoso.ref):
        assert Delegation.objects.count() == 2

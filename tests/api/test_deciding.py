"""Deciding through the API: on the version seen, once, by whoever has to, and by nobody else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connections

from governance.models import (
    Approval,
    ApprovalPolicy,
    Delegation,
    Demand,
    GroupMember,
    Override,
    QuotaRequest,
)
from inventory.models import CostCenter, Part, TeamMember
from tenancy import scope
from tenancy.models import Membership, Person, Role
from tests.api.asking import NEW, Asking, asked, done, kept, of_number
from tests.api.conftest import Program, problem
from tests.world import NOW, World

YES: dict[str, Any] = {"version": 1, "text": "Fine."}
NO: dict[str, Any] = {"version": 1, "reason": "Use the smaller model."}
SAID: dict[str, dict[str, Any]] = {
    "approve": YES,
    "reject": NO,
    "ask": {"version": 1, "text": "For how long?"},
}
deeds = pytest.mark.parametrize("deed", SAID)


@pytest.fixture
def number(program: Asking) -> int:
    """The number of a request of Alice's that waits."""
    number: int = asked(program("alice"))["number"]
    return number


def refused(asking: Program, number: int, deed: str, status: int, **said: Any) -> str:
    """The code that a decision is refused with."""
    answer = asking.send(of_number(number, deed), said or SAID[deed])
    return str(problem(answer, status)["code"])


def approver(world: World, name: str) -> None:
    """Another member who approves, of the group that is asked."""
    person = world.people.get(name)
    if person is None:
        person = Person.objects.create_person(f"{name}@example.org", name=name.capitalize())
        world.people[name] = person
    with scope.of(world.contoso.ref):
        Membership.objects.update_or_create(
            person=person, tenant_id=scope.tenant_id(), defaults={"role": Role.APPROVER}
        )
        group = GroupMember.objects.select_related("group").get().group
        GroupMember.objects.create(group=group, person=person)


def policy(world: World, **said: Any) -> None:
    """What the one policy says instead."""
    with scope.of(world.contoso.ref):
        ApprovalPolicy.objects.filter(name="Whatever is asked").update(**said)


def overrides(world: World) -> int:
    with scope.of(world.contoso.ref):
        return Override.objects.count()


# --- yes and no ----------------------------------------------------------------------------------


def test_a_yes_puts_it_in_force_and_again_changes_nothing(
    world: World, program: Asking, number: int
) -> None:
    carol = program("carol", "read:requests", "decide:requests", "read:inventory")
    assert carol.read(of_number(number))["your_decision"]["allowed"] is True
    row = done(carol, number, "approve", **YES)
    assert (row["state"], row["override"]["amount"]) == ("approved", "2.5")
    (part,) = row["approvals"]
    (given,) = part["given"]
    assert (given["person"], given["text"], part["missing"]) == ("carol@example.org", "Fine.", 0)
    assert given["seen"]["currency"] == "USD"
    key = carol.read("subscriptions/apim-contoso/key-search/")
    assert key["limit"]["amount"] == "7.5"

    before = kept(world), overrides(world)
    assert done(carol, number, "approve", **YES) == row
    assert refused(carol, number, "reject", 409) == "already-decided"
    assert refused(carol, number, "ask", 409) == "already-decided"
    assert (kept(world), overrides(world)) == before


def test_a_no_ends_it_and_again_changes_nothing(world: World, program: Asking, number: int) -> None:
    carol = program("carol")
    row = done(carol, number, "reject", **NO)
    assert (row["state"], row["override"], row["decided_at"]) == (
        "rejected",
        None,
        "2026-11-20T14:20:00Z",
    )
    last = carol.all(row["timeline_url"])[-1]
    assert (last["kind"], last["text"], last["by"]) == (
        "rejected",
        NO["reason"],
        "carol@example.org",
    )
    before = kept(world)
    assert done(carol, number, "reject", **NO) == row
    assert refused(carol, number, "approve", 409) == "already-decided"
    assert refused(program("alice"), number, "withdraw", 409, text="") == "already-decided"
    assert kept(world) == before


def test_a_question_holds_the_yes_until_it_is_answered(program: Asking, number: int) -> None:
    carol = program("carol")
    done(carol, number, "ask", **SAID["ask"])
    assert refused(carol, number, "approve", 409) == "question-open"
    done(program("alice"), number, "answer", text="Two weeks.")
    assert done(carol, number, "approve", **YES)["state"] == "approved"


def test_two_have_to_agree_where_a_policy_says_so(world: World, program: Asking) -> None:
    policy(world, demand=Demand.TWO)
    approver(world, "greta")
    number = asked(program("alice"))["number"]
    carol, greta = program("carol"), program("greta")
    first = done(carol, number, "approve", **YES)
    assert (first["state"], first["approvals"][0]["missing"], first["override"]) == (
        "submitted",
        1,
        None,
    )
    before = kept(world)
    assert done(carol, number, "approve", **YES) == first
    assert refused(carol, number, "reject", 409) == "already-decided"
    assert kept(world) == before
    row = done(greta, number, "approve", **YES)
    assert row["state"] == "approved"
    assert {one["person"] for one in row["approvals"][0]["given"]} == {
        "carol@example.org",
        "greta@example.org",
    }


# --- the version seen ----------------------------------------------------------------------------


@deeds
def test_what_was_amended_meanwhile_is_not_decided(
    world: World, program: Asking, number: int, deed: str
) -> None:
    amended = {name: NEW[name] for name in NEW if name != "team"} | {"amount": "50", "version": 1}
    done(program("alice"), number, "amend", **amended)
    before, carol = kept(world), program("carol")
    assert refused(carol, number, deed, 409) == "version-passed"
    assert refused(carol, number, deed, 409, **SAID[deed] | {"version": 3}) == "version-passed"
    assert kept(world) == before
    assert done(carol, number, deed, **SAID[deed] | {"version": 2})["version"] == 2


@deeds
@pytest.mark.parametrize("version", [None, "1", "", True, 1.0, 1.5, 0, -1, 2**31, 2**63, [1], {}])
def test_what_is_no_version_decides_nothing(
    world: World, program: Asking, number: int, deed: str, version: Any
) -> None:
    before = kept(world)
    said = SAID[deed] | {"version": version}
    told = problem(program("carol").send(of_number(number, deed), said), 400)
    assert [fault["field"] for fault in told["errors"]] == ["version"]
    assert kept(world) == before


@deeds
def test_a_decision_names_what_it_needs_and_nothing_else(
    world: World, program: Asking, number: int, deed: str
) -> None:
    before, carol = kept(world), program("carol")

    def faults(said: Any) -> list[str]:
        told = problem(carol.send(of_number(number, deed), said), 400)
        return [fault["field"] for fault in told["errors"]]

    needed = {"approve": ["version"], "reject": ["version", "reason"], "ask": ["version", "text"]}
    assert faults({}) == needed[deed]
    for name in ("on_behalf_of", "state", "tenant_id", "person", "force"):
        assert faults(SAID[deed] | {name: "x"}) == [name]
    for text in ("x" * 4001, "a\x00b", "\ud800", 5, ["x"], None):
        words = "reason" if deed == "reject" else "text"
        assert faults(SAID[deed] | {words: text}) == [words]
    for precondition in ("*", '"1"', "garbage"):
        answer = carol.send(of_number(number, deed), SAID[deed], headers={"If-Match": precondition})
        assert problem(answer, 400)["errors"][0]["field"] == "If-Match"
    assert kept(world) == before


@pytest.mark.parametrize("reason", ["", "   ", "\n\t"])
def test_a_no_without_a_reason_is_none(program: Asking, number: int, reason: str) -> None:
    answer = program("carol").send(of_number(number, "reject"), NO | {"reason": reason})
    assert [fault["field"] for fault in problem(answer, 400)["errors"]] == ["reason"]


# --- who decides ---------------------------------------------------------------------------------


@deeds
def test_nobody_decides_on_their_own(world: World, program: Asking, deed: str) -> None:
    erin = program("erin")
    number = asked(erin)["number"]
    before = kept(world)
    assert refused(erin, number, deed, 403) == "own-request"
    assert kept(world) == before


@deeds
@pytest.mark.parametrize("name", ["dan", "vic", "erin"])
def test_whoever_is_not_asked_does_not_decide(
    world: World, program: Asking, number: int, name: str, deed: str
) -> None:
    before = kept(world)
    assert refused(program(name), number, deed, 403) == "not-your-decision"
    shown = program(name).read(of_number(number))["your_decision"]
    assert (shown["allowed"], shown["code"]) == (False, "not-your-decision")
    assert "FinOps" in shown["why_not"]
    assert kept(world) == before


@deeds
def test_who_owns_the_team_does_not_decide_for_it(
    world: World, program: Asking, number: int, deed: str
) -> None:
    with scope.of(world.contoso.ref):
        TeamMember.objects.create(
            team=world.search.team, person=world.people["carol"], part=Part.OWNER
        )
    assert refused(program("carol"), number, deed, 403) == "own-team"


def test_the_cost_centers_owner_comes_first(world: World, program: Asking) -> None:
    policy(world, demand=Demand.OWNER_FIRST)
    with scope.of(world.contoso.ref):
        CostCenter.objects.filter(code="CC-search").update(owner=world.people["bob"])
    number = asked(program("alice"))["number"]
    bob, carol = program("bob"), program("carol")
    assert refused(carol, number, "approve", 409) == "owner-first"
    assert bob.read(of_number(number))["your_decision"]["whose"] == "owner"
    first = done(bob, number, "approve", **YES)
    assert [part["missing"] for part in first["approvals"]] == [0, 1]
    assert done(carol, number, "approve", **YES)["state"] == "approved"


def test_a_stand_in_decides_in_anothers_name(world: World, program: Asking, number: int) -> None:
    with scope.of(world.contoso.ref):
        Membership.objects.filter(person=world.people["dan"]).update(role=Role.APPROVER)
        Delegation.objects.create(
            absent=world.people["carol"],
            stand_in=world.people["dan"],
            effective_from=NOW - timedelta(days=1),
            effective_until=NOW + timedelta(days=1),
            made_by="erin@example.org",
        )
    (given,) = done(program("dan"), number, "approve", **YES)["approvals"][0]["given"]
    assert (given["person"], given["on_behalf_of"]) == ("dan@example.org", "carol@example.org")


@deeds
def test_a_role_that_was_taken_decides_nothing(
    world: World, program: Asking, number: int, deed: str
) -> None:
    carol = program("carol")
    assert carol.read(of_number(number))["your_decision"]["allowed"] is True
    with scope.of(world.contoso.ref):
        Membership.objects.filter(person=world.people["carol"]).update(role=Role.AUDITOR)
    before = kept(world)
    assert refused(carol, number, deed, 403) == "not-your-decision"
    with scope.of(world.contoso.ref):
        Membership.objects.filter(person=world.people["carol"]).delete()
    assert refused(carol, number, deed, 401) == "bad-token"
    assert kept(world) == before


@deeds
def test_a_token_does_less_than_its_person(
    world: World, program: Asking, number: int, deed: str
) -> None:
    before = kept(world)
    carol = program("carol", "read:requests", "write:requests")
    assert refused(carol, number, deed, 403) == "missing-scope"
    assert refused(program("alice", "decide:requests"), number, deed, 403) == "own-request"
    assert kept(world) == before


@deeds
@pytest.mark.parametrize("name", ["bob", "mallory", "nadia"])
def test_what_one_does_not_see_is_not_there(
    world: World, number: int, name: str, deed: str
) -> None:
    place = world.contoso if name == "bob" else world.fabrikam  # where nadia approves
    asking = Program(world.token(name, place=place))
    before = kept(world)
    assert refused(asking, number, deed, 404) == "not-found"
    assert kept(world) == before


def test_a_draft_is_nobodys_to_decide(program: Asking) -> None:
    number = asked(program("alice"), submit=False)["number"]
    assert refused(program("carol"), number, "approve", 404) == "not-found"


# --- at the same moment --------------------------------------------------------------------------


def at_once(*sent: tuple[Program, str, dict[str, Any]]) -> list[tuple[int, str]]:
    """The status and code of each of these, all sent at the same moment."""
    gate = Barrier(len(sent))

    def one(what: tuple[Program, str, dict[str, Any]]) -> tuple[int, str]:
        asking, address, said = what
        try:
            gate.wait(30)
            answer = asking.send(address, said)
            return answer.status_code, answer.json().get("code", "")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(sent)) as pool:
        return list(pool.map(one, sent))


def _waiting(world: World) -> int:
    number: int = asked(Program(world.token("alice")))["number"]
    return number


def test_two_approvers_at_once_apply_it_once(committed_world: World) -> None:
    approver(committed_world, "greta")
    number = _waiting(committed_world)
    before = overrides(committed_world)
    approve = of_number(number, "approve")
    two = [Program(committed_world.token(name)) for name in ("carol", "greta")]
    answers = at_once(*((asking, approve, YES) for asking in two for _ in range(2)))
    assert answers == [(200, "")] * 4
    assert overrides(committed_world) == before + 1
    with scope.of(committed_world.contoso.ref):
        row = QuotaRequest.objects.get(number=number)
        assert Approval.objects.filter(request=row).count() == 1


@pytest.mark.parametrize("turn", range(3))
@pytest.mark.parametrize("other", ["reject", "withdraw", "amend"])
def test_of_two_that_exclude_each_other_one_holds(
    committed_world: World, other: str, turn: int
) -> None:
    approver(committed_world, "greta")
    number = _waiting(committed_world)
    before = overrides(committed_world)
    amended = {name: NEW[name] for name in NEW if name != "team"} | {"amount": "50", "version": 1}
    said = {"reject": NO, "withdraw": {}, "amend": amended}[other]
    who = "greta" if other == "reject" else "alice"
    both = [
        (Program(committed_world.token("carol")), of_number(number, "approve"), YES),
        (Program(committed_world.token(who)), of_number(number, other), said),
    ]
    answers = at_once(*(both if turn % 2 else both[::-1]))
    assert sorted(status for status, _ in answers) == [200, 409], answers
    with scope.of(committed_world.contoso.ref):
        state = QuotaRequest.objects.get(number=number).state
    held = {"reject": "rejected", "withdraw": "withdrawn", "amend": "submitted"}[other]
    assert state in {"approved", held}
    assert overrides(committed_world) - before == (state == "approved")

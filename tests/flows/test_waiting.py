"""What waits for somebody: the number in the frame is the number of what they may decide on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.approvers import deciders
from governance.front_door import approvals, waiting
from governance.models import (
    ApprovalNeed,
    ApproverGroup,
    Delegation,
    GroupMember,
    QuotaRequest,
    RequestState,
    Whose,
)
from inventory.models import CostCenter, Part, TeamMember
from tenancy import memberships, scope
from tenancy.models import Membership, Role
from tests.world import NOW, World

#: Each changes what the world has: who has to approve request 2, or who may.
CHANGES: dict[str, Any] = {}


def _change(change: Any) -> Any:
    CHANGES[change.__name__.strip("_")] = change
    return change


def _need(**values: Any) -> None:
    ApprovalNeed.objects.filter(request__number=2).update(**values)


@_change
def _as_it_is(world: World) -> None: ...


@_change
def _any_approver(world: World) -> None:
    _need(group=None, escalated_to=None)


@_change
def _two_of_any(world: World) -> None:
    _need(group=None, escalated_to=None, people=2)


@_change
def _two_of_any_and_one_has(world: World) -> None:
    _need(group=None, escalated_to=None, people=2)
    carol = memberships.actor(world.people["carol"])
    approvals.approve(QuotaRequest.objects.get(number=2), seen=1, by=carol, at=NOW)


@_change
def _owner_first(world: World) -> None:
    _owner(world, "dan")


@_change
def _owner_first_who_is_absent(world: World) -> None:
    _owner(world, "dan")
    _stands_in(world, "erin", "dan")


@_change
def _owner_has_approved(world: World) -> None:
    _owner(world, "dan")
    dan = memberships.actor(world.people["dan"])
    approvals.approve(QuotaRequest.objects.get(number=2), seen=1, by=dan, at=NOW)


@_change
def _stand_in(world: World) -> None:
    _stands_in(world, "erin", "carol")


@_change
def _stand_in_without_the_role(world: World) -> None:
    _stands_in(world, "dan", "carol")


@_change
def _an_absent_one_who_lost_the_role(world: World) -> None:
    _stands_in(world, "erin", "carol")
    Membership.objects.filter(person=world.people["carol"]).update(role=Role.FINANCE)


@_change
def _own_team(world: World) -> None:
    _owns(world, "carol")


@_change
def _own_team_let(world: World) -> None:
    _owns(world, "carol")
    _need(own_teams=True)


@_change
def _own_team_of_the_absent(world: World) -> None:
    _owns(world, "carol")
    _stands_in(world, "erin", "carol")


@_change
def _own_request(world: World) -> None:
    QuotaRequest.objects.filter(number=3).update(
        state=RequestState.SUBMITTED, submitted_at=NOW, expires_at=NOW + timedelta(days=9)
    )
    ApprovalNeed.objects.create(
        request=QuotaRequest.objects.get(number=3), version=1, position=1, whose=Whose.GROUP
    )
    Membership.objects.filter(person=world.people["alice"]).update(role=Role.APPROVER)


@_change
def _a_question(world: World) -> None:
    carol = memberships.actor(world.people["carol"])
    two = QuotaRequest.objects.get(number=2)
    approvals.ask(two, seen=1, by=carol, at=NOW, text="Why?")


@_change
def _escalated(world: World) -> None:
    board = ApproverGroup.objects.create(name="Board")
    GroupMember.objects.create(group=board, person=world.people["erin"])
    _need(escalated_to=board)


@_change
def _a_second_need(world: World) -> None:
    board = ApproverGroup.objects.create(name="Board")
    GroupMember.objects.create(group=board, person=world.people["erin"])
    two = QuotaRequest.objects.get(number=2)
    ApprovalNeed.objects.create(request=two, version=1, position=2, whose="group", group=board)
    carol = memberships.actor(world.people["carol"])
    approvals.approve(two, seen=1, by=carol, at=NOW)


def _owner(world: World, name: str) -> None:
    """The owner of Support's cost center decides first."""
    CostCenter.objects.filter(code="CC-support").update(owner=world.people[name])
    two = QuotaRequest.objects.get(number=2)
    ApprovalNeed.objects.create(request=two, version=1, position=2, whose=Whose.OWNER)


def _owns(world: World, name: str) -> None:
    TeamMember.objects.create(team=world.support.team, person=world.people[name], part=Part.OWNER)


def _stands_in(world: World, stand_in: str, absent: str) -> None:
    Delegation.objects.create(
        absent=world.people[absent],
        stand_in=world.people[stand_in],
        effective_from=NOW - timedelta(days=1),
        effective_until=NOW + timedelta(days=1),
        made_by="erin@example.org",
    )


@pytest.mark.parametrize("name", CHANGES)
def test_the_number_is_that_of_what_waits(world: World, name: str) -> None:
    with scope.of(world.contoso.ref):
        CHANGES[name](world)
        for person in ("alice", "bob", "carol", "dan", "erin", "vic"):
            actor = memberships.actor(world.people[person])
            rows = list(waiting.of(actor, at=NOW))
            assert waiting.count(actor, at=NOW) == len(rows), person
            decided = {one.pk for one in deciders.waiting_for(actor, at=NOW)}
            questions = {one.pk for one in rows if one.state == RequestState.QUESTION}
            assert {one.pk for one in rows} == decided | questions


@pytest.mark.parametrize(
    ("name", "waits"),
    [
        ("as_it_is", {"carol"}),
        ("any_approver", {"carol", "erin"}),
        ("two_of_any_and_one_has", {"erin"}),
        ("owner_first", {"dan"}),
        ("owner_has_approved", {"carol"}),
        ("stand_in", {"carol", "erin"}),
        ("own_team", set()),
        ("own_request", {"carol", "erin"}),
        ("a_question", {"bob"}),
        ("escalated", {"carol", "erin"}),
    ],
)
def test_something_waits_for_whoever_has_to_act(world: World, name: str, waits: set[str]) -> None:
    with scope.of(world.contoso.ref):
        CHANGES[name](world)
        found = {
            person
            for person in ("alice", "bob", "carol", "dan", "erin", "vic")
            if waiting.count(memberships.actor(world.people[person]), at=NOW)
        }
    assert found == waits

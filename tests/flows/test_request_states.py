"""Whatever people do to a request, in whatever order and through whichever door: one outcome.

A model in plain Python says what each step may change. Two different people of the group have to
say yes; Alice asks; Olga is of the group and owns Alice's team.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from governance.models import (
    Approval,
    Demand,
    EventKind,
    Override,
    QuotaRequest,
    RequestEvent,
    RequestState,
)
from tenancy.models import Membership, Role
from tests.flows.asking import Desk
from tests.flows.doors import DOORS, TEAMS_DOORS, Deed
from tests.world import World

GROUP = ("carol", "cora", "erin", "olga")
EVERYBODY = ("alice", *GROUP, "dan", "bob")
OPEN = {RequestState.SUBMITTED, RequestState.QUESTION}

people = st.sampled_from(EVERYBODY)
doors = st.sampled_from(sorted(DOORS))
one_by_one = st.sampled_from(sorted(set(DOORS) - {"together"}))
teams_doors = st.sampled_from(sorted(TEAMS_DOORS))
#: How many versions behind the one that is decided on lies: mostly none.
behind = st.sampled_from((0, 0, 0, 1))


@dataclass
class Model:
    """What should be so."""

    state: RequestState = RequestState.DRAFT
    version: int = 1
    said_yes: set[str] = field(default_factory=set)
    approvers: set[str] = field(default_factory=lambda: set(GROUP))

    def may(self, who: str, seen: int) -> bool:
        free = who in self.approvers and who not in self.said_yes and who not in ("alice", "olga")
        return free and seen == self.version and self.state in OPEN

    def approve(self, who: str, seen: int) -> None:
        if self.may(who, seen) and self.state is RequestState.SUBMITTED:
            self.said_yes.add(who)
            if len(self.said_yes) == 2:
                self.state = RequestState.APPROVED

    def reject(self, who: str, seen: int) -> None:
        if self.may(who, seen):
            self.state = RequestState.REJECTED

    def ask(self, who: str, seen: int) -> None:
        if self.may(who, seen):
            self.state = RequestState.QUESTION


class Requests(RuleBasedStateMachine):
    """One request and all who have to do with it."""

    desk: Desk

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.cents = 10
        self._open = ExitStack()
        self._open.enter_context(transaction.atomic())
        self._open.enter_context(self.desk.open())

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._open.close()

    @initialize()
    def asked(self) -> None:
        self.desk.without_policies()
        self.desk.policy(Demand.TWO)
        for name, role in (("cora", Role.APPROVER), ("olga", Role.APPROVER)):
            owns = self.desk.team if name == "olga" else None
            self.desk.hire(name, role, owns=owns, group="FinOps")
        self.desk.join("erin", "FinOps")
        self.row = self.desk.drafted(self.desk.wanted("0.10"))

    @rule(door=teams_doors)
    def submit(self, door: str) -> None:
        TEAMS_DOORS[door](self.desk, Deed.SUBMIT, "alice", self.row, 1)
        if self.model.state is RequestState.DRAFT:
            self.model.state = RequestState.SUBMITTED

    @rule(door=teams_doors, old=behind)
    def amend(self, door: str, old: int) -> None:
        self.cents += 1
        seen = self.model.version - old
        TEAMS_DOORS[door](self.desk, Deed.AMEND, "alice", self.row, seen, f"0.{self.cents}")
        if self.model.state in OPEN and old == 0:
            self.model.state = RequestState.SUBMITTED
            self.model.version += 1
            self.model.said_yes = set()

    @rule(door=teams_doors)
    def withdraw(self, door: str) -> None:
        TEAMS_DOORS[door](self.desk, Deed.WITHDRAW, "alice", self.row, self.model.version)
        if self.model.state in OPEN | {RequestState.DRAFT}:
            self.model.state = RequestState.WITHDRAWN

    @rule(door=teams_doors)
    def answer(self, door: str) -> None:
        TEAMS_DOORS[door](self.desk, Deed.ANSWER, "alice", self.row, self.model.version)
        if self.model.state is RequestState.QUESTION:
            self.model.state = RequestState.SUBMITTED

    @rule(who=people, door=doors, old=behind)
    def approve(self, who: str, door: str, old: int) -> None:
        seen = self.model.version - old
        DOORS[door](self.desk, Deed.APPROVE, who, self.row, seen)
        # Together only what needs one more approval is approved.
        if door != "together" or len(self.model.said_yes) == 1:
            self.model.approve(who, seen)

    @rule(who=people, door=one_by_one, old=behind)
    def reject(self, who: str, door: str, old: int) -> None:
        seen = self.model.version - old
        DOORS[door](self.desk, Deed.REJECT, who, self.row, seen)
        self.model.reject(who, seen)

    @rule(who=people, door=one_by_one, old=behind)
    def ask(self, who: str, door: str, old: int) -> None:
        seen = self.model.version - old
        DOORS[door](self.desk, Deed.ASK, who, self.row, seen)
        self.model.ask(who, seen)

    @precondition(lambda self: self.model.approvers)
    @rule(who=st.sampled_from(GROUP))
    def lose_the_role(self, who: str) -> None:
        person = self.desk.world.people[who]
        Membership.objects.filter(person=person).update(role=Role.FINANCE)
        self.model.approvers.discard(who)

    @rule(who=st.sampled_from(GROUP))
    def get_the_role(self, who: str) -> None:
        role = Role.ADMIN if who == "erin" else Role.APPROVER
        Membership.objects.filter(person=self.desk.world.people[who]).update(role=role)
        self.model.approvers.add(who)

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        row = QuotaRequest.objects.get(pk=self.row.pk)
        assert (row.state, row.version) == (self.model.state, self.model.version)
        given = Approval.objects.filter(request=row, version=row.version)
        names = {one.person.email.partition("@")[0] for one in given.select_related("person")}
        assert names == self.model.said_yes

    @invariant()
    def it_has_one_outcome_and_what_was_approved_is_in_force_once(self) -> None:
        outcomes = {
            EventKind.APPROVED,
            EventKind.REJECTED,
            EventKind.WITHDRAWN,
            EventKind.EXPIRED,
        }
        told = RequestEvent.objects.filter(request=self.row).values_list("kind", flat=True)
        assert sum(count for kind, count in Counter(told).items() if kind in outcomes) <= 1
        approved = self.model.state is RequestState.APPROVED
        granted = Override.objects.filter(request=self.row)
        assert granted.count() == approved
        for override in granted:
            assert override.amount == QuotaRequest.objects.get(pk=self.row.pk).amount


@pytest.mark.django_db
def test_whatever_is_done_there_is_one_outcome_by_those_who_may(world: World) -> None:
    desk = Desk(world)
    machine = type("Machine", (Requests,), {"desk": desk})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

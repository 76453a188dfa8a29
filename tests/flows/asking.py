"""Asking and deciding in the small world: who acts, and what the usual request is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from governance.approvers import deciders, delegations
from governance.consequences.asked import Asked
from governance.front_door import approvals, requests
from governance.limits import quotas
from governance.models import (
    ApprovalPolicy,
    ApproverGroup,
    Demand,
    GroupMember,
    Override,
    QuotaRequest,
    RequestKind,
)
from inventory.models import Part, Team, TeamMember
from tenancy import memberships, scope
from tenancy.access import Actor
from tenancy.models import Membership, Person, Role
from tests.world import NOW, World

LATER = NOW + timedelta(minutes=5)


@dataclass
class Desk:
    """The contoso tenant, with its people as actors and Alice's team to ask for."""

    world: World

    @contextmanager
    def open(self) -> Iterator[None]:
        with scope.of(self.world.contoso.ref):
            yield

    def actor(self, name: str) -> Actor:
        """Somebody, with the role they have now."""
        return memberships.actor(self.world.people[name])

    def hire(self, name: str, role: Role, *, owns: Team | None = None, group: str = "") -> None:
        """A new member of the tenant."""
        person = Person.objects.create_person(f"{name}@example.org", name=name.capitalize())
        self.world.people[name] = person
        Membership.objects.create(person=person, role=role)
        if owns:
            TeamMember.objects.create(team=owns, person=person, part=Part.OWNER)
        if group:
            GroupMember.objects.create(group=ApproverGroup.objects.get(name=group), person=person)

    def join(self, name: str, group: str) -> None:
        """Let somebody be of a group of approvers."""
        of = ApproverGroup.objects.get(name=group)
        GroupMember.objects.create(group=of, person=self.world.people[name])

    def stands_in(self, name: str, *, absent: str) -> None:
        """For three days somebody decides in another's place."""
        wanted = delegations.Wanted(
            absent=self.world.people[absent],
            stand_in=self.world.people[name],
            from_instant=NOW,
            until=NOW + timedelta(days=3),
        )
        delegations.delegate(wanted, by=self.actor(absent), at=NOW)

    @property
    def team(self) -> Team:
        return self.world.search.team

    def policy(self, demand: Demand, **said: Any) -> ApprovalPolicy:
        """A policy of the group FinOps, in force, met by everything unless something is said."""
        values: dict[str, Any] = {
            "name": f"{demand.label} {len(said)}",
            "group": ApproverGroup.objects.get(name="FinOps"),
            "effective_from": NOW - timedelta(days=1),
            "set_by": "erin@example.org",
        }
        policy: ApprovalPolicy = ApprovalPolicy.objects.create(demand=demand, **values | said)
        return policy

    def without_policies(self) -> None:
        """None is in force any more."""
        ApprovalPolicy.objects.update(effective_until=NOW - timedelta(days=1))

    def wanted(self, amount: str = "3", **changed: Any) -> Asked:
        """Three more a month for Alice's key, unless something else is said."""
        usual = Asked(
            kind=RequestKind.INCREASE,
            team=self.team,
            subscription=self.world.search.subscription,
            amount=Decimal(amount),
            reason="The campaign begins.",
        )
        return replace(usual, **changed)

    def for_a_time(self, last_day: date, amount: str = "3") -> Asked:
        return self.wanted(amount, kind=RequestKind.TEMPORARY, last_day=last_day)

    def drafted(self, wanted: Asked | None = None, *, by: str = "alice") -> QuotaRequest:
        """A request that is not sent yet."""
        return requests.draft(wanted or self.wanted(), by=self.actor(by), at=NOW)

    def submitted(self, wanted: Asked | None = None, *, by: str = "alice") -> QuotaRequest:
        """A request that waits."""
        actor = self.actor(by)
        row = requests.draft(wanted or self.wanted(), by=actor, at=NOW)
        return requests.submit(row, by=actor, at=NOW)

    def approve(self, row: QuotaRequest, by: str, *, seen: int = 1) -> QuotaRequest:
        return approvals.approve(row, seen=seen, by=self.actor(by), at=LATER)

    def reject(self, row: QuotaRequest, by: str, *, seen: int = 1) -> QuotaRequest:
        return approvals.reject(row, seen=seen, by=self.actor(by), at=LATER, reason="Too much.")

    def why_not(self, row: QuotaRequest, by: str) -> str:
        return deciders.may_decide(self.actor(by), row, at=LATER).why_not

    def limit(self, *, at: datetime = LATER) -> Decimal:
        """What Alice's key may cost in a month."""
        key = self.world.search.subscription.pk
        return quotas.monthly([key], at=at)[key].limit

    def granted(self, row: QuotaRequest) -> list[Decimal]:
        return [one.amount for one in Override.objects.filter(request=row)]

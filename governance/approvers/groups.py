"""Groups of approvers: who may approve what a policy sends to them.

Somebody in a group decides only while they also have a role that approves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from governance import roles
from governance.models import ApproverGroup, GroupMember
from tenancy import access, audit
from tenancy.access import Actor
from tenancy.models import Membership, Person, Role
from tenancy.refusals import Invalid


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a group; ``approves``: whether their role lets them."""

    person: Person
    approves: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A group with its people, by e-mail address."""

    row: ApproverGroup
    members: tuple[Member, ...]

    @property
    def approvers(self) -> int:
        """How many of them may approve."""
        return sum(member.approves for member in self.members)


def add(name: str, *, by: Actor, at: datetime) -> ApproverGroup:
    """A new group, with nobody in it; one of this name again is the same.

    Raises:
        NotAllowed: the actor is no administrator.
        Invalid: it has no name, or too long a one.
    """
    _require(by)
    wanted = name.strip()
    if not 0 < len(wanted) <= 120:
        raise Invalid(field="name", fix="Give a name of at most 120 characters.")
    row, made = ApproverGroup.objects.get_or_create(name=wanted)
    if made:
        audit.record("group.add", f"group {row}", by=by.email, at=at, after={"name": row.name})
    return row


def join(group: ApproverGroup, person: Person, *, by: Actor, at: datetime) -> GroupMember:
    """Put a member of the tenant into a group; one who is in it stays so.

    Raises:
        NotAllowed: the actor is no administrator.
        Invalid: the person is no member of the tenant.
    """
    _require(by)
    if not Membership.objects.filter(person=person).exists():
        raise Invalid(field="person", fix="Choose a member of this tenant.")
    row, made = GroupMember.objects.get_or_create(group=group, person=person)
    if made:
        told = {"person": person.email}
        audit.record("group.join", f"group {group}", by=by.email, at=at, after=told)
    return row


def leave(group: ApproverGroup, person: Person, *, by: Actor, at: datetime) -> None:
    """Take a person out of a group; what they approved stays, one who is not in it stays out.

    Raises:
        NotAllowed: the actor is no administrator.
    """
    _require(by)
    gone, _ = GroupMember.objects.filter(group=group, person=person).delete()
    if gone:
        told = {"person": person.email}
        audit.record("group.leave", f"group {group}", by=by.email, at=at, before=told)


def listed(actor: Actor) -> tuple[Group, ...]:
    """The groups with who is in them, by name."""
    may = frozenset(_approving().values_list("person_id", flat=True))
    found: dict[int, list[Member]] = {}
    for row in GroupMember.objects.select_related("person").order_by("person__email"):
        found.setdefault(row.group_id, []).append(Member(row.person, row.person_id in may))
    rows = access.many(ApproverGroup, actor).order_by("name")
    return tuple(Group(row, tuple(found.get(row.pk, ()))) for row in rows)


def one(actor: Actor, number: int) -> ApproverGroup:
    """The group of this number.

    Raises:
        NotFound: there is none, or it is not the actor's to see.
    """
    return access.one(ApproverGroup, actor, pk=number)


def approvers() -> tuple[frozenset[int], dict[int, frozenset[int]]]:
    """The ids of the people who may approve: all, and those in each group by its id."""
    everybody = frozenset(_approving().values_list("person_id", flat=True))
    found: dict[int, set[int]] = {}
    for group, person in GroupMember.objects.values_list("group_id", "person_id"):
        found.setdefault(group, set()).add(person)
    return everybody, {group: frozenset(people) & everybody for group, people in found.items()}


def _approving() -> QuerySet[Membership]:
    rows: QuerySet[Membership] = Membership.objects.filter(role__in=roles.APPROVING)
    return rows.filter(person__is_active=True)


def _require(actor: Actor) -> None:
    access.require(actor, Role.ADMIN, verb="change who approves")

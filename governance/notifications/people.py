"""Who is concerned, of the tenant in scope: by part in a team, by role, by standing in."""

from __future__ import annotations

from collections.abc import Iterable

from governance.models import Delegation
from inventory.models import CostCenter, Part, TeamMember
from tenancy import memberships
from tenancy.access import Actor
from tenancy.models import Membership, Role


def owners(team_id: int | None) -> set[int]:
    """The owners of a team; of none nobody."""
    if team_id is None:
        return set()
    rows = TeamMember.objects.filter(team_id=team_id, part=Part.OWNER)
    return set(rows.values_list("person_id", flat=True))


def of_roles(*roles: Role) -> set[int]:
    """The members who have one of these roles."""
    return set(Membership.objects.filter(role__in=roles).values_list("person_id", flat=True))


def center_owner(center: CostCenter | None) -> set[int]:
    """The owner of a cost center, if it has one."""
    return {center.owner_id} if center is not None and center.owner_id is not None else set()


def stand_ins(people: Iterable[int]) -> set[int]:
    """Whoever was ever named to decide in the place of one of these people."""
    rows = Delegation.objects.filter(absent_id__in=set(people))
    return set(rows.values_list("stand_in_id", flat=True))


def actors(people: Iterable[int]) -> tuple[Actor, ...]:
    """Those of these people who are members, as who they are now."""
    rows = Membership.objects.filter(person_id__in=set(people), person__is_active=True)
    return tuple(memberships.actor(row.person) for row in rows.select_related("person"))

"""Who asks and who approves, by role and team: said once, for all that ask or decide."""

from __future__ import annotations

from inventory.models import Team, TeamMember
from tenancy.access import Actor
from tenancy.models import Membership, Role

#: The roles that approve; a cost center's owner may have any.
APPROVING = frozenset({Role.APPROVER, Role.ADMIN})
#: The roles that only look.
LOOKING = frozenset({Role.VIEWER, Role.AUDITOR})


def role_now(person_id: int) -> Role | None:
    """The role of a person in the tenant in scope at this moment; None: they are no member.

    An actor's was read when their request began: what was taken from them since counts at once.
    """
    found = Membership.objects.filter(person_id=person_id).values_list("role", flat=True).first()
    return Role(found) if found else None


def may_ask(actor: Actor, team: Team) -> bool:
    """Whether somebody may ask for a team: its members who do more than look, administrators."""
    if actor.role is Role.ADMIN:
        return True
    belongs = TeamMember.objects.filter(team=team, person_id=actor.person_id).exists()
    return belongs and actor.role not in LOOKING

"""Who may see a notice now: roles, teams and cost centers change while it is on its way."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from governance.models import Notice
from inventory.models import CostCenter, TeamMember
from tenancy.models import SEES_WHOLE_TENANT, Membership


def who_may_see(people: Iterable[int], notice: Notice) -> set[int]:
    """Of these people (ids) those who may see a notice of the tenant in scope.

    The same as `Notice.visible_to` says of one actor.
    """
    rows = Membership.objects.filter(person_id__in=set(people), person__is_active=True)
    roles = dict(rows.values_list("person_id", "role"))
    seeing = {person for person, role in roles.items() if role in SEES_WHOLE_TENANT}
    others = roles.keys() - seeing
    if not others:
        return seeing
    if notice.team_id is not None:
        members = Q(team_id=notice.team_id)
    else:
        members = Q(team__cost_center_id=notice.cost_center_id, team__cost_center__isnull=False)
    found = TeamMember.objects.filter(members, person_id__in=others)
    seeing |= set(found.values_list("person_id", flat=True))
    if notice.cost_center_id is not None:
        owner = CostCenter.objects.filter(pk=notice.cost_center_id, owner_id__in=others)
        seeing |= others & set(owner.values_list("owner_id", flat=True))
    return seeing


def may_see(person: int, notice: Notice) -> bool:
    """Whether a person may see a notice of the tenant in scope."""
    return person in who_may_see([person], notice)

"""Teams, their members and cost centers."""

from __future__ import annotations

from datetime import date

from inventory.models import CostCenter, Owner, Part, Subscription, Team, TeamMember
from tenancy import scope
from tenancy.models import Person


def create(slug: str, *, name: str, cost_center: str, cost_center_name: str) -> Team:
    """A team of the tenant in scope with its cost center; the same slug again gives that team.

    Raises:
        ValidationError: the slug is not of its form.
    """
    center, _ = CostCenter.objects.get_or_create(
        code=cost_center, defaults={"name": cost_center_name}
    )
    team = Team.objects.filter(slug=slug).first() or Team(slug=slug)
    team.name, team.cost_center = name, center
    team.full_clean(validate_unique=False, validate_constraints=False)
    team.save()
    return team


def add_member(team: Team, person: Person, part: Part) -> None:
    """Make a person part of a team of the tenant in scope."""
    TeamMember.objects.update_or_create(
        team=team, person=person, tenant_id=scope.tenant_id(), defaults={"part": part}
    )


def subscriptions_of(team: Team, *, on: date) -> tuple[Subscription, ...]:
    """What the team owns on a local day, by gateway and name."""
    owned = Owner.objects.filter(team=team, from_day__lte=on).exclude(until_day__lte=on)
    rows = Subscription.objects.filter(id__in=owned.values("subscription_id"))
    return tuple(rows.select_related("gateway", "product").order_by("gateway__name", "name"))


def all_of_tenant() -> tuple[Team, ...]:
    """The teams of the tenant in scope, by name."""
    return tuple(Team.objects.select_related("cost_center"))

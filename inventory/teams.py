"""Teams, their members and cost centers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db.models import Q

from inventory.models import CostCenter, Owner, Part, Subscription, Team, TeamMember
from tenancy import access, scope
from tenancy.access import Actor
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


def seen_by(actor: Actor) -> tuple[Team, ...]:
    """The teams the actor may see, by name."""
    return tuple(access.many(Team, actor).select_related("cost_center"))


def one(actor: Actor, slug: str) -> Team:
    """The team of this slug.

    Raises:
        NotFound: there is none, or it is not the actor's to see.
    """
    return access.one(Team, actor, slug=slug)


def owned(team_ids: Iterable[int], *, on: date) -> dict[int, tuple[Subscription, ...]]:
    """By team id, what each owns on a local day, by gateway and name; absent: nothing."""
    rows = (
        Owner.objects.filter(team_id__in=set(team_ids), from_day__lte=on)
        .exclude(until_day__lte=on)
        .select_related("subscription__gateway", "subscription__product")
        .order_by("subscription__gateway__name", "subscription__name")
    )
    found: dict[int, list[Subscription]] = {}
    for row in rows:
        if row.team_id is not None:
            found.setdefault(row.team_id, []).append(row.subscription)
    return {team: tuple(subscriptions) for team, subscriptions in found.items()}


def subscriptions_during(team: Team, *, from_day: date, until: date) -> tuple[Subscription, ...]:
    """What the team owned on any day from a local day to before another, by gateway and name."""
    held = Owner.objects.filter(
        Q(until_day=None) | Q(until_day__gt=from_day), team=team, from_day__lt=until
    )
    rows = Subscription.objects.filter(id__in=held.values("subscription_id"))
    return tuple(rows.select_related("gateway", "product").order_by("gateway__name", "name"))

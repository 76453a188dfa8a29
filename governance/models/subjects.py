"""What a limit can be put on, and how it is counted: shared by quotas, overrides and budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from inventory.models import CostCenter, Product, Subscription, Team, teams_of
from tenancy.links import TenantLink
from tenancy.models import TenantModel

if TYPE_CHECKING:
    from tenancy.access import Actor

Subject = Product | Subscription | Team | CostCenter


class Unit(models.TextChoices):
    CURRENCY = "currency", "billing currency"
    TOKENS = "tokens", "tokens"


class Span(models.TextChoices):
    """How often a limit begins anew, in the tenant's time zone; a week begins on Monday."""

    HOUR = "hour", "an hour"
    DAY = "day", "a day"
    WEEK = "week", "a week"
    MONTH = "month", "a month"
    YEAR = "year", "a year"


class Level(models.TextChoices):
    """Whose limit it is; a product's is the default of each subscription to it."""

    SUBSCRIPTION = "subscription", "this subscription"
    PRODUCT = "product", "its product"
    TEAM = "team", "its team"
    COST_CENTER = "cost_center", "its cost center"


def exactly_one(*names: str) -> Q:
    """The condition that one of these columns is set and the others are not."""
    found = Q()
    for name in names:
        others = {f"{other}__isnull": True for other in names if other != name}
        found |= Q(**{f"{name}__isnull": False}, **others)
    return found


class AboutSubject(TenantModel):
    """A row about one of the subjects it has a column for, each named as its level."""

    class Meta:
        abstract = True

    @property
    def subject(self) -> Subject:
        """The one that is set."""
        found: Subject = getattr(self, self.level.value)
        return found

    @property
    def level(self) -> Level:
        """Which of them it is."""
        for level in Level:
            if getattr(self, f"{level.value}_id", None) is not None:
                return level
        raise AssertionError("the database lets no row be without a subject")

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Self]:
        """All of the tenant's, or those of the actor's teams and of what these own."""
        rows: models.QuerySet[Self] = cls.objects.all()
        if actor.sees_whole_tenant:
            return rows
        mine, teams = Subscription.visible_to(actor), teams_of(actor)
        seen = {
            Level.SUBSCRIPTION: Q(subscription__in=mine),
            Level.PRODUCT: Q(product_id__in=mine.values("product_id")),
            Level.TEAM: Q(team_id__in=teams),
            Level.COST_CENTER: Q(
                cost_center_id__in=Team.objects.filter(id__in=teams).values("cost_center_id")
            ),
        }
        columns = {field.name for field in cls._meta.local_fields}
        found = Q()
        for level, condition in seen.items():
            if level.value in columns:
                found |= condition
        return rows.filter(found)


class OfSubject(AboutSubject):
    """A row about one product, subscription, team or cost center."""

    product = TenantLink(Product, null=True, blank=True, related_name="+")
    subscription = TenantLink(Subscription, null=True, blank=True, related_name="+")
    team = TenantLink(Team, null=True, blank=True, related_name="+")
    cost_center = TenantLink(CostCenter, null=True, blank=True, related_name="+")

    class Meta:
        abstract = True

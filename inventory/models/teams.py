from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q

from tenancy.links import TenantLink
from tenancy.models import Person, TenantModel
from tenancy.models.tenants import SLUG

if TYPE_CHECKING:
    from tenancy.access import Actor


class CostCenter(TenantModel):
    """Where finance books a team's costs."""

    code = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    owner = models.ForeignKey(
        Person,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who answers for what is booked here; a policy may ask them first.",
    )

    class Meta:
        ordering = ("code",)
        verbose_name = "cost center"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "code"), name="inventory_cost_center_code"),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Team(TenantModel):
    """The owner of consumption."""

    slug = models.CharField(max_length=62, validators=[SLUG])
    name = models.CharField(max_length=120)
    cost_center = TenantLink(CostCenter, related_name="teams")

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=("tenant", "slug"), name="inventory_team_slug"),
        )

    def __str__(self) -> str:
        return self.name

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Self]:
        rows: models.QuerySet[Self] = cls.objects.all()
        if actor.sees_whole_tenant:
            return rows
        return rows.filter(Q(id__in=teams_of(actor)))


class Part(models.TextChoices):
    OWNER = "owner", "owner"
    MEMBER = "member", "member"


class TeamMember(TenantModel):
    """A person's part in a team."""

    team = TenantLink(Team, related_name="members")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    part = models.CharField(max_length=16, choices=Part.choices, default=Part.MEMBER)

    class Meta:
        ordering = ("team", "person")
        verbose_name = "team member"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "team", "person"), name="inventory_team_member_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.person} in {self.team}"

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Self]:
        rows: models.QuerySet[Self] = cls.objects.all()
        return rows if actor.sees_whole_tenant else rows.filter(team_id__in=teams_of(actor))


def teams_of(actor: Actor) -> models.QuerySet[TeamMember, Any]:
    """The ids of the teams the actor belongs to, as a subquery."""
    return TeamMember.objects.filter(person_id=actor.person_id).values("team_id")

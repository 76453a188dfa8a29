from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from inventory.models import Product, Team
from tenancy.links import TenantLink
from tenancy.models import Person, TenantModel

if TYPE_CHECKING:
    from tenancy.access import Actor


class ApproverGroup(TenantModel):
    """People who may approve what a policy sends to them."""

    name = models.CharField(max_length=120)

    class Meta:
        ordering = ("name",)
        verbose_name = "approver group"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "name"), name="governance_group_name"),
        )

    def __str__(self) -> str:
        return self.name


class GroupMember(TenantModel):
    """A person in an approver group; they decide only while they also have the role."""

    group = TenantLink(ApproverGroup, related_name="members")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("group", "person")
        verbose_name = "group member"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "group", "person"), name="governance_group_member_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.person} in {self.group}"


class Demand(models.TextChoices):
    """What a policy asks for, from the easiest to the strictest of its kind."""

    AUTOMATIC = "automatic", "nobody: approved at once"
    ONE = "one", "one approver"
    OWNER_FIRST = "owner_first", "the cost center's owner, then one approver"
    TWO = "two", "two different approvers"


class ApprovalPolicy(TenantModel):
    """What requests of some kind need. Every policy that a request meets counts, together.

    A condition that is empty is always met. Amounts, percentages and days are counted with what
    was asked for in the ``window_days`` before, so that splitting a request does not help.
    """

    name = models.CharField(max_length=120)
    position = models.PositiveIntegerField(
        default=100, help_text="The order in which policies are read and approvers are asked."
    )
    kinds = ArrayField(
        models.CharField(max_length=16),
        default=list,
        blank=True,
        help_text="Kinds of request, such as increase, temporary. Empty: all.",
    )
    team = TenantLink(Team, null=True, blank=True, related_name="+", help_text="Empty: any.")
    product = TenantLink(
        Product,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="tier",
        help_text="The tier a subscription has or is to have. Empty: any.",
    )
    environment = models.CharField(
        max_length=60, blank=True, default="", help_text="Such as production. Empty: any."
    )
    amount_from = models.DecimalField(
        max_digits=24,
        decimal_places=4,
        null=True,
        blank=True,
        help_text="From this much more a month on, in the billing currency, for the team in the "
        "window.",
    )
    percent_from = models.DecimalField(
        max_digits=9,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="From this many percent more than the limit before the window.",
    )
    days_from = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="From this many days on; what is for good is longer than any.",
    )
    forecast_from = models.DecimalField(
        max_digits=9,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="From a forecast of this many percent of the limit before the window.",
    )
    window_days = models.PositiveIntegerField(
        default=30, help_text="How many days back increases are counted together."
    )
    demand = models.CharField(max_length=16, choices=Demand.choices, default=Demand.ONE)
    group = TenantLink(
        ApproverGroup,
        null=True,
        blank=True,
        related_name="policies",
        help_text="Who approves. Empty: any approver of the tenant.",
    )
    own_teams = models.BooleanField(
        "owners may decide",
        default=False,
        help_text="An approver may decide for a team they own. Nobody ever decides on their own "
        "request.",
    )
    remind_after_hours = models.PositiveIntegerField(default=24)
    escalate_after_hours = models.PositiveIntegerField(default=72)
    escalate_to = TenantLink(
        ApproverGroup,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who is told then, and may decide too. Empty: administrators are told.",
    )
    expires_after_days = models.PositiveIntegerField(
        default=30, help_text="A request nobody decided on ends after this many days."
    )
    effective_from = models.DateTimeField()
    effective_until = models.DateTimeField(null=True, blank=True)
    set_by = models.CharField(max_length=254)

    class Meta:
        ordering = ("position", "id")
        verbose_name = "approval policy"
        verbose_name_plural = "approval policies"
        constraints = (
            models.CheckConstraint(
                condition=Q(effective_until__isnull=True)
                | Q(effective_until__gte=F("effective_from")),
                name="governance_policy_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(expires_after_days__gte=1) & Q(window_days__gte=1),
                name="governance_policy_days_positive",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Delegation(TenantModel):
    """For a time one person decides in another's place. It is not passed on further."""

    absent = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    stand_in = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    effective_from = models.DateTimeField()
    effective_until = models.DateTimeField()
    reason = models.TextField(blank=True, default="")
    made_by = models.CharField(max_length=254)

    class Meta:
        ordering = ("-effective_from",)
        constraints = (
            models.CheckConstraint(
                condition=~Q(absent=F("stand_in")), name="governance_delegation_to_another"
            ),
            models.CheckConstraint(
                condition=Q(effective_until__gt=F("effective_from")),
                name="governance_delegation_ends_after_start",
            ),
        )

    def __str__(self) -> str:
        return f"{self.stand_in} for {self.absent}"

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Self]:
        rows: models.QuerySet[Self] = cls.objects.all()
        if actor.sees_whole_tenant:
            return rows
        return rows.filter(Q(absent_id=actor.person_id) | Q(stand_in_id=actor.person_id))

"""Months that are closed, and what changed about them since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

from billing.models.visible import OfSubscription
from billing.rules.token_classes import TokenClass
from inventory.models import Deployment, Subscription
from tenancy.links import TenantLink
from tenancy.models import TenantModel

if TYPE_CHECKING:
    from tenancy.access import Actor


class ClosedMonth(TenantModel):
    """A billing period whose rated days stand: what changes later is an adjustment."""

    first_day = models.DateField()
    closed_by = models.CharField(max_length=254)
    closed_at = models.DateTimeField()

    class Meta:
        ordering = ("-first_day",)
        verbose_name = "closed month"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "first_day"), name="billing_closed_once"),
        )

    def __str__(self) -> str:
        return f"{self.first_day:%Y-%m}"

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Self]:  # noqa: ARG003 - whoever it is
        """Everybody of the tenant may know that a month is closed."""
        rows: models.QuerySet[Self] = cls.objects.all()
        return rows


class ProposedAdjustment(OfSubscription):
    """By how much a closed month's cost would differ if it were rated today.

    ``cost_before`` and ``quantity_before`` are the month as closed, in the billing currency on the
    estimated basis; null: unpriced. Proposed, not charged: a later statement may take it up.
    """

    first_day = models.DateField(help_text="First local day of the closed billing period.")
    subscription = TenantLink(Subscription, related_name="+")
    deployment = TenantLink(Deployment, related_name="+")
    token_class = models.CharField(max_length=24, choices=TokenClass.choices())
    quantity_before = models.BigIntegerField()
    quantity_after = models.BigIntegerField()
    cost_before = models.DecimalField(max_digits=38, decimal_places=18, null=True)
    cost_after = models.DecimalField(max_digits=38, decimal_places=18, null=True)

    class Meta:
        ordering = ("-first_day", "subscription", "deployment", "token_class")
        verbose_name = "proposed adjustment"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "first_day", "subscription", "deployment", "token_class"),
                name="billing_adjustment_grain",
            ),
        )

    def __str__(self) -> str:
        return f"{self.first_day:%Y-%m} {self.subscription_id} {self.token_class}"

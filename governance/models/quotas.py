from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

from inventory.models import Product, Subscription
from tenancy.links import TenantLink
from tenancy.models import TenantModel

if TYPE_CHECKING:
    from tenancy.access import Actor


class Hardness(models.TextChoices):
    SOFT = "soft", "soft: warns"
    HARD = "hard", "hard: suspends"


class Quota(TenantModel):
    """A limit in the billing currency per billing month, on a product (its tier's default) or on
    one subscription (which then counts instead).
    """

    product = TenantLink(Product, null=True, blank=True, related_name="quotas")
    subscription = TenantLink(Subscription, null=True, blank=True, related_name="quotas")
    limit = models.DecimalField(max_digits=18, decimal_places=4)
    hardness = models.CharField(max_length=8, choices=Hardness.choices, default=Hardness.HARD)
    effective_from = models.DateTimeField()
    effective_until = models.DateTimeField(
        null=True, blank=True, help_text="Empty: until the next one begins."
    )
    set_by = models.CharField(max_length=254)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ("-effective_from",)
        constraints = (
            models.CheckConstraint(
                condition=Q(product__isnull=True) ^ Q(subscription__isnull=True),
                name="governance_quota_one_subject",
            ),
            models.CheckConstraint(condition=Q(limit__gte=0), name="governance_quota_not_negative"),
            models.CheckConstraint(
                condition=Q(effective_until__isnull=True)
                | Q(effective_until__gt=F("effective_from")),
                name="governance_quota_ends_after_start",
            ),
            models.UniqueConstraint(
                fields=("tenant", "product", "effective_from"),
                condition=Q(product__isnull=False),
                name="governance_quota_product_start",
            ),
            models.UniqueConstraint(
                fields=("tenant", "subscription", "effective_from"),
                condition=Q(subscription__isnull=False),
                name="governance_quota_subscription_start",
            ),
        )

    def __str__(self) -> str:
        return f"{self.limit} on {self.subscription or self.product}"

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Self]:
        rows: models.QuerySet[Self] = cls.objects.all()
        if actor.sees_whole_tenant:
            return rows
        mine = Subscription.visible_to(actor)
        return rows.filter(Q(subscription__in=mine) | Q(product_id__in=mine.values("product_id")))

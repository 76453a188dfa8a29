from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from billing.models.prices import ExchangeRate, Price
from billing.rules.token_classes import TokenClass
from inventory.models import Deployment, Gateway, Subscription
from tenancy.links import TenantLink
from tenancy.models import TenantModel

if TYPE_CHECKING:
    from tenancy.access import Actor


class OfSubscription(TenantModel):
    """Rows that are seen by whoever sees their subscription."""

    class Meta:
        abstract = True

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Self]:
        rows: models.QuerySet[Self] = cls.objects.all()
        if actor.sees_whole_tenant:
            return rows
        return rows.filter(subscription__in=Subscription.visible_to(actor))


class UsageFeed(TenantModel):
    """How far a gateway's usage has been read: moves in the transaction that stores the rows."""

    gateway = TenantLink(Gateway, related_name="feeds")
    through = models.DateTimeField(help_text="Usage before this instant has been read.")

    class Meta:
        verbose_name = "usage feed"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "gateway"), name="billing_feed_gateway"),
        )

    def __str__(self) -> str:
        return f"{self.gateway} through {self.through}"


class Usage(OfSubscription):
    """Observed usage: bucket of time × subscription × deployment. One wide row, its token
    classes disjoint: they sum to what the source reported. Partitioned by month.
    """

    pk = models.CompositePrimaryKey("tenant_id", "bucket_start", "subscription_id", "deployment_id")
    gateway = TenantLink(Gateway, related_name="+")
    bucket_start = models.DateTimeField()
    subscription = TenantLink(Subscription, related_name="+")
    deployment = TenantLink(Deployment, related_name="+")
    input_tokens = models.BigIntegerField(default=0)
    cached_input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    requests = models.BigIntegerField(default=0)
    successful_requests = models.BigIntegerField(default=0)
    throttled_requests = models.BigIntegerField(default=0)
    refused_requests = models.BigIntegerField(default=0)
    cache_hits = models.BigIntegerField(default=0)
    uncovered_requests = models.BigIntegerField(default=0)

    class Meta:
        managed = False
        db_table = "billing_usage"
        ordering = ("bucket_start",)
        verbose_name_plural = "usage"

    def __str__(self) -> str:
        return f"{self.bucket_start:%Y-%m-%d %H:%M} {self.subscription_id} {self.deployment_id}"


class DayToRate(TenantModel):
    """A local day whose usage, price or mapping changed since it was rated last."""

    day = models.DateField()

    class Meta:
        verbose_name_plural = "days to rate"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "day"), name="billing_day_to_rate_once"),
        )

    def __str__(self) -> str:
        return f"{self.day}"


class RatedDay(OfSubscription):
    """Cost of a local day: subscription × deployment × token class × price × exchange rate.

    ``list_cost`` is in the price list's currency, ``cost`` in the tenant's billing currency on
    the estimated basis; both are null where no price was in force: unpriced, never zero.
    """

    day = models.DateField()
    subscription = TenantLink(Subscription, related_name="+")
    deployment = TenantLink(Deployment, related_name="+")
    token_class = models.CharField(max_length=24, choices=TokenClass.choices())
    price = models.ForeignKey(Price, on_delete=models.PROTECT, null=True, related_name="+")
    exchange_rate = TenantLink(ExchangeRate, null=True, related_name="+")
    quantity = models.BigIntegerField()
    list_cost = models.DecimalField(max_digits=38, decimal_places=18, null=True)
    cost = models.DecimalField(max_digits=38, decimal_places=18, null=True)

    class Meta:
        ordering = ("day", "subscription", "deployment", "token_class")
        constraints = (
            models.UniqueConstraint(
                fields=(
                    "tenant",
                    "day",
                    "subscription",
                    "deployment",
                    "token_class",
                    "price",
                    "exchange_rate",
                ),
                name="billing_rated_day_grain",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(price__isnull=False) | Q(cost__isnull=True),
                name="billing_rated_day_unpriced_has_no_cost",
            ),
        )
        indexes = (
            models.Index(
                fields=("tenant", "subscription", "day"), name="billing_rated_day_subscription"
            ),
        )

    def __str__(self) -> str:
        return f"{self.day} {self.subscription_id} {self.token_class}"


class PeriodToDate(OfSubscription):
    """What a subscription has cost in a billing period so far: what enforcement reads."""

    subscription = TenantLink(Subscription, related_name="+")
    first_day = models.DateField(help_text="First local day of the billing period.")
    cost = models.DecimalField(max_digits=38, decimal_places=18)
    tokens = models.BigIntegerField()
    unpriced_tokens = models.BigIntegerField()

    class Meta:
        ordering = ("-first_day", "subscription")
        verbose_name = verbose_name_plural = "period to date"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "first_day", "subscription"), name="billing_period_to_date_grain"
            ),
        )

    def __str__(self) -> str:
        return f"{self.first_day:%Y-%m} {self.subscription_id}: {self.cost}"

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, F, Q, When

from billing.models.choices import ExchangeRate
from billing.models.prices import Price
from billing.models.series import Series
from billing.models.sheets import SheetLine
from billing.models.visible import OfSubscription
from billing.rules.token_classes import NOT_TOKENS, TokenClass
from inventory.models import Deployment, Gateway, Subscription
from tenancy.links import TenantLink
from tenancy.models import TenantModel


class Usage(OfSubscription):
    """Observed usage: bucket of time × series. One wide row, its token classes disjoint: they sum
    to what the source reported. Partitioned by month.

    Gateway, subscription and deployment are the series' own, repeated. Two histograms stand beside
    the counts, in columns that `rules.histograms` names: latency, and tokens of the prompt.
    """

    pk = models.CompositePrimaryKey("tenant_id", "bucket_start", "series_id")
    series = TenantLink(Series, related_name="+")
    gateway = TenantLink(Gateway, related_name="+")
    bucket_start = models.DateTimeField()
    subscription = TenantLink(Subscription, related_name="+")
    deployment = TenantLink(Deployment, related_name="+")
    input_tokens = models.BigIntegerField(default=0)
    cached_input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    reasoning_tokens = models.BigIntegerField(default=0)
    requests = models.BigIntegerField(default=0)
    successful_requests = models.BigIntegerField(default=0)
    throttled_requests = models.BigIntegerField(default=0)
    refused_requests = models.BigIntegerField(default=0)
    client_errors = models.BigIntegerField(default=0)
    server_errors = models.BigIntegerField(default=0)
    cache_hits = models.BigIntegerField(default=0)
    uncovered_requests = models.BigIntegerField(default=0)
    retries = models.BigIntegerField(default=0)
    agent_steps = models.BigIntegerField(default=0)
    tool_calls = models.BigIntegerField(default=0)

    class Meta:
        managed = False
        db_table = "billing_usage"
        ordering = ("bucket_start",)
        verbose_name_plural = "usage"

    def __str__(self) -> str:
        return f"{self.bucket_start:%Y-%m-%d %H:%M} {self.subscription_id} {self.deployment_id}"


class ClassUsage(OfSubscription):
    """Observed usage of a class that has no column of its own in `Usage`: cache writes, long
    calls, audio, pictures, tool calls. Bucket of time × series × class.
    """

    series = TenantLink(Series, related_name="+", db_index=False)
    gateway = TenantLink(Gateway, related_name="+", db_index=False)
    bucket_start = models.DateTimeField()
    subscription = TenantLink(Subscription, related_name="+", db_index=False)
    deployment = TenantLink(Deployment, related_name="+", db_index=False)
    token_class = models.CharField(max_length=24, choices=TokenClass.choices())
    quantity = models.BigIntegerField()

    class Meta:
        ordering = ("bucket_start", "series", "token_class")
        verbose_name = verbose_name_plural = "usage of further classes"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "bucket_start", "series", "token_class"),
                name="billing_class_usage_grain",
            ),
            models.CheckConstraint(
                condition=Q(quantity__gt=0), name="billing_class_usage_positive"
            ),
        )

    def __str__(self) -> str:
        return f"{self.bucket_start:%Y-%m-%d %H:%M} {self.subscription_id} {self.token_class}"


class DayToRate(TenantModel):
    """A deployment's local day whose usage, price or mapping changed since it was rated last."""

    day = models.DateField()
    deployment = TenantLink(Deployment, related_name="+")

    class Meta:
        ordering = ("day", "deployment")
        verbose_name_plural = "days to rate"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "day", "deployment"), name="billing_day_to_rate_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.day}"


class RatedDay(OfSubscription):
    """Cost of a local day: series × token class × price × exchange rate.

    ``price`` is the list price in force and ``list_cost`` what it comes to, in the list's currency.
    ``unit_price`` is what was charged by: the list price, or what ``sheet_line`` and
    ``markup_line`` made of it, per unit of the meter, in ``price_currency``. ``cost`` is
    quantity × ``unit_price`` ÷ ``units_per_price`` × the exchange rate, in the tenant's billing
    currency on the estimated basis. Cost is null where no price was in force: unpriced, never
    zero; it is zero with no unit price where the deployment's capacity is paid for instead.
    ``tokens`` is the quantity of tokens, for sums that must not add pictures to them.

    Written by the hundred thousand at a time: it is indexed for what reads it and for nothing else,
    and one key to the series stands for tenant, subscription and deployment too.
    """

    day = models.DateField()
    series = TenantLink(Series, related_name="+", db_index=False)
    subscription = TenantLink(Subscription, related_name="+", db_index=False)
    deployment = TenantLink(Deployment, related_name="+", db_index=False)
    token_class = models.CharField(max_length=24, choices=TokenClass.choices())
    price = models.ForeignKey(
        Price, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    sheet_line = TenantLink(SheetLine, null=True, related_name="+", db_index=False)
    markup_line = TenantLink(SheetLine, null=True, related_name="+", db_index=False)
    exchange_rate = TenantLink(ExchangeRate, null=True, related_name="+", db_index=False)
    unit_price = models.DecimalField(max_digits=24, decimal_places=15, null=True)
    price_currency = models.CharField(max_length=3, blank=True, default="")
    units_per_price = models.PositiveIntegerField(default=1)
    quantity = models.BigIntegerField()
    tokens = models.GeneratedField(
        expression=Case(
            When(token_class__in=NOT_TOKENS, then=0),
            default=F("quantity"),
            output_field=models.BigIntegerField(),
        ),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )
    list_cost = models.DecimalField(max_digits=38, decimal_places=18, null=True)
    cost = models.DecimalField(max_digits=38, decimal_places=18, null=True)

    class Meta:
        ordering = ("day", "series", "token_class")
        constraints = (
            models.UniqueConstraint(
                fields=(
                    "tenant",
                    "day",
                    "series",
                    "token_class",
                    "price",
                    "sheet_line",
                    "markup_line",
                    "exchange_rate",
                    "units_per_price",
                ),
                name="billing_rated_day_grain",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(unit_price__isnull=False) | Q(cost__isnull=True) | Q(cost=0),
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


class UsageDay(OfSubscription):
    """What was observed on a local day by series: kept when the usage it sums has been let go.

    Counts as in `Usage`; the histograms are their counts by bin, see `rules.histograms`.
    """

    day = models.DateField()
    series = TenantLink(Series, related_name="+", db_index=False)
    subscription = TenantLink(Subscription, related_name="+", db_index=False)
    deployment = TenantLink(Deployment, related_name="+", db_index=False)
    requests = models.BigIntegerField(default=0)
    successful_requests = models.BigIntegerField(default=0)
    throttled_requests = models.BigIntegerField(default=0)
    refused_requests = models.BigIntegerField(default=0)
    client_errors = models.BigIntegerField(default=0)
    server_errors = models.BigIntegerField(default=0)
    cache_hits = models.BigIntegerField(default=0)
    uncovered_requests = models.BigIntegerField(default=0)
    retries = models.BigIntegerField(default=0)
    agent_steps = models.BigIntegerField(default=0)
    tool_calls = models.BigIntegerField(default=0)
    latency = ArrayField(models.BigIntegerField(), help_text="Calls by bin of milliseconds.")
    prompts = ArrayField(models.BigIntegerField(), help_text="Calls by bin of prompt tokens.")

    class Meta:
        ordering = ("day", "series")
        verbose_name = "usage of a day"
        verbose_name_plural = "usage by day"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "day", "series"), name="billing_usage_day_grain"
            ),
        )
        indexes = (
            models.Index(
                fields=("tenant", "subscription", "day"), name="billing_usage_day_subscription"
            ),
        )

    def __str__(self) -> str:
        return f"{self.day} {self.subscription_id}"


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

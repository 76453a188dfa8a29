from __future__ import annotations

from django.db import models

from billing.models.visible import OfSubscription
from inventory.models import Deployment, Gateway, Subscription
from inventory.rules.dimensions import LONGEST, Dimension
from tenancy.links import TenantLink


class Series(OfSubscription):
    """One way in which a subscription calls a deployment: what all its calls have in common.

    Usage, and cost by day, is held by series, so that it can be summed by any dimension. Empty:
    the source did not tell. A value ``(more)`` stands for those beyond what is told apart.
    """

    gateway = TenantLink(Gateway, related_name="+")
    subscription = TenantLink(Subscription, related_name="series")
    deployment = TenantLink(Deployment, related_name="series")
    product = models.CharField(max_length=LONGEST, blank=True)
    api = models.CharField(max_length=LONGEST, blank=True)
    operation = models.CharField(max_length=LONGEST, blank=True)
    region = models.CharField(max_length=LONGEST, blank=True)
    backend = models.CharField(max_length=LONGEST, blank=True)
    streaming = models.CharField(max_length=8, blank=True)
    application = models.CharField(max_length=LONGEST, blank=True)
    use_case = models.CharField(max_length=LONGEST, blank=True)
    agent = models.CharField(max_length=LONGEST, blank=True)
    environment = models.CharField(max_length=LONGEST, blank=True)
    client_tenant = models.CharField(max_length=LONGEST, blank=True)
    user_group = models.CharField(max_length=LONGEST, blank=True)
    cost_center = models.CharField(max_length=LONGEST, blank=True)
    digest = models.CharField(
        max_length=32, editable=False, help_text="MD5 of the dimensions, which no index could hold."
    )

    class Meta:
        ordering = ("subscription", "deployment", "id")
        verbose_name_plural = "series"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "gateway", "subscription", "deployment", "digest"),
                name="billing_series_once",
            ),
        )
        indexes = (
            models.Index(fields=("tenant", "subscription"), name="billing_series_subscription"),
            models.Index(fields=("tenant", "deployment"), name="billing_series_deployment"),
        )

    def __str__(self) -> str:
        told = (getattr(self, one.value) for one in Dimension)
        return " · ".join(value for value in told if value) or "(nothing told)"

from __future__ import annotations

from django.db import models
from django.db.models import Q

from tenancy.models import InstallationRun, TenantModel


class Meter(models.Model):
    """A meter of Azure's price list. Public, the same for every tenant.

    Known by its id: names alone are shared by hundreds of prices. ``vanished_at`` says since when
    the list has not named it any more; what it cost stays.
    """

    azure_id = models.CharField(max_length=64, unique=True)
    meter_name = models.CharField(max_length=200)
    product_name = models.CharField(max_length=200)
    sku_name = models.CharField(max_length=200)
    service_name = models.CharField(max_length=100)
    region = models.CharField(max_length=64)
    unit_of_measure = models.CharField(max_length=40)
    vanished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("product_name", "meter_name", "region")
        indexes = (models.Index(fields=("region", "product_name"), name="billing_meter_region"),)

    def __str__(self) -> str:
        return f"{self.meter_name}, {self.region}"


class PriceType(models.TextChoices):
    """What of the list is held: pay-as-you-go, and what a commitment for a term costs."""

    CONSUMPTION = "Consumption", "pay-as-you-go"
    RESERVATION = "Reservation", "reservation"


class Price(models.Model):
    """A meter's list price from an instant on. A row never changes: a list that states the same
    price anew adds one, and the newest that is believed counts.

    Its end is the next one's start, never stored twice. ``unit_price`` is per single unit (one
    token, one hour); ``listed_price`` is as published, per ``unit_of_measure``; a reservation's is
    for its whole term. A price with ``doubts`` is suspect: it counts for a tenant where a person
    accepted it there. Prices in other currencies than the list's own are for reference only.
    """

    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="prices")
    price_type = models.CharField(
        max_length=16, choices=PriceType.choices, default=PriceType.CONSUMPTION
    )
    reservation_term = models.CharField(max_length=16, blank=True)
    tier_minimum_units = models.DecimalField(max_digits=24, decimal_places=6, default=0)
    effective_from = models.DateTimeField()
    currency = models.CharField(max_length=3)
    listed_price = models.DecimalField(max_digits=24, decimal_places=12)
    unit_of_measure = models.CharField(max_length=40)
    unit_price = models.DecimalField(max_digits=24, decimal_places=15)
    doubts = models.JSONField(default=list, blank=True)
    run = models.ForeignKey(InstallationRun, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("meter", "effective_from", "id")
        constraints = (
            models.UniqueConstraint(
                fields=(
                    "meter",
                    "effective_from",
                    "price_type",
                    "reservation_term",
                    "tier_minimum_units",
                    "currency",
                    "run",
                ),
                name="billing_price_once_a_load",
            ),
            models.CheckConstraint(
                condition=Q(unit_price__gte=0), name="billing_price_not_negative"
            ),
        )
        indexes = (
            models.Index(fields=("run", "meter"), name="billing_price_run"),
            models.Index(
                fields=("-effective_from", "id"),
                condition=~Q(doubts=[]),
                name="billing_price_suspect",
            ),
        )

    def __str__(self) -> str:
        return f"{self.meter}: {self.listed_price} {self.currency} per {self.unit_of_measure}"


class PriceChange(models.Model):
    """What a load of the list brought, in one row each: the record of changes. Public."""

    class Kind(models.TextChoices):
        NEW_METER = "new-meter", "new meter"
        NEW_PRICE = "new-price", "new price"
        RESTATED = "restated", "price stated anew"
        RENAMED = "renamed", "described anew"
        VANISHED = "vanished", "vanished"
        RETURNED = "returned", "returned"

    run = models.ForeignKey(InstallationRun, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="changes")
    price = models.ForeignKey(Price, on_delete=models.PROTECT, null=True, related_name="+")
    before = models.ForeignKey(Price, on_delete=models.PROTECT, null=True, related_name="+")
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("-run", "kind", "id")
        indexes = (
            models.Index(fields=("-run", "kind", "id"), name="billing_change_of_load"),
            models.Index(fields=("meter", "-run"), name="billing_change_of_meter"),
        )

    def __str__(self) -> str:
        return f"{self.kind}: {self.meter}"


class PriceDecision(TenantModel):
    """What a person of a tenant said about a suspect price. One at a time; the last one counts."""

    class Verdict(models.TextChoices):
        ACCEPTED = "accepted", "accepted"
        REJECTED = "rejected", "rejected"

    price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    decided_by = models.CharField(max_length=254)
    decided_at = models.DateTimeField()
    reason = models.TextField()

    class Meta:
        ordering = ("-decided_at", "-id")
        verbose_name = "decision on a suspect price"
        verbose_name_plural = "decisions on suspect prices"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "price"), name="billing_decision_of_price"),
        )

    def __str__(self) -> str:
        return f"{self.price}: {self.verdict}"

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from billing.rules.token_classes import TokenClass
from inventory.models import Deployment
from tenancy.links import TenantLink
from tenancy.models import InstallationRun, TenantModel
from tenancy.models.tenants import check_currency


class Meter(models.Model):
    """A meter of Azure's price list. Public, the same for every tenant.

    Known by its id: names alone are shared by hundreds of prices.
    """

    azure_id = models.CharField(max_length=64, unique=True)
    meter_name = models.CharField(max_length=200)
    product_name = models.CharField(max_length=200)
    sku_name = models.CharField(max_length=200)
    service_name = models.CharField(max_length=100)
    region = models.CharField(max_length=64)
    unit_of_measure = models.CharField(max_length=40)

    class Meta:
        ordering = ("product_name", "meter_name", "region")
        indexes = (models.Index(fields=("region", "product_name"), name="billing_meter_region"),)

    def __str__(self) -> str:
        return f"{self.meter_name}, {self.region}"


class Price(models.Model):
    """A meter's list price from an instant on, in the list's currency.

    Its end is the next one's start, never stored twice. ``unit_price`` is per single unit (one
    token, one hour); ``listed_price`` is as published, per ``unit_of_measure``.
    """

    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="prices")
    effective_from = models.DateTimeField()
    currency = models.CharField(max_length=3)
    listed_price = models.DecimalField(max_digits=24, decimal_places=12)
    unit_of_measure = models.CharField(max_length=40)
    unit_price = models.DecimalField(max_digits=24, decimal_places=15)
    run = models.ForeignKey(InstallationRun, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("meter", "effective_from")
        constraints = (
            models.UniqueConstraint(fields=("meter", "effective_from"), name="billing_price_start"),
            models.CheckConstraint(
                condition=Q(unit_price__gte=0), name="billing_price_not_negative"
            ),
        )

    def __str__(self) -> str:
        return f"{self.meter}: {self.listed_price} {self.currency} per {self.unit_of_measure}"


class ExchangeRate(TenantModel):
    """One unit of ``from_currency`` in ``to_currency`` from an instant on, with its source."""

    from_currency = models.CharField(max_length=3, validators=[check_currency])
    to_currency = models.CharField(max_length=3, validators=[check_currency])
    rate = models.DecimalField(max_digits=18, decimal_places=9, validators=[MinValueValidator(0)])
    effective_from = models.DateTimeField()
    source = models.CharField(max_length=200, help_text="Where the rate was taken from.")

    class Meta:
        ordering = ("from_currency", "to_currency", "-effective_from")
        verbose_name = "exchange rate"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "from_currency", "to_currency", "effective_from"),
                name="billing_exchange_rate_start",
            ),
            models.CheckConstraint(condition=Q(rate__gt=0), name="billing_exchange_rate_positive"),
        )

    def __str__(self) -> str:
        return f"1 {self.from_currency} = {self.rate.normalize():f} {self.to_currency}"


class MeterMapping(TenantModel):
    """Which meter prices a deployment's token class, from an instant on, and who said so."""

    deployment = TenantLink(Deployment, related_name="mappings")
    token_class = models.CharField(max_length=24, choices=TokenClass.choices())
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="+")
    effective_from = models.DateTimeField()
    confirmed_by = models.CharField(max_length=254)
    reason = models.TextField()

    class Meta:
        ordering = ("deployment", "token_class", "effective_from")
        verbose_name = "meter mapping"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "deployment", "token_class", "effective_from"),
                name="billing_mapping_start",
            ),
        )

    def __str__(self) -> str:
        return f"{self.deployment}, {self.token_class} → {self.meter}"


class BillingSettings(TenantModel):
    """A tenant's choices about rating."""

    confirm_exact_matches = models.BooleanField(
        default=False,
        help_text="Confirm a meter without asking when its name says exactly the deployment's "
        "model, type and token class, and no other meter of the region does.",
    )
    look_back_hours = models.PositiveIntegerField(
        default=48, help_text="How far back usage is read again for late rows."
    )
    rated_prices = models.BigIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "billing settings"
        constraints = (
            models.UniqueConstraint(fields=("tenant",), name="billing_settings_one_per_tenant"),
        )

    def __str__(self) -> str:
        return "Billing settings"

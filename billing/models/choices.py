"""What a tenant chose: exchange rates, which meter prices what, and how much is left to rules."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from billing.models.prices import Meter
from billing.rules.token_classes import TokenClass
from inventory.models import Deployment
from inventory.rules.dimensions import METADATA
from tenancy.links import TenantLink
from tenancy.models import TenantModel
from tenancy.models.tenants import check_currency

#: The smallest exchange rate that can be held.
LEAST_RATE = Decimal("0.000000001")


class RateOrigin(models.TextChoices):
    """How an exchange rate came here."""

    MANUAL = "manual", "entered by hand"
    FILE = "file", "imported from a file"
    BILL = "bill", "the bill's own rate"


class ExchangeRate(TenantModel):
    """One unit of ``from_currency`` in ``to_currency`` from an instant on, with its source."""

    from_currency = models.CharField(max_length=3, validators=[check_currency])
    to_currency = models.CharField(max_length=3, validators=[check_currency])
    rate = models.DecimalField(
        max_digits=18,
        decimal_places=9,
        validators=[MinValueValidator(LEAST_RATE, "Use a rate above 0, such as 0.8625.")],
    )
    effective_from = models.DateTimeField()
    source = models.CharField(max_length=200, help_text="Where the rate was taken from.")
    origin = models.CharField(
        max_length=8, choices=RateOrigin.choices, default=RateOrigin.MANUAL, editable=False
    )

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
    """Which meter prices a deployment's token class, from an instant on, and who said so.

    No meter: the class is not charged by use, since the deployment's capacity is paid for; its
    usage costs nothing and is not unpriced. ``units_per_price`` is how many of the class's units
    one unit of the meter holds: 3600 where seconds are priced by the hour.
    """

    deployment = TenantLink(Deployment, related_name="mappings")
    token_class = models.CharField(max_length=24, choices=TokenClass.choices())
    meter = models.ForeignKey(
        Meter,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: not charged by use, the deployment's capacity is paid for.",
    )
    units_per_price = models.PositiveIntegerField(
        default=1,
        validators=[MinValueValidator(1)],
        help_text="How many of the class's units the meter's unit holds: 3600 where seconds are "
        "priced by the hour.",
    )
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
            models.CheckConstraint(
                condition=Q(units_per_price__gte=1), name="billing_mapping_units_positive"
            ),
        )

    def __str__(self) -> str:
        return f"{self.deployment}, {self.token_class} → {self.meter or 'capacity'}"


class BillingSettings(TenantModel):
    """A tenant's choices about rating."""

    confirm_from_confidence = models.DecimalField(
        max_digits=3,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.5")), MaxValueValidator(1)],
        help_text="Confirm a proposed meter without asking when its confidence is at least this, "
        "such as 0.95. Empty: a person confirms every meter.",
    )
    look_back_hours = models.PositiveIntegerField(
        default=48, help_text="How far back usage is read again for late rows."
    )
    usage_retention_months = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(3)],
        help_text="How many months hourly usage is kept; costs and sums by day stay for ever. "
        "Empty: kept for ever.",
    )
    usage_kept_from = models.DateField(
        null=True,
        editable=False,
        help_text="Hourly usage before this day has been let go; its days are never rated again.",
    )
    most_series = models.PositiveIntegerField(
        default=200,
        validators=[MinValueValidator(1)],
        help_text="How many combinations of product, API, operation, region, backend, streaming "
        "and metadata are told apart for one subscription and deployment; further ones are held "
        "together as (more).",
    )
    chargeback_from_quality = models.DecimalField(
        max_digits=3,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="The least metadata quality, such as 0.90, from which a team may be charged "
        "back. Empty: no gate.",
    )
    required_metadata = models.JSONField(
        default=partial(list, ("application",)),
        blank=True,
        help_text="What a call must tell, such as application: a list of dimensions. The share of "
        "a team's cost that tells all of them is its metadata quality.",
    )
    price_news_to = models.TextField(
        blank=True,
        help_text="E-mail addresses, one a line, that are told when a load of the price list "
        "changes a price this tenant uses or finds a suspect one.",
    )
    rated_prices = models.BigIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "billing settings"
        constraints = (
            models.UniqueConstraint(fields=("tenant",), name="billing_settings_one_per_tenant"),
        )

    def __str__(self) -> str:
        return "Billing settings"

    def clean(self) -> None:
        """Refuse to require what no call can tell."""
        known = [one.value for one in METADATA]
        required = self.required_metadata
        if not isinstance(required, list) or any(one not in known for one in required):
            says = f'Give a list such as ["application"], of any of: {", ".join(known)}.'
            raise ValidationError({"required_metadata": says})

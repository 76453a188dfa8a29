"""Capacity that is paid by the hour, used or not; what was reserved of it; what both cost a day."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from billing.models.choices import ExchangeRate
from billing.models.prices import Meter, Price
from billing.models.sheets import SheetLine
from billing.rules.capacity import Kind, Term
from billing.rules.meters.meanings import Scope
from inventory.models import Deployment
from tenancy.links import TenantLink
from tenancy.models import TenantModel
from tenancy.models.tenants import check_currency

KINDS = [(kind.value, kind.label) for kind in Kind]
SCOPES = [(one.value, one.value) for one in (Scope.GLOBAL, Scope.DATA_ZONE, Scope.REGIONAL)]
TERMS = [(term.value, term.label) for term in Term]


class CapacityMapping(TenantModel):
    """Which meter prices the hours of a deployment while it is of a type, from an instant on."""

    deployment = TenantLink(Deployment, related_name="capacity_mappings")
    sku = models.CharField(max_length=64)
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="+")
    effective_from = models.DateTimeField()
    confirmed_by = models.CharField(max_length=254)
    reason = models.TextField()

    class Meta:
        ordering = ("deployment", "sku", "effective_from")
        verbose_name = "meter of capacity"
        verbose_name_plural = "meters of capacity"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "deployment", "sku", "effective_from"),
                name="billing_capacity_mapping_start",
            ),
        )

    def __str__(self) -> str:
        return f"{self.deployment}, {self.sku} → {self.meter}"


class Reservation(TenantModel):
    """Throughput units bought for a term, whatever is deployed: they cover matching deployments.

    Half-open, in UTC. ``unit_price`` is per unit for the whole term in ``currency``;
    ``list_price`` is what the price list asked for it at that time. A reservation never changes:
    one that was entered wrongly is withdrawn, and counts for nothing.
    """

    name = models.CharField(max_length=120)
    units = models.PositiveIntegerField(
        validators=[MinValueValidator(1)], help_text="Throughput units (PTUs)."
    )
    scope = models.CharField(max_length=16, choices=SCOPES)
    region = models.CharField(max_length=64)
    term = models.CharField(max_length=8, choices=TERMS)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    unit_price = models.DecimalField(
        max_digits=24,
        decimal_places=12,
        validators=[MinValueValidator(0)],
        help_text="Per unit, for the whole term.",
    )
    currency = models.CharField(max_length=3, validators=[check_currency])
    list_price = models.ForeignKey(
        Price, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    source = models.CharField(
        max_length=200, help_text="What the price is taken from: the price list, a contract."
    )
    purchased_by = models.CharField(max_length=254)
    purchased_at = models.DateTimeField()
    withdrawn_by = models.CharField(max_length=254, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-starts_at", "name")
        constraints = (
            models.UniqueConstraint(fields=("tenant", "name"), name="billing_reservation_name"),
            models.CheckConstraint(
                condition=Q(units__gte=1, unit_price__gte=0), name="billing_reservation_positive"
            ),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="billing_reservation_ends_after"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name}, {self.units} units"


class CapacityDay(TenantModel):
    """Cost of a deployment's capacity on a local day: by what was charged, or what covered it.

    ``unit_minutes`` are units × minutes, exact; prices are per unit and hour. ``cost`` is
    ``unit_minutes`` ÷ 60 × ``unit_price`` × the exchange rate, in the billing currency on the
    estimated basis; null: unpriced. Where ``reservation`` covers the time its cost is zero here,
    since the reservation's own cost stands in `ReservationDay`; ``list_cost`` is what the list
    would have charged by the hour, in the list's currency.
    """

    day = models.DateField()
    deployment = TenantLink(Deployment, related_name="+")
    kind = models.CharField(max_length=12, choices=KINDS)
    reservation = TenantLink(Reservation, null=True, related_name="+")
    price = models.ForeignKey(Price, on_delete=models.PROTECT, null=True, related_name="+")
    sheet_line = TenantLink(SheetLine, null=True, related_name="+")
    markup_line = TenantLink(SheetLine, null=True, related_name="+")
    exchange_rate = TenantLink(ExchangeRate, null=True, related_name="+")
    unit_price = models.DecimalField(max_digits=24, decimal_places=15, null=True)
    price_currency = models.CharField(max_length=3, blank=True, default="")
    unit_minutes = models.BigIntegerField()
    list_cost = models.DecimalField(max_digits=38, decimal_places=18, null=True)
    cost = models.DecimalField(max_digits=38, decimal_places=18, null=True)

    class Meta:
        ordering = ("day", "deployment", "kind", "id")
        verbose_name = "day of capacity"
        verbose_name_plural = "days of capacity"
        constraints = (
            models.UniqueConstraint(
                fields=(
                    "tenant",
                    "day",
                    "deployment",
                    "kind",
                    "reservation",
                    "price",
                    "sheet_line",
                    "markup_line",
                    "exchange_rate",
                ),
                name="billing_capacity_day_grain",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(unit_minutes__gt=0), name="billing_capacity_day_positive"
            ),
            models.CheckConstraint(
                condition=Q(reservation__isnull=True) | Q(cost=0),
                name="billing_capacity_day_covered_costs_nothing",
            ),
            models.CheckConstraint(
                condition=Q(unit_price__isnull=False)
                | Q(cost__isnull=True)
                | Q(reservation__isnull=False),
                name="billing_capacity_day_unpriced_has_no_cost",
            ),
        )

    def __str__(self) -> str:
        return f"{self.day} {self.deployment_id} {self.kind}"


class ReservationDay(TenantModel):
    """A reservation's cost spread evenly over its term, on a local day: basis amortized.

    One row for each deployment that used it, and one without a deployment for what nobody used.
    ``amount`` is in the reservation's currency, ``cost`` in the billing currency at the exchange
    rate of the purchase; null: there was none.
    """

    day = models.DateField()
    reservation = TenantLink(Reservation, related_name="days")
    deployment = TenantLink(Deployment, null=True, related_name="+")
    exchange_rate = TenantLink(ExchangeRate, null=True, related_name="+")
    unit_minutes = models.BigIntegerField()
    amount = models.DecimalField(max_digits=38, decimal_places=18)
    cost = models.DecimalField(max_digits=38, decimal_places=18, null=True)

    class Meta:
        ordering = ("day", "reservation", "deployment")
        verbose_name = "day of a reservation"
        verbose_name_plural = "days of reservations"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "day", "reservation", "deployment"),
                name="billing_reservation_day_grain",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(unit_minutes__gt=0), name="billing_reservation_day_positive"
            ),
        )

    def __str__(self) -> str:
        return f"{self.day} {self.reservation_id} {self.deployment_id or 'unused'}"

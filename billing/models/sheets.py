"""Negotiated prices."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from billing.models.prices import Meter
from tenancy.links import TenantLink
from tenancy.models import TenantModel


class PriceSheet(TenantModel):
    """Prices agreed with the seller, or charged on to teams, for a time.

    A sheet's lines never change, since amounts were computed with them: a correction is a newer
    sheet, and a sheet that no longer holds gets an end. Half-open, in UTC, as Azure's prices are.
    """

    name = models.CharField(max_length=120)
    effective_from = models.DateTimeField()
    effective_until = models.DateTimeField(null=True, blank=True)
    source = models.CharField(
        max_length=200, help_text="What it is taken from: a contract, an offer, a decision."
    )
    applied_by = models.CharField(max_length=254)
    applied_at = models.DateTimeField()

    class Meta:
        ordering = ("-effective_from", "-id")
        verbose_name = "price sheet"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "name", "effective_from"), name="billing_sheet_start"
            ),
            models.CheckConstraint(
                condition=Q(effective_until__isnull=True)
                | Q(effective_until__gte=F("effective_from")),
                name="billing_sheet_ends_after_start",
            ),
        )

    def __str__(self) -> str:
        return self.name


class SheetLine(TenantModel):
    """One line: a meter's own price, or a discount or markup on the meters that a filter names.

    ``percent`` is taken off (discount) or put on top (markup). A filter is a text in which ``*``
    stands for anything, compared without regard to case; an empty one lets every meter pass.
    """

    class Kind(models.TextChoices):
        EXACT = "exact", "exact price"
        DISCOUNT = "discount", "discount"
        MARKUP = "markup", "markup"

    sheet = TenantLink(PriceSheet, related_name="lines")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    meter = models.ForeignKey(
        Meter, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    product_filter = models.CharField(max_length=200, blank=True)
    meter_filter = models.CharField(max_length=200, blank=True)
    region_filter = models.CharField(max_length=64, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    listed_price = models.DecimalField(max_digits=24, decimal_places=12, null=True, blank=True)
    unit_of_measure = models.CharField(max_length=40, blank=True)
    unit_price = models.DecimalField(max_digits=24, decimal_places=15, null=True, blank=True)
    percent = models.DecimalField(max_digits=9, decimal_places=4, null=True, blank=True)

    class Meta:
        ordering = ("sheet", "number")
        verbose_name = "line of a price sheet"
        verbose_name_plural = "lines of price sheets"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "sheet", "number"), name="billing_sheet_line_number"
            ),
            models.CheckConstraint(
                condition=Q(kind="exact", meter__isnull=False, unit_price__gte=0, percent=None)
                | Q(
                    kind__in=("discount", "markup"),
                    meter=None,
                    unit_price=None,
                    percent__gte=0,
                ),
                name="billing_sheet_line_of_its_kind",
            ),
            models.CheckConstraint(
                condition=~Q(kind="discount") | Q(percent__lte=100),
                name="billing_sheet_discount_at_most_all",
            ),
        )

    def __str__(self) -> str:
        return f"{self.sheet}, line {self.number}"

"""The forms of the capacity page."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from billing.price_terms import LIST_CURRENCY
from billing.prices.mapping import ALWAYS
from billing.reservations import Wish
from billing.rules.capacity import Pool, Term
from billing.rules.meters.meanings import Scope
from tenancy.refusals import Invalid

_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_SCOPES = (Scope.GLOBAL, Scope.DATA_ZONE, Scope.REGIONAL)


class _Said(forms.Form):
    """A form whose faults are not the reader's: its fields are filled by the page."""

    def said(self) -> dict[str, Any]:
        """What was posted.

        Raises:
            Invalid: names the first field at fault.
        """
        if self.is_valid():
            return dict(self.cleaned_data)
        name, faults = next(iter(self.errors.items()))
        raise Invalid(field=name, fix=str(faults[0]))


class WithdrawForm(_Said):
    name = forms.CharField(max_length=120)
    reason = forms.CharField(max_length=500)


class MeterForm(_Said):
    deployment = forms.CharField(max_length=20)
    sku = forms.CharField(max_length=64)
    meter = forms.CharField(max_length=64, required=False)
    other = forms.CharField(max_length=64, required=False)
    since = forms.DateTimeField(
        required=False, validators=[MinValueValidator(ALWAYS), MaxValueValidator(_LATEST)]
    )
    reason = forms.CharField(max_length=500)


class ReservationForm(forms.Form):
    """A reservation that was bought; without a price the list's is taken."""

    name = forms.CharField(max_length=120, help_text="As your order calls it.")
    units = forms.IntegerField(
        label="Throughput units", min_value=1, max_value=1_000_000, help_text="PTUs."
    )
    scope = forms.ChoiceField(
        label="Deployment type", choices=[(one.value, one.value) for one in _SCOPES]
    )
    region = forms.RegexField(
        r"^[a-z0-9]{2,64}$",
        help_text="As Azure writes it, such as swedencentral.",
        error_messages={"invalid": "Use Azure's name of the region, such as swedencentral."},
    )
    term = forms.ChoiceField(choices=[(one.value, one.label) for one in Term])
    starts_at = forms.DateTimeField(
        label="Starts, UTC",
        help_text="Such as 2026-11-01 00:00.",
        widget=forms.DateTimeInput(attrs={"placeholder": "2026-11-01 00:00"}),
    )
    unit_price = forms.DecimalField(
        label="Price per unit and term",
        required=False,
        max_digits=24,
        decimal_places=12,
        min_value=Decimal(0),
        help_text="Empty: the price list's.",
    )
    currency = forms.RegexField(
        r"^[A-Z]{3}$", required=False, max_length=3, help_text="Of the price; empty: USD."
    )
    source = forms.CharField(
        required=False, max_length=200, help_text="What the price is taken from."
    )

    def wish(self) -> Wish:
        """What was asked for, once the form is valid."""
        said = self.cleaned_data
        return Wish(
            name=said["name"],
            units=said["units"],
            pool=Pool(Scope(said["scope"]), said["region"]),
            term=Term(said["term"]),
            starts_at=said["starts_at"],
            unit_price=said["unit_price"],
            currency=said["currency"] or LIST_CURRENCY,
            source=said["source"],
        )

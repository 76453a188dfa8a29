"""Exchange rates: those in force and coming, and a new one, its effect shown before it is set."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from billing import exchange
from billing.price_terms import LIST_CURRENCY
from portal import rights
from portal.tenant_scope import TenantRequest
from portal.views import planned
from tenancy import clock, tenants


class RateForm(forms.Form):
    """A rate into the billing currency, from a day on (00:00 UTC)."""

    from_currency = forms.RegexField(
        label="One unit of",
        regex=r"^[A-Z]{3}$",
        initial=LIST_CURRENCY,
        error_messages={"invalid": "Use an ISO 4217 code such as USD."},
    )
    rate = forms.DecimalField(
        label="is worth",
        max_digits=18,
        decimal_places=9,
        min_value=Decimal("0.000000001"),
        error_messages={"min_value": "Use a rate above 0, such as 0.8625."},
        help_text="With a decimal point, at most 9 decimals.",
    )
    effective_from = forms.DateField(
        label="From",
        help_text="00:00 UTC of this day, as Azure's prices. Usage since then is rated again.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    source = forms.CharField(
        label="Source",
        max_length=200,
        help_text="Where the rate was taken from, such as the invoice of October 2026.",
    )

    def __init__(self, *args: object, into: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # as Django's own takes them
        self.into = into
        if into == LIST_CURRENCY:
            self.fields["from_currency"].initial = ""

    def clean_from_currency(self) -> str:
        code: str = self.cleaned_data["from_currency"]
        if code == self.into:
            raise forms.ValidationError(f"Amounts in {code} need no rate: choose another currency.")
        return code


@require_http_methods(["GET", "HEAD", "POST"])
def rates(request: TenantRequest) -> HttpResponse:
    """The page of exchange rates."""
    rights.see_prices(request.actor)
    into = tenants.billing().currency
    form = RateForm(request.POST or None, into=into)
    if request.method == "POST":
        rights.change_prices(request.actor)
        if form.is_valid():
            return planned.step(request, _step(request, form, into))
    return render(
        request,
        "prices/rates.html",
        {
            "form": form,
            "into": into,
            "rates": exchange.known(into),
            "now": clock.now(),
            "may_change": rights.may_change_prices(request.actor),
        },
        status=400 if form.errors else 200,
    )


def _step(request: TenantRequest, form: RateForm, into: str) -> planned.Step:
    said = form.cleaned_data
    start = datetime.combine(said["effective_from"], datetime.min.time(), UTC)
    shown = f"1 {said['from_currency']} = {said['rate'].normalize():f} {into}"
    return planned.Step(
        verb="exchange-rate.set",
        title=f"{shown} from {said['effective_from']:%d %b %Y}",
        button="Set this rate",
        inputs={name: str(request.POST[name]) for name in form.fields},
        change=lambda: exchange.set_rate(
            said["from_currency"],
            into,
            said["rate"],
            from_instant=start,
            source=said["source"],
            by=request.actor.email,
            at=clock.now(),
        ),
        done=f"{shown} is set. Usage since then is rated again within a minute.",
        back=reverse("rates"),
    )

"""Budgets: how those of teams and cost centers stand, and setting one, its effect shown before."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_http_methods, require_safe

from billing.forecasts import Percentile
from governance import budgets
from governance.budgets import BudgetStanding
from governance.rules.spans import Every
from governance.rules.thresholds import THRESHOLDS
from inventory import teams
from portal import consequences, figures, rights
from portal.figures import Used
from portal.standing import ICONS, Tone
from portal.tenant_scope import TenantRequest
from tenancy import clock, periods, tenants
from tenancy.money import Money
from tenancy.refusals import Invalid, Refused

if TYPE_CHECKING:
    from inventory.models import CostCenter, Team

_EVERY = [(Every.MONTH.value, "each month"), (Every.YEAR.value, "each year")]


class BudgetForm(forms.Form):
    """What a team or a cost center means to spend from a period on."""

    every = forms.ChoiceField(label="Period", choices=_EVERY)
    amount = forms.DecimalField(
        label="Amount",
        max_digits=22,
        decimal_places=4,
        min_value=0,
        required=False,
        help_text="In the billing currency. Empty: no budget any more.",
    )
    from_day = forms.DateField(
        label="From",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The first day of a month, or of a year.",
    )
    thresholds = forms.CharField(
        label="Tell at",
        max_length=80,
        required=False,
        help_text="Percent spent. Empty: 50, 80, 90 and 100.",
    )
    forecast_alert = forms.BooleanField(
        label="Tell when it is likely to be passed", required=False, initial=True
    )
    reason = forms.CharField(label="Why", max_length=500, required=False)

    def clean_thresholds(self) -> tuple[int, ...]:
        """The percentages as numbers."""
        texts = [one.strip() for one in str(self.cleaned_data["thresholds"]).split(",")]
        wanted = [one for one in texts if one]
        if not all(one.isascii() and one.isdecimal() and len(one) < 5 for one in wanted):
            raise forms.ValidationError("Give whole percentages with commas between.")
        return tuple(int(one) for one in wanted)

    @property
    def every_chosen(self) -> Every:
        return Every(self.cleaned_data["every"])


@dataclass(frozen=True, slots=True)
class Row:
    """A budget as the page shows it."""

    standing: BudgetStanding
    amount: Money
    spent: Money
    expected: Money | None
    between: str
    used: Used
    expected_share: str
    tone: Tone
    word: str
    period: str
    about: str

    @property
    def icon(self) -> str:
        return ICONS[self.tone]


@require_safe
def page(request: TenantRequest) -> HttpResponse:
    """The budgets the actor may see, teams first; asked for one, the way to its page."""
    if whose := request.GET.get("whose", ""):
        return redirect(_address(whose))
    found = budgets.seen_by(request.actor, at=clock.now())
    may_set = rights.may_set_budgets(request.actor)
    return render(
        request,
        "budgets/list.html",
        {
            "rows": [row(one) for one in found],
            "currency": tenants.billing().currency,
            "may_set": may_set,
            "teams": teams.seen_by(request.actor) if may_set else (),
            "centers": budgets.cost_centers(request.actor) if may_set else (),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def of_team(request: TenantRequest, slug: str) -> HttpResponse:
    """A team's budgets: how they stand, what was said of them, and setting one."""
    return _one(request, teams.one(request.actor, slug))


@require_http_methods(["GET", "HEAD", "POST"])
def of_cost_center(request: TenantRequest, code: str) -> HttpResponse:
    """A cost center's, which bears several teams: for those who see the whole tenant."""
    rights.see_prices(request.actor)
    return _one(request, budgets.cost_center(request.actor, code))


def row(one: BudgetStanding) -> Row:
    """A standing as pages show it."""
    tone, word = _word(one)
    zone = tenants.billing().zone
    through = one.outlook.usage_through
    fresh = f"usage through {figures.instant(through)}" if through else "no usage read yet"
    told = consequences.period(one.period, zone)
    expected = None if one.forecast is None else Money(one.forecast, one.currency)
    return Row(
        standing=one,
        amount=Money(one.amount, one.currency),
        spent=Money(one.spent, one.currency),
        expected=expected,
        between=_between(one) if expected else "",
        used=figures.used(Money(one.spent, one.currency), Money(one.amount, one.currency)),
        expected_share=consequences.share(one.forecast_percent),
        tone=tone,
        word=word,
        period=told,
        about=f"{one.outlook.basis}, {told} ({zone}), {one.currency}, {fresh}",
    )


def _address(whose: str) -> str:
    """The page of what was chosen: ``team:search``, ``center:4410``."""
    kind, _, key = whose.partition(":")
    try:
        match kind:
            case "team":
                return reverse("team-budget", kwargs={"slug": key})
            case "center":
                return reverse("cost-center-budget", kwargs={"code": key})
    except NoReverseMatch:
        pass
    raise Invalid(field="whose", fix="Choose one of the list.")


def _word(one: BudgetStanding) -> tuple[Tone, str]:
    if one.spent > one.amount:
        return Tone.BAD, "Passed"
    if one.breaks:
        return Tone.WARN, "Likely to be passed"
    if one.forecast is None:
        return Tone.WARN, "Not forecast: too little is known"
    return Tone.GOOD, "Likely to hold"


def _between(one: BudgetStanding) -> str:
    low, high = (
        figures.with_symbol(Money(one.outlook.forecast.total(each), one.currency))
        for each in (Percentile.P10, Percentile.P90)
    )
    return f"{low} to {high}"


def _one(request: TenantRequest, subject: Team | CostCenter) -> HttpResponse:
    now, actor = clock.now(), request.actor
    today = periods.local_day(now, tenants.billing().zone)
    form = BudgetForm(
        request.POST or None,
        initial={
            "from_day": today.replace(day=1),
            "thresholds": ", ".join(str(one) for one in THRESHOLDS),
        },
    )
    shown: Row | None = None
    if request.method == "POST":
        rights.set_budgets(actor)
        if form.is_valid() and request.POST.get("do") == "save" and _saved(request, subject, form):
            return redirect(request.get_full_path())
        shown = _shown(form, subject)
    standings = [one for one in budgets.seen_by(actor, at=now) if one.budget.subject == subject]
    return render(
        request,
        "budgets/one.html",
        {
            "subject": subject,
            "rows": [row(one) for one in standings],
            "history": budgets.history(actor, subject),
            "currency": tenants.billing().currency,
            "form": form,
            "shown": shown,
            "may_set": rights.may_set_budgets(actor),
        },
        status=400 if form.errors else 200,
    )


def _shown(form: BudgetForm, subject: Team | CostCenter) -> Row | None:
    """How the budget that is typed would stand now."""
    amount: Decimal | None = form.cleaned_data.get("amount")
    if form.errors or amount is None:
        return None
    return row(budgets.proposed(subject, amount, form.every_chosen, at=clock.now()))


def _saved(request: TenantRequest, subject: Team | CostCenter, form: BudgetForm) -> bool:
    """Set it; whether that was done. What is refused stands at its field."""
    said: dict[str, Any] = form.cleaned_data
    try:
        budgets.set_budget(
            subject,
            said["amount"],
            every=form.every_chosen,
            from_day=said["from_day"],
            told_at=said["thresholds"],
            forecast_alert=said["forecast_alert"],
            by=request.actor.email,
            at=clock.now(),
            reason=said["reason"],
        )
    except Refused as error:
        name = error.values.get("field")
        form.add_error(str(name) if name in form.fields else None, str(error.values["fix"]))
        return False
    start = figures.day(said["from_day"])
    messages.success(request, f"The budget of {subject} is set from {start} on.")
    return True

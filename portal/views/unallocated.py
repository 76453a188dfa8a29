"""Unallocated: what belongs to no team and why, with what resolves it; metadata quality by team."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods

from billing import freshness, kept, quality, unallocated
from billing.unallocated import Reason, Row, Sum
from inventory import subscriptions, teams
from portal import figures, rights
from portal.figures import Figure, Reckoning
from portal.tenant_scope import TenantRequest
from portal.views import asked
from portal.views.asked import Month
from tenancy import clock, tenants
from tenancy.money import Basis
from tenancy.refusals import Invalid, Refused

if TYPE_CHECKING:
    from inventory.models import Subscription

ON_A_PAGE = 50


class AssignForm(forms.Form):
    """Whose the ticked subscriptions are from a day on; nobody's: with a reason."""

    team = forms.ChoiceField(
        required=False,
        help_text="Nobody: it stays unallocated, and the reason says why.",
    )
    from_day = forms.DateField(
        label="From this day on",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="A day of the tenant's time zone. Closed months stand.",
    )
    reason = forms.CharField(
        max_length=500,
        required=False,
        help_text="Needed for days that are over, and to leave them unallocated.",
    )

    def __init__(self, *args: object, choices: Sequence[tuple[str, str]], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # as Django's own takes them
        self.fields["team"] = forms.ChoiceField(
            choices=[("", "Nobody"), *choices],
            required=False,
            help_text=self.fields["team"].help_text,
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """A row with its amount as the page shows it."""

    row: Row
    cost: Figure


@dataclass(frozen=True, slots=True)
class Group:
    """A reason with its sum."""

    sum: Sum
    cost: Figure
    address: str
    current: str


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: TenantRequest) -> HttpResponse:
    """What belongs to no team in a month; assigning it is for administrators."""
    rights.see_prices(request.actor)
    now, billing = clock.now(), tenants.billing()
    period = asked.month(request, billing, now=now)
    choices = [(team.slug, team.name) for team in teams.seen_by(request.actor)]
    form = AssignForm(request.POST or None, choices=choices, initial={"from_day": period.first_day})
    if request.method == "POST" and _assigned(request, form):
        return redirect(request.get_full_path())
    fresh, rule = freshness.of_tenant(), quality.rule()
    reckoning = Reckoning(Basis.ESTIMATED, period, billing.currency, fresh.usage_through)
    return render(
        request,
        "usage/unallocated.html",
        {
            "month": Month.of(period, now=now),
            "reckoning": reckoning,
            "fresh": fresh,
            "form": form,
            "may_assign": rights.may_assign(request.actor),
            "kept_from": kept.first_day(),
            "quality": quality.of_teams(period),
            "rule": rule,
            "least": quality.percent(rule.least) if rule.least else "",
            **_rows(request, reckoning),
        },
        status=400 if form.errors else 200,
    )


def _rows(request: TenantRequest, reckoning: Reckoning) -> dict[str, object]:
    """The sums by reason, and the part of the rows that is asked for."""
    period, currency = reckoning.period, reckoning.currency
    reason = _reason(request)
    rows = unallocated.of(period, currency=currency)
    sums = unallocated.by_reason(rows, currency=currency)
    column = figures.column([one.cost for one in sums], reckoning, figures.NOT_PRICED)
    wanted = [row for row in rows if reason in (None, row.reason)]
    costs = figures.column([row.cost for row in wanted], reckoning, figures.NOT_PRICED)
    shown = [Shown(row, cost) for row, cost in zip(wanted, costs.figures, strict=True)]
    pages = max(1, -(-len(shown) // ON_A_PAGE))
    number = min(asked.page(request), pages)
    return {
        "groups": [
            Group(one, cost, _query(period.key, one.reason), "true" if one.reason is reason else "")
            for one, cost in zip(sums, column.figures, strict=True)
        ],
        "whole": unallocated.total(rows, currency=currency),
        "total": column.total,
        "rows": shown[(number - 1) * ON_A_PAGE : number * ON_A_PAGE],
        "found": len(shown),
        "reason": reason,
        "number": number,
        "pages": pages,
        "filters": _query(period.key, reason),
        "deployments": [
            (one, figures.one(one.cost, reckoning, figures.NOT_PRICED))
            for one in unallocated.unknown_deployments(period, currency=currency)
        ],
    }


def _reason(request: TenantRequest) -> Reason | None:
    text = request.GET.get("reason", "")
    if text and text not in list(Reason):
        raise Invalid(field="reason", fix="Choose one of the list, or none.")
    return Reason(text) if text else None


def _query(month: str, reason: Reason | None) -> str:
    return urlencode({"month": month} | ({"reason": reason.value} if reason else {}))


def _assigned(request: TenantRequest, form: AssignForm) -> bool:
    """Assign what was ticked; whether that was done. What is refused stands at its field."""
    rights.assign(request.actor)
    if not form.is_valid():
        return False
    said, chosen = form.cleaned_data, _chosen(request)
    team = teams.one(request.actor, said["team"]) if said["team"] else None
    try:
        count = unallocated.assign(
            chosen,
            team,
            from_day=said["from_day"],
            reason=said["reason"],
            by=request.actor.email,
            at=clock.now(),
        )
    except Refused as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return False
    whose = f"given to {team.name}" if team else "left unallocated"
    many = "1 subscription is" if count == 1 else f"{count} subscriptions are"
    messages.success(request, f"{many} {whose} from {said['from_day']:%d %b %Y} on.")
    return True


def _chosen(request: TenantRequest) -> tuple[Subscription, ...]:
    """The subscriptions that were ticked.

    Raises:
        Invalid: one of them is none.
    """
    texts = request.POST.getlist("choose")
    ids = {int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 19}
    known = subscriptions.by_id(ids)
    if len(known) != len(set(texts)):
        raise Invalid(field="choose", fix="Tick subscriptions of this page.")
    return tuple(known[id] for id in sorted(known))

"""Re-rating: what waits and what it would do, what was re-rated, what closed months differ by."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing import adjustments, closing, effects, rating
from billing.adjustments import Proposed
from portal import figures, plans, rights
from portal.tenant_scope import TenantRequest
from tenancy import ledger, tenants
from tenancy.ledger import Entry
from tenancy.money import Money

#: How many proposals the page names; the API has all.
MOST = 200
RUNS = 10


@dataclass(frozen=True, slots=True)
class Rerated:
    """A run of rating with what it changed; empty where it did not say."""

    entry: Entry
    days: str
    before: str
    after: str
    proposed: str


@dataclass(frozen=True, slots=True)
class Row:
    """One proposal as it is shown."""

    proposed: Proposed
    month: str
    before: str
    after: str
    difference: str


@require_safe
def rerating(request: TenantRequest) -> HttpResponse:
    """The page of what is being rated anew."""
    rights.see_prices(request.actor)
    currency = tenants.billing().currency
    effect = effects.of_marked()
    history = ledger.history(request.actor, step=rating.STEP, outcome="", number=1)
    return render(
        request,
        "prices/rerating.html",
        {
            "currency": currency,
            "effect": plans.table(effect),
            "runs": [_rerated(entry, currency) for entry in history.entries[:RUNS]],
            "closed": sorted(closing.closed(), reverse=True),
            "months": [
                (month, figures.plain(Money(month.difference, currency)))
                for month in adjustments.months(request.actor)
            ],
            "proposed": [_row(one) for one in adjustments.greatest(request.actor, most=MOST)],
            "most": MOST,
        },
    )


def _rerated(entry: Entry, currency: str) -> Rerated:
    said = entry.detail
    return Rerated(
        entry=entry,
        days=str(said.get("days", "")),
        before=_amount(said.get("cost_before"), currency),
        after=_amount(said.get("cost_after"), currency),
        proposed=str(said.get("adjustments_proposed", "")),
    )


def _amount(text: object, currency: str) -> str:
    return "" if text is None else figures.plain(Money(Decimal(str(text)), currency))


def _row(one: Proposed) -> Row:
    return Row(
        proposed=one,
        month=f"{one.first_day:%B %Y}",
        before=_exact(one.cost_before),
        after=_exact(one.cost_after),
        difference=_exact(one.difference),
    )


def _exact(amount: Decimal | None) -> str:
    return figures.NOT_PRICED if amount is None else figures.exact(amount)

"""How the steps run: the newest run of each, how far usage was read, and what has no price."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from billing import comparing, freshness, kept, spend
from billing.prices import catalogue
from governance import suspensions
from portal.tenant_scope import TenantRequest
from portal.views import asked
from tenancy import clock, ledger, tenants
from tenancy.ledger import Entry
from tenancy.refusals import Invalid

#: What the steps are called, in the order in which data goes through them.
STEPS = {
    "sync_prices": "Load prices",
    "price_news": "Tell of price changes",
    "sync_inventory": "Read inventory",
    "sync_usage": "Read usage",
    "map_meters": "Map meters",
    "compare_usage": "Compare with the source",
    "rate": "Rate usage",
    "rate_capacity": "Cost of capacity",
    "enforce": "Enforce quotas",
    "apply_requests": "Carry out requests",
    "lapse_requests": "Remind and end requests",
    "watch": "Watch quotas and budgets",
    "deliver": "Deliver notices",
    "notify_daily": "Daily mails",
}
#: Icon and tone of each outcome.
OUTCOMES = {
    "running": ("◌", "quiet"),
    "succeeded": ("●", "good"),
    "failed": ("■", "bad"),
    "superseded": ("▲", "warn"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A run in the reader's words. ``took`` is empty while it runs."""

    entry: Entry
    name: str
    icon: str
    tone: str
    took: str
    notes: tuple[str, ...]


@require_safe
def status(request: TenantRequest) -> HttpResponse:
    """The status page; the ledger is for those who see the whole tenant."""
    actor, billing = request.actor, tenants.billing()
    step = _choice(request, "step", STEPS)
    outcome = _choice(request, "outcome", OUTCOMES)
    page = ledger.history(actor, step=step, outcome=outcome, number=asked.page(request))
    last_month = billing.month_at(clock.now()).previous()
    return render(
        request,
        "status/status.html",
        {
            "whole": actor.sees_whole_tenant,
            "feeds": freshness.feeds(actor),
            "fresh": freshness.of_tenant(),
            "kept_from": kept.first_day(),
            "prices": _newest_load(),
            "newest": [_shown(entry) for entry in sorted(ledger.newest(actor), key=_place)],
            "page": page,
            "entries": [_shown(entry) for entry in page.entries],
            "steps": list(STEPS.items()),
            "outcomes": list(OUTCOMES),
            "step": step,
            "outcome": outcome,
            "filters": urlencode({"step": step, "outcome": outcome}),
            "since": last_month,
            "unexplained": comparing.unexplained(actor),
            "compared": comparing.listed(actor).exists(),
            "unpriced": spend.unpriced(actor, since=last_month.first_day),
            "mode": suspensions.mode(),
        },
    )


def _choice(request: TenantRequest, name: str, known: Container[str]) -> str:
    chosen = request.GET.get(name, "")
    if chosen and chosen not in known:
        raise Invalid(field=name, fix="Choose one of the list, or none.")
    return chosen


def _newest_load() -> Shown | None:
    entry = ledger.newest_of_installation(catalogue.STEP)
    return _shown(entry) if entry else None


def _place(entry: Entry) -> tuple[int, str]:
    """Steps in the order of the data's way; unknown ones last."""
    order = list(STEPS)
    return (order.index(entry.step) if entry.step in order else len(order), entry.subject)


def _shown(entry: Entry) -> Shown:
    icon, tone = OUTCOMES[entry.outcome]
    return Shown(
        entry=entry,
        name=STEPS.get(entry.step, entry.step),
        icon=icon,
        tone=tone,
        took=_took(entry.took),
        notes=tuple(f"{name.replace('_', ' ')}: {value}" for name, value in entry.detail.items()),
    )


def _took(time: timedelta | None) -> str:
    if time is None:
        return ""
    if time < timedelta(seconds=100):
        return f"{time / timedelta(seconds=1):.1f} s"
    return f"{time // timedelta(minutes=1)} min"

"""One subscription: its state and limit, its month, and what was done about it and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing import freshness, rollups, spend
from governance import suspensions
from governance.limits.binding import Binding
from governance.suspensions import Act
from inventory import ownership, subscriptions
from portal import figures, limits_shown, plots, rights, standing
from portal.figures import Reckoning
from portal.tenant_scope import TenantRequest
from portal.views import asked, breakdown
from portal.views.asked import Month
from tenancy import clock, tenants
from tenancy.money import Basis, Money

if TYPE_CHECKING:
    from inventory.models import Subscription


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an act at the gateway rested on, as it was written down then."""

    spent: Money | None
    limit: Money | None
    crossed: datetime | None
    through: datetime | None
    period: str
    zone: str
    unpriced_tokens: int


@require_safe
def subscription(request: TenantRequest, gateway: str, name: str) -> HttpResponse:
    """The subscription's page of a month."""
    now, billing, actor = clock.now(), tenants.billing(), request.actor
    found = subscriptions.one(actor, gateway, name)
    period = asked.month(request, billing, now=now)
    fresh = freshness.of({found.gateway_id})
    reckoning = Reckoning(Basis.ESTIMATED, period, billing.currency, fresh.usage_through)
    days = spend.by_day(found, period, currency=billing.currency)
    prices = spend.by_price(found, period, currency=billing.currency)
    return render(
        request,
        "subscription/subscription.html",
        {
            "subscription": found,
            "month": Month.of(period, now=now),
            "reckoning": reckoning,
            "fresh": fresh,
            **_standing(found, reckoning, now=now),
            "prices": breakdown.of(prices, reckoning),
            "days": breakdown.days(days, reckoning),
            "plot": plots.daily(breakdown.each_day(days), period),
            "calls": spend.calls(found, period),
            "acts": [(act, evidence(act)) for act in suspensions.acts(actor, found)],
            "history": ownership.history(actor, found),
            "may_assign": rights.may_assign(actor),
            "may_set_limits": rights.may_set_limits(actor),
        },
    )


def evidence(act: Act) -> Evidence:
    """The evidence of an act in typed values; what was not written down is None."""
    written = act.evidence
    currency = str(written.get("currency") or "")
    return Evidence(
        spent=_money(written.get("cost"), currency),
        limit=_money(written.get("limit"), currency),
        crossed=_instant(written.get("crossed_in_hour_of")),
        through=_instant(written.get("usage_through")),
        period=str(written.get("period") or ""),
        zone=str(written.get("time_zone") or ""),
        unpriced_tokens=int(written.get("unpriced_tokens") or 0),
    )


def _standing(found: Subscription, reckoning: Reckoning, *, now: datetime) -> dict[str, object]:
    period = reckoning.period
    counted = rollups.spent(period, currency=reckoning.currency, subscriptions=[found.pk])
    cost = counted[found.pk].cost if found.pk in counted else None
    at = asked.judged_at(period, now=now)
    limits = limits_shown.of_subscription(found, at=at)
    binding = Binding(tuple(one.limit for one in limits.rows))
    limit, tightest = binding.monthly, binding.tightest
    used = figures.used(cost, limit.money if limit else None)
    return {
        "spent": figures.one(cost, reckoning),
        "limit": limit,
        "limits": limits,
        "used": used,
        "standing": standing.of_subscription(
            found,
            limit=tightest,
            used=limits_shown.used(tightest),
            held=suspensions.in_force([found.pk]).get(found.pk),
            mode=suspensions.mode(),
        ),
    }


def _money(text: object, currency: str) -> Money | None:
    return Money(Decimal(str(text)), currency) if text is not None and currency else None


def _instant(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None

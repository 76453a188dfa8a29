"""A team's month: what it spent against its limits, on what, and how its subscriptions stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing import freshness, quality, rollups, spend
from governance import suspensions
from governance.limits import quotas
from governance.limits.binding import NO_LIMIT, Binding, Limit
from inventory import teams
from portal import figures, limits_shown, plots, standing
from portal.figures import Figure, Reckoning, Used
from portal.limits_shown import Shown
from portal.standing import Standing
from portal.tenant_scope import TenantRequest
from portal.views import asked, breakdown
from portal.views.asked import Month
from tenancy import clock, money, periods, tenants
from tenancy.money import Basis, Money
from tenancy.periods import Period

if TYPE_CHECKING:
    from governance.models import Mode
    from inventory.models import Product, Subscription, Team


@dataclass(frozen=True, slots=True)
class Row:
    """A subscription in the team's month.

    ``spent`` is what the team bore. ``counted`` is set where the limit counts more than that,
    since the subscription was somebody else's for a part of the month. ``here`` is empty where
    it has gone to somebody else by now.
    """

    subscription: Subscription
    standing: Standing
    spent: Figure
    counted: Figure | None
    limit: Limit | None
    used: Used
    binds: Shown | None
    unpriced_tokens: int
    here: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rows are judged by, each by subscription id."""

    shares: Mapping[int, spend.Share]
    counted: Mapping[int, Money]
    bindings: Mapping[int, Binding]
    held: Mapping[int, suspensions.Held]
    mode: Mode
    present: frozenset[int]


@require_safe
def team(request: TenantRequest, slug: str) -> HttpResponse:
    """The team's page of a month."""
    now, billing = clock.now(), tenants.billing()
    found = teams.one(request.actor, slug)
    period = asked.month(request, billing, now=now)
    held = _held(found, period, now=now)
    fresh = freshness.of({one.gateway_id for one in held})
    reckoning = Reckoning(Basis.ESTIMATED, period, billing.currency, fresh.usage_through)
    judged = _judged(found, held, period, currency=billing.currency, now=now)
    rows, total = _rows(held, judged, reckoning)
    limit = _sum((row.limit for row in rows if row.here), billing.currency)
    days = spend.by_day(found, period, currency=billing.currency)
    prices = spend.by_price(found, period, currency=billing.currency)
    return render(
        request,
        "team/team.html",
        {
            "team": found,
            "month": Month.of(period, now=now),
            "reckoning": reckoning,
            "fresh": fresh,
            "rows": rows,
            "total": total,
            "limit": limit,
            "used": figures.used(total.exact, limit),
            "prices": breakdown.of(prices, reckoning),
            "days": breakdown.days(days, reckoning),
            "plot": plots.cumulative(breakdown.points(days), period, limit),
            "quality": quality.of(found, period),
            "uncovered": rollups.uncovered(period, [one.pk for one in held]),
            "products": _products(held),
            "limits": limits_shown.of_team(
                (judged.bindings[id] for id in judged.present if id in judged.bindings),
                at=asked.judged_at(period, now=now),
            ),
        },
    )


def _held(found: Team, period: Period, *, now: datetime) -> tuple[Subscription, ...]:
    tomorrow = periods.local_day(now, period.zone) + timedelta(days=1)
    until: date = min(period.end_day, tomorrow)
    return teams.subscriptions_during(found, from_day=period.first_day, until=until)


def _judged(
    found: Team, held: Sequence[Subscription], period: Period, *, currency: str, now: datetime
) -> Judged:
    ids = [one.pk for one in held]
    shares = spend.shares(period, currency=currency, team=found)
    counted = rollups.spent(period, currency=currency, subscriptions=ids)
    present = teams.subscriptions_of(found, on=periods.local_day(now, period.zone))
    at = asked.judged_at(period, now=now)
    return Judged(
        shares={share.subscription_id: share for share in shares},
        counted={id: one.cost for id, one in counted.items()},
        bindings=quotas.of(ids, at=at),
        held=suspensions.in_force(ids),
        mode=suspensions.mode(),
        present=frozenset(one.pk for one in present),
    )


def _rows(
    held: Sequence[Subscription], judged: Judged, reckoning: Reckoning
) -> tuple[tuple[Row, ...], Figure]:
    """A row for each subscription; what is shown as spent sums to the total shown."""
    shares = [judged.shares.get(one.pk) for one in held]
    column = figures.column(
        [share.cost if share else None for share in shares], reckoning, figures.NO_DATA
    )
    rows = tuple(
        _row(one, share, spent, judged)
        for one, share, spent in zip(held, shares, column.figures, strict=True)
    )
    return rows, column.total


def _row(
    subscription: Subscription, share: spend.Share | None, spent: Figure, judged: Judged
) -> Row:
    id = subscription.pk
    binding, counted = judged.bindings.get(id, NO_LIMIT), judged.counted.get(id)
    limit, tightest = binding.monthly, binding.tightest
    used = figures.used(counted, limit.money if limit else None)
    more = counted is not None and counted.amount > (spent.exact.amount if spent.exact else 0)
    return Row(
        subscription=subscription,
        standing=standing.of_subscription(
            subscription,
            limit=tightest,
            used=limits_shown.used(tightest),
            held=judged.held.get(id),
            mode=judged.mode,
        ),
        spent=spent,
        counted=figures.one(counted, spent.reckoning) if more else None,
        limit=limit,
        used=used,
        binds=limits_shown.alone(tightest),
        unpriced_tokens=share.unpriced_tokens if share else 0,
        here="here" if id in judged.present else "",
    )


def _sum(limits: Iterable[Limit | None], currency: str) -> Money | None:
    known = [limit.money for limit in limits if limit and limit.money]
    return money.total(known, currency) if known else None


def _products(held: Sequence[Subscription]) -> tuple[Product, ...]:
    """The products with token limits of their own at the gateway, each once, by name."""
    found = {one.product.pk: one.product for one in held if one.product}
    limited = (one for one in found.values() if one.tokens_per_minute or one.token_quota)
    return tuple(sorted(limited, key=str))

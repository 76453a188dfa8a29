"""The teams of a tenant, and what nobody owns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing import freshness, spend
from billing.spend import Share
from governance.limits import quotas
from governance.limits.binding import NO_LIMIT, Binding
from inventory import subscriptions, teams
from portal import figures, limits_shown
from portal.figures import Figure, Reckoning, Used
from portal.tenant_scope import TenantRequest
from portal.views import asked
from tenancy import clock, money, periods, tenants
from tenancy.access import Actor
from tenancy.money import Basis, Money

if TYPE_CHECKING:
    from inventory.models import Subscription, Team

PAGE = 50


@dataclass(frozen=True, slots=True)
class Row:
    """A team with its month so far. ``unlimited`` counts subscriptions without a monthly one.

    ``binds`` is the limit, of any of its subscriptions or of all together, that is used most.
    """

    team: Team
    spent: Figure
    limit: Money | None
    unlimited: int
    binds: limits_shown.Shown | None
    used: Used
    active: int
    suspended: int
    other: int
    unpriced_tokens: int


@dataclass(frozen=True, slots=True)
class Orphan:
    """A subscription that nobody owned on some day of the month, and what it used then."""

    subscription: Subscription
    spent: Figure
    tokens: int
    unpriced_tokens: int


@dataclass(frozen=True, slots=True)
class Shown:
    """The part of the teams that is looked for and on this page."""

    search: str
    teams: tuple[Team, ...]
    found: int
    page: int
    pages: int


@require_safe
def home(request: TenantRequest) -> HttpResponse:
    """The teams the actor may see, with the running month."""
    now, billing, actor = clock.now(), tenants.billing(), request.actor
    period = billing.month_at(now)
    fresh = freshness.of_tenant()
    reckoning = Reckoning(Basis.ESTIMATED, period, billing.currency, fresh.usage_through)
    seen = teams.seen_by(actor)
    shares = _visible(spend.shares(period, currency=billing.currency), seen, actor)
    shown = _looked_for(request, seen)
    spent, total = _spent(shares, seen, reckoning)
    orphans = _orphans([share for share in shares if share.team_id is None], spent[None])
    return render(
        request,
        "home/home.html",
        {
            "reckoning": reckoning,
            "fresh": fresh,
            "shown": shown,
            "rows": _rows(shown.teams, spent, shares, now=now),
            "total": total,
            "orphans": orphans,
            "unallocated": spent[None],
            "unallocated_tokens": sum(orphan.tokens for orphan in orphans),
            "unpriced_tokens": sum(share.unpriced_tokens for share in shares),
        },
    )


def _visible(shares: Sequence[Share], seen: Sequence[Team], actor: Actor) -> tuple[Share, ...]:
    """Those of the teams one sees; what nobody owns, for who sees the whole tenant."""
    if actor.sees_whole_tenant:
        return tuple(shares)
    mine = {team.pk for team in seen}
    return tuple(share for share in shares if share.team_id in mine)


def _looked_for(request: TenantRequest, seen: Sequence[Team]) -> Shown:
    search = request.GET.get("q", "").strip()
    folded = search.lower()
    found = [team for team in seen if folded in f"{team.name} {team.cost_center}".lower()]
    pages = max(1, -(-len(found) // PAGE))
    page = min(asked.page(request), pages)
    return Shown(search, tuple(found[(page - 1) * PAGE : page * PAGE]), len(found), page, pages)


def _spent(
    shares: Sequence[Share], seen: Sequence[Team], reckoning: Reckoning
) -> tuple[dict[int | None, Figure], Figure]:
    """What each team spent, and nobody (None); the figures shown sum to the total shown."""
    owners: list[int | None] = [*(team.pk for team in seen), None]
    costs = [
        spend.total(
            tuple(share.cost for share in shares if share.team_id == owner), reckoning.currency
        )
        for owner in owners
    ]
    column = figures.column(costs, reckoning, figures.NO_DATA)
    return dict(zip(owners, column.figures, strict=True)), column.total


def _rows(
    shown: Sequence[Team],
    spent: Mapping[int | None, Figure],
    shares: Sequence[Share],
    *,
    now: datetime,
) -> tuple[Row, ...]:
    billing = tenants.billing()
    owned = teams.owned([team.pk for team in shown], on=periods.local_day(now, billing.zone))
    everything = [subscription for held in owned.values() for subscription in held]
    bindings = quotas.of((one.pk for one in everything), at=now)
    gaps: Counter[int | None] = Counter()
    for share in shares:
        gaps[share.team_id] += share.unpriced_tokens
    return tuple(
        _row(team, spent[team.pk], owned.get(team.pk, ()), bindings, gaps[team.pk])
        for team in shown
    )


def _row(
    team: Team,
    spent: Figure,
    owned: Sequence[Subscription],
    bindings: Mapping[int, Binding],
    unpriced_tokens: int,
) -> Row:
    theirs = [bindings.get(one.pk, NO_LIMIT) for one in owned]
    bound = [one.monthly.money for one in theirs if one.monthly and one.monthly.money]
    limit = money.total(bound, spent.reckoning.currency) if bound else None
    states = Counter(one.state for one in owned)
    return Row(
        team=team,
        spent=spent,
        limit=limit,
        unlimited=len(owned) - len(bound),
        binds=limits_shown.alone(limits_shown.tightest(theirs)),
        used=figures.used(spent.exact, limit),
        active=states["active"],
        suspended=states["suspended"],
        other=len(owned) - states["active"] - states["suspended"],
        unpriced_tokens=unpriced_tokens,
    )


def _orphans(shares: Sequence[Share], whole: Figure) -> tuple[Orphan, ...]:
    """What nobody owned, most tokens first."""
    known = subscriptions.by_id(share.subscription_id for share in shares)
    column = figures.column([share.cost for share in shares], whole.reckoning)
    rows = [
        Orphan(known[share.subscription_id], spent, share.tokens, share.unpriced_tokens)
        for share, spent in zip(shares, column.figures, strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: -row.tokens))

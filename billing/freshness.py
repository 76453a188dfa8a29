"""How fresh figures are: how far usage was read, which price list, and what waits to be rated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from billing import rollups
from billing.models import DayToRate, UsageFeed
from billing.prices import catalogue
from inventory.models import Gateway, Subscription
from tenancy import access, ledger
from tenancy.access import Actor


@dataclass(frozen=True, slots=True)
class Freshness:
    """``usage_through`` None: usage was never read; ``prices_of`` None: no list was loaded."""

    usage_through: datetime | None
    prices_of: datetime | None
    days_to_rate: int


@dataclass(frozen=True, slots=True)
class GatewayFeed:
    """How far one gateway's usage has been read; None: not yet."""

    gateway: str
    through: datetime | None


def of(gateway_ids: Iterable[int]) -> Freshness:
    """Of figures that rest on these gateways, in the tenant in scope."""
    wanted = set(gateway_ids)
    return Freshness(
        usage_through=rollups.read_through(wanted) if wanted else None,
        prices_of=ledger.installation_succeeded_at(catalogue.STEP),
        days_to_rate=DayToRate.objects.count(),
    )


def of_tenant() -> Freshness:
    """Of figures that rest on every gateway of the tenant in scope."""
    return of(Gateway.objects.values_list("id", flat=True))


def feeds(actor: Actor) -> tuple[GatewayFeed, ...]:
    """How far the usage of each gateway that the actor's subscriptions are at has been read."""
    rows = Gateway.objects.order_by("name")
    if not actor.sees_whole_tenant:
        rows = rows.filter(id__in=access.many(Subscription, actor).values("gateway_id"))
    through = dict(UsageFeed.objects.values_list("gateway_id", "through"))
    return tuple(GatewayFeed(row.name, through.get(row.pk)) for row in rows)

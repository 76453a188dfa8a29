"""How APIM subscriptions stand now: limit, spend, owner and suspension, each read once for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from rest_framework.request import Request
from rest_framework.reverse import reverse

from billing import freshness, rollups
from governance import suspensions
from governance.limits import quotas
from governance.limits.binding import NO_LIMIT, Binding, Limit
from governance.suspensions import Held
from inventory.models import Origin, Owner, Subscription
from portal.api import quota_items
from portal.api.answers import estimated
from tenancy import access, periods, tenants
from tenancy.access import Actor


@dataclass(frozen=True, slots=True)
class Situation:
    """One subscription as the API shows it."""

    gateway: str
    name: str
    display_name: str
    product: str | None
    team: str | None
    cost_center: str | None
    environment: str
    application: str
    state: str
    listed: bool
    seen_at: datetime
    limit: Limit | None
    binding: dict[str, Any] | None
    this_month: dict[str, Any]
    suspension: Held | None
    limits_url: str | None
    url: str | None
    ownership_url: str | None


def today(*, at: datetime) -> date:
    """The tenant's calendar day at an instant."""
    return periods.local_day(at, tenants.billing().zone)


def of(
    rows: Sequence[Subscription], actor: Actor, *, at: datetime, request: Request
) -> list[Situation]:
    """The subscriptions of the tenant in scope as they stand at an instant, in the same order."""
    billing = tenants.billing()
    ids = [row.pk for row in rows]
    bindings = quotas.of(ids, at=at)
    months = _this_month(rows, actor, billing, at=at)
    owners = _owners(ids, actor, periods.local_day(at, billing.zone))
    held = suspensions.in_force(ids)
    return [
        Situation(
            gateway=row.gateway.name,
            name=row.name,
            display_name=row.display_name,
            product=row.product.name if row.product else None,
            **_owned(owners.get(row.pk)),
            state=row.state,
            listed=row.origin == Origin.INVENTORY and row.vanished_at is None,
            seen_at=row.seen_at,
            limit=bindings.get(row.pk, NO_LIMIT).monthly,
            binding=_binding(bindings.get(row.pk, NO_LIMIT)),
            this_month=months[row.pk],
            suspension=held.get(row.pk),
            limits_url=_url("limits-of", row, request),
            url=_url("subscription", row, request),
            ownership_url=_url("ownership", row, request),
        )
        for row in rows
    ]


def _binding(found: Binding) -> dict[str, Any] | None:
    return quota_items.limit(found.tightest, found) if found.tightest else None


def _owned(owner: Owner | None) -> dict[str, Any]:
    """Whose a subscription is and for what; nothing of one that is nobody's to see."""
    if owner is None:
        return {"team": None, "cost_center": None, "environment": "", "application": ""}
    center = owner.cost_center or (owner.team.cost_center if owner.team else None)
    return {
        "team": owner.team.slug if owner.team else None,
        "cost_center": center.code if center else None,
        "environment": owner.environment,
        "application": owner.application,
    }


def _this_month(
    rows: Sequence[Subscription], actor: Actor, billing: tenants.Billing, *, at: datetime
) -> dict[int, dict[str, Any]]:
    period = billing.month_at(at)
    spent = rollups.spent(period, currency=billing.currency, subscriptions=[row.pk for row in rows])
    through = {feed.gateway: feed.through for feed in freshness.feeds(actor)}
    return {
        row.pk: {
            "period": period,
            "spent": estimated(spent[row.pk].cost) if row.pk in spent else None,
            "tokens": spent[row.pk].tokens if row.pk in spent else 0,
            "unpriced_tokens": spent[row.pk].unpriced_tokens if row.pk in spent else 0,
            "usage_through": through.get(row.gateway.name),
        }
        for row in rows
    }


def _owners(ids: Sequence[int], actor: Actor, day: date) -> dict[int, Owner]:
    rows = access.many(Owner, actor).filter(subscription_id__in=ids, from_day__lte=day)
    now = rows.exclude(until_day__lte=day).select_related("team__cost_center", "cost_center")
    return {row.subscription_id: row for row in now}


def _url(what: str, row: Subscription, request: Request) -> str | None:
    if not row.name:
        return None
    return reverse(f"api:{what}", [row.gateway.name, row.name], request=request)

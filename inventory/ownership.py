"""Whose a subscription is, from which local day on."""

from __future__ import annotations

from datetime import date, datetime

from inventory.models import Owner, Ownership, Subscription, Team
from tenancy import audit, scope


def assign(
    subscription: Subscription,
    team: Team | None,
    *,
    from_day: date,
    by: str,
    at: datetime,
    reason: str = "",
) -> Ownership:
    """From this local day on the subscription belongs to ``team`` (None: to nobody).

    The same assignment again changes nothing.
    """
    before = owner_on(subscription, from_day)
    row, _ = Ownership.objects.update_or_create(
        tenant_id=scope.tenant_id(),
        subscription=subscription,
        from_day=from_day,
        defaults={"team": team, "reason": reason},
    )
    if before != team:
        audit.record(
            "ownership.assign",
            f"{subscription.gateway.name}/{subscription.name}",
            by=by,
            at=at,
            before={"team": before.slug if before else None},
            after={"team": team.slug if team else None, "from_day": from_day},
            reason=reason,
        )
    return row


def owner_on(subscription: Subscription, day: date) -> Team | None:
    """The team that owns a subscription on a local day."""
    rows = Owner.objects.filter(subscription=subscription, from_day__lte=day)
    row = rows.exclude(until_day__lte=day).select_related("team").first()
    return row.team if row else None

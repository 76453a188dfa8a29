"""Whose a subscription is, from which local day on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from inventory.models import Owner, Ownership, Subscription, Team
from tenancy import access, audit, scope
from tenancy.access import Actor


@dataclass(frozen=True, slots=True)
class Held:
    """A stretch of ownership: from a local day to before another (None: until now).

    ``team`` None: nobody's.
    """

    team: Team | None
    from_day: date
    until_day: date | None
    reason: str


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


def history(actor: Actor, subscription: Subscription) -> tuple[Held, ...]:
    """Whose a subscription was and is, newest first, as far as the actor may see."""
    rows = (
        access.many(Owner, actor)
        .filter(subscription=subscription)
        .select_related("team")
        .order_by("-from_day")
    )
    reasons = dict(
        access.many(Ownership, actor)
        .filter(subscription=subscription)
        .values_list("from_day", "reason")
    )
    return tuple(
        Held(row.team, row.from_day, row.until_day, reasons.get(row.from_day, "")) for row in rows
    )

"""Proposed adjustments: by how much closed months would differ if they were rated today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import Coalesce

from billing.models import ProposedAdjustment
from tenancy import access
from tenancy.access import Actor
from tenancy.money import EXACT


@dataclass(frozen=True, slots=True)
class MonthProposed:
    """What is proposed for one closed month, in the billing currency on the estimated basis."""

    first_day: date
    rows: int
    difference: Decimal


@dataclass(frozen=True, slots=True)
class Proposed:
    """One proposal. Costs are exact; None: unpriced."""

    first_day: date
    gateway: str
    subscription: str
    deployment: str
    token_class: str
    quantity_before: int
    quantity_after: int
    cost_before: Decimal | None
    cost_after: Decimal | None

    @property
    def difference(self) -> Decimal:
        return EXACT.subtract(self.cost_after or Decimal(0), self.cost_before or Decimal(0))


def rows(actor: Actor) -> QuerySet[ProposedAdjustment]:
    """Every proposal that an actor may see, newest month first."""
    return access.many(ProposedAdjustment, actor).select_related(
        "subscription__gateway", "deployment"
    )


def months(actor: Actor) -> tuple[MonthProposed, ...]:
    """What is proposed month by month, newest first."""
    zero = Decimal(0)
    found = (
        access.many(ProposedAdjustment, actor)
        .values("first_day")
        .annotate(
            rows=Count("id"),
            gap=Sum(Coalesce(F("cost_after"), zero) - Coalesce(F("cost_before"), zero)),
        )
        .order_by("-first_day")
    )
    return tuple(MonthProposed(row["first_day"], row["rows"], row["gap"]) for row in found)


def greatest(actor: Actor, *, most: int) -> tuple[Proposed, ...]:
    """The proposals with the greatest differences of each direction, at most so many."""
    zero = Decimal(0)
    gap = Coalesce(F("cost_after"), zero) - Coalesce(F("cost_before"), zero)
    found = rows(actor).annotate(gap=gap).order_by("-first_day", "-gap", "id")[:most]
    return tuple(
        Proposed(
            first_day=row.first_day,
            gateway=row.subscription.gateway.name,
            subscription=str(row.subscription),
            deployment=str(row.deployment),
            token_class=row.token_class,
            quantity_before=row.quantity_before,
            quantity_after=row.quantity_after,
            cost_before=row.cost_before,
            cost_after=row.cost_after,
        )
        for row in found
    )

"""What enforcement and the statements' check read of a period; pages read `billing.spend`.

Every figure is on the estimated basis, in the tenant's billing currency, exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Min, Q, Sum

from billing.models import PeriodToDate, RatedDay, UsageDay, UsageFeed
from tenancy.money import Money
from tenancy.periods import Period


@dataclass(frozen=True, slots=True)
class Spent:
    """What one subscription cost in a period so far."""

    cost: Money
    tokens: int
    unpriced_tokens: int


def spent(period: Period, *, currency: str, subscriptions: Iterable[int]) -> dict[int, Spent]:
    """By subscription id, what each has cost in the period so far; absent: nothing yet."""
    rows = PeriodToDate.objects.filter(
        first_day=period.first_day, subscription_id__in=list(subscriptions)
    )
    return {
        row.subscription_id: Spent(Money(row.cost, currency), row.tokens, row.unpriced_tokens)
        for row in rows
    }


def read_through(gateways: Iterable[int]) -> datetime | None:
    """The instant up to which usage of all these gateways has been read; None before the first."""
    found = UsageFeed.objects.filter(gateway_id__in=set(gateways)).aggregate(
        oldest=Min("through"), count=Count("id")
    )
    complete = found["count"] == len(set(gateways))
    oldest: datetime | None = found["oldest"] if complete else None
    return oldest


def uncovered(period: Period, subscriptions: Iterable[int]) -> int:
    """Successful calls of the period that the log gave no tokens for: a gap, never zero cost."""
    counted = UsageDay.objects.filter(
        day__gte=period.first_day,
        day__lt=period.end_day,
        subscription_id__in=set(subscriptions),
    ).aggregate(total=Sum("uncovered_requests"))
    return int(counted["total"] or 0)


def unowned(period: Period) -> tuple[int, ...]:
    """The subscriptions with usage in the period on a day on which nobody owned them."""
    owned = Q(
        subscription__owner__from_day__lte=F("day"),
        subscription__owner__team__isnull=False,
    ) & (Q(subscription__owner__until_day=None) | Q(subscription__owner__until_day__gt=F("day")))
    rows = RatedDay.objects.filter(day__gte=period.first_day, day__lt=period.end_day)
    return tuple(
        rows.exclude(pk__in=rows.filter(owned).values("pk"))
        .values_list("subscription_id", flat=True)
        .distinct()
        .order_by("subscription_id")
    )

"""Figures of a period, from the rated days: the only source of figures on pages.

Every figure is on the estimated basis, in the tenant's billing currency, exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Count, F, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from billing.models import PeriodToDate, RatedDay, Usage, UsageFeed
from tenancy.money import Money
from tenancy.periods import Period

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Spent:
    """What one subscription cost in a period so far."""

    cost: Money
    tokens: int
    unpriced_tokens: int


@dataclass(frozen=True, slots=True)
class ClassSpend:
    """One model's token class in a period: its quantity, its cost and what has no price."""

    model: str
    token_class: str
    quantity: int
    cost: Money | None
    unit_prices: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class DaySpend:
    """The cost of one local day."""

    day: date
    cost: Money


def spent(period: Period, *, currency: str, subscriptions: Iterable[int]) -> dict[int, Spent]:
    """By subscription id, what each has cost in the period so far; absent: nothing yet."""
    rows = PeriodToDate.objects.filter(
        first_day=period.first_day, subscription_id__in=list(subscriptions)
    )
    return {
        row.subscription_id: Spent(Money(row.cost, currency), row.tokens, row.unpriced_tokens)
        for row in rows
    }


def by_class(
    period: Period, *, currency: str, subscriptions: Iterable[int]
) -> tuple[ClassSpend, ...]:
    """Tokens and cost of each model and token class in the period, dearest first."""
    rows = (
        _rated(period, subscriptions)
        .values("deployment__name", "deployment__model", "token_class", "price__unit_price")
        .annotate(tokens=Sum("quantity"), cost=Sum("cost"))
        .order_by("deployment__name", "token_class")
    )
    grouped: dict[tuple[str, str], list[Mapping[str, object]]] = {}
    for row in rows:
        name = row["deployment__model"] or row["deployment__name"] or "unknown deployment"
        grouped.setdefault((name, row["token_class"]), []).append(row)
    spend = [_class_spend(key, parts, currency) for key, parts in grouped.items()]
    return tuple(sorted(spend, key=lambda one: -(one.cost.amount if one.cost else _ZERO)))


def by_day(period: Period, *, currency: str, subscriptions: Iterable[int]) -> tuple[DaySpend, ...]:
    """The cost of each local day of the period that has usage, in order."""
    rows = (
        _rated(period, subscriptions)
        .values("day")
        .annotate(total=Coalesce(Sum("cost"), _ZERO))
        .order_by("day")
    )
    return tuple(DaySpend(row["day"], Money(row["total"], currency)) for row in rows)


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
    counted = Usage.objects.filter(
        bucket_start__gte=period.start,
        bucket_start__lt=period.end,
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


def _rated(period: Period, subscriptions: Iterable[int]) -> QuerySet[RatedDay]:
    rows: QuerySet[RatedDay] = RatedDay.objects.filter(
        day__gte=period.first_day,
        day__lt=period.end_day,
        subscription_id__in=set(subscriptions),
    )
    return rows


def _class_spend(
    key: tuple[str, str], parts: list[Mapping[str, object]], currency: str
) -> ClassSpend:
    costs = [part["cost"] for part in parts if isinstance(part["cost"], Decimal)]
    prices = {part["price__unit_price"] for part in parts}
    return ClassSpend(
        model=key[0],
        token_class=key[1],
        quantity=sum(int(str(part["tokens"])) for part in parts),
        cost=Money(sum(costs, _ZERO), currency) if costs else None,
        unit_prices=tuple(sorted(price for price in prices if isinstance(price, Decimal))),
    )

"""Spend of a team or of one subscription: what each bore, by price, by day and by month.

A team bears the days on which it owned a subscription; a subscription bears all of its days.
Every figure is on the estimated basis, in the tenant's billing currency, exact. A cost of None
means that nothing in it has a price; tokens without a price are told beside it, never in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from django.db import connection
from django.db.models import F, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncMonth

from billing.models import RatedDay, UsageDay
from inventory.models import Subscription, Team
from tenancy import access, joins, periods, scope
from tenancy.access import Actor
from tenancy.money import EXACT, Money
from tenancy.periods import Period

_BY_PRICE = Path(__file__).with_name("by_price.sql").read_text()
_SHARES = Path(__file__).with_name("shares.sql").read_text()
Whose = Team | Subscription


@dataclass(frozen=True, slots=True)
class Share:
    """What one team bore of one subscription. ``team_id`` None: nobody owned it."""

    team_id: int | None
    subscription_id: int
    cost: Money | None
    tokens: int
    unpriced_tokens: int


@dataclass(frozen=True, slots=True)
class PriceSpend:
    """One model's token class at one price. ``unit_price`` is for ``units_per_price`` units of the
    class, in ``price_currency``: the list's, or what ``sheet`` (empty: none) and ``markup``
    (percent on top) made of it. ``cost`` is None where no price was in force; it is zero without a
    unit price where the deployment's capacity is paid for instead. ``list_cost`` is in the list's
    currency. ``holds_from``: the latest start of all that made the price.
    """

    model: str
    deployment: str
    token_class: str
    quantity: int
    unit_price: Decimal | None
    units_per_price: int
    price_currency: str | None
    price_from: datetime | None
    holds_from: datetime | None
    meter_id: str
    sheet: str
    markup: Decimal | None
    list_cost: Money | None
    cost: Money | None


@dataclass(frozen=True, slots=True)
class DaySpend:
    """One local day."""

    day: date
    cost: Money | None
    tokens: int
    unpriced_tokens: int


@dataclass(frozen=True, slots=True)
class MonthSpend:
    """One billing period with usage."""

    period: Period
    cost: Money | None
    tokens: int
    unpriced_tokens: int


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of a subscription at the gateway, as the log counts them."""

    requests: int
    successful: int
    throttled: int
    refused: int
    cache_hits: int
    uncovered: int


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Tokens of one deployment's class that no price was in force for."""

    gateway: str
    host: str
    deployment: str
    model: str
    token_class: str
    tokens: int
    first_day: date


def shares(period: Period, *, currency: str, team: Team | None = None) -> tuple[Share, ...]:
    """Who bore what of each subscription in a period; of one team, or of everybody."""
    with connection.cursor() as cursor:
        cursor.execute(
            _SHARES,
            {
                "tenant": scope.tenant_id(),
                "first_day": period.first_day,
                "end_day": period.end_day,
                "team": team.pk if team else None,
            },
        )
        return tuple(
            Share(owner, subscription, _money(cost, currency), tokens, unpriced)
            for owner, subscription, cost, tokens, unpriced in cursor.fetchall()
        )


def by_price(whose: Whose, period: Period, *, currency: str) -> tuple[PriceSpend, ...]:
    """Tokens and cost of each model, token class and price, dearest first, unpriced last."""
    with joins.as_written() as cursor:
        cursor.execute(
            _BY_PRICE,
            {
                "tenant": scope.tenant_id(),
                "first_day": period.first_day,
                "end_day": period.end_day,
                "team": whose.pk if isinstance(whose, Team) else None,
                "subscription": whose.pk if isinstance(whose, Subscription) else None,
            },
        )
        return tuple(
            PriceSpend(*(*told, _money(at_list, listed_in), _money(cost, currency)))
            for *told, listed_in, at_list, cost in cursor.fetchall()
        )


def by_day(whose: Whose, period: Period, *, currency: str) -> tuple[DaySpend, ...]:
    """Each local day of the period that has usage, in order."""
    days = _summed(_within(_rated(whose), period), F("day"), currency)
    return tuple(DaySpend(one.key, one.cost, one.tokens, one.unpriced_tokens) for one in days)


def months(team: Team, *, currency: str, zone: str) -> tuple[MonthSpend, ...]:
    """The billing periods in which the team bore usage, newest first."""
    found = _summed(_rated(team), TruncMonth("day"), currency)
    return tuple(
        MonthSpend(periods.month_of_day(one.key, zone), one.cost, one.tokens, one.unpriced_tokens)
        for one in reversed(found)
    )


def calls(subscription: Subscription, period: Period) -> Calls:
    """How often a subscription called in a period, and what became of it."""
    counted = UsageDay.objects.filter(
        subscription=subscription, day__gte=period.first_day, day__lt=period.end_day
    ).aggregate(
        requests=Sum("requests"),
        successful=Sum("successful_requests"),
        throttled=Sum("throttled_requests"),
        refused=Sum("refused_requests"),
        cache_hits=Sum("cache_hits"),
        uncovered=Sum("uncovered_requests"),
    )
    return Calls(**{name: int(value or 0) for name, value in counted.items()})


def unpriced(actor: Actor, *, since: date) -> tuple[Unpriced, ...]:
    """Every deployment's class without a price since a local day, most tokens first."""
    rows = (
        access.many(RatedDay, actor)
        .filter(cost=None, day__gte=since)
        .values(
            "deployment__gateway__name",
            "deployment__host",
            "deployment__name",
            "deployment__model",
            "token_class",
        )
        .annotate(tokens=Sum("quantity"), first=Min("day"))
        .order_by("-tokens", "deployment__name", "token_class")
    )
    return tuple(
        Unpriced(
            gateway=row["deployment__gateway__name"],
            host=row["deployment__host"],
            deployment=row["deployment__name"],
            model=row["deployment__model"],
            token_class=row["token_class"],
            tokens=row["tokens"],
            first_day=row["first"],
        )
        for row in rows
    )


def total(costs: tuple[Money | None, ...], currency: str) -> Money | None:
    """The exact sum of what has a price; None where nothing has."""
    known = [cost.amount for cost in costs if cost is not None]
    if not known:
        return None
    result = Decimal(0)
    for amount in known:
        result = EXACT.add(result, amount)
    return Money(result, currency)


def _rated(whose: Whose) -> QuerySet[RatedDay]:
    if isinstance(whose, Subscription):
        return RatedDay.objects.filter(subscription=whose)
    until = Q(subscription__owner__until_day=None) | Q(subscription__owner__until_day__gt=F("day"))
    # One filter() for all conditions: a second would join the owners once more.
    rows: QuerySet[RatedDay] = RatedDay.objects.filter(
        until,
        subscription__owner__team=whose,
        subscription__owner__from_day__lte=F("day"),
    )
    return rows


def _within(rows: QuerySet[RatedDay], period: Period) -> QuerySet[RatedDay]:
    return rows.filter(day__gte=period.first_day, day__lt=period.end_day)


@dataclass(frozen=True, slots=True)
class _Sum:
    key: date
    cost: Money | None
    tokens: int
    unpriced_tokens: int


def _summed(rows: QuerySet[RatedDay], key: F | TruncMonth, currency: str) -> list[_Sum]:
    """Cost, tokens and tokens without a price for each value of ``key``, in its order."""
    summed = (
        rows.order_by()
        .values(key=key)
        .annotate(
            total=Sum("cost"),
            tokens=Sum("tokens"),
            gap=Coalesce(Sum("quantity", filter=Q(cost=None)), 0),
        )
        .order_by("key")
    )
    return [
        _Sum(row["key"], _money(row["total"], currency), row["tokens"], row["gap"])
        for row in summed
    ]


def _money(amount: Decimal | None, currency: str) -> Money | None:
    return None if amount is None else Money(amount, currency)

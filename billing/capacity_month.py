"""A month of capacity as one looks at it: each deployment, each reservation, and who used them.

Costs are the stored days' own; nothing here is charged to teams.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.db import connection

from billing import price_terms
from billing.capacity_prices import Prices
from billing.models import CapacityDay, Reservation, ReservationDay
from billing.prices import capacity_meters
from billing.prices.capacity_meters import Wanted
from billing.rules.capacity import Kind
from billing.rules.token_classes import NOT_TOKENS, TokenClass
from inventory import deployments
from inventory.deployments import Span
from inventory.models import Deployment, Team
from tenancy import scope, tenants
from tenancy.money import EXACT, Money
from tenancy.periods import Period

_USED = Path(__file__).with_name("capacity_used.sql").read_text()
_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class UsedBy:
    """Tokens of one team; slug and name None: nobody owned the subscription."""

    slug: str | None
    name: str | None
    tokens: int


@dataclass(frozen=True, slots=True)
class Compared:
    """The same tokens at the model's own pay-as-you-go meters, at the prices in force ``at``.

    ``cost`` None: some class has no single meter of the same scope, or no price.
    """

    at: datetime
    cost: Money | None
    meters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeploymentMonth:
    """One deployment's capacity in a month, in unit-minutes and the billing currency.

    ``hourly`` is what the hours beyond reservations cost, on the estimated basis, None where
    none of them has a price; ``covered_cost`` its share of reservations, amortized.
    """

    deployment: Deployment
    kind: Kind
    spans: tuple[Span, ...]
    meters: tuple[str, ...]
    wanted: tuple[Wanted, ...]
    unit_minutes: int
    covered_minutes: int
    unpriced_minutes: int
    hourly: Money | None
    covered_cost: Money
    list_cost: Money | None
    tokens: int
    used_by: tuple[UsedBy, ...]
    compared: Compared

    @property
    def cost(self) -> Money:
        """All that it cost that has a price."""
        return self.covered_cost if self.hourly is None else self.hourly + self.covered_cost

    @property
    def per_million(self) -> Money | None:
        """What a million tokens came to; None where nothing was used, or hours have no price."""
        if not self.tokens or self.unpriced_minutes:
            return None
        amount = EXACT.divide(EXACT.multiply(self.cost.amount, _MILLION), Decimal(self.tokens))
        return Money(amount, self.cost.currency)


@dataclass(frozen=True, slots=True)
class ReservationMonth:
    """One reservation's days in a month: used and unused, amortized; None: no exchange rate."""

    reservation: Reservation
    used_minutes: int
    unused_minutes: int
    used: Money | None
    unused: Money | None


@dataclass(frozen=True, slots=True)
class CapacityMonth:
    """Everything of a month, by deployment and by reservation, in order of their names."""

    period: Period
    currency: str
    deployments: tuple[DeploymentMonth, ...]
    reservations: tuple[ReservationMonth, ...]


def of(period: Period, *, at: datetime) -> CapacityMonth:
    """A month of the tenant in scope as its stored days have it."""
    currency = tenants.billing().currency
    days = list(
        CapacityDay.objects.filter(
            day__gte=period.first_day, day__lt=period.end_day
        ).select_related("price__meter")
    )
    bought = list(
        ReservationDay.objects.filter(
            day__gte=period.first_day, day__lt=period.end_day
        ).select_related("reservation")
    )
    return CapacityMonth(
        period,
        currency,
        _deployments(period, days, bought, currency, at=at),
        _reservations(bought, currency),
    )


def _deployments(
    period: Period,
    days: Iterable[CapacityDay],
    bought: Iterable[ReservationDay],
    currency: str,
    *,
    at: datetime,
) -> tuple[DeploymentMonth, ...]:
    own: dict[tuple[int, str], list[CapacityDay]] = {}
    for day in days:
        own.setdefault((day.deployment_id, day.kind), []).append(day)
    shares: dict[int, Decimal] = {}
    for share in bought:
        if share.deployment_id is not None:
            so_far = shares.get(share.deployment_id, Decimal(0))
            shares[share.deployment_id] = EXACT.add(so_far, share.cost or Decimal(0))
    ids = {deployment for deployment, _ in own}
    known = Deployment.objects.select_related("gateway").in_bulk(ids)
    spans = _by_deployment(deployments.states(period.start, min(period.end, at)))
    wanted = [one for one in capacity_meters.by_the_hour() if one.deployment.pk in ids]
    used = _used(period, ids)
    compared = _compared(known, spans, used, at=min(at, period.end - timedelta(minutes=1)))
    teams = Team.objects.in_bulk(
        {team for classes in used.values() for team, _ in classes if team is not None}
    )
    found = [
        DeploymentMonth(
            deployment=known[deployment],
            kind=Kind(kind),
            spans=tuple(spans.get(deployment, ())),
            meters=_meters(rows),
            wanted=tuple(one for one in wanted if one.deployment.pk == deployment),
            unit_minutes=sum(row.unit_minutes for row in rows),
            covered_minutes=sum(row.unit_minutes for row in rows if row.reservation_id),
            unpriced_minutes=sum(row.unit_minutes for row in rows if row.cost is None),
            hourly=_sum([row.cost for row in rows], currency),
            covered_cost=Money(shares.get(deployment, Decimal(0)), currency),
            list_cost=_sum([row.list_cost for row in rows], price_terms.LIST_CURRENCY),
            tokens=sum(_tokens(used.get(deployment, {}))),
            used_by=_used_by(used.get(deployment, {}), teams),
            compared=compared[deployment],
        )
        for (deployment, kind), rows in own.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.kind.value, str(one.deployment))))


_Classes = dict[tuple[int | None, str], int]


def _used(period: Period, ids: Iterable[int]) -> dict[int, _Classes]:
    found: dict[int, _Classes] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            _USED,
            {
                "tenant": scope.tenant_id(),
                "first_day": period.first_day,
                "end_day": period.end_day,
                "deployments": sorted(ids),
            },
        )
        for deployment, team, token_class, quantity in cursor.fetchall():
            found.setdefault(deployment, {})[team, token_class] = quantity
    return found


def _tokens(classes: _Classes) -> Iterable[int]:
    return (count for (_, token_class), count in classes.items() if token_class not in NOT_TOKENS)


def _used_by(classes: _Classes, teams: Mapping[int, Team]) -> tuple[UsedBy, ...]:
    """Teams by their tokens, most first; nobody's last among equals."""
    summed: dict[int | None, int] = {}
    for (team, token_class), count in classes.items():
        if token_class not in NOT_TOKENS:
            summed[team] = summed.get(team, 0) + count
    rows = [
        UsedBy(teams[team].slug, teams[team].name, count)
        if team is not None
        else UsedBy(None, None, count)
        for team, count in summed.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.tokens, row.name is None, row.name or "")))


def _compared(
    known: Mapping[int, Deployment],
    spans: Mapping[int, list[Span]],
    used: Mapping[int, _Classes],
    *,
    at: datetime,
) -> dict[int, Compared]:
    pairs = [(known[one], spans[one][-1].sku) for one in known if spans.get(one)]
    named = capacity_meters.by_the_token(pairs)
    meters = {meter.pk for classes in named.values() for meter in classes.values()}
    terms = price_terms.at(meters, at)
    prices = Prices(())
    found = {}
    for one in known:
        own = named.get(one, {})
        quantities: dict[TokenClass, int] = {}
        for (_, token_class), count in used.get(one, {}).items():
            key = TokenClass(token_class)
            quantities[key] = quantities.get(key, 0) + count
        amount = Decimal(0)
        is_whole = bool(quantities)
        for token_class, count in quantities.items():
            term = terms.get(own[token_class].pk) if token_class in own else None
            rate = prices.rate(term.currency, at) if term else None
            if term is None or term.unit_price is None or rate is None:
                is_whole = False
                break
            cost = EXACT.multiply(EXACT.multiply(Decimal(count), term.unit_price), rate.rate)
            amount = EXACT.add(amount, cost)
        names = tuple(own[key].meter_name for key in quantities if key in own)
        whole = Money(amount, prices.currency) if is_whole else None
        found[one] = Compared(at, whole, names)
    return found


def _reservations(bought: Iterable[ReservationDay], currency: str) -> tuple[ReservationMonth, ...]:
    by_reservation: dict[int, list[ReservationDay]] = {}
    for row in bought:
        by_reservation.setdefault(row.reservation_id, []).append(row)
    found = []
    for rows in by_reservation.values():
        used = [row for row in rows if row.deployment_id is not None]
        unused = [row for row in rows if row.deployment_id is None]
        found.append(
            ReservationMonth(
                rows[0].reservation,
                sum(row.unit_minutes for row in used),
                sum(row.unit_minutes for row in unused),
                _whole([row.cost for row in used], currency),
                _whole([row.cost for row in unused], currency),
            )
        )
    return tuple(sorted(found, key=lambda one: one.reservation.name))


def _by_deployment(spans: Iterable[Span]) -> dict[int, list[Span]]:
    found: dict[int, list[Span]] = {}
    for span in spans:
        found.setdefault(span.deployment_id, []).append(span)
    return found


def _meters(rows: Iterable[CapacityDay]) -> tuple[str, ...]:
    return tuple(sorted({row.price.meter.meter_name for row in rows if row.price}))


def _sum(amounts: Iterable[Decimal | None], currency: str) -> Money | None:
    """The exact sum of those that are known; None where none is."""
    known = [amount for amount in amounts if amount is not None]
    return _whole(known, currency) if known else None


def _whole(amounts: Iterable[Decimal | None], currency: str) -> Money | None:
    """The exact sum; None where any is not known."""
    total = Decimal(0)
    for amount in amounts:
        if amount is None:
            return None
        total = EXACT.add(total, amount)
    return Money(total, currency)

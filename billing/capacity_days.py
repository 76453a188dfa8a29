"""The days of capacity of a stretch of time, computed; `billing.capacity` stores them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Self

from billing.capacity_prices import Prices, Rate
from billing.models import CapacityDay, Reservation, ReservationDay
from billing.price_terms import Term
from billing.rules import capacity as rules
from billing.rules.capacity import Commitment, Held, Kind, Piece, Pool, whole_minute
from billing.rules.meters.meanings import Scope
from inventory import deployments
from inventory.models import Deployment
from tenancy import periods
from tenancy.money import EXACT
from tenancy.periods import Period


@dataclass(frozen=True, slots=True)
class CapacityRow:
    """A `CapacityDay` by its values."""

    day: date
    deployment_id: int
    kind: str
    reservation_id: int | None
    price_id: int | None
    sheet_line_id: int | None
    markup_line_id: int | None
    exchange_rate_id: int | None
    unit_price: Decimal | None
    price_currency: str
    unit_minutes: int
    list_cost: Decimal | None
    cost: Decimal | None

    @classmethod
    def of(cls, row: CapacityDay) -> Self:
        """What a stored row says."""
        return cls(**{name: getattr(row, name) for name in cls.__slots__})

    def fields(self) -> dict[str, object]:
        """The values of a row to store."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ReservationRow:
    """A `ReservationDay` by its values."""

    day: date
    reservation_id: int
    deployment_id: int | None
    exchange_rate_id: int | None
    unit_minutes: int
    amount: Decimal
    cost: Decimal | None

    @classmethod
    def of(cls, row: ReservationDay) -> Self:
        """What a stored row says."""
        return cls(**{name: getattr(row, name) for name in cls.__slots__})

    def fields(self) -> dict[str, object]:
        """The values of a row to store."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Days:
    """What capacity cost, and what was reserved."""

    capacity: tuple[CapacityRow, ...]
    reservations: tuple[ReservationRow, ...]

    def __add__(self, other: Days) -> Days:
        return Days(self.capacity + other.capacity, self.reservations + other.reservations)


@dataclass(frozen=True, slots=True)
class _Charge:
    """By what unit-minutes of a day are told; of covered ones the list's price alone."""

    day: date
    deployment_id: int
    kind: Kind
    reservation_id: int | None
    price_id: int | None = None
    list_unit_price: Decimal | None = None
    sheet_line_id: int | None = None
    markup_line_id: int | None = None
    unit_price: Decimal | None = None
    currency: str = ""
    rate: Rate | None = None


def compute(period: Period, *, until: datetime) -> Days:
    """The days of capacity of the tenant in scope, from a period's start to before an instant."""
    start, zone = period.start, period.zone
    if until <= start:
        return Days((), ())
    spans = [span for span in deployments.states(start, until) if _is_minutes(span.start, span.end)]
    known = Deployment.objects.in_bulk({span.deployment_id for span in spans})
    bought = [
        row
        for row in Reservation.objects.filter(
            withdrawn_at=None, starts_at__lt=until, ends_at__gt=start
        ).order_by("id")
        if _is_minutes(max(row.starts_at, start), min(row.ends_at, until))
    ]
    prices = Prices(_by_the_hour(spans, known))
    held = tuple(_held(span, known[span.deployment_id]) for span in _by_the_hour(spans, known))
    midnights = [periods.midnight(day, zone) for day in period.days()]
    found = rules.pieces(
        held,
        [_commitment(row, start, until) for row in bought],
        edges=[whole_minute(edge) for edge in (*midnights, *prices.changes())],
    )
    return Days(
        tuple(_charged(found, known, prices, zone)),
        tuple(_amortized(found, {row.pk: row for row in bought}, prices, zone, until)),
    )


def _is_minutes(start: datetime, end: datetime) -> bool:
    return whole_minute(start) < whole_minute(end)


def _by_the_hour(
    spans: Iterable[deployments.Span], known: Mapping[int, Deployment]
) -> list[deployments.Span]:
    """Those that are paid by the hour, cut to the minute."""
    return [
        deployments.Span(
            deployment_id=span.deployment_id,
            sku=span.sku,
            capacity=span.capacity,
            start=whole_minute(span.start),
            end=whole_minute(span.end),
        )
        for span in spans
        if rules.kind_of(span.sku, base_model=known[span.deployment_id].base_model)
    ]


def _held(span: deployments.Span, deployment: Deployment) -> Held:
    kind = rules.kind_of(span.sku, base_model=deployment.base_model)
    is_provisioned = kind is Kind.PROVISIONED
    return Held(
        deployment=span.deployment_id,
        pool=Pool(rules.scope_of(span.sku), deployment.region) if is_provisioned else None,
        units=span.capacity if is_provisioned else 1,
        start=span.start,
        end=span.end,
    )


def _commitment(row: Reservation, start: datetime, until: datetime) -> Commitment:
    return Commitment(
        reservation=row.pk,
        pool=Pool(Scope(row.scope), row.region),
        units=row.units,
        start=whole_minute(max(row.starts_at, start)),
        end=whole_minute(min(row.ends_at, until)),
    )


def _charged(
    found: Iterable[Piece], known: Mapping[int, Deployment], prices: Prices, zone: str
) -> Iterable[CapacityRow]:
    """What was deployed, summed by day and by what it was charged at."""
    summed: dict[_Charge, int] = {}
    for piece in found:
        if piece.deployment is None:
            continue
        sku = prices.sku(piece.deployment, piece.start)
        kind = rules.kind_of(sku, base_model=known[piece.deployment].base_model)
        assert kind is not None  # noqa: S101 - only such pieces were made
        plain = _Charge(
            periods.local_day(piece.start, zone), piece.deployment, kind, piece.reservation
        )
        charge = _charge(plain, prices.term(piece.deployment, piece.start), prices, piece.start)
        summed[charge] = summed.get(charge, 0) + piece.unit_minutes
    return (_row(charge, minutes) for charge, minutes in summed.items())


def _charge(plain: _Charge, term: Term | None, prices: Prices, at: datetime) -> _Charge:
    if term is None:
        return plain
    listed = replace(plain, price_id=term.price_id, list_unit_price=term.list_unit_price)
    if plain.reservation_id is not None or term.unit_price is None:
        return listed
    return replace(
        listed,
        sheet_line_id=term.sheet_line_id,
        markup_line_id=term.markup_line_id,
        unit_price=term.unit_price,
        currency=term.currency or "",
        rate=prices.rate(term.currency, at),
    )


def _row(charge: _Charge, minutes: int) -> CapacityRow:
    at_list = charge.list_unit_price
    cost = None if charge.reservation_id is None else Decimal(0)
    if charge.unit_price is not None and charge.rate:
        cost = rules.cost(minutes, charge.unit_price, charge.rate.rate)
    return CapacityRow(
        day=charge.day,
        deployment_id=charge.deployment_id,
        kind=charge.kind.value,
        reservation_id=charge.reservation_id,
        price_id=charge.price_id,
        sheet_line_id=charge.sheet_line_id,
        markup_line_id=charge.markup_line_id,
        exchange_rate_id=charge.rate.id if charge.rate else None,
        unit_price=charge.unit_price,
        price_currency=charge.currency,
        unit_minutes=minutes,
        list_cost=None if at_list is None else rules.cost(minutes, at_list),
        cost=cost,
    )


def _amortized(
    found: Iterable[Piece],
    bought: Mapping[int, Reservation],
    prices: Prices,
    zone: str,
    until: datetime,
) -> Iterable[ReservationRow]:
    """Each reservation's share of its cost in each day, by who used it; unused comes last."""
    used: dict[tuple[int, date], dict[int | None, int]] = {}
    for piece in found:
        if piece.reservation is not None:
            key = (piece.reservation, periods.local_day(piece.start, zone))
            who = used.setdefault(key, {})
            who[piece.deployment] = who.get(piece.deployment, 0) + piece.unit_minutes
    for (reservation, day), who in sorted(used.items(), key=lambda item: item[0]):
        row = bought[reservation]
        users = sorted(who, key=lambda user: (user is None, user or 0))
        minutes = {user: who[user] for user in users}
        whole = EXACT.multiply(row.unit_price, Decimal(row.units))
        rate = prices.rate(row.currency, row.starts_at)
        amounts = rules.apportioned(_of_day(row, whole, day, zone, until), minutes)
        costs: Mapping[int | None, Decimal] = {}
        if rate:
            in_billing = rules.stored(EXACT.multiply(whole, rate.rate))
            costs = rules.apportioned(_of_day(row, in_billing, day, zone, until), minutes)
        for user in users:
            yield ReservationRow(
                day=day,
                reservation_id=reservation,
                deployment_id=user,
                exchange_rate_id=rate.id if rate else None,
                unit_minutes=minutes[user],
                amount=amounts[user],
                cost=costs.get(user),
            )


def _of_day(row: Reservation, whole: Decimal, day: date, zone: str, until: datetime) -> Decimal:
    """What of a whole falls on a local day of the term, up to an instant."""
    term = (whole_minute(row.starts_at), whole_minute(row.ends_at))
    ends = min(periods.midnight(day + timedelta(days=1), zone), until)
    return EXACT.subtract(
        rules.amortized(whole, term, ends),
        rules.amortized(whole, term, periods.midnight(day, zone)),
    )

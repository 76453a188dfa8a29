"""Reservations of throughput units: bought by a person at the list's price or a negotiated one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing import exchange
from billing.models import Price, Reservation
from billing.price_terms import LIST_CURRENCY
from billing.prices import capacity_meters, meters
from billing.rules import capacity_meters as rules
from billing.rules.capacity import Pool, Term, whole_minute
from tenancy import audit, tenants
from tenancy.refusals import Invalid, NotFound, Refused

LIST = "price list"


class NameTaken(Refused):
    code = "reservation-name-taken"
    status = 409
    field = "name"
    text = "There is a reservation {name} with other terms. Choose another name, or withdraw it."


class NotListed(Refused):
    code = "reservation-not-listed"
    status = 400
    field = "unit_price"
    text = (
        "The price list has no reservation of {term} for {scope} units in {region}. Give the"
        " price per unit for the whole term."
    )


class NoRate(Refused):
    code = "no-exchange-rate"
    status = 400
    field = "currency"
    text = (
        "There is no exchange rate from {currency} to {billing} at the start of the term. Set one"
        " under Prices → Exchange rates."
    )


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants to enter. No ``unit_price``: the list's, in the list's currency."""

    name: str
    units: int
    pool: Pool
    term: Term
    starts_at: datetime
    unit_price: Decimal | None = None
    currency: str = LIST_CURRENCY
    source: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the list asks for a unit of a pool for a whole term."""

    pool: Pool
    term: Term
    price: Price


def offer(pool: Pool, term: Term, *, at: datetime) -> Offer | None:
    """The list's offer at an instant.

    None: the list has none, or meters of several products with different prices.
    """
    listed = meters.readings({pool.region})[pool.region]
    prices = capacity_meters.reservation_prices(rules.reserved(pool.scope, listed), term, at=at)
    if len({price.listed_price for price in prices}) != 1:
        return None
    return Offer(pool, term, prices[0])


def purchase(wish: Wish, *, by: str, at: datetime) -> Reservation:
    """Enter a reservation that was bought. The same again changes nothing.

    Raises:
        Invalid: a value is not of its kind; names the field.
        NotListed: no price is given, and the list has none.
        NoRate: its currency cannot be turned into the billing currency.
        NameTaken: there is another of this name.
    """
    row = _row(wish, by=by, at=at)
    held = Reservation.objects.filter(name=row.name).first()
    if held:
        if held.withdrawn_at is None and _terms(held) == _terms(row):
            return held
        raise NameTaken(name=row.name)
    row.full_clean(validate_unique=False, validate_constraints=False)
    row.save()
    audit.record("reservation.purchase", row.name, by=by, at=at, after=_told(row))
    return row


def withdraw(name: str, *, by: str, at: datetime, reason: str) -> Reservation:
    """Have a reservation that was entered wrongly count for nothing, in open months.

    Raises:
        NotFound: there is none of this name that still counts.
    """
    row = Reservation.objects.filter(name=name, withdrawn_at=None).first()
    if row is None:
        raise NotFound(kind="reservation")
    row.withdrawn_by, row.withdrawn_at = by, at
    row.save(update_fields=["withdrawn_by", "withdrawn_at"])
    audit.record("reservation.withdraw", name, by=by, at=at, before=_told(row), reason=reason)
    return row


def all_of_tenant() -> tuple[Reservation, ...]:
    """Every reservation that counts, the newest first."""
    return tuple(Reservation.objects.filter(withdrawn_at=None).order_by("-starts_at", "name"))


def _row(wish: Wish, *, by: str, at: datetime) -> Reservation:
    if wish.units < 1:
        raise Invalid(field="units", fix="Give the number of throughput units, from 1 on.")
    listed = offer(wish.pool, wish.term, at=wish.starts_at)
    price, currency, source = wish.unit_price, wish.currency, wish.source
    if price is None:
        if listed is None:
            raise NotListed(term=wish.term.label, scope=wish.pool.scope, region=wish.pool.region)
        price, currency, source = listed.price.listed_price, LIST_CURRENCY, source or LIST
    if price < 0:
        raise Invalid(field="unit_price", fix="Give an amount that is not negative.")
    if not source:
        raise Invalid(field="source", fix="Say what the price is taken from.")
    starts_at = whole_minute(wish.starts_at)
    _must_convert(currency, starts_at)
    return Reservation(
        name=wish.name,
        units=wish.units,
        scope=wish.pool.scope.value,
        region=wish.pool.region,
        term=wish.term.value,
        starts_at=starts_at,
        ends_at=wish.term.end(starts_at),
        unit_price=price,
        currency=currency,
        list_price=listed.price if listed else None,
        source=source,
        purchased_by=by,
        purchased_at=at,
    )


def _must_convert(currency: str, at: datetime) -> None:
    billing = tenants.billing().currency
    if exchange.rate_at(currency, billing, at=at) is None:
        raise NoRate(currency=currency, billing=billing)


def _terms(row: Reservation) -> tuple[object, ...]:
    bought = (row.units, row.scope, row.region, row.term, row.starts_at)
    return (*bought, row.unit_price, row.currency)


def _told(row: Reservation) -> dict[str, object]:
    names = ("units", "scope", "region", "term", "starts_at", "ends_at", "unit_price", "currency")
    return {name: getattr(row, name) for name in (*names, "source")}

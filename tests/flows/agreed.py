"""What a meter costs at an instant, reckoned anew from a few plain values, one line after another.

Independent of the product: nothing here is shared with the statement it is held against.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext


@dataclass(frozen=True)
class Stated:
    """A list price as a load stated it."""

    meter: int
    since: datetime
    load: int
    unit_price: Decimal
    doubted: bool
    verdict: str | None


@dataclass(frozen=True)
class Offer:
    """A line with the dates of its sheet. ``rank`` grows with the sheets' ids and the lines."""

    id: int
    kind: str
    since: datetime
    until: datetime | None
    rank: tuple[int, int]
    meter: int | None
    product: str
    name: str
    region: str
    currency: str
    unit_price: Decimal | None
    percent: Decimal | None


@dataclass(frozen=True)
class Thing:
    """A meter."""

    id: int
    product: str
    name: str
    region: str


@dataclass(frozen=True)
class Cost:
    """What a meter costs, and what made it so."""

    unit_price: Decimal | None
    currency: str | None
    list_price: Decimal | None
    line: int | None
    markup: int | None


def cost(
    thing: Thing, at: datetime, prices: Sequence[Stated], offers: Sequence[Offer]
) -> Cost | None:
    """None where nothing at all has been said of the meter by then."""
    listed = _listed(thing, at, prices)
    holding = [one for one in offers if _holds(one, at) and _fits(one, thing)]
    own = _first([one for one in holding if one.kind != "markup"])
    markup = _first([one for one in holding if one.kind == "markup"])
    if listed is None and own is None and markup is None:
        return None
    price, currency = listed, "USD" if listed is not None else None
    with localcontext(prec=80):
        if own is not None and own.kind == "exact":
            price, currency = own.unit_price, own.currency
        elif own is not None and price is not None and own.percent is not None:
            price = price - price * own.percent / 100
        if markup is not None and price is not None and markup.percent is not None:
            price = price + price * markup.percent / 100
        if price is not None:
            price = price.quantize(Decimal("1e-15"), rounding=ROUND_HALF_UP)
    return Cost(price, currency, listed, own.id if own else None, markup.id if markup else None)


def _listed(thing: Thing, at: datetime, prices: Sequence[Stated]) -> Decimal | None:
    believed = [
        one
        for one in prices
        if one.meter == thing.id
        and one.since <= at
        and (one.verdict == "accepted" if one.verdict else not one.doubted)
    ]
    newest = max(believed, key=lambda one: (one.since, one.load), default=None)
    return newest.unit_price if newest else None


def _holds(offer: Offer, at: datetime) -> bool:
    return offer.since <= at and (offer.until is None or at < offer.until)


def _fits(offer: Offer, thing: Thing) -> bool:
    if offer.kind == "exact":
        return offer.meter == thing.id
    return all(
        _like(wanted, said)
        for wanted, said in (
            (offer.product, thing.product),
            (offer.name, thing.name),
            (offer.region, thing.region),
        )
    )


def _like(wanted: str, said: str) -> bool:
    """``*`` stands for anything; nothing at all lets everything pass."""
    if not wanted:
        return True
    pattern = ".*".join(re.escape(part) for part in wanted.lower().split("*"))
    return re.fullmatch(pattern, said.lower(), re.DOTALL) is not None


def _first(offers: Sequence[Offer]) -> Offer | None:
    """The one that counts: exact, then by what its filter names, then the newest."""
    return max(offers, key=lambda one: tuple(_weight(one)), default=None)


def _weight(offer: Offer) -> Iterator[object]:
    yield offer.kind == "exact"
    yield bool(offer.name)
    yield bool(offer.product)
    yield bool(offer.region)
    yield offer.since
    yield offer.rank

"""Capacity by the minute: what was held, what reservations covered, what of them stayed unused.

Pure. Everything is counted in unit-minutes, whole numbers: sixty make the unit-hour that the
price list sells. Instants are cut to the minute before they come here (`whole_minute`).
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar

from billing.rules.meters.meanings import Scope
from tenancy.money import EXACT

MINUTES_AN_HOUR = 60
_MINUTE = timedelta(minutes=1)
_STORED = Decimal("1e-18")
_Key = TypeVar("_Key")


class Kind(StrEnum):
    """What is paid by the hour of a deployment."""

    PROVISIONED = "provisioned"
    HOSTING = "hosting"

    @property
    def label(self) -> str:
        return {"provisioned": "provisioned throughput", "hosting": "hosting"}[self.value]


class Term(StrEnum):
    """For how long a reservation is bought, as the price list writes it."""

    MONTH = "1 Month"
    YEAR = "1 Year"

    @property
    def label(self) -> str:
        return self.value.lower()

    @property
    def months(self) -> int:
        return {"1 Month": 1, "1 Year": 12}[self.value]

    def end(self, start: datetime) -> datetime:
        """The instant before which a term that begins at ``start`` ends, by the calendar in UTC.

        One that begins on a day which its last month lacks ends on that month's last day.
        """
        years, month = divmod(start.month - 1 + self.months, 12)
        year = start.year + years
        day = min(start.day, calendar.monthrange(year, month + 1)[1])
        return start.replace(year=year, month=month + 1, day=day)


#: The deployment types that are paid by the throughput unit, and where they may be served.
PROVISIONED = {
    "GlobalProvisionedManaged": Scope.GLOBAL,
    "DataZoneProvisionedManaged": Scope.DATA_ZONE,
    "ProvisionedManaged": Scope.REGIONAL,
}
#: Those on which a fine-tuned model is hosted for a price by the hour. The developer tier has none.
HOSTED = {
    "GlobalStandard": Scope.GLOBAL,
    "DataZoneStandard": Scope.DATA_ZONE,
    "Standard": Scope.REGIONAL,
}


def kind_of(sku: str, *, base_model: str) -> Kind | None:
    """What of a deployment of this type is paid by the hour; None where only its use is."""
    if sku in PROVISIONED:
        return Kind.PROVISIONED
    return Kind.HOSTING if base_model and sku in HOSTED else None


def scope_of(sku: str) -> Scope:
    """Where a deployment of a type that is paid by the hour may be served."""
    return PROVISIONED.get(sku) or HOSTED[sku]


@dataclass(frozen=True, slots=True)
class Pool:
    """What a reservation covers: deployments of this scope in this region."""

    scope: Scope
    region: str


@dataclass(frozen=True, slots=True)
class Held:
    """From ``start`` to before ``end`` a deployment held this many units.

    ``pool`` None: it is of a kind that nobody can reserve.
    """

    deployment: int
    pool: Pool | None
    units: int
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Commitment:
    """A reservation, by its id."""

    reservation: int
    pool: Pool
    units: int
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Piece:
    """Units over a time in which nothing changes.

    ``reservation`` None: not covered. ``deployment`` None: reserved, and used by nobody.
    """

    deployment: int | None
    reservation: int | None
    units: int
    start: datetime
    end: datetime

    @property
    def unit_minutes(self) -> int:
        return self.units * minutes(self.start, self.end)


def whole_minute(instant: datetime) -> datetime:
    """The minute that an instant lies in."""
    return instant.replace(second=0, microsecond=0)


def minutes(start: datetime, end: datetime) -> int:
    """Whole minutes between two instants."""
    return (end - start) // _MINUTE


def pieces(
    held: Sequence[Held], commitments: Sequence[Commitment], *, edges: Iterable[datetime]
) -> tuple[Piece, ...]:
    """What was held and reserved, cut at every change and at ``edges``, in order of time.

    At each minute a pool's reserved units cover its deployed ones, as far as they go, in
    proportion to the units deployed (largest remainder, ties to the lower id); how much of which
    reservation is used is shared out in the same way.
    """
    pools: dict[Pool | None, tuple[list[Held], list[Commitment]]] = {}
    for one in held:
        pools.setdefault(one.pool, ([], []))[0].append(one)
    for bought in commitments:
        pools.setdefault(bought.pool, ([], []))[1].append(bought)
    given = sorted(set(edges))
    found = [
        piece for in_pool, reserved in pools.values() for piece in _swept(in_pool, reserved, given)
    ]
    return tuple(sorted(found, key=_order))


def _order(piece: Piece) -> tuple[datetime, int, int]:
    return (piece.start, piece.deployment or 0, piece.reservation or 0)


def _swept(
    held: Sequence[Held], commitments: Sequence[Commitment], edges: Sequence[datetime]
) -> Iterator[Piece]:
    spans: list[Held | Commitment] = [*held, *commitments]
    first, last = min(one.start for one in spans), max(one.end for one in spans)
    changes = {instant for one in spans for instant in (one.start, one.end)}
    changes |= {edge for edge in edges if first < edge < last}
    for start, end in pairwise(sorted(changes)):
        deployed = {one.deployment: one.units for one in held if one.start <= start < one.end}
        reserved = {
            one.reservation: one.units for one in commitments if one.start <= start < one.end
        }
        for piece in _covered(deployed, reserved):
            yield replace(piece, start=start, end=end)


def _covered(deployed: Mapping[int, int], reserved: Mapping[int, int]) -> Iterator[Piece]:
    """At one moment: who is covered by which reservation, who is not, and what is unused."""
    nowhen = datetime.min  # noqa: DTZ901 - replaced by the caller
    covered = min(sum(deployed.values()), sum(reserved.values()))
    takes = shared(covered, deployed)
    gives = shared(covered, reserved)
    for deployment, units in deployed.items():
        if rest := units - takes[deployment]:
            yield Piece(deployment, None, rest, nowhen, nowhen)
    for reservation, units in reserved.items():
        if rest := units - gives[reservation]:
            yield Piece(None, reservation, rest, nowhen, nowhen)
    for deployment, reservation, units in _paired(takes, gives):
        yield Piece(deployment, reservation, units, nowhen, nowhen)


def shared(whole: int, weights: Mapping[int, int]) -> dict[int, int]:
    """A whole number in parts proportional to weights that sum to at least it, none above its own.

    Largest remainder; ties go to the lower key.
    """
    total = sum(weights.values())
    if not total:
        return dict.fromkeys(weights, 0)
    parts = {key: whole * weight // total for key, weight in weights.items()}
    lost = {key: whole * weight % total for key, weight in weights.items()}
    order = sorted(weights, key=lambda key: (-lost[key], key))
    for key in order[: whole - sum(parts.values())]:
        parts[key] += 1
    return parts


def _paired(takes: Mapping[int, int], gives: Mapping[int, int]) -> Iterator[tuple[int, int, int]]:
    """Who takes how much from whom, both sides in the order of their ids; the sums are equal."""
    givers = [[key, units] for key, units in sorted(gives.items()) if units]
    for taker, wanted in sorted(takes.items()):
        while wanted:
            giver, left = givers[0]
            units = min(wanted, left)
            yield taker, giver, units
            wanted -= units  # noqa: PLW2901 - what is still wanted
            givers[0][1] -= units
            if not givers[0][1]:
                givers.pop(0)


def cost(unit_minutes: int, hourly: Decimal, rate: Decimal = Decimal(1)) -> Decimal:
    """What unit-minutes cost at a price for the unit-hour, exact to the digits that are stored."""
    product = EXACT.multiply(EXACT.multiply(Decimal(unit_minutes), hourly), rate)
    return stored(EXACT.divide(product, Decimal(MINUTES_AN_HOUR)))


def stored(amount: Decimal) -> Decimal:
    """An amount with the digits that the database keeps."""
    return amount.quantize(_STORED, context=EXACT)


def amortized(whole: Decimal, term: tuple[datetime, datetime], until: datetime) -> Decimal:
    """Of a whole that is spread evenly over the minutes of a term, what falls before an instant.

    Zero before the term, all of it after. The amount of a part of the term is the difference of
    two of these: so that the parts of any division sum to the whole, to the last digit.
    """
    start, end = term
    gone = minutes(start, min(max(until, start), end))
    share = EXACT.divide(EXACT.multiply(whole, Decimal(gone)), Decimal(minutes(start, end)))
    return stored(share)


def apportioned(whole: Decimal, weights: Mapping[_Key, int]) -> dict[_Key, Decimal]:
    """An amount in parts proportional to whole numbers, in their order; they sum to it exactly."""
    total, so_far, given = sum(weights.values()), 0, Decimal(0)
    parts: dict[_Key, Decimal] = {}
    for key, weight in weights.items():
        so_far += weight
        up_to = stored(EXACT.divide(EXACT.multiply(whole, Decimal(so_far)), Decimal(total)))
        parts[key] = EXACT.subtract(up_to, given)
        given = up_to
    return parts

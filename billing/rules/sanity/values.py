"""What is looked at, and what is said of it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from billing.rules.meters import families, reading
from billing.rules.meters.families import Alike
from billing.rules.meters.meanings import UnitKind
from billing.rules.meters.reading import Unread


class Rule(StrEnum):
    """Why a price is doubted. The codes are stored: they stay."""

    INPUT_ABOVE_OUTPUT = "input-above-output"
    CACHED_ABOVE_INPUT = "cached-above-input"
    MINI_ABOVE_FULL = "mini-above-full"
    DATA_ZONE_BELOW_GLOBAL = "data-zone-below-global"
    REGIONAL_BELOW_GLOBAL = "regional-below-global"
    BATCH_ABOVE_STANDARD = "batch-above-standard"
    PRIORITY_BELOW_STANDARD = "priority-below-standard"
    LONG_BELOW_SHORT = "long-below-short"
    REGION_APART = "region-apart"
    OUTLIER = "outlier"
    JUMP = "jump"
    CURRENCY_CHANGE = "currency-change"
    UNIT_CHANGE = "unit-change"
    NAME_AGAINST_UNIT = "name-against-unit"
    TIERED = "tiered"


@dataclass(frozen=True, slots=True)
class Listed:
    """A pay-as-you-go price of the list, per single unit; ``key`` is the caller's, unique.

    ``from_units`` is where its band of volume begins: a meter with a band above 0 is tiered.
    """

    key: str
    product_name: str
    meter_name: str
    region: str
    unit_of_measure: str
    unit_price: Decimal
    effective_from: datetime
    currency: str
    from_units: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Former:
    """The price of the same meter that is in force."""

    unit_price: Decimal
    currency: str
    unit_of_measure: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a person should look, in one sentence with the figures and their counterpart."""

    rule: Rule
    says: str


@dataclass(frozen=True, slots=True)
class Found:
    """A doubt with what it is about, and how far off the price is: the furthest is told."""

    listed: Listed
    rule: Rule
    off: Decimal
    says: str


#: By product, name, unit of measure and currency, the prices of a meter in its regions.
Meters = Mapping[tuple[str, str, str, str], Sequence[Listed]]


def by_meter(market: Iterable[Listed]) -> Meters:
    """The prices of a list, each with its meter's others of the same currency."""
    meters: dict[tuple[str, str, str, str], list[Listed]] = defaultdict(list)
    for at in market:
        meters[at.product_name, at.meter_name, at.unit_of_measure, at.currency].append(at)
    return meters


@lru_cache(maxsize=16384)
def read(product: str, name: str, unit: str) -> Alike | Unread:
    """What a meter's name says. Lists repeat each name for every region: it is remembered."""
    says = reading.read(product, name, unit_of_measure=unit)
    return says if isinstance(says, Unread) else families.alike(says)


def per_token(listed: Listed) -> bool:
    """Whether it is known to be the price of a model's tokens."""
    says = read(listed.product_name, listed.meter_name, listed.unit_of_measure)
    return isinstance(says, Alike) and says.unit is UnitKind.TOKEN


def comparable(prices: Iterable[Listed]) -> list[Listed]:
    """What is compared: not a further band of volume, nor what cannot be a price."""
    return [listed for listed in prices if not listed.from_units and listed.unit_price >= 0]

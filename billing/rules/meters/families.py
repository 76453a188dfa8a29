"""Which readings are alike but for one thing, and how far apart their prices usually are. Pure.

The usual ratios are measured on the price lists of August 2025 and August 2026, rounded
outwards, without the lists' known errors; ``docs/doubtful-prices.md`` has the figures. They say
nothing about what a name means: they only tell which price of a family does not fit the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum
from typing import NamedTuple

from billing.rules.meters import meanings
from billing.rules.meters.meanings import Capability, MeterClass, Modality, Scope, Tier
from billing.rules.meters.reading import Reading

#: What a price for a thousand taken for one for a million, or the reverse, is wrong by.
MISTAKEN = Decimal(1000)
_TWO_DIGITS = Context(prec=2, rounding=ROUND_HALF_EVEN)


class Kind(StrEnum):
    """What one price of a pair is to the other."""

    CACHED_INPUT = "cached input to input"
    CACHED_OUTPUT = "cached input to output"
    CACHE_WRITE = "cache write to input"
    INPUT_OUTPUT = "input to output"
    SMALLER = "a smaller model to the larger one"
    DATA_ZONE_GLOBAL = "data zone to global"
    REGIONAL_GLOBAL = "regional to global"
    REGIONAL_DATA_ZONE = "regional to data zone"
    UNSAID_REGIONAL = "no scope named to regional"
    BATCH = "batch to standard"
    PRIORITY = "priority to standard"
    DEVELOPER = "developer tier to standard"
    LONG_CONTEXT = "long context to short"
    AUDIO_TEXT = "audio to text"
    IMAGE_TEXT = "image to text"
    DATED = "one version to the model without a version"
    TUNED = "fine-tuned to plain"
    REGION = "one region to another"


@dataclass(frozen=True, slots=True)
class Usual:
    """The ratios seen, and the bounds beyond which a price is taken for mistaken a thousandfold.

    Each bound is half-way, in orders of magnitude, between the furthest ratio seen and the
    nearest to which such a mistake can bring a price: as far from a false alarm as from a miss.
    """

    low: Decimal
    high: Decimal

    @property
    def least(self) -> Decimal:
        """Below it, a price is mistaken."""
        return _TWO_DIGITS.sqrt(self.low * self.high / MISTAKEN)

    @property
    def most(self) -> Decimal:
        """Above it, a price is mistaken."""
        return _TWO_DIGITS.sqrt(self.low * self.high * MISTAKEN)


def _usual(low: str, high: str) -> Usual:
    return Usual(Decimal(low), Decimal(high))


USUAL: Mapping[Kind, Usual] = {
    Kind.CACHED_INPUT: _usual("0.0125", "0.56"),
    Kind.CACHED_OUTPUT: _usual("0.006", "0.25"),
    Kind.CACHE_WRITE: _usual("1", "2"),
    Kind.INPUT_OUTPUT: _usual("0.125", "1"),
    Kind.SMALLER: _usual("0.04", "1.11"),
    Kind.DATA_ZONE_GLOBAL: _usual("1", "1.25"),
    Kind.REGIONAL_GLOBAL: _usual("1", "2"),
    Kind.REGIONAL_DATA_ZONE: _usual("0.9", "1.82"),
    Kind.UNSAID_REGIONAL: _usual("0.75", "1"),
    Kind.BATCH: _usual("0.5", "0.55"),
    Kind.PRIORITY: _usual("1.75", "2.5"),
    Kind.DEVELOPER: _usual("0.5", "1"),
    Kind.LONG_CONTEXT: _usual("1.5", "2"),
    Kind.AUDIO_TEXT: _usual("1", "67"),
    Kind.IMAGE_TEXT: _usual("1.25", "4"),
    Kind.DATED: _usual("0.125", "1"),
    Kind.TUNED: _usual("0.33", "1"),
    Kind.REGION: _usual("0.7", "1.4"),
}


class Alike(NamedTuple):
    """All that a reading says, without why: two meters of which it is equal are twins."""

    vendor: meanings.Vendor
    model: str | None
    version: str | None
    capability: Capability
    modality: Modality
    meter_class: MeterClass
    scope: Scope
    tier: Tier
    context: meanings.Context
    unit: meanings.UnitKind
    marks: tuple[str, ...]


def alike(says: Reading) -> Alike:
    """What tells this meter from others."""
    return Alike(*(getattr(says, name) for name in Alike._fields))


def relatives(says: Alike) -> Iterator[tuple[Kind, Alike]]:
    """The meters that differ from this one in one thing; each pair from one of its sides."""
    for kind, meter_class in _CLASSES.get(says.meter_class, ()):
        yield kind, says._replace(meter_class=meter_class)
    for kind, scope in _SCOPES.get(says.scope, ()):
        yield kind, says._replace(scope=scope)
    if says.tier in _TIERS:
        yield _TIERS[says.tier], says._replace(tier=Tier.STANDARD)
    if says.modality in _MODALITIES:
        yield _MODALITIES[says.modality], says._replace(modality=Modality.TEXT)
    if says.context is meanings.Context.LONG:
        for context in (meanings.Context.SHORT, meanings.Context.ANY):
            yield Kind.LONG_CONTEXT, says._replace(context=context)
    yield from _of_the_model(says)


def _of_the_model(says: Alike) -> Iterator[tuple[Kind, Alike]]:
    if says.version:
        yield Kind.DATED, says._replace(version=None)
    if says.capability is Capability.TUNED:
        yield Kind.TUNED, says._replace(capability=Capability.CHAT)
    for model in _larger(says.model or ""):
        yield Kind.SMALLER, says._replace(model=model)


_CLASSES: Mapping[MeterClass, tuple[tuple[Kind, MeterClass], ...]] = {
    MeterClass.CACHED_INPUT: (
        (Kind.CACHED_INPUT, MeterClass.INPUT),
        (Kind.CACHED_OUTPUT, MeterClass.OUTPUT),
    ),
    MeterClass.CACHE_WRITE: ((Kind.CACHE_WRITE, MeterClass.INPUT),),
    MeterClass.INPUT: ((Kind.INPUT_OUTPUT, MeterClass.OUTPUT),),
}
_SCOPES: Mapping[Scope, tuple[tuple[Kind, Scope], ...]] = {
    Scope.DATA_ZONE: ((Kind.DATA_ZONE_GLOBAL, Scope.GLOBAL),),
    Scope.REGIONAL: (
        (Kind.REGIONAL_GLOBAL, Scope.GLOBAL),
        (Kind.REGIONAL_DATA_ZONE, Scope.DATA_ZONE),
    ),
    Scope.UNSAID: ((Kind.UNSAID_REGIONAL, Scope.REGIONAL),),
}
_TIERS: Mapping[Tier, Kind] = {
    Tier.BATCH: Kind.BATCH,
    Tier.PRIORITY: Kind.PRIORITY,
    Tier.DEVELOPER: Kind.DEVELOPER,
}
_MODALITIES: Mapping[Modality, Kind] = {
    Modality.AUDIO: Kind.AUDIO_TEXT,
    Modality.IMAGE: Kind.IMAGE_TEXT,
}


def _larger(model: str) -> Iterator[str]:
    """The model's names without its size: nano is held against mini and full, mini against full.

    A full model's larger one is its pro.
    """
    words = model.split("-")
    for place, word in enumerate(words):
        before, after = words[:place], words[place + 1 :]
        if word in ("mini", "nano"):
            yield "-".join((*before, *after))
        if word == "nano":
            yield "-".join((*before, "mini", *after))
    if model and not {"mini", "nano", "pro"} & set(words):
        yield f"{model}-pro"

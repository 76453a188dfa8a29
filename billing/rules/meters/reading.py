"""Reads the name of a meter of the price list: every word of it, or not at all. Pure.

``GPT 5.2 chat opt Gl 1M Tokens``, ``gpt 4.1 mini Inp regnl Tokens``, ``5.4 longco batch cd inp
Gl 1M Tokens``: names are written by hand. A reading says what the name says and why; a name
with a word that is not in the vocabulary, or that leaves something open, is *unread*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from billing.rules.meters import charges, grammar, model_names, products
from billing.rules.meters.charges import Charge
from billing.rules.meters.grammar import NotUnderstoodError, Rule, Said, Word
from billing.rules.meters.meanings import (
    Capability,
    Context,
    MeterClass,
    Modality,
    Scope,
    Tier,
    UnitKind,
    Vendor,
    Why,
)
from billing.rules.meters.model_names import Model
from billing.rules.meters.products import Product
from billing.rules.meters.vocabulary import Slot
from billing.rules.token_classes import LONG, TokenClass


@dataclass(frozen=True, slots=True)
class Explained:
    """A word of a name as it is written there, what it means, and by which rule."""

    word: str
    meaning: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class Reading:
    """What a name says. ``model`` is None for tools and capacity: any model of the vendor.

    ``version`` is the snapshot as written (MMDD, or MMDDYYYY). ``marks`` are words that tell
    the meter from others: two readings that differ in them are two meters.
    """

    vendor: Vendor
    model: str | None
    version: str | None
    capability: Capability
    modality: Modality
    meter_class: MeterClass
    scope: Scope
    tier: Tier
    context: Context
    unit: UnitKind
    marks: tuple[str, ...]
    explanation: tuple[Explained, ...]

    @property
    def token_class(self) -> TokenClass | None:
        """The class of usage that is charged by it; None: capacity, hosting, grading, storage."""
        return next(iter(self.token_classes), None)

    @property
    def token_classes(self) -> tuple[TokenClass, ...]:
        """All of them: a meter of input and output prices two."""
        if self.capability is Capability.GRADING:
            return ()
        if self.unit is not UnitKind.TOKEN:
            thing = _THINGS.get((self.meter_class, self.unit))
            return (thing,) if thing else ()
        plain = _TOKENS.get((self.meter_class, self.modality), ())
        if self.context is Context.LONG:
            return tuple(LONG.get(one, one) for one in plain)
        return plain

    @property
    def units_per_price(self) -> int:
        """How many of the class's units its own unit holds: the seconds of an hour, else one."""
        return _SECONDS if self.meter_class is MeterClass.TRANSCRIBED else 1


@dataclass(frozen=True, slots=True)
class Unread:
    """Why a name says nothing one may rely on, and the words at which the reading stopped."""

    why: Why
    because: str
    words: tuple[str, ...]


_SECONDS = 3600
_TEXT, _AUDIO, _IMAGE, _ANY = Modality.TEXT, Modality.AUDIO, Modality.IMAGE, Modality.ANY
#: The classes of usage whose tokens a meter counts, by its own class and modality.
_TOKENS: Mapping[tuple[MeterClass, Modality], tuple[TokenClass, ...]] = {
    (MeterClass.INPUT, _TEXT): (TokenClass.INPUT,),
    (MeterClass.CACHED_INPUT, _TEXT): (TokenClass.CACHED_INPUT,),
    (MeterClass.CACHE_WRITE, _TEXT): (TokenClass.CACHE_WRITE,),
    (MeterClass.OUTPUT, _TEXT): (TokenClass.OUTPUT,),
    (MeterClass.WHOLE, _TEXT): (TokenClass.INPUT, TokenClass.OUTPUT),
    (MeterClass.EMBEDDED, _TEXT): (TokenClass.INPUT,),
    (MeterClass.EMBEDDED, _IMAGE): (TokenClass.IMAGE_INPUT,),
    (MeterClass.INPUT, _AUDIO): (TokenClass.AUDIO_INPUT,),
    (MeterClass.CACHED_INPUT, _AUDIO): (TokenClass.CACHED_AUDIO_INPUT,),
    (MeterClass.OUTPUT, _AUDIO): (TokenClass.AUDIO_OUTPUT,),
    (MeterClass.INPUT, _IMAGE): (TokenClass.IMAGE_INPUT,),
    (MeterClass.CACHED_INPUT, _IMAGE): (TokenClass.CACHED_IMAGE_INPUT,),
    (MeterClass.OUTPUT, _IMAGE): (TokenClass.IMAGE_OUTPUT,),
    (MeterClass.TRAINED, _ANY): (TokenClass.TRAINING,),
}
_THINGS: Mapping[tuple[MeterClass, UnitKind], TokenClass] = {
    (MeterClass.GENERATED_IMAGE, UnitKind.IMAGE): TokenClass.IMAGES,
    (MeterClass.TRANSCRIBED, UnitKind.HOUR): TokenClass.AUDIO_SECONDS,
    (MeterClass.GENERATED_VIDEO, UnitKind.SECOND): TokenClass.VIDEO_SECONDS,
    (MeterClass.CHARACTER, UnitKind.CHARACTER): TokenClass.CHARACTERS,
    (MeterClass.PAGE, UnitKind.PAGE): TokenClass.PAGES,
    (MeterClass.SEARCH, UnitKind.SEARCH): TokenClass.SEARCHES,
    (MeterClass.SESSION, UnitKind.SESSION): TokenClass.SESSIONS,
    (MeterClass.CALL, UnitKind.CALL): TokenClass.CALLS,
}


@lru_cache(maxsize=16384)
def read(product_name: str, meter_name: str, *, unit_of_measure: str) -> Reading | Unread:
    """What the name of a meter says, or why it cannot be relied on.

    The price list repeats each name for every region: readings are remembered.
    """
    product = products.find(product_name)
    if product is None:
        return Unread(Why.NOT_A_MODEL_PRODUCT, f"{product_name} does not sell models", ())
    try:
        return _read(product, meter_name, unit_of_measure)
    except NotUnderstoodError as stopped:
        return Unread(stopped.why, stopped.because, stopped.words)


def _read(product: Product, meter_name: str, unit_of_measure: str) -> Reading:
    words = grammar.words(meter_name, product)
    said = Said(words)
    model = grammar.model(said, product)
    charge = charges.charge(said, model, product, unit_of_measure=unit_of_measure)
    context = Context(said.one(Slot.CONTEXT) or Context.ANY)
    return Reading(
        vendor=model.vendor or product.vendor,
        model=_name(model, context, charge, said),
        version=said.one(Slot.SNAPSHOT),
        capability=charge.capability,
        modality=charge.modality,
        meter_class=charge.meter_class,
        scope=charges.scope(said, charge.capability, product),
        tier=charges.tier(said, charge.capability),
        context=context,
        unit=charge.unit,
        marks=_marks(said),
        explanation=_explanation(words),
    )


def _name(model: Model, context: Context, charge: Charge, said: Said) -> str | None:
    """The model as Azure's deployments call it, which for some is by their band of context."""
    if "{context}" in model.name:
        if context is Context.ANY:
            raise NotUnderstoodError(Why.INCOMPLETE, "the model's context length is not said")
        return model.name.format(context=context.lower())
    plain = charge.capability is Capability.CHAT and not said.all(Slot.SNAPSHOT)
    by_context = model_names.NAMED_BY_CONTEXT.get((model.name, context)) if plain else None
    return by_context or model.name or None


def _marks(said: Said) -> tuple[str, ...]:
    tuning = [kind for kind in said.all(Slot.TUNING) if kind != "ft"]
    marks = (*said.all(Slot.MARK), *tuning)
    if len(set(marks)) < len(marks):
        raise NotUnderstoodError(Why.AMBIGUOUS, "the name says a mark twice", *marks)
    return tuple(sorted(marks))


def _explanation(words: Sequence[Word]) -> tuple[Explained, ...]:
    return tuple(Explained(word.spelling, _meaning(word), word.rule) for word in words)


def _meaning(word: Word) -> str:
    note = f" ({word.sense.note})" if word.sense.note else ""
    return f"{word.sense.slot}: {word.sense.meaning}{note}"

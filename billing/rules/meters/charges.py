"""What a meter charges for, from what its name says: the rules after the words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from billing.rules.meters.grammar import NotUnderstoodError, Said
from billing.rules.meters.meanings import (
    Capability,
    MeterClass,
    Modality,
    Scope,
    Tier,
    UnitKind,
    Why,
)
from billing.rules.meters.model_names import Model, Pricing
from billing.rules.meters.products import Product
from billing.rules.meters.vocabulary import NOUNS, Slot

_MEASURE = re.compile(
    r"\s*\d+(?P<scale>[KM]?)\s*/?\s*(?P<of>hour|month|day|second)?\s*", re.IGNORECASE
)

#: What can be fine-tuned, and what a grader can be.
_TUNABLE = frozenset({Capability.CHAT, Capability.EMBEDDING})
#: Works whose names say no direction: one meter for the whole.
_DIRECTIONLESS = {
    Capability.TRAINING: MeterClass.TRAINED,
    Capability.EMBEDDING: MeterClass.EMBEDDED,
}
#: Whose tokens are priced by modality, so that a name without one could mean any.
_NEEDS_MODALITY = frozenset(
    {Capability.REALTIME, Capability.TRANSCRIPTION, Capability.SPEECH, Capability.IMAGE}
)
_PER_TOKEN = _NEEDS_MODALITY | {
    Capability.CHAT,
    Capability.AUDIO,
    Capability.EMBEDDING,
    Capability.TUNED,
    Capability.TRAINING,
    Capability.GRADING,
}
#: Everything that is not counted in tokens: what is charged for, and of which modality.
_BY_UNIT: Mapping[tuple[Capability, UnitKind], tuple[MeterClass, Modality]] = {
    (Capability.TRAINING, UnitKind.HOUR): (MeterClass.TRAINED, Modality.ANY),
    (Capability.HOSTING, UnitKind.HOUR): (MeterClass.HOSTED, Modality.ANY),
    (Capability.PROVISIONED, UnitKind.HOUR): (MeterClass.CAPACITY, Modality.ANY),
    (Capability.PROVISIONED, UnitKind.MONTH): (MeterClass.CAPACITY, Modality.ANY),
    (Capability.TRANSCRIPTION, UnitKind.HOUR): (MeterClass.TRANSCRIBED, Modality.AUDIO),
    (Capability.SPEECH, UnitKind.CHARACTER): (MeterClass.CHARACTER, Modality.TEXT),
    (Capability.IMAGE, UnitKind.IMAGE): (MeterClass.GENERATED_IMAGE, Modality.IMAGE),
    (Capability.VIDEO, UnitKind.SECOND): (MeterClass.GENERATED_VIDEO, Modality.VIDEO),
    (Capability.DOCUMENT, UnitKind.PAGE): (MeterClass.PAGE, Modality.ANY),
    (Capability.RERANKING, UnitKind.SEARCH): (MeterClass.SEARCH, Modality.TEXT),
    (Capability.CODE_INTERPRETER, UnitKind.SESSION): (MeterClass.SESSION, Modality.ANY),
    (Capability.FILE_SEARCH, UnitKind.CALL): (MeterClass.CALL, Modality.ANY),
    (Capability.FILE_SEARCH, UnitKind.GB_DAY): (MeterClass.STORAGE, Modality.ANY),
}


@dataclass(frozen=True, slots=True)
class Charge:
    """What is counted of which capability, and by which single unit."""

    capability: Capability
    meter_class: MeterClass
    modality: Modality
    unit: UnitKind


def charge(said: Said, model: Model, product: Product, *, unit_of_measure: str) -> Charge:
    """What the meter charges for.

    Raises:
        NotUnderstoodError: the name leaves it open, says two things, or does not fit its unit.
    """
    unit = _unit(said, unit_of_measure)
    capability = _capability(said, model, product, unit)
    if unit is UnitKind.TOKEN:
        meter_class = _of_tokens(said, capability, model, product)
        modality = _modality(said, capability, model, meter_class)
    else:
        meter_class, modality = _of_things(said, capability, unit, product)
    return Charge(capability, meter_class, modality, unit)


def _unit(said: Said, unit_of_measure: str) -> UnitKind:
    noun = said.one(Slot.NOUN)
    if noun is None:
        raise NotUnderstoodError(Why.INCOMPLETE, "the name does not say what is counted")
    measure = _MEASURE.fullmatch(unit_of_measure)
    kind = NOUNS[noun].get((measure["of"] or "").lower()) if measure else None
    named = " ".join(said.spelled(Slot.NOUN))
    if measure is None or kind is None:
        because = f"{named} are not counted per {unit_of_measure}"
        raise NotUnderstoodError(Why.UNIT, because, named)
    if named.lower().startswith("1m ") and measure["scale"].upper() != "M":
        because = f"the name says per million, the list per {unit_of_measure}"
        raise NotUnderstoodError(Why.UNIT, because, named)
    return UnitKind(kind)


def _capability(said: Said, model: Model, product: Product, unit: UnitKind) -> Capability:
    tuned, work = said.one(Slot.TUNING), said.one(Slot.WORK)
    if said.one(Slot.FILLER) and not tuned and work != Capability.GRADING:
        _contradiction(said, "the word belongs to graders and fine-tuning", Slot.FILLER)
    if work == MeterClass.OVERAGE:
        return model.capability
    if (tuned or work) and model.capability not in _TUNABLE:
        _contradiction(said, f"{model.capability} is not fine-tuned", Slot.TUNING, Slot.WORK)
    if work == Capability.GRADING:
        return Capability.GRADING
    if work and not tuned:
        _contradiction(said, "only what is fine-tuned is trained and hosted", Slot.WORK)
    if work:
        return Capability.TRAINING if work == MeterClass.TRAINED else Capability.HOSTING
    return _tuned(said, product, unit) if tuned else model.capability


def _tuned(said: Said, product: Product, unit: UnitKind) -> Capability:
    """Use of a fine-tuned model where a direction is said; else, where it is habit, training."""
    if said.one(Slot.DIRECTION):
        return Capability.TUNED
    if product.habits.brief and unit is UnitKind.TOKEN:
        return Capability.TRAINING
    words = said.spelled(Slot.TUNING)
    raise NotUnderstoodError(Why.INCOMPLETE, "fine-tuned, and neither used nor trained", *words)


def _of_tokens(said: Said, capability: Capability, model: Model, product: Product) -> MeterClass:
    direction, cache = said.one(Slot.DIRECTION), said.one(Slot.CACHE)
    if capability not in _PER_TOKEN:
        raise NotUnderstoodError(Why.UNIT, f"{capability} is not counted in tokens")
    whole = _DIRECTIONLESS.get(capability)
    if capability is Capability.GRADING and model.capability is Capability.EMBEDDING:
        whole = MeterClass.EMBEDDED
    if whole:
        if direction or cache:
            _contradiction(said, f"{whole} tokens have no direction", Slot.DIRECTION, Slot.CACHE)
        return whole
    if cache:
        return _cached(said, direction, MeterClass(cache), product)
    if direction:
        return MeterClass(direction)
    if model.pricing is Pricing.WHOLE:
        return MeterClass.WHOLE
    raise NotUnderstoodError(Why.INCOMPLETE, "neither input nor output is said")


def _cached(said: Said, direction: str | None, cache: MeterClass, product: Product) -> MeterClass:
    if direction == MeterClass.OUTPUT or (direction and cache is MeterClass.CACHE_WRITE):
        _contradiction(said, f"{cache} is no {direction}", Slot.CACHE, Slot.DIRECTION)
    if cache is MeterClass.CACHED_INPUT and not direction and not product.habits.cached_alone:
        words = said.spelled(Slot.CACHE)
        raise NotUnderstoodError(Why.INCOMPLETE, "cached, and no direction is said", *words)
    return cache


def _modality(
    said: Said, capability: Capability, model: Model, meter_class: MeterClass
) -> Modality:
    named = said.one(Slot.MODALITY)
    if named:
        return Modality(named)
    if capability in _NEEDS_MODALITY or model.pricing is Pricing.MODALITIES:
        because = f"{capability} is priced by modality, and the name says none"
        raise NotUnderstoodError(Why.AMBIGUOUS, because)
    if meter_class is MeterClass.TRAINED:
        return Modality.ANY
    return Modality.AUDIO if capability is Capability.AUDIO else Modality.TEXT


def _of_things(
    said: Said, capability: Capability, unit: UnitKind, product: Product
) -> tuple[MeterClass, Modality]:
    found = _BY_UNIT.get((capability, unit))
    if found is None:
        raise NotUnderstoodError(Why.UNIT, f"{capability} is not counted {unit}")
    # Transcription by the hour alone says its direction: what comes out of an hour heard.
    directed = said.one(Slot.DIRECTION) and capability is not Capability.TRANSCRIPTION
    if directed or said.one(Slot.CACHE) or said.one(Slot.MODALITY):
        slots = (Slot.DIRECTION, Slot.CACHE, Slot.MODALITY)
        _contradiction(said, f"{found[0]} has neither direction nor modality", *slots)
    if said.one(Slot.WORK) == MeterClass.OVERAGE:
        return MeterClass.OVERAGE, found[1]
    return (MeterClass.RESERVATION, found[1]) if product.habits.reserved else found


def scope(said: Said, capability: Capability, product: Product) -> Scope:
    """Where it may be served; unsaid only in the series of names that never say it.

    Raises:
        NotUnderstoodError: a name that should say it does not.
    """
    named = said.one(Slot.SCOPE)
    if named:
        return Scope(named)
    unsaid = (
        product.habits.scopeless
        or capability is Capability.GRADING
        or bool({"az", "throughput"} & set(said.all(Slot.MARK)))
        or (product.habits.brief and bool(said.all(Slot.TUNING)))
    )
    if unsaid:
        return Scope.UNSAID
    raise NotUnderstoodError(Why.INCOMPLETE, "neither global, data zone nor regional is said")


def tier(said: Said, capability: Capability) -> Tier:
    """How it is served: standard where no word says another tier.

    Raises:
        NotUnderstoodError: the tier does not exist for what is charged.
    """
    named = said.one(Slot.TIER)
    if capability is Capability.PROVISIONED and not named:
        return Tier.PROVISIONED
    if named and (
        capability is Capability.PROVISIONED
        or (named == Tier.DEVELOPER and not said.all(Slot.TUNING))
    ):
        _contradiction(said, f"{capability} has no {named} tier", Slot.TIER)
    return Tier(named or Tier.STANDARD)


def _contradiction(said: Said, because: str, *slots: Slot) -> NoReturn:
    words = [word for slot in slots for word in said.spelled(slot)]
    raise NotUnderstoodError(Why.CONTRADICTION, because, *words)

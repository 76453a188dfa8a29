"""The rules by which the words of a name become a meaning. Pure.

A rule that cannot decide stops the reading: nothing is guessed, nothing dropped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from billing.rules.meters import model_names, products, vocabulary
from billing.rules.meters.meanings import Modality, Why
from billing.rules.meters.model_names import Model
from billing.rules.meters.products import Product
from billing.rules.meters.vocabulary import Sense, Slot, Vocabulary


class Rule(StrEnum):
    """Why a word means what it means, in a sentence that can be shown."""

    WORD = "The vocabulary of this product's names has this word with this one meaning."
    BESIDE = "The word has this meaning beside another word of the name."
    NUMBER = "A bare number is part of the model's name."
    SNAPSHOT = (
        "Four digits that are a month and a day are the model's snapshot; the year is unsaid."
    )
    DATED = "Eight digits are the model's snapshot as month, day and year."
    NAMES_MODEL = (
        "Audio or image names the model where no realtime, transcription or speech model does; "
        "only a further such word is the modality."
    )
    NOUN = "The last word names what is counted; the unit of measure says how many of them."
    FILLER = "The word adds nothing beside a grader or fine-tuning."


class NotUnderstoodError(Exception):
    """Stops the reading of a name: why, at which words, and what would have to be known."""

    def __init__(self, why: Why, because: str, *words: str) -> None:
        super().__init__(because)
        self.why, self.because, self.words = why, because, words


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a name, or several that mean one thing, with their meaning."""

    spelling: str
    sense: Sense
    rule: Rule


_BETWEEN = re.compile(r"[\s_-]+")
_NUMBER = re.compile(r"\d(?:\.\d)?")
_SNAPSHOT = re.compile(r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_DATED = re.compile(_SNAPSHOT.pattern + r"20\d\d")
_RULES = {Slot.NOUN: Rule.NOUN, Slot.FILLER: Rule.FILLER}
_LONGEST = 5
#: Kinds of models that name no modality of their own: with them, audio and image are modalities.
_MODALITY_APART = frozenset({"realtime", "transcribe", "tts"})


def words(meter_name: str, product: Product) -> tuple[Word, ...]:
    """Every word of a name with its meaning, in order.

    Raises:
        NotUnderstoodError: there is a word that the product's vocabulary does not have.
    """
    pieces = split(meter_name)
    lowered = [piece.lower() for piece in pieces]
    known = products.words_of(product, lowered)
    found, unknown, at = [], [], 0
    while at < len(pieces):
        word, length = _longest(lowered, at, known, product)
        spelling = " ".join(pieces[at : at + length])
        if word is None:
            unknown.append(spelling)
        else:
            found.append(replace(word, spelling=spelling))
        at += length
    if unknown:
        raise NotUnderstoodError(Why.UNKNOWN_WORDS, "the vocabulary does not have them", *unknown)
    return tuple(_naming_models(found) if product.habits.numbered else found)


def split(meter_name: str) -> list[str]:
    """The words of a name as written; glued ones that are known are taken apart."""
    pieces: list[str] = []
    for piece in filter(None, _BETWEEN.split(meter_name)):
        at = 0
        for part in vocabulary.GLUED.get(piece.lower(), piece.lower()).split():
            pieces.append(piece[at : at + len(part)])
            at += len(part)
    return pieces


def _longest(
    lowered: Sequence[str], at: int, known: Vocabulary, product: Product
) -> tuple[Word | None, int]:
    """The longest spelling that begins at this word, and its length; None for an unknown word."""
    for length in range(min(_LONGEST, len(lowered) - at), 0, -1):
        sense = known.get(tuple(lowered[at : at + length]))
        if sense:
            told = Rule.BESIDE if sense.beside else Rule.WORD
            return Word("", sense, _RULES.get(sense.slot, told)), length
    return (_by_form(lowered[at]) if product.habits.numbered else None), 1


def _by_form(word: str) -> Word | None:
    """A number or a snapshot, told by its form."""
    if _NUMBER.fullmatch(word):
        return Word("", Sense(Slot.MODEL, word), Rule.NUMBER)
    if _SNAPSHOT.fullmatch(word):
        return Word("", Sense(Slot.SNAPSHOT, word), Rule.SNAPSHOT)
    if _DATED.fullmatch(word):
        return Word("", Sense(Slot.SNAPSHOT, word), Rule.DATED)
    return None


def _naming_models(found: list[Word]) -> list[Word]:
    """The first audio or image word as part of the model, where no other word says the kind."""
    if any(word.sense.meaning in _MODALITY_APART for word in found):
        return found
    for at, word in enumerate(found):
        if word.sense.meaning in (Modality.AUDIO, Modality.IMAGE):
            named = Word(word.spelling, Sense(Slot.MODEL, word.sense.meaning), Rule.NAMES_MODEL)
            return [*found[:at], named, *found[at + 1 :]]
    return found


class Said:
    """What the words of a name say, by slot."""

    def __init__(self, found: Sequence[Word]) -> None:
        self._found = found

    def all(self, slot: Slot) -> tuple[str, ...]:
        """The meanings of a slot, in the order of the name."""
        return tuple(word.sense.meaning for word in self._found if word.sense.slot is slot)

    def one(self, slot: Slot) -> str | None:
        """The meaning of a slot; None where the name does not say it.

        Raises:
            NotUnderstoodError: the name says it twice.
        """
        of_slot = [word for word in self._found if word.sense.slot is slot]
        if len(of_slot) > 1:
            twice = [word.spelling for word in of_slot]
            raise NotUnderstoodError(Why.AMBIGUOUS, f"the name says its {slot} twice", *twice)
        return of_slot[0].sense.meaning if of_slot else None

    def spelled(self, slot: Slot) -> tuple[str, ...]:
        """The words of a slot as written."""
        return tuple(word.spelling for word in self._found if word.sense.slot is slot)


def model(said: Said, product: Product) -> Model:
    """The model, tool or capacity that a name's model words say, all of them together.

    Raises:
        NotUnderstoodError: they say none of this product, or more than one could be meant.
    """
    spelling = "-".join(said.all(Slot.MODEL))
    spelled = said.spelled(Slot.MODEL)
    unsure = model_names.AMBIGUOUS.get(spelling)
    if unsure is None and not said.all(Slot.SNAPSHOT):
        unsure = model_names.AMBIGUOUS_WITHOUT_SNAPSHOT.get(spelling)
    if unsure:
        raise NotUnderstoodError(Why.AMBIGUOUS, unsure, *spelled)
    found = product.habits.models.get(spelling) or model_names.CAPACITY.get(spelling)
    if found is None and product.habits.numbered:
        found = model_names.numbered(spelling, product.name)
    if found is None or (found.only and product.name not in found.only):
        because = f"these words together are no model of {product.name}"
        raise NotUnderstoodError(Why.UNKNOWN_MODEL, because, *spelled)
    return found

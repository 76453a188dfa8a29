"""What holds for every name that is read, however it is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.meters.meanings import Why
from billing.rules.meters.reading import Reading, Unread, read
from tests.rules.meters import coverage
from tests.rules.meters.labels import said_by
from tests.rules.meters.lists import Meter

READ = sorted(
    meter for meter in coverage.in_scope() if isinstance(coverage.reading(meter), Reading)
)


def _words(name: str) -> set[str]:
    return set(re.split(r"[\s_-]+", name.lower())) - {""}


SPELLINGS = set().union(*(_words(meter.name) for meter in READ))
WRITINGS: tuple[Callable[[str], str], ...] = (
    str.lower,
    str.upper,
    str.swapcase,
    lambda name: name.replace(" ", "-"),
    lambda name: name.replace("-", " "),
    lambda name: name.replace(" ", "_"),
    lambda name: f"  {name.replace(' ', '   ')} ",
)
some_meter = st.sampled_from(READ)
unknown_word = st.text("bcfghjkqvwxyz", min_size=3, max_size=8).map(lambda word: f"{word}q")


def _as(meter: Meter, name: str) -> Reading | Unread:
    return read(meter.product, name, unit_of_measure=meter.unit)


@pytest.mark.parametrize("write", WRITINGS)
def test_case_spaces_and_hyphens_change_nothing(write: Callable[[str], str]) -> None:
    changed = [
        meter.name
        for meter in READ
        if said_by(_as(meter, write(meter.name))) != said_by(coverage.reading(meter))
    ]
    assert changed == []


@given(some_meter, unknown_word, st.data())
def test_an_unknown_word_anywhere_leaves_the_name_unread(
    meter: Meter, word: str, data: st.DataObject
) -> None:
    words = meter.name.split(" ")
    at = data.draw(st.integers(0, len(words)))
    says = _as(meter, " ".join([*words[:at], word, *words[at:]]))
    assert isinstance(says, Unread)
    assert says.why is Why.UNKNOWN_WORDS
    assert word in says.words


@given(some_meter, st.sampled_from("bcefhjkmqruvwxyz"), st.data())
def test_a_letter_more_is_never_overlooked(meter: Meter, letter: str, data: st.DataObject) -> None:
    """The name reads as before only where the letter makes another word that names have."""
    at = data.draw(st.integers(0, len(meter.name)))
    name = meter.name[:at] + letter + meter.name[at:]
    if said_by(_as(meter, name)) == said_by(coverage.reading(meter)):
        assert _words(name) <= SPELLINGS


def test_every_word_for_the_size_of_a_model_changes_the_model() -> None:
    sizes = re.compile(r"[ -](mini|mn|nano|pro|max|plus|flash|fast)(?=[ -])", re.IGNORECASE)
    sized = [meter for meter in READ if sizes.search(meter.name)]
    assert len(sized) > 400
    kept = []
    for meter in sized:
        says = _as(meter, sizes.sub("", meter.name, count=1))
        before = coverage.reading(meter)
        if isinstance(says, Reading) and isinstance(before, Reading) and says.model == before.model:
            kept.append(meter.name)
    assert kept == []


def test_leaving_out_any_word_of_a_name_never_gives_the_same_reading() -> None:
    """Each word counts, but those that a name need not say and that say nothing more."""
    spare = re.compile(
        r"^(std|prvw|1m|tkn|gpt|llama|grok|oss|thinking|base|rsng|deployment|model|mdl|mdel|ft|opt)$"
    )
    ignored = []
    for meter in READ:
        words = re.split(r"[\s_-]+", meter.name)
        for at, word in enumerate(words):
            says = _as(meter, " ".join([*words[:at], *words[at + 1 :]]))
            if said_by(says) == said_by(coverage.reading(meter)) and not spare.match(word.lower()):
                ignored.append((meter.name, word))
    assert ignored == []


@given(some_meter)
def test_a_product_that_sells_no_models_reads_no_name(meter: Meter) -> None:
    says = _as(replace(meter, product="Speech"), meter.name)
    assert isinstance(says, Unread)
    assert says.why is Why.NOT_A_MODEL_PRODUCT


@given(st.text(max_size=60), st.sampled_from(sorted({meter.product for meter in READ})))
def test_any_text_is_read_or_unread_and_never_an_error(text: str, product: str) -> None:
    says = read(product, text, unit_of_measure="1K")
    assert isinstance(says, Reading | Unread)

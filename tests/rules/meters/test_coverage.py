"""How much of the two lists is read, and that nothing of it is read twice or in part."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from billing.rules.meters import vocabulary
from billing.rules.meters.meanings import UnitKind, Why
from billing.rules.meters.reading import Reading, Unread
from tests.rules.meters import coverage
from tests.rules.meters.labels import Label, said_by
from tests.rules.meters.lists import Meter, PriceList, all_meters, meters


def _read(price_list: PriceList) -> dict[Meter, Reading]:
    found = {meter: coverage.reading(meter) for meter in meters(price_list)}
    return {meter: says for meter, says in found.items() if isinstance(says, Reading)}


@pytest.mark.parametrize("price_list", PriceList)
def test_at_least_99_of_100_meters_of_model_products_are_read(price_list: PriceList) -> None:
    share = coverage.share(price_list)
    assert share.total > 800
    assert share.read >= 0.99 * share.total, coverage.unread()


@pytest.mark.parametrize("price_list", PriceList)
def test_every_unit_that_models_are_sold_by_is_read(price_list: PriceList) -> None:
    units = {says.unit for says in _read(price_list).values()}
    not_yet = {UnitKind.SEARCH} if price_list is PriceList.AUGUST_2025 else set()
    assert units == set(UnitKind) - not_yet


def test_what_is_unread_of_model_products_is_known_by_name() -> None:
    assert {meter.name: says.why for meter, says in coverage.unread().items()} == {
        "gpt-35-trb16K-Batch-Inp-glbl Tokens": Why.AMBIGUOUS,
        "gpt-35-trb16K-Batch-Outp-glbl Tokens": Why.AMBIGUOUS,
        "Standard Unit": Why.UNKNOWN_WORDS,
        "gpt-latest 05052026 cd inp Gl 1M Tokens": Why.AMBIGUOUS,
        "gpt-latest 05052026 inp Gl 1M Tokens": Why.AMBIGUOUS,
        "gpt-latest 05052026 opt Gl 1M Tokens": Why.AMBIGUOUS,
    }


def test_products_that_sell_no_models_are_unread_for_that_reason() -> None:
    others = all_meters() - coverage.in_scope()
    assert len(others) > 400
    whys = {says.why for says in map(coverage.reading, others) if isinstance(says, Unread)}
    assert whys == {Why.NOT_A_MODEL_PRODUCT}


@pytest.mark.parametrize("price_list", PriceList)
def test_no_letter_of_a_name_is_left_unexplained(price_list: PriceList) -> None:
    for meter, says in _read(price_list).items():
        explained = "".join(entry.word for entry in says.explanation)
        assert _letters(explained) == _letters(meter.name)
        assert all(entry.meaning for entry in says.explanation)


def _letters(text: str) -> str:
    return re.sub(r"[\s_-]", "", text)


@pytest.mark.parametrize("price_list", PriceList)
def test_two_meters_never_read_alike_but_for_known_twins(price_list: PriceList) -> None:
    alike: dict[Label | None, set[str]] = defaultdict(set)
    for meter, says in _read(price_list).items():
        alike[said_by(says)].add(meter.name)
    twins = [names for names in alike.values() if len(names) > 1]
    known = (
        {"gpt-4o-mini-0718-cached-FT-inp-datazone Tokens", "4o mini 0718 ft cd inp Dz Tokens"},
        {"gpt-4o-0806-cached-FT-inp-datazone Tokens", "4o 0806 ft cd inp Dz Tokens"},
    )
    assert all(names in known for names in twins), twins


def test_every_spelling_of_the_vocabulary_is_one_that_names_have() -> None:
    spelled = {
        " ".join(re.split(r"[\s_-]+", entry.word.lower()))
        for meter in coverage.in_scope()
        if isinstance(says := coverage.reading(meter), Reading)
        for entry in says.explanation
    }
    entries = (
        *vocabulary.COMMON,
        *(entry for those in vocabulary.ASIDES.values() for entry in those),
    )
    unused = {spelling for entry in entries for spelling in map(" ".join, entry.words())} - spelled
    # Azure's own word for a tier that neither list has yet.
    assert unused == {"flex"}


def test_the_page_says_what_is_measured() -> None:
    page = coverage.PAGE.read_text(encoding="utf-8")
    assert all(f"<!-- {name} -->" in page for name in coverage.blocks())
    assert coverage.written(page) == page

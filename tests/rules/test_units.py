"""Units of measure of the real price lists, as single units."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.units import units_in

DATA = Path(__file__).resolve().parents[2] / "simulator" / "data"
#: Every unit of both lists, read by a person.
LISTED = {
    "1": 1,
    "1 GB": 1,
    "1 GB/Hour": 1,
    "1 GB/Month": 1,
    "1 Hour": 1,
    "1 Minute": 1,
    "1 Second": 1,
    "1/Day": 1,
    "1/Hour": 1,
    "1/Month": 1,
    "1/Year": 1,
    "10": 10,
    "100": 100,
    "1K": 1_000,
    "1K/Month": 1_000,
    "1M": 1_000_000,
    "1M/Month": 1_000_000,
    "10K": 10_000,
}


@pytest.mark.parametrize(("measure", "count"), LISTED.items())
def test_each_unit_of_the_lists(measure: str, count: int) -> None:
    assert units_in(measure) == count


def test_every_unit_of_both_lists_is_one_of_these() -> None:
    found = set()
    for file in sorted(DATA.glob("retail-prices-*.ndjson.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            found |= {json.loads(line)["unitOfMeasure"] for line in lines}
    assert len(found) > 5
    assert {measure for measure in found if units_in(measure) != LISTED.get(measure)} == set()


@pytest.mark.parametrize(
    "measure", ["", "K", "a barrel", "0", "0K", "1KB", "1 000", "-1", "1T", "1k"]
)
def test_what_is_not_of_a_known_form_is_never_guessed(measure: str) -> None:
    assert units_in(measure) is None


@given(st.text(max_size=12))
def test_any_text_gives_a_positive_count_or_nothing(measure: str) -> None:
    count = units_in(measure)
    assert count is None or count > Decimal(0)

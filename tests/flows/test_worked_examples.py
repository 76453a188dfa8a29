"""The worked examples of the documentation: page, product and a plain reckoning agree."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from billing.rules.context_bands import LONGER_THAN
from tests.flows import worked, worked_product
from tests.flows.worked import Cell, Example, Row
from tests.flows.worked_reckoning import local, reckon

EXAMPLES = worked.read()
#: Every kind that was promised, in the order of the page.
NAMES = (
    "price-change",
    "currency",
    "batch",
    "cached",
    "data-zone",
    "negotiated",
    "provisioned",
    "long-context",
    "seconds",
    "closed",
)
#: What a table shows; anything else in it was given.
FIGURES = {
    "days": {"Local day", "Class", "Quantity", "Unit price", "List cost", "Cost"},
    "statement": {"Line", "Class", "Quantity", "Unit price", "Exact cost", "Amount"},
    "capacity": {"Local day", "Covered", "Unit-minutes", "Unit price", "List cost", "Cost"},
    "reserved": {"Local day", "Used by", "Unit-minutes", "Cost"},
    "adjustments": {"Class", "Quantity", "Cost as closed", "Cost today", "Difference"},
}
#: Columns that a table may leave out where they say nothing.
_PLAIN = {"Per": Decimal(1), "Rate": Decimal(1)}
_DATA = Path(__file__).resolve().parents[2] / "simulator/data"
_LISTS = {
    "list": "retail-prices-2026-08-meters.ndjson.gz",
    "older list": "retail-prices-2025-08-items.ndjson.gz",
}
_REGION = "swedencentral"
_WRONG = (ValueError, KeyError, IndexError, TypeError, ArithmeticError, AssertionError)
Listed = tuple[str, str, str, datetime, Decimal, str | None]


def ids(example: Example) -> str:
    return example.name


def differences(example: Example, figures: dict[str, list[Row]]) -> Iterator[str]:
    """Where the page's tables are not these figures."""
    for name in figures.keys() & example.tables.keys():
        shown = example.rows(name)
        if len(shown) != len(figures[name]):
            yield f"{name}: {len(shown)} rows, not {len(figures[name])}"
        for row, right in zip(shown, figures[name], strict=False):
            for column, value in right.items():
                if not _says(row, column, value):
                    yield f"{name}, {row}: {column} is {value}"


def _says(row: Row, column: str, value: Cell) -> bool:
    if column in row:
        return row[column] == value
    return value in (None, _PLAIN.get(column, value))


def problems(example: Example) -> list[str]:
    """Everything that is wrong with an example, without the product."""
    try:
        return [
            *worked.loose_figures(example.text),
            *_clocks(example),
            *_unlisted(example),
            *_headings(example),
            *differences(example, reckon(example)),
        ]
    except _WRONG as error:
        return [repr(error)]


def _clocks(example: Example) -> Iterator[str]:
    for name in ("usage", "calls", "held"):
        for row in example.rows(name):
            utc = row["From"] if name == "held" else row["Hour"]
            if row["Local time"] != local(example, utc):
                yield f"{name}: {utc} UTC is not {row['Local time']}"


def _unlisted(example: Example) -> Iterator[str]:
    for row in example.rows("prices"):
        since = worked.instant(row["From"])
        wanted = (row["Product"], row["Meter"], row["Unit"], since, row["USD"], row.get("Term"))
        if row["Stated by"] == "supposed":
            if wanted[:3] not in {one[:3] for one in _listed("list")}:
                yield f"no meter of the list: {row}"
        elif wanted not in _listed(str(row["Stated by"])):
            yield f"not on the {row['Stated by']}: {row}"


def _headings(example: Example) -> Iterator[str]:
    for name, least in FIGURES.items():
        units = example.tables[name].units if name in example.tables else {}
        for column, unit in units.items():
            if unit != ("USD" if column == "List cost" else example.currency):
                yield f"{name}: {column} is not in {unit}"
        if name in example.tables and not least <= {*example.rows(name)[0], "List cost"}:
            yield f"{name} lacks a column"


@cache
def _listed(which: str) -> frozenset[Listed]:
    """The prices of the region on one of the two lists."""
    with gzip.open(_DATA / _LISTS[which], "rt", encoding="utf-8") as lines:
        return frozenset(_items(line for line in lines if f'"{_REGION}"' in line))


def _items(lines: Iterable[str]) -> Iterator[Listed]:
    for line in lines:
        item = json.loads(line, parse_float=Decimal)
        since = datetime.fromisoformat(item["effectiveStartDate"])
        if since.tzinfo is None:
            since = since.replace(tzinfo=UTC)
        term = item.get("reservationTerm")
        price = Decimal(item["retailPrice"])
        name, unit = item["meterName"], item["unitOfMeasure"]
        if not item.get("effectiveEndDate"):
            yield (item["productName"], name, unit, since, price, term)


def test_every_kind_that_was_promised_is_there_in_order() -> None:
    assert tuple(example.name for example in EXAMPLES) == NAMES
    assert [example.number for example in EXAMPLES] == list(range(1, len(NAMES) + 1))
    assert list(worked.loose_figures(worked.opening(worked.DOCUMENT.read_text()))) == []


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_the_page_agrees_with_a_plain_reckoning(example: Example) -> None:
    assert problems(example) == []
    assert example.rows("statement")


@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_the_page_agrees_with_the_product(committed: None, example: Example) -> None:
    product = worked_product.run(example)

    assert list(differences(example, product)) == []
    assert product.keys() >= FIGURES.keys() & example.tables.keys()


@pytest.mark.slow  # changes every digit of the page, one after another
@pytest.mark.parametrize("example", EXAMPLES, ids=ids)
def test_any_other_digit_is_found_out(example: Example) -> None:
    text = worked.DOCUMENT.read_text()
    start = text.index(f"## {example.number}. ")
    end = text.find("\n## ", start) + 1 or len(text)
    section = text[start:end]
    places = [place for place, sign in enumerate(section) if sign.isdigit()]

    unseen = [place for place in places if not _is_found(section, place, example.number)]

    assert len(places) > 100
    assert [section[place - 30 : place + 10] for place in unseen] == []


def _is_found(section: str, place: int, number: int) -> bool:
    """Whether the next higher digit at a place is noticed."""
    other = str((int(section[place]) + 1) % 10)
    try:
        (changed,) = worked.read(section[:place] + other + section[place + 1 :])
    except _WRONG:
        return True
    return changed.number != number or bool(problems(changed))


def test_the_band_of_the_page_is_the_products() -> None:
    (example,) = [one for one in EXAMPLES if one.name == "long-context"]

    assert example.rows("band") == ({"Longest short prompt": Decimal(LONGER_THAN)},)


def test_the_page_shows_a_cent_that_plain_rounding_would_lose() -> None:
    (example,) = [one for one in EXAMPLES if one.name == "currency"]
    *lines, total = example.rows("statement")
    plain = [round(Decimal(str(line["Exact cost"])), 2) for line in lines]

    assert sum(plain) != total["Amount"]


@pytest.mark.parametrize(
    ("said", "truth"),
    [
        ("2 × (3 + 4.5) = 15", True),
        ("2 × (3 + 4.5) = 15.1", False),
        ("1 ÷ 3 ≈ 0.333", True),
        ("1 ÷ 3 ≈ 0.334", False),
        ("1,000 − 1 = 999", True),
        ("999", False),
        ("2026-11-16 00:00 UTC = 2026-11-16 01:00 Europe/Berlin", True),
        ("2026-11-16 00:00 UTC = 2026-11-16 02:00 Europe/Berlin", False),
    ],
)
def test_an_equation_is_true_or_not(said: str, truth: object) -> None:
    assert worked.is_true(said) is truth

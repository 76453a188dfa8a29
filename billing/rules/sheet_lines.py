"""The lines of a price sheet: read from text, or refused cell by cell. Pure.

A line gives one meter its own price, or takes a discount off, or puts a markup on, the meters
that its filters let pass. What is wrong with a line is told with its row, its column and the fix.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from enum import StrEnum

from billing.rules.units import units_in

#: How many lines a sheet may have.
MOST_LINES = 20_000
LONGEST_FILTER, LONGEST_REGION, LONGEST_METER_ID, LONGEST_UNIT = 200, 64, 64, 40
HIGHEST_DISCOUNT, HIGHEST_MARKUP = Decimal(100), Decimal(1000)
#: What the prices are kept in: decimals as given, of a percentage, and per single unit.
_PRICE_PLACES, _PERCENT_PLACES, UNIT_PLACES = 12, 4, 15
_HIGHEST_UNIT_PRICE = Decimal(1_000_000_000)
_NUMBER = re.compile(r"^[0-9]{1,12}(\.[0-9]+)?$", re.ASCII)
_CURRENCY = re.compile(r"^[A-Z]{3}$", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Kind(StrEnum):
    """What a line does."""

    EXACT = "exact"
    DISCOUNT = "discount"
    MARKUP = "markup"


class Column(StrEnum):
    """The cells of a line."""

    KIND = "Kind"
    METER_ID = "MeterId"
    PRODUCT_FILTER = "ProductFilter"
    METER_FILTER = "MeterFilter"
    REGION = "Region"
    PRICE = "Price"
    UNIT_OF_MEASURE = "UnitOfMeasure"
    CURRENCY = "Currency"
    PERCENT = "Percent"


class Form(StrEnum):
    """Which of the two kinds of document the lines came from."""

    OWN = "a price sheet of this product"
    AZURE = "a price sheet as Azure gives it"


OF_EXACT = (Column.METER_ID, Column.PRICE, Column.UNIT_OF_MEASURE, Column.CURRENCY)
FILTERS = (Column.PRODUCT_FILTER, Column.METER_FILTER, Column.REGION)
_LONGEST = {
    Column.METER_ID: LONGEST_METER_ID,
    Column.PRODUCT_FILTER: LONGEST_FILTER,
    Column.METER_FILTER: LONGEST_FILTER,
    Column.REGION: LONGEST_REGION,
    Column.UNIT_OF_MEASURE: LONGEST_UNIT,
}
Cells = Mapping[Column, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one cell, and what to give instead. ``column`` may be empty: the row."""

    row: int
    column: str
    says: str

    def __str__(self) -> str:
        return f"row {self.row}, {self.column}: {self.says}" if self.column else self.says


@dataclass(frozen=True, slots=True)
class AgreedLine:
    """One line. ``row`` is where it stood; lines that differ in nothing else are equal.

    An exact price has ``meter_id``, ``price`` per ``unit_of_measure`` and ``currency``; the other
    kinds have ``percent`` and filters.
    """

    row: int = field(compare=False)
    kind: Kind
    meter_id: str = ""
    product_filter: str = ""
    meter_filter: str = ""
    region: str = ""
    price: Decimal | None = None
    unit_of_measure: str = ""
    currency: str = ""
    percent: Decimal | None = None

    @property
    def unit_price(self) -> Decimal | None:
        """Per single unit, exact; None for a percentage."""
        if self.price is None:
            return None
        return per_unit(self.price, self.unit_of_measure)


@dataclass(frozen=True, slots=True)
class Draft:
    """What was read: the good lines, every fault, and what was left out on purpose, by why."""

    form: Form
    lines: tuple[AgreedLine, ...]
    faults: tuple[Fault, ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()


def read(cells: Cells, *, row: int) -> AgreedLine | tuple[Fault, ...]:
    """The line that a row of cells holds, or everything that is wrong with it."""
    given = {column: cells.get(column, "").strip() for column in Column}
    said = given[Column.KIND].lower()
    if said not in tuple(Kind):
        return (Fault(row, Column.KIND, f"{_shown(said)}; give exact, discount or markup."),)
    kind = Kind(said)
    faults = tuple(_faults(given, kind))
    if faults:
        return tuple(Fault(row, column, says) for column, says in faults)
    exact = kind is Kind.EXACT
    return AgreedLine(
        row=row,
        kind=kind,
        meter_id=given[Column.METER_ID].lower(),
        product_filter=given[Column.PRODUCT_FILTER],
        meter_filter=given[Column.METER_FILTER],
        region=given[Column.REGION],
        price=Decimal(given[Column.PRICE]) if exact else None,
        unit_of_measure=given[Column.UNIT_OF_MEASURE],
        currency=given[Column.CURRENCY].upper(),
        percent=None if exact else Decimal(given[Column.PERCENT]),
    )


def unrepeated(draft: Draft) -> Draft:
    """The draft without exact prices given twice: a fault, or left out where nothing differs.

    Azure's own sheet has a meter once for each offer it is sold under.
    """
    first: dict[str, AgreedLine] = {}
    kept, faults, same = [], list(draft.faults), 0
    for line in draft.lines:
        before = first.setdefault(line.meter_id, line) if line.kind is Kind.EXACT else line
        if before is line:
            kept.append(line)
        elif draft.form is Form.AZURE and line == before:
            same += 1
        else:
            says = f"{line.meter_id} has a price in row {before.row} already; keep one of the two."
            faults.append(Fault(line.row, Column.METER_ID, says))
    left_out = _counted(draft.left_out, "the same price given again", same)
    return Draft(draft.form, tuple(kept), tuple(faults), left_out)


def only_known(draft: Draft, meter_ids: Iterable[str]) -> Draft:
    """The draft without meters that the price list does not have.

    Azure's own sheet has those of all its services: they are left out. Elsewhere they are faults.
    """
    known = frozenset(meter_ids)
    unknown = [line for line in draft.lines if line.meter_id and line.meter_id not in known]
    kept = tuple(line for line in draft.lines if not line.meter_id or line.meter_id in known)
    if draft.form is Form.AZURE:
        why = "of meters that the price list here does not have"
        left_out = _counted(draft.left_out, why, len(unknown))
        return Draft(draft.form, kept, draft.faults, left_out)
    faults = tuple(
        Fault(
            line.row,
            Column.METER_ID,
            f"The price list has no meter {line.meter_id}. Give the id as it stands on the meter's"
            " page, or leave the line out.",
        )
        for line in unknown
    )
    return Draft(draft.form, kept, (*draft.faults, *faults), draft.left_out)


def only_convertible(draft: Draft, currencies: Iterable[str], *, into: str) -> Draft:
    """The draft with a fault for each price whose currency has no way into the tenant's."""
    known = frozenset(currencies)
    faults = tuple(
        Fault(
            line.row,
            Column.CURRENCY,
            f"There is no exchange rate from {line.currency} to {into}. Set one first, or give"
            f" the price in {_or(sorted(known))}.",
        )
        for line in draft.lines
        if line.currency and line.currency not in known
    )
    return Draft(draft.form, draft.lines, (*draft.faults, *faults), draft.left_out)


def per_unit(price: Decimal, unit_of_measure: str) -> Decimal | None:
    """The price of a single unit; None where it is unknown or cannot be held exactly."""
    count = units_in(unit_of_measure)
    if count is None:
        return None
    with localcontext(prec=60):
        unit = (price / count).quantize(Decimal(1).scaleb(-UNIT_PLACES))
        return unit if unit * count == price and unit < _HIGHEST_UNIT_PRICE else None


def plain(number: Decimal) -> str:
    """A number with the digits that say something, and no exponent."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _faults(given: Cells, kind: Kind) -> Iterator[tuple[Column, str]]:
    surplus = (*FILTERS, Column.PERCENT) if kind is Kind.EXACT else OF_EXACT
    has = "a meter id" if kind is Kind.EXACT else "a percentage and filters"
    for column in surplus:
        if given[column]:
            yield column, f"A line of kind {kind} has {has}, and no {column}. Leave it empty."
    for column, longest in _LONGEST.items():
        if len(given[column]) > longest:
            yield column, f"Longer than {longest} characters."
        if _CONTROL.search(given[column]):
            yield column, "Has a control character, such as a line break. Take it out."
    if kind is Kind.EXACT:
        yield from _exact_faults(given)
    else:
        highest = HIGHEST_DISCOUNT if kind is Kind.DISCOUNT else HIGHEST_MARKUP
        yield from _percent_faults(given[Column.PERCENT], highest)


def _exact_faults(given: Cells) -> Iterator[tuple[Column, str]]:
    if not given[Column.METER_ID]:
        yield Column.METER_ID, "Missing; an exact price is of one meter."
    if not _CURRENCY.match(given[Column.CURRENCY].upper()):
        said = _shown(given[Column.CURRENCY])
        yield Column.CURRENCY, f"{said}; give an ISO 4217 code such as EUR or USD."
    wrong = _number_fault(given[Column.PRICE], _PRICE_PLACES)
    if wrong:
        yield Column.PRICE, wrong
    measure = given[Column.UNIT_OF_MEASURE]
    if units_in(measure) is None:
        yield Column.UNIT_OF_MEASURE, f"{_shown(measure)}; give one such as 1K, 1M or 1 Hour."
    elif not wrong and per_unit(Decimal(given[Column.PRICE]), measure) is None:
        yield (
            Column.PRICE,
            f"{given[Column.PRICE]} per {measure} cannot be held exactly: the price of a single"
            f" unit must be below 1,000,000,000 and have at most {UNIT_PLACES} decimals.",
        )


def _percent_faults(text: str, highest: Decimal) -> Iterator[tuple[Column, str]]:
    wrong = _number_fault(text, _PERCENT_PLACES)
    if wrong:
        yield Column.PERCENT, wrong
    elif Decimal(text) > highest:
        yield Column.PERCENT, f"{text} is too much; give 0 to {highest}."


def _number_fault(text: str, places: int) -> str | None:
    """What keeps a text from being a number of at most so many decimals; None if nothing does."""
    if _NUMBER.match(text):
        decimals = text.partition(".")[2].rstrip("0")
        return None if len(decimals) <= places else f"{text}: give at most {places} decimals."
    if not text:
        return "Missing; give a number such as 12.5."
    if "," in text:
        return f"“{text}” has a comma; write 1234.5, with a point and no thousands mark."
    if text.endswith("%"):
        return f"“{text}”: leave the percent sign out."
    if text.startswith("-"):
        return f"“{text}” is less than 0."
    return f"“{text}” is no plain number; write it as 0.0000125, without exponent or sign."


def _shown(text: str) -> str:
    return f"“{text}” is not known" if text else "Missing"


def _or(names: list[str]) -> str:
    return " or ".join(names)


def _counted(
    before: tuple[tuple[str, int], ...], why: str, count: int
) -> tuple[tuple[str, int], ...]:
    return (*before, (why, count)) if count else before

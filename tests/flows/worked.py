"""The document of worked examples, read: its sections, their tables, and what it says in prose.

A table is what follows a comment that names it. A figure stands in a table or in an equation (a
code span); nowhere else, so that each is held against something.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/worked-examples.md"

Cell = Decimal | str | None
Row = dict[str, Cell]

_SECTION = re.compile(
    r"^## (?P<number>\d+)\. (?P<title>.+)\n\n<!-- example: (?P<name>[a-z-]+) -->\n", re.MULTILINE
)
_TABLE = re.compile(r"^<!-- (?P<name>[a-z]+) -->\n\n(?P<rows>(?:\|.*\|\n)+)", re.MULTILINE)
_NUMBER = re.compile(r"−?\d{1,3}(?:,\d{3})*(?:\.\d+)?|−?\d+(?:\.\d+)?")
_CODE = re.compile(r"`([^`]+)`")
_TOKEN = re.compile(r"\s*(\d[\d,]*(?:\.\d+)?|[×÷+−()])")
_CLOCKS = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d) UTC = (\d{4}-\d\d-\d\d \d\d:\d\d) (\w+/\w+)")
_HEADING = re.compile(r"^(?P<name>[^(]+?)(?: \((?P<unit>[^)]+)\))?$")


@dataclass(frozen=True)
class Table:
    """Rows by column; ``units`` has what a column's heading says in brackets."""

    rows: tuple[Row, ...]
    units: dict[str, str]


@dataclass(frozen=True)
class Example:
    """One section."""

    number: int
    name: str
    title: str
    text: str
    tables: dict[str, Table]

    def rows(self, table: str) -> tuple[Row, ...]:
        """The rows of a table; none where the example has no such table."""
        return self.tables[table].rows if table in self.tables else ()

    @property
    def tenant(self) -> Row:
        (row,) = self.rows("tenant")
        return row

    @property
    def currency(self) -> str:
        return str(self.tenant["Billing currency"])

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(str(self.tenant["Time zone"]))


def read(text: str | None = None) -> tuple[Example, ...]:
    """The sections of the document, or of a text like it, in order."""
    whole = DOCUMENT.read_text() if text is None else text
    heads = list(_SECTION.finditer(whole))
    ends = [head.start() for head in heads[1:]] + [len(whole)]
    return tuple(
        _example(head, whole[head.end() : end]) for head, end in zip(heads, ends, strict=True)
    )


def opening(text: str) -> str:
    """What stands before the first section."""
    return text[: next(_SECTION.finditer(text)).start()]


def instant(cell: Cell) -> datetime:
    """An instant as a table has it, in UTC."""
    return datetime.fromisoformat(f"{cell}:00+00:00")


def loose_figures(text: str) -> Iterator[str]:
    """What of the prose is neither in a table nor a true equation."""
    prose = re.sub(r"<!--.*?-->", "", _TABLE.sub("", text))
    for said in _CODE.findall(prose):
        if any(sign.isdigit() for sign in said) and not is_true(said):
            yield f"`{said}` is not so"
    for line in _CODE.sub("", prose).splitlines():
        if any(sign.isdigit() for sign in line):
            yield f"a figure that nothing checks: {line}"


def is_true(equation: str) -> bool:
    """Whether all sides of an equation are equal; ``≈``: when rounded to the digits shown."""
    clocks = _CLOCKS.fullmatch(equation)
    if clocks:
        utc, local, zone = clocks.groups()
        return local == f"{instant(utc).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
    if "≈" in equation:
        exact, shown = equation.split("≈")
        places = len(shown.partition(".")[2].strip())
        return round(value(exact), places) == value(shown)
    sides = [value(side) for side in equation.split("=")]
    return len(sides) > 1 and len(set(sides)) == 1


def value(text: str) -> Fraction:
    """What a sum of figures comes to, exactly."""
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != re.sub(r"\s", "", text):
        raise ValueError(text)
    found = _sum(tokens)
    if tokens:
        raise ValueError(text)
    return found


def _sum(tokens: list[str]) -> Fraction:
    found = _product(tokens)
    while tokens and tokens[0] in "+−":
        sign = tokens.pop(0)
        more = _product(tokens)
        found = found + more if sign == "+" else found - more
    return found


def _product(tokens: list[str]) -> Fraction:
    found = _factor(tokens)
    while tokens and tokens[0] in "×÷":
        sign = tokens.pop(0)
        more = _factor(tokens)
        found = found * more if sign == "×" else found / more
    return found


def _factor(tokens: list[str]) -> Fraction:
    token = tokens.pop(0)
    if token == "−":
        return -_factor(tokens)
    if token != "(":
        return Fraction(token.replace(",", ""))
    found = _sum(tokens)
    if tokens.pop(0) != ")":
        raise ValueError("a bracket is not closed")
    return found


def _example(head: re.Match[str], text: str) -> Example:
    return Example(
        number=int(head["number"]),
        name=head["name"],
        title=head["title"],
        text=text,
        tables={found["name"]: _table(found["rows"]) for found in _TABLE.finditer(text)},
    )


def _table(text: str) -> Table:
    heading, _rule, *lines = (_cells(line) for line in text.splitlines())
    columns = [_HEADING.fullmatch(name) for name in heading]
    names = [str(column["name"]) for column in columns if column]
    units = {column["name"]: column["unit"] for column in columns if column and column["unit"]}
    rows = tuple(
        {name: _cell(cell) for name, cell in zip(names, line, strict=True)} for line in lines
    )
    return Table(rows, units)


def _cells(line: str) -> list[str]:
    return [cell.strip().strip("*") for cell in line.strip().strip("|").split("|")]


def _cell(text: str) -> Cell:
    if text in ("", "—"):
        return None
    if _NUMBER.fullmatch(text):
        return Decimal(text.replace(",", "").replace("−", "-"))
    return text

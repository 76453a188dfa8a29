"""The example in the documentation is a sheet, and its columns are those that are read."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from billing.documents import price_sheet_csv
from billing.rules.sheet_lines import Column, Kind

PAGE = (Path(__file__).parents[2] / "docs" / "prices.md").read_text(encoding="utf-8")


def test_the_documented_sheet_is_read_as_it_says() -> None:
    example = PAGE.partition("```csv\n")[2].partition("```")[0]
    read = price_sheet_csv.parse(example.encode())
    assert read.faults == ()
    assert [line.kind for line in read.lines] == [
        Kind.EXACT,
        Kind.DISCOUNT,
        Kind.DISCOUNT,
        Kind.MARKUP,
    ]
    assert read.lines[0].unit_price == Decimal("0.0000015")


def test_the_documented_columns_are_all_there_are() -> None:
    assert f"`{', '.join(Column)}`" in PAGE

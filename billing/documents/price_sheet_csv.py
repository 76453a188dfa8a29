"""A price sheet as CSV: what is read, in two forms, and what is written.

Read: UTF-8 with or without byte-order mark, comma or semicolon, columns by name in any order.
Either the product's own columns, or those of the price sheet that Azure lets one download (EA and
MCA), of which the pay-as-you-go prices are taken. Written: the product's own, such that reading
it gives the same lines. Text that a spreadsheet would run as a formula gets an apostrophe, which
reading takes off again.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from billing.documents.csv import safe
from billing.rules import sheet_lines
from billing.rules.sheet_lines import AgreedLine, Column, Draft, Fault, Form

CONTENT_TYPE = "text/csv; charset=utf-8"
#: Of a document, in bytes.
LARGEST = 5_000_000
_BOM = b"\xef\xbb\xbf"
_OWN = {column.lower(): column for column in Column}
#: Azure's names, lower-cased and without spaces, of what an exact price needs.
_AZURE = {
    "meterid": Column.METER_ID,
    "unitprice": Column.PRICE,
    "unitofmeasure": Column.UNIT_OF_MEASURE,
    "currency": Column.CURRENCY,
    "currencycode": Column.CURRENCY,
}
_ESCAPED = ("'", "=", "+", "-", "@", "\t", "\r", "\n")
_EXPONENT = re.compile(r"^[0-9]+(\.[0-9]+)?[eE]-?[0-9]{1,2}$", re.ASCII)
Row = tuple[int, list[str]]


def parse(data: bytes) -> Draft:
    """The lines of a document, with every fault that can be seen in it alone."""
    try:
        text = data.removeprefix(_BOM).decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return _refused(line, "The file is not UTF-8 from here on. Save it as “CSV UTF-8”.")
    if "\x00" in text:
        return _refused(1, "The file has a NUL character: it is no text. Save it as “CSV UTF-8”.")
    try:
        rows = list(_rows(text))
    except csv.Error as error:
        return _refused(text.count("\n") + 1, f"The file is no CSV: {error}.")
    if not rows:
        return _refused(1, "The file is empty. Give a row of column names, then the lines.")
    (_, header), *body = rows
    names = [name.strip().lower() for name in header]
    if Column.KIND.lower() in names:
        return _own(names, body)
    squeezed = [name.replace(" ", "") for name in names]
    if {"meterid", "unitprice", "unitofmeasure"} <= set(squeezed):
        return sheet_lines.unrepeated(_azures(squeezed, body))
    return _refused(
        1,
        f"The first row must name the columns: {', '.join(Column)}; or those of Azure's price"
        " sheet, with meterId, unitPrice, unitOfMeasure and currency among them.",
    )


def render(lines: Iterable[AgreedLine]) -> bytes:
    """The lines as bytes: UTF-8 with a byte-order mark, for spreadsheets; CRLF line ends."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(list(Column))
    for line in lines:
        writer.writerow(_cells(line).values())
    return _BOM + out.getvalue().encode()


def _cells(line: AgreedLine) -> dict[Column, str]:
    return {
        Column.KIND: line.kind.value,
        Column.METER_ID: _escaped(line.meter_id),
        Column.PRODUCT_FILTER: _escaped(line.product_filter),
        Column.METER_FILTER: _escaped(line.meter_filter),
        Column.REGION: _escaped(line.region),
        Column.PRICE: _number(line.price),
        Column.UNIT_OF_MEASURE: _escaped(line.unit_of_measure),
        Column.CURRENCY: line.currency,
        Column.PERCENT: _number(line.percent),
    }


def _own(names: Sequence[str], body: Sequence[Row]) -> Draft:
    faults = [*_header_faults(names)]
    if faults:
        return Draft(Form.OWN, (), tuple(faults))
    columns = [_OWN[name] for name in names]
    lines: list[AgreedLine] = []
    for row, cells in body[: sheet_lines.MOST_LINES]:
        surplus = any(cell.strip() for cell in cells[len(columns) :])
        if surplus:
            faults.append(Fault(row, "", f"row {row} has more cells than there are columns."))
            continue
        given = dict(zip(columns, map(_unescaped, cells), strict=False))
        _collect(sheet_lines.read(given, row=row), lines, faults)
    return sheet_lines.unrepeated(Draft(Form.OWN, tuple(lines), (*faults, *_too_many(body))))


def _azures(names: Sequence[str], body: Sequence[Row]) -> Draft:
    lines: list[AgreedLine] = []
    faults: list[Fault] = []
    left_out: Counter[str] = Counter()
    for row, cells in body:
        said = dict(zip(names, (cell.strip() for cell in cells), strict=False))
        why = _left_out(said)
        if why:
            left_out[why] += 1
            continue
        given: dict[Column, str] = {
            Column.KIND: sheet_lines.Kind.EXACT,
            **{column: said[name] for name, column in _AZURE.items() if name in said},
        }
        given[Column.PRICE] = _without_exponent(given[Column.PRICE])
        _collect(sheet_lines.read(given, row=row), lines, faults)
    return Draft(Form.AZURE, tuple(lines), tuple(faults), tuple(sorted(left_out.items())))


def _left_out(said: dict[str, str]) -> str | None:
    """Why a row of Azure's sheet prices no use of a meter; None where it does."""
    if not said.get("meterid"):
        return "without a meter id"
    if said.get("pricetype", "").lower() not in ("", "consumption"):
        return "of another price type than Consumption"
    if said.get("term"):
        return "for a term, not for use"
    if said.get("tierminimumunits", "").strip("0.") != "":
        return "of a further tier"
    return None


def _without_exponent(text: str) -> str:
    """Azure writes small prices as ``1.25E-06``."""
    return f"{Decimal(text):f}" if _EXPONENT.match(text) else text


def _collect(
    found: AgreedLine | tuple[Fault, ...], lines: list[AgreedLine], faults: list[Fault]
) -> None:
    if isinstance(found, AgreedLine):
        lines.append(found)
    else:
        faults.extend(found)


def _header_faults(names: Sequence[str]) -> Iterator[Fault]:
    for name, count in Counter(names).items():
        if name not in _OWN:
            says = f"There is no such column. There are: {', '.join(Column)}."
            yield Fault(1, name or "(empty)", says)
        elif count > 1:
            yield Fault(1, _OWN[name], "Named more than once.")


def _too_many(body: Sequence[Row]) -> tuple[Fault, ...]:
    if len(body) <= sheet_lines.MOST_LINES:
        return ()
    row = body[sheet_lines.MOST_LINES][0]
    says = f"A sheet has at most {sheet_lines.MOST_LINES:,} lines; this has {len(body):,}."
    return (Fault(row, "", f"{says} Make two sheets of it."),)


def _rows(text: str) -> Iterator[Row]:
    """The rows that are not empty, numbered as a spreadsheet does."""
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    for number, cells in enumerate(reader, 1):
        if any(cell.strip() for cell in cells):
            yield number, cells


def _refused(row: int, says: str) -> Draft:
    return Draft(Form.OWN, (), (Fault(row, "", says),))


def _escaped(text: str) -> str:
    """Text that no spreadsheet runs; a leading apostrophe of its own is doubled."""
    return f"'{text}" if text.startswith("'") else safe(text)


def _unescaped(cell: str) -> str:
    escaped = cell.startswith("'") and cell[1:].startswith(_ESCAPED)
    return cell[1:] if escaped else cell


def _number(number: Decimal | None) -> str:
    return "" if number is None else sheet_lines.plain(number)

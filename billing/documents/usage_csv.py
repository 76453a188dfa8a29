"""Further usage as CSV: Start, Gateway, Subscription, Deployment, Class, Quantity.

UTF-8 with or without byte-order mark, comma or semicolon, columns by name in any order.
"""

from __future__ import annotations

import csv
import io

from billing.rules import measured
from billing.rules.measured import MOST_LINES, Column, Draft, Fault, Line

#: Of a file, in bytes.
LARGEST = 20_000_000
_BOM = b"\xef\xbb\xbf"


def parse(data: bytes) -> Draft:
    """The lines of a file, with every fault that can be seen in it alone."""
    if len(data) > LARGEST:
        return _refused(1, f"The file has more than {LARGEST:,} bytes. Give it in parts.")
    try:
        text = data.removeprefix(_BOM).decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        return _refused(line, "The file is not UTF-8 from here on. Save it as “CSV UTF-8”.")
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        rows = [
            (number, [cell.strip() for cell in cells])
            for number, cells in enumerate(reader, 1)
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as error:
        return _refused(1, f"The file is no CSV: {error}.")
    return _lines(rows)


def _lines(rows: list[tuple[int, list[str]]]) -> Draft:
    if not rows:
        return _refused(1, f"The file is empty. Its first row names {', '.join(Column)}.")
    (_, header), *body = rows
    known = {column.lower(): column for column in Column}
    names = [known.get(name.lower()) for name in header]
    missing = [column for column in Column if names.count(column) != 1]
    if missing or None in names:
        return _refused(1, f"The first row must name each once: {', '.join(Column)}.")
    if len(body) > MOST_LINES:
        return _refused(1, f"The file has more than {MOST_LINES:,} lines. Give it in parts.")
    lines: list[Line] = []
    faults: list[Fault] = []
    for number, cells in body:
        if len(cells) != len(names):
            faults.append(Fault(number, "", f"has {len(cells)} cells, not {len(names)}."))
            continue
        given = {name: cell for name, cell in zip(names, cells, strict=True) if name}
        found = measured.read(given, row=number)
        if isinstance(found, Line):
            lines.append(found)
        else:
            faults.extend(found)
    return Draft(tuple(lines), (*faults, *measured.repeated(lines)))


def _refused(row: int, says: str) -> Draft:
    return Draft((), (Fault(row, "", says),))

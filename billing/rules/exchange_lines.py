"""Exchange rates as a file has them: read line by line, every fault told. Pure.

A file names its columns: ``From``, ``To``, ``Rate``, ``EffectiveFrom`` (a date, 00:00 UTC, or an
instant with its offset) and, if it likes, ``Source``.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

COLUMNS = ("From", "To", "Rate", "EffectiveFrom")
SOURCE = "Source"
_RATE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)
_LONGEST_SOURCE = 200
_CURRENCY = "Use an ISO 4217 code such as EUR or USD."
_NUMBER = "Use a number above 0 with a decimal point and at most 9 decimals, such as 0.8625."
_START = "Use a date such as 2026-11-01, or an instant such as 2026-11-01T00:00:00Z."
_CODE = re.compile(r"[A-Z]{3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class RateLine:
    """One line that can be read. ``effective_from`` is aware UTC."""

    from_currency: str
    to_currency: str
    rate: Decimal
    effective_from: datetime
    source: str


@dataclass(frozen=True, slots=True)
class RateFault:
    """What is wrong with one cell of one line, and what to give instead."""

    row: int
    column: str
    says: str


def read(text: str) -> tuple[tuple[RateLine, ...], tuple[RateFault, ...]]:
    """Every line that can be read, and every fault; with a fault nothing should be taken."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    if missing := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
        says = f"The first row must name the columns {', '.join(COLUMNS)}; {missing[0]} is missing."
        return (), (RateFault(1, missing[0], says),)
    lines: list[RateLine] = []
    faults: list[RateFault] = []
    seen: dict[tuple[str, str, datetime], int] = {}
    for number, cells in enumerate(rows, start=2):
        read_or_not = _line(
            number, {name: (cells.get(name) or "").strip() for name in cells if name}
        )
        if isinstance(read_or_not, RateLine):
            key = (read_or_not.from_currency, read_or_not.to_currency, read_or_not.effective_from)
            first = seen.setdefault(key, number)
            if first == number:
                lines.append(read_or_not)
            else:
                says = f"Row {first} gives this rate already. Leave one of them out."
                faults.append(RateFault(number, "EffectiveFrom", says))
        else:
            faults.extend(read_or_not)
    return tuple(lines), tuple(faults)


def _line(number: int, cells: Mapping[str, str]) -> RateLine | tuple[RateFault, ...]:
    start = _instant(cells["EffectiveFrom"])
    wrong = {
        "From": None if _CODE.fullmatch(cells["From"]) else _CURRENCY,
        "To": _wrong_target(cells["From"], cells["To"]),
        "Rate": None if _RATE.fullmatch(cells["Rate"]) and Decimal(cells["Rate"]) else _NUMBER,
        "EffectiveFrom": None if start else _START,
    }
    faults = tuple(RateFault(number, name, says) for name, says in wrong.items() if says)
    if faults or start is None:
        return faults
    source = cells.get(SOURCE, "")[:_LONGEST_SOURCE]
    return RateLine(cells["From"], cells["To"], Decimal(cells["Rate"]), start, source)


def _wrong_target(of: str, to: str) -> str | None:
    if not _CODE.fullmatch(to):
        return _CURRENCY
    return "Use another currency than in From." if of == to else None


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        return at.replace(tzinfo=UTC) if "T" not in text and " " not in text else None
    return at.astimezone(UTC)

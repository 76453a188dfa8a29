"""A breakdown as CSV (RFC 4180): a row for each group of values, then the total of all.

Text that a spreadsheet would run as a formula gets a leading apostrophe; numbers never do. An
empty cost is unpriced, not zero; empty calls are not told apart by token class.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta

from billing.breakdown import Breakdown, By, Calls, Row
from billing.documents.csv import CONTENT_TYPE, plain, safe
from billing.rules.token_classes import TokenClass
from tenancy.money import Basis

__all__ = ["CONTENT_TYPE", "render"]
_CALLS = tuple(Calls.__dataclass_fields__)


def render(
    found: Breakdown,
    dimensions: Sequence[By],
    *,
    first_day: date,
    end_day: date,
    zone: str,
    currency: str,
) -> bytes:
    """The rows and the total as bytes: UTF-8 with a byte-order mark; CRLF line ends."""
    classes = [one for one in TokenClass if one in found.total.classes]
    head = ["Kind", "FirstDay", "LastDay", "TimeZone"]
    head += [_camel(one) for one in dimensions]
    head += ["Cost", "Currency", "CostBasis", "Tokens", "UnpricedTokens", "UnpricedOtherUnits"]
    head += [f"{_camel(one)}{'' if one.unit != 'token' else 'Tokens'}" for one in classes]
    head += [_camel(name) for name in _CALLS]
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(head)
    within = (first_day.isoformat(), (end_day - timedelta(days=1)).isoformat(), zone)
    for row in found.rows:
        named = [safe(value.key or value.label) for value in row.values]
        writer.writerow(["row", *within, *named, *_told(row, classes, currency)])
    blank = [""] * len(dimensions)
    writer.writerow(["total", *within, *blank, *_told(found.total, classes, currency)])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _told(row: Row, classes: Sequence[TokenClass], currency: str) -> list[object]:
    calls = asdict(row.calls) if row.calls else dict.fromkeys(_CALLS)
    return [
        plain(row.cost.amount) if row.cost else "",
        currency,
        Basis.ESTIMATED,
        row.tokens,
        row.unpriced_tokens,
        row.unpriced_others,
        *(row.classes.get(one, 0) for one in classes),
        *("" if calls[name] is None else calls[name] for name in _CALLS),
    ]


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))

"""Days beside their source as CSV (RFC 4180): a row a day and gateway, the reasons in one field."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import UTC

from billing.comparing import Compared
from billing.documents.csv import safe

CONTENT_TYPE = "text/csv; charset=utf-8"
COLUMNS = (
    "Day",
    "Gateway",
    "Source",
    "CallsOfSource",
    "CallsStored",
    "CallsDifference",
    "TokensOfSource",
    "TokensStored",
    "TokensDifference",
    "Explained",
    "Reasons",
    "ComparedAt",
)


def render(days: Iterable[Compared]) -> bytes:
    """The days as bytes: UTF-8 with a byte-order mark, for spreadsheets; CRLF line ends."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for one in days:
        writer.writerow(
            (
                one.day.isoformat(),
                safe(one.gateway),
                one.source.value,
                one.of_source.calls,
                one.of_stored.calls,
                one.difference.calls,
                one.of_source.tokens,
                one.of_stored.tokens,
                one.difference.tokens,
                "no" if one.unexplained else "yes",
                safe("; ".join(str(reason["says"]) for reason in one.reasons)),
                one.compared_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            )
        )
    return b"\xef\xbb\xbf" + out.getvalue().encode()

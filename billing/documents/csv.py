"""A statement as CSV (RFC 4180): lines, what has no price, what was moved afterwards, the total.

A move's amount stands in a column of its own: the lines hold it already.

Text that a spreadsheet would run as a formula gets a leading apostrophe; numbers never do.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC
from decimal import Decimal

from billing.moves import Move
from billing.rules.token_classes import TokenClass, Unit
from billing.statements import Line, StatementView

CONTENT_TYPE = "text/csv; charset=utf-8"
COLUMNS = (
    "Kind",
    "Line",
    "Team",
    "CostCenter",
    "PeriodStart",
    "PeriodEnd",
    "TimeZone",
    "Subscription",
    "Product",
    "Gateway",
    "Deployment",
    "Model",
    "TokenClass",
    "Quantity",
    "Unit",
    "UnitPrice",
    "UnitsPerPrice",
    "PriceCurrency",
    "PriceEffectiveFrom",
    "PriceSheet",
    "MarkupPercent",
    "MeterId",
    "MeterName",
    "ListCost",
    "ListCurrency",
    "ExchangeRate",
    "ExactCost",
    "Amount",
    "Currency",
    "CostBasis",
    "MovedFrom",
    "MovedFromCostCenter",
    "MovedTo",
    "MovedToCostCenter",
    "MovedFromDay",
    "MovedFirstDay",
    "MovedLastDay",
    "MovedCost",
    "MovedAmount",
    "RecordedAt",
    "RecordedBy",
    "Reason",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def render(statement: StatementView) -> bytes:
    """The statement as bytes: UTF-8 with a byte-order mark, for spreadsheets; CRLF line ends."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    head = _head(statement)
    for line in statement.lines:
        writer.writerow({**head, **_line(line)})
    for gap in statement.unpriced:
        writer.writerow(
            {
                **head,
                "Kind": "unpriced",
                "Subscription": safe(gap.subscription),
                "Deployment": safe(gap.deployment),
                "TokenClass": gap.token_class,
                "Quantity": gap.quantity,
                "Unit": _unit(gap.token_class),
            }
        )
    for move in statement.moves:
        writer.writerow({**head, **_move(move)})
    writer.writerow({**head, "Kind": "total", "Amount": plain(statement.total.amount)})
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def file_name(statement: StatementView) -> str:
    """``statement-search-2026-11-draft.csv``."""
    return f"statement-{statement.team_slug}-{statement.period.key}-{statement.status}.csv"


def safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def plain(number: Decimal) -> str:
    """A number without exponent."""
    return f"{number:f}"


def _head(statement: StatementView) -> dict[str, object]:
    return {
        "Team": safe(statement.team),
        "CostCenter": safe(statement.cost_center),
        "PeriodStart": statement.period.start.isoformat(),
        "PeriodEnd": statement.period.end.isoformat(),
        "TimeZone": statement.period.zone,
        "Currency": statement.currency,
        "CostBasis": statement.basis,
    }


def _line(line: Line) -> dict[str, object]:
    return {
        "Kind": "line",
        "Line": line.number,
        "CostCenter": safe(line.cost_center),
        "Subscription": safe(line.subscription),
        "Product": safe(line.product),
        "Gateway": safe(line.gateway),
        "Deployment": safe(line.deployment),
        "Model": safe(line.model),
        "TokenClass": line.token_class,
        "Quantity": line.quantity,
        "Unit": _unit(line.token_class),
        "UnitPrice": _known(line.unit_price),
        "UnitsPerPrice": line.units_per_price,
        "PriceCurrency": line.price_currency,
        "PriceEffectiveFrom": line.price_from.isoformat() if line.price_from else "",
        "PriceSheet": safe(line.sheet),
        "MarkupPercent": _known(line.markup),
        "MeterId": line.meter_id,
        "MeterName": safe(line.meter),
        "ListCost": _known(line.list_cost.amount if line.list_cost else None),
        "ListCurrency": line.list_cost.currency if line.list_cost else "",
        "ExchangeRate": _known(line.exchange_rate),
        "ExactCost": plain(line.exact.amount),
        "Amount": plain(line.amount.amount),
    }


def _move(move: Move) -> dict[str, object]:
    return {
        "Kind": f"moved {move.way}",
        "Subscription": safe(move.subscription),
        "Gateway": safe(move.gateway),
        "MovedFrom": safe(move.from_team),
        "MovedFromCostCenter": safe(move.from_cost_center),
        "MovedTo": safe(move.to_team),
        "MovedToCostCenter": safe(move.to_cost_center),
        "MovedFromDay": move.from_day.isoformat(),
        "MovedFirstDay": move.first_day.isoformat(),
        "MovedLastDay": move.last_day.isoformat(),
        "MovedCost": plain(move.exact.amount),
        "MovedAmount": plain(move.amount.amount),
        "RecordedAt": move.recorded_at.astimezone(UTC).isoformat(),
        "RecordedBy": safe(move.recorded_by),
        "Reason": safe(move.reason),
    }


def _known(number: Decimal | None) -> str:
    return "" if number is None else plain(number)


def _unit(token_class: str) -> str:
    """What one of the quantity is, in the plural: ``Tokens``, ``Seconds``."""
    unit = TokenClass(token_class).unit
    return "Searches" if unit is Unit.SEARCH else f"{unit.capitalize()}s"

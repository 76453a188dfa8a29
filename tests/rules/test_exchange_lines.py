"""A file of exchange rates is read whole, or every fault in it is told."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing.rules import exchange_lines
from billing.rules.exchange_lines import RateLine

HEAD = "From,To,Rate,EffectiveFrom,Source\n"


def test_lines_are_read_with_their_instants_in_utc() -> None:
    rows = "USD,EUR,0.8625,2026-11-01,the invoice\nUSD,EUR,0.9,2026-11-12T00:00:00+01:00,\n"
    text = f"\ufeff{HEAD}{rows}"

    lines, faults = exchange_lines.read(text)

    assert faults == ()
    assert lines == (
        RateLine("USD", "EUR", Decimal("0.8625"), datetime(2026, 11, 1, tzinfo=UTC), "the invoice"),
        RateLine("USD", "EUR", Decimal("0.9"), datetime(2026, 11, 11, 23, tzinfo=UTC), ""),
    )


@pytest.mark.parametrize(
    ("line", "column", "says"),
    [
        ("dollar,EUR,0.9,2026-11-01,", "From", "ISO 4217"),
        ("USD,€,0.9,2026-11-01,", "To", "ISO 4217"),
        ("USD,USD,1,2026-11-01,", "To", "another currency"),
        ('USD,EUR,"0,9",2026-11-01,', "Rate", "decimal point"),
        ("USD,EUR,0,2026-11-01,", "Rate", "above 0"),
        ("USD,EUR,-1,2026-11-01,", "Rate", "above 0"),
        ("USD,EUR,0.1234567891,2026-11-01,", "Rate", "9 decimals"),
        ("USD,EUR,NaN,2026-11-01,", "Rate", "decimal point"),
        ("USD,EUR,0.9,01.11.2026,", "EffectiveFrom", "2026-11-01"),
        ("USD,EUR,0.9,2026-11-01T12:00:00,", "EffectiveFrom", "2026-11-01"),
        ("USD,EUR", "Rate", "decimal point"),
    ],
)
def test_a_fault_names_its_row_and_column_and_the_fix(line: str, column: str, says: str) -> None:
    lines, faults = exchange_lines.read(f"{HEAD}USD,EUR,0.9,2026-10-01,\n{line}\n")

    assert len(lines) == 1
    assert (3, column) in {(fault.row, fault.column) for fault in faults}
    assert any(says in fault.says for fault in faults)


def test_the_same_rate_twice_is_a_fault_of_the_second() -> None:
    _, faults = exchange_lines.read(f"{HEAD}USD,EUR,0.9,2026-10-01,\nUSD,EUR,0.8,2026-10-01,\n")

    assert [(fault.row, fault.says) for fault in faults] == [
        (3, "Row 2 gives this rate already. Leave one of them out.")
    ]


def test_a_missing_column_is_named() -> None:
    _, faults = exchange_lines.read("From,To,Rate\nUSD,EUR,1\n")

    assert [(fault.row, fault.column) for fault in faults] == [(1, "EffectiveFrom")]

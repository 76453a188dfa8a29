"""Money: an exact number, its currency, and its basis. Pure.

Unlike currencies never add. Amounts stay exact inside; they are rounded once, where they are
shown or issued, by the largest remainder, so that the parts sum to the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal, localcontext
from enum import StrEnum

from babel.numbers import get_currency_precision

#: Wide enough for NUMERIC(38,18) sums over any number of rows.
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)


class Basis(StrEnum):
    """What an amount rests on; usage itself is ``observed``."""

    OBSERVED = "observed"
    LIST = "list"
    ESTIMATED = "estimated"
    AMORTIZED = "amortized"
    INVOICED = "invoiced"


class UnlikeCurrencies(ArithmeticError):
    """Raised when amounts in different currencies meet in one sum or comparison."""


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency (ISO 4217)."""

    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        _same(self, other)
        return Money(EXACT.add(self.amount, other.amount), self.currency)

    def __sub__(self, other: Money) -> Money:
        _same(self, other)
        return Money(EXACT.subtract(self.amount, other.amount), self.currency)

    def __lt__(self, other: Money) -> bool:
        _same(self, other)
        return self.amount < other.amount

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"


def of(amount: str | int | Decimal, currency: str) -> Money:
    """An exact amount from its decimal text, a whole number or a Decimal."""
    return Money(Decimal(amount), currency)


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The exact sum; zero of ``currency`` for no amounts.

    Raises:
        UnlikeCurrencies: an amount is in another currency.
    """
    result = Money(Decimal(0), currency)
    for amount in amounts:
        result = result + amount
    return result


def minor_unit(currency: str) -> Decimal:
    """The smallest amount the currency is paid in: 0.01 for EUR, 1 for JPY (CLDR)."""
    return Decimal(1).scaleb(-int(get_currency_precision(currency)))


def rounded(amount: Money) -> Money:
    """The amount in the currency's smallest unit, half to even."""
    with localcontext(EXACT):
        return Money(amount.amount.quantize(minor_unit(amount.currency)), amount.currency)


def apportion(exact: Sequence[Money], currency: str) -> tuple[Money, ...]:
    """Each exact amount in the smallest unit, such that they sum to the rounded total.

    Largest remainder: every part is rounded down, then the units still missing go one by one
    to the parts that lost most; ties go to the earlier part.

    Raises:
        UnlikeCurrencies: an amount is in another currency.
    """
    whole = rounded(total(exact, currency)).amount
    unit = minor_unit(currency)
    with localcontext(EXACT):
        floors = [part.amount.quantize(unit, rounding=ROUND_FLOOR) for part in exact]
        missing = int((whole - sum(floors, Decimal(0))) / unit)
        lost = [part.amount - floor for part, floor in zip(exact, floors, strict=True)]
        order = sorted(range(len(exact)), key=lambda place: (-lost[place], place))
        for place in order[:missing]:
            floors[place] += unit
    return tuple(Money(amount, currency) for amount in floors)


def _same(one: Money, other: Money) -> None:
    if one.currency != other.currency:
        raise UnlikeCurrencies(f"{one.currency} and {other.currency} do not add")

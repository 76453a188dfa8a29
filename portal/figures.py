"""Figures as pages show them: exact, with basis, period, currency and freshness at hand.

The tags of `portal.templatetags.figures` write them; templates do no arithmetic. A column of
figures is rounded by the largest remainder, so that what one sees adds up to its total.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from babel.numbers import get_currency_symbol

from billing.rules.token_classes import Unit
from tenancy import money
from tenancy.money import EXACT, Basis, Money
from tenancy.periods import Period

NO_DATA = "no data yet"
NOT_PRICED = "not priced"
_PER = 1_000_000
_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What all figures of a page, or of one part of it, have in common."""

    basis: Basis
    period: Period
    currency: str
    through: datetime | None

    def says(self) -> str:
        """Basis, period, zone and freshness in a few words."""
        fresh = f"usage through {instant(self.through)}" if self.through else "no usage read yet"
        return f"{self.basis}, {month(self.period)} ({self.period.zone}), {fresh}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One amount: as it is, as it is shown, and what it rests on. ``absent`` says why it is not
    there where it is not: no data yet is not zero.
    """

    exact: Money | None
    shown: Money | None
    reckoning: Reckoning
    absent: str = NO_DATA

    @property
    def text(self) -> str:
        return self.absent if self.shown is None else plain(self.shown)

    @property
    def about(self) -> str:
        """The exact amount and what it rests on, for whoever looks closer."""
        if self.exact is None:
            return self.reckoning.says()
        return f"{exact(self.exact.amount)} {self.exact.currency}, {self.reckoning.says()}"


@dataclass(frozen=True, slots=True)
class Column:
    """Figures and their total, which is exactly the sum of what is shown."""

    figures: tuple[Figure, ...]
    total: Figure


@dataclass(frozen=True, slots=True)
class Used:
    """How much of a limit is used: ``percent`` with one decimal, None without a limit."""

    percent: Decimal | None

    @property
    def text(self) -> str:
        return "no limit" if self.percent is None else f"{self.percent} %"

    @property
    def filled(self) -> Decimal:
        """The part of a meter that is full, 0 to 100."""
        return min(self.percent or Decimal(0), Decimal(100))

    @property
    def tone(self) -> str:
        """How near the limit is: calm below 90 %, a warning below 100 %."""
        if self.percent is None or self.percent < 90:
            return ""
        return "warn" if self.percent < 100 else "bad"


def one(exact: Money | None, reckoning: Reckoning, absent: str = NO_DATA) -> Figure:
    """A figure by itself, rounded by itself."""
    shown = None if exact is None else money.rounded(exact)
    return Figure(exact, shown, reckoning, absent)


def column(
    amounts: Sequence[Money | None], reckoning: Reckoning, absent: str = NOT_PRICED
) -> Column:
    """Figures below each other, which sum to their total as shown."""
    known = [amount for amount in amounts if amount is not None]
    parts = iter(money.apportion(known, reckoning.currency))
    figures = tuple(
        Figure(amount, None if amount is None else next(parts), reckoning, absent)
        for amount in amounts
    )
    whole = money.total(known, reckoning.currency) if known else None
    return Column(figures, one(whole, reckoning))


def used(spent: Money | None, limit: Money | None) -> Used:
    """The share of a limit that is spent; a limit of zero is used up from the start."""
    if limit is None:
        return Used(None)
    if not limit.amount:
        return Used(Decimal("100.0"))
    with localcontext(EXACT):
        share = (spent.amount if spent else Decimal(0)) * 100 / limit.amount
        return Used(share.quantize(_TENTH, rounding=ROUND_HALF_EVEN))


def plain(amount: Money) -> str:
    """``1,234.50``: in the currency's smallest unit, without the currency."""
    return f"{money.rounded(amount).amount:,}".replace("-", "−")


def with_symbol(amount: Money) -> str:
    """``$1,234.50``; the code where the currency has no sign of its own."""
    symbol = get_currency_symbol(amount.currency, locale="en")
    gap = " " if symbol.isalpha() else ""
    text = plain(amount)
    sign = "−" if text.startswith("−") else ""
    return f"{sign}{symbol}{gap}{text.removeprefix('−')}"


def per_million(unit_price: Decimal, currency: str) -> str:
    """The price of a million tokens with all its digits, at least those of the currency."""
    with localcontext(EXACT):
        price = (unit_price * _PER).normalize()
        least = money.minor_unit(currency)
        if price == price.quantize(least):
            price = price.quantize(least)
    return f"{price:,f}"


def measure(unit: Unit, units: int = 1) -> str:
    """What a price is for: ``1M`` tokens, ``image``, ``3,600 seconds``."""
    if unit is Unit.TOKEN:
        return "1M"
    return unit.value if units == 1 else quantity(units, unit)


def quantity(count: int, unit: Unit) -> str:
    """``58,214,110`` tokens, ``1 image``, ``12 searches``."""
    if unit is Unit.TOKEN:
        return tokens(count)
    plural = "" if count == 1 else "es" if unit is Unit.SEARCH else "s"
    return f"{count:,} {unit.value}{plural}"


def unit_price(price: Decimal, currency: str, unit: Unit, units: int = 1) -> str:
    """The price of `measure` with all its digits, at least those of the currency."""
    if unit is Unit.TOKEN:
        return per_million(EXACT.divide(price, units), currency)
    least = money.minor_unit(currency)
    decimals = max(len(exact(one).partition(".")[2]) for one in (price, least))
    return f"{price:,.{decimals}f}"


def tokens(count: int) -> str:
    """``58,214,110``."""
    return f"{count:,}"


def month(period: Period) -> str:
    """``November 2026``."""
    return f"{period.first_day:%B %Y}"


def day(when: date) -> str:
    """``20 Nov 2026``."""
    return f"{when.day} {when:%b %Y}"


def instant(when: datetime) -> str:
    """``20 Nov 14:20 UTC``."""
    utc = when.astimezone(UTC)
    return f"{utc.day} {utc:%b %H:%M} UTC"


def long_instant(when: datetime) -> str:
    """``20 Nov 2026 14:20:07 UTC``."""
    utc = when.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y %H:%M:%S} UTC"


def start(when: datetime) -> str:
    """``1 Dec 2025 UTC``; with the time where it is not midnight."""
    utc = when.astimezone(UTC)
    clock = f" {utc:%H:%M}" if utc.hour or utc.minute else ""
    return f"{day(utc.date())}{clock} UTC"


def exact(amount: Decimal) -> str:
    """Every digit that says something, without exponent: ``0.8625``, ``150``."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

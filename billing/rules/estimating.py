"""What a load would cost: by use, month by month, and with provisioned throughput. Pure.

Amounts are exact and in whatever currency the prices are. A month's growth factor is rounded to
nine places, once; everything after is exact, so that a load of twice the calls costs twice.
"""

from __future__ import annotations

import calendar
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from itertools import accumulate

from billing.rules.ptu_throughput import Capacity
from billing.rules.token_classes import LONG, TokenClass

#: Wide enough for every product and sum of what `Load` can hold.
WIDE = Context(prec=110)
#: A prompt of more tokens is a long one: all of such a call is priced by the long context's
#: meters, where the model has them.
LONGEST_SHORT_PROMPT = 272_000
#: Nobody buys more; beyond it no break-even is looked for.
MOST_UNITS = 100_000
_NINE_PLACES = Decimal("0.000000001")


@dataclass(frozen=True, slots=True)
class Load:
    """Calls of the first month, what each holds, and by how many percent calls grow a month.

    Input is what is not cached. ``first_day`` is that of the first month.
    """

    calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    first_day: date
    growth: Decimal = Decimal(0)
    months: int = 12

    @property
    def prompt(self) -> int:
        """Tokens of a call's prompt, cached or not."""
        return self.input_tokens + self.cached_tokens

    @property
    def is_long(self) -> bool:
        """Whether the prompt is beyond the band of short context."""
        return self.prompt > LONGEST_SHORT_PROMPT

    @property
    def calls_by_month(self) -> tuple[Decimal, ...]:
        """The calls of each month; with growth not always whole."""
        with localcontext(WIDE):
            rate = 1 + self.growth / 100
            factors = accumulate(
                range(self.months - 1), lambda so_far, _: so_far * rate, initial=Decimal(1)
            )
            return tuple(self.calls * factor.quantize(_NINE_PLACES) for factor in factors)

    @property
    def first_days(self) -> tuple[date, ...]:
        """The first day of each month."""
        start = self.first_day.year * 12 + self.first_day.month - 1
        return tuple(
            date(number // 12, number % 12 + 1, 1) for number in range(start, start + self.months)
        )

    @property
    def hours_by_month(self) -> tuple[int, ...]:
        """The hours of each calendar month, in UTC as Azure bills them: 672 to 744."""
        return tuple(calendar.monthrange(day.year, day.month)[1] * 24 for day in self.first_days)


@dataclass(frozen=True, slots=True)
class Part:
    """One token class in a month or in all of them."""

    token_class: TokenClass
    quantity: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Month:
    """A month's calls, and its classes in the order of `per_call`."""

    calls: Decimal
    parts: tuple[Part, ...]

    @property
    def cost(self) -> Decimal:
        """The exact sum of its classes."""
        with localcontext(WIDE):
            return sum((part.cost for part in self.parts), Decimal(0))


def per_call(load: Load, offered: Collection[TokenClass]) -> Mapping[TokenClass, int]:
    """Tokens of a call by the class they are priced by, none of them zero.

    A long prompt's are of the long context's classes where the model is offered with any.
    """
    tokens = {
        TokenClass.INPUT: load.input_tokens,
        TokenClass.CACHED_INPUT: load.cached_tokens,
        TokenClass.OUTPUT: load.output_tokens,
    }
    apart = load.is_long and not set(LONG.values()).isdisjoint(offered)
    return {LONG[one] if apart else one: count for one, count in tokens.items() if count}


def by_use(
    load: Load, tokens: Mapping[TokenClass, int], unit_prices: Mapping[TokenClass, Decimal]
) -> tuple[Month, ...]:
    """Each month's cost when every token is paid for by itself."""
    with localcontext(WIDE):
        return tuple(
            Month(
                calls,
                tuple(
                    Part(one, calls * count, calls * count * unit_prices[one])
                    for one, count in tokens.items()
                ),
            )
            for calls in load.calls_by_month
        )


def whole(months: Sequence[Month]) -> Month:
    """All months as one."""
    with localcontext(WIDE):
        parts = tuple(
            Part(
                same[0].token_class,
                sum((part.quantity for part in same), Decimal(0)),
                sum((part.cost for part in same), Decimal(0)),
            )
            for same in zip(*(month.parts for month in months), strict=True)
        )
        return Month(sum((month.calls for month in months), Decimal(0)), parts)


@dataclass(frozen=True, slots=True)
class Peak:
    """When the calls come: in this many hours of a month, the busiest minute of which has
    ``factor`` times the calls of an average one.
    """

    active_hours: int
    factor: Decimal


def units_per_call(load: Load, peak: Peak, capacity: Capacity) -> Fraction:
    """The PTUs that one call a month adds at the peak: not rounded, so that it can be added up."""
    weighed = load.input_tokens + Fraction(capacity.output_weight) * load.output_tokens
    minutes = peak.active_hours * 60
    return weighed * Fraction(peak.factor) / (minutes * Fraction(capacity.input_tpm))


def units_for(needed: Fraction, capacity: Capacity) -> int:
    """The smallest deployment that has the PTUs needed."""
    above = max(needed - capacity.minimum, Fraction(0))
    steps = -(-above // capacity.increment)
    return capacity.minimum + int(steps) * capacity.increment


def units_by_month(load: Load, each: Fraction, capacity: Capacity) -> tuple[int, ...]:
    """The deployment's size in each month, resized at its start."""
    return tuple(units_for(Fraction(calls) * each, capacity) for calls in load.calls_by_month)


def units_by_year(by_month: Sequence[int]) -> tuple[int, ...]:
    """The same where the size is bought for a year at a time: the largest of each year's."""
    return tuple(
        max(by_month[number - number % 12 : number - number % 12 + 12])
        for number in range(len(by_month))
    )


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The fewest calls a month from which PTUs cost no more than paying by use.

    ``units`` PTUs serve them, and up to ``most`` calls (None: any number); ``used`` is the
    share of the PTUs that the fewest calls use at the peak.
    """

    calls: int
    units: int
    most: int | None
    used: Fraction


def break_even(
    *, call_cost: Decimal, unit_cost: Decimal, each: Fraction, capacity: Capacity
) -> BreakEven | None:
    """Where a month's PTUs cost what its calls do by use; None: never, up to `MOST_UNITS`.

    A deployment grows in steps, so it is looked for size by size: the calls that pay for a size
    must be calls which that size serves, and no smaller one does.
    """
    call, unit = Fraction(call_cost), Fraction(unit_cost)
    if not call or (each and call < unit * each):
        return None
    units, least = capacity.minimum, 1
    while units <= MOST_UNITS:
        calls = max(least, -(-unit * units // call))
        most = units // each if each else None
        if most is None or calls <= most:
            return BreakEven(int(calls), units, most, calls * each / units)
        units, least = units + capacity.increment, most + 1
    return None

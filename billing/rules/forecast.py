"""What a period will come to by its end: seasonal naive, with intervals tried on history. Pure.

The days ahead are expected to come to what the last seven came to, spread over the weekdays as the
last three weeks were; of less than a week only the mean of all is known. That is the seasonal naive
method (Hyndman and Athanasopoulos, *Forecasting: Principles and Practice*, 3rd edition, 5.2) with
the pattern, not the level, smoothed over three seasons. How far off it may be is not taken from a
distribution: the same method is tried at every earlier day of the same history, and of its errors
in sums over so many days one is taken that eight in ten stay below, with the rank of split
conformal prediction (Vovk et al., 2005) for as many windows as do not overlap.

Amounts are exact decimals of whatever unit the history has: an amount of money, or tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Context, Decimal, localcontext
from enum import StrEnum
from itertools import accumulate

WEEK = 7
#: How many weeks the pattern of a week is the mean of.
WEEKS_OF_PATTERN = 3
#: With fewer days known than this the interval has a floor that widens.
WELL_KNOWN = 21
#: No interval is narrower than this share of what is expected: a history that repeats itself to
#: the cent promises nothing. With nothing known the floor is all that is expected.
LEAST_DOUBT = Decimal("0.05")
#: Of ten errors, how many lie within P10 to P90.
_WITHIN, _OF = 8, 10
_NOTHING = Decimal(0)
#: Wide enough for the product of two sums of amounts of NUMERIC(38,18).
_WIDE = Context(prec=110)


class Percentile(StrEnum):
    """How likely it is that it comes to no more: in one, five or nine of ten cases."""

    P10 = "p10"
    P50 = "p50"
    P90 = "p90"


@dataclass(frozen=True, slots=True)
class Ahead:
    """A day, and what the period will have come to by its end."""

    day: date
    p10: Decimal
    p50: Decimal
    p90: Decimal

    def at(self, percentile: Percentile) -> Decimal:
        """One of the three."""
        match percentile:
            case Percentile.P10:
                return self.p10
            case Percentile.P50:
                return self.p50
            case Percentile.P90:
                return self.p90


@dataclass(frozen=True, slots=True)
class RunsOut:
    """The days on which a limit is reached: at P90, at P50, at P10. None: not in the period."""

    earliest: date | None
    likely: date | None
    latest: date | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """A period's amount by day, cumulative from its start.

    Attributes:
        so_far: what it had come to when ``days`` begins.
        days: from the day that is not over to the period's last; none: the period is over.
        left_of_first: the share of the first of them that is still ahead, 0 to 1.
        known_days: how many whole days it rests on. 0: nothing is known, and nothing is added to
            ``so_far``; that is no forecast of zero.
    """

    so_far: Decimal
    days: tuple[Ahead, ...]
    left_of_first: Decimal
    known_days: int

    def total(self, percentile: Percentile) -> Decimal:
        """What the period will have come to at its end."""
        return self.days[-1].at(percentile) if self.days else self.so_far

    def runs_out(self, limit: Decimal, used: Decimal) -> RunsOut:
        """When a limit is reached, if ``used`` of it has been used so far."""
        return RunsOut(
            earliest=self._reached(limit, used, Percentile.P90),
            likely=self._reached(limit, used, Percentile.P50),
            latest=self._reached(limit, used, Percentile.P10),
        )

    def scaled(self, factor: Decimal) -> Forecast:
        """What if all that is ahead came to ``factor`` times as much: a dearer mix, more calls.

        Raises:
            ValueError: the factor is negative.
        """
        if factor < 0:
            raise ValueError(f"what is ahead cannot be scaled by {factor}")
        with localcontext(_WIDE):
            return self._with(
                tuple(
                    Ahead(
                        one.day,
                        *(
                            self.so_far + factor * (amount - self.so_far)
                            for amount in (one.p10, one.p50, one.p90)
                        ),
                    )
                    for one in self.days
                )
            )

    def plus(self, per_day: Decimal) -> Forecast:
        """What if each whole day ahead came to so much more; of the first what is left of it.

        Raises:
            ValueError: the amount is negative; for less use `scaled`.
        """
        if per_day < 0:
            raise ValueError(f"a day cannot be forecast {per_day} higher")
        with localcontext(_WIDE):
            return self._with(
                tuple(
                    Ahead(one.day, one.p10 + more, one.p50 + more, one.p90 + more)
                    for place, one in enumerate(self.days)
                    for more in [per_day * (place + self.left_of_first)]
                )
            )

    def _with(self, days: tuple[Ahead, ...]) -> Forecast:
        return replace(self, days=days)

    def _reached(self, limit: Decimal, used: Decimal, percentile: Percentile) -> date | None:
        with localcontext(_WIDE):
            left = limit - used + self.so_far
            return next((one.day for one in self.days if one.at(percentile) >= left), None)


def forecast(
    days: Sequence[Decimal],
    *,
    today: date,
    horizon: int,
    so_far: Decimal,
    share_of_today: Decimal,
) -> Forecast:
    """What a period comes to, day by day to its end.

    Args:
        days: the amounts of the whole days before ``today``, oldest first, one after the other
            without a gap: a day without usage is a zero.
        today: the day that is not over.
        horizon: how many days to tell of, today included; 0: the period is over.
        so_far: what the period has come to, with the part of today that is known.
        share_of_today: how much of today that part stands for, 0 to 1.
    """
    with localcontext(_WIDE):
        left = 1 - share_of_today
        level = _expected(days, horizon)
        doubt = _doubts(days, horizon)
        path: list[Ahead] = []
        low = _NOTHING
        for place in range(horizon):
            ahead = _by(level, place, left)
            least = _floor(len(days)) * ahead
            off = max(_by(doubt, place, left), least)
            low = max(low, ahead - off)
            day = today + timedelta(days=place)
            path.append(Ahead(day, so_far + low, so_far + ahead, so_far + ahead + off))
        return Forecast(so_far, tuple(path), left, len(days))


def _by(sums: Sequence[Decimal], place: int, left: Decimal) -> Decimal:
    """What a sum over days has come to after another ``place`` than the first, of which ``left``
    alone counts.
    """
    return sums[place + 1] - (1 - left) * sums[1]


def _expected(days: Sequence[Decimal], horizon: int) -> list[Decimal]:
    """The sums expected over no day ahead, one, two …; never falling."""
    if not days:
        return [_NOTHING] * (horizon + 1)
    week = _week_after(days)
    return list(accumulate((week[place % WEEK] for place in range(horizon)), initial=_NOTHING))


def _week_after(days: Sequence[Decimal]) -> list[Decimal]:
    """What each of the next seven days is expected to be."""
    if len(days) < WEEK:
        return [_mean(days)] * WEEK
    pattern = [
        _mean(days[len(days) - WEEK + place :: -WEEK][:WEEKS_OF_PATTERN]) for place in range(WEEK)
    ]
    usual, last = sum(pattern, _NOTHING), max(sum(days[-WEEK:], _NOTHING), _NOTHING)
    # Where the two are equal there is nothing to round.
    return pattern if usual in (last, 0) else [one * last / usual for one in pattern]


def _mean(amounts: Sequence[Decimal]) -> Decimal:
    """The mean; of less than nothing, nothing: a credit is not expected again."""
    if min(amounts) == max(amounts):  # exact, where a quotient would have to be rounded
        return max(amounts[0], _NOTHING)
    return max(sum(amounts, _NOTHING) / len(amounts), _NOTHING)


def _doubts(days: Sequence[Decimal], horizon: int) -> list[Decimal]:
    """How far off sums over no day ahead, one, two … may be, eight times in ten; never falling.

    Tried are sums over so many days only as fit twice into the days tried. Beyond, errors grow as
    those of a level that wanders do: with the days to the power of one and a half.
    """
    tried = [_quantile(errors, over) for over, errors in enumerate(_errors(days), start=1)]
    doubts = list(accumulate(tried[:horizon], max, initial=_NOTHING))
    longest = len(doubts) - 1
    if not longest:
        return [_NOTHING] * (horizon + 1)
    times = [Decimal(over) / longest for over in range(longest + 1, horizon + 1)]
    return [*doubts, *(doubts[-1] * ratio * ratio.sqrt() for ratio in times)]


def _errors(days: Sequence[Decimal]) -> Iterator[list[Decimal]]:
    """Over one day, two …: by how much each earlier forecast missed the sum that came."""
    first = min(WEEK, len(days) // 2)
    if not first:
        return
    misses = [_misses(days, origin) for origin in range(first, len(days))]
    for place in range(max(1, (len(days) - first) // 2)):
        yield [miss[place] for miss in misses if place < len(miss)]


def _misses(days: Sequence[Decimal], origin: int) -> list[Decimal]:
    """The absolute errors of a forecast made when only the days before ``origin`` were known."""
    week = _week_after(days[max(0, origin - WEEKS_OF_PATTERN * WEEK) : origin])
    off = accumulate(actual - week[place % WEEK] for place, actual in enumerate(days[origin:]))
    return [abs(one) for one in off]


def _quantile(errors: list[Decimal], over: int) -> Decimal:
    """Of errors in sums over so many days, the one that eight in ten of further ones stay below.

    Windows that begin on neighbouring days share most of theirs: n of them are worth n / ``over``.
    The conformal rank for so many, put back among all n, is eight tenths of n + ``over``.
    """
    rank = -(-_WITHIN * (len(errors) + over) // _OF)
    return sorted(errors)[min(rank, len(errors)) - 1]


def _floor(known: int) -> Decimal:
    """The least doubt as a share of what is expected: more with less than three weeks known."""
    missing = Decimal(max(0, WELL_KNOWN - known)) / WELL_KNOWN
    return LEAST_DOUBT + (1 - LEAST_DOUBT) * missing

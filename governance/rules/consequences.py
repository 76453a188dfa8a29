"""What a changed limit would do: to the day it is reached, to a month's cost, to a budget. Pure.

Amounts are exact decimals, in the billing currency or in tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext

from billing.rules.forecast import Forecast, Percentile, RunsOut
from governance.rules.spans import A_MONTH_HAS, Every, Stretch
from tenancy.money import EXACT

#: How many days back the recent mix looks.
RECENT_DAYS = 30
#: What no figure is told more finely than, as the database keeps costs.
KEPT = Decimal(1).scaleb(-18)
_HOURS_A_DAY, _DAYS_A_WEEK, _MONTHS_A_YEAR = 24, 7, 12


@dataclass(frozen=True, slots=True)
class Steps:
    """A limit over a period: ``first``, and from the day ``turns`` on (None: never) ``then``."""

    first: Decimal
    turns: date | None = None
    then: Decimal = Decimal(0)

    def on(self, day: date) -> Decimal:
        """What it is on a local day."""
        return self.first if self.turns is None or day < self.turns else self.then


@dataclass(frozen=True, slots=True)
class Bought:
    """What a subject bought of one deployment's token class.

    ``quantity`` is in the class's unit, ``priced`` that part of it that had a price; ``tokens`` is
    the tokens of the priced part.
    """

    deployment: str
    token_class: str
    quantity: Decimal
    priced: Decimal
    tokens: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Mix:
    """What calls as of late cost: a month, and a token, at their own mix and at a dearer one.

    The dearer one is the same calls, each at the unit costs of ``dearest``, the deployment at
    which all of them together would cost most. None: nothing priced is known.
    """

    a_month: Decimal | None = None
    a_month_dearer: Decimal | None = None
    a_token: Decimal | None = None
    a_token_dearer: Decimal | None = None
    dearest: str = ""


@dataclass(frozen=True, slots=True)
class More:
    """What a change allows in cost for each ``every``, until before a local day (None: for good).

    ``cost`` None: not known.
    """

    cost: Decimal | None
    every: Every
    until: date | None = None


def runs_out(forecast: Forecast, limit: Steps, *, used: Decimal) -> RunsOut:
    """When a limit that changes within the period is reached, if ``used`` has been used so far."""
    return RunsOut(
        earliest=_reached(forecast, limit, used, Percentile.P90),
        likely=_reached(forecast, limit, used, Percentile.P50),
        latest=_reached(forecast, limit, used, Percentile.P10),
    )


def mix(bought: Sequence[Bought], *, days: int) -> Mix:
    """What these days' calls come to in a month on average, and for a token."""
    cost = sum((one.cost for one in bought), Decimal(0))
    tokens = sum((one.tokens for one in bought), Decimal(0))
    if days < 1 or not any(one.priced for one in bought):
        return Mix()
    dearest, dearer = max(
        ((name, _all_at(name, bought)) for name in sorted({one.deployment for one in bought})),
        key=lambda found: found[1],
    )
    dearer = max(dearer, cost)
    with localcontext(EXACT):
        months = A_MONTH_HAS[Every.DAY] / days
        return Mix(
            a_month=(cost * months).quantize(KEPT),
            a_month_dearer=(dearer * months).quantize(KEPT),
            a_token=cost / tokens if tokens else None,
            a_token_dearer=dearer / tokens if tokens else None,
            dearest=dearest,
        )


def a_month(amount: Decimal, every: Every) -> Decimal:
    """What so much for each ``every`` is in an average month."""
    if every is Every.YEAR:  # a twelfth, which no decimal is
        return EXACT.divide(amount, Decimal(_MONTHS_A_YEAR))
    return EXACT.multiply(amount, A_MONTH_HAS[every])


def adds(more: More, period: Stretch, *, today: date) -> Decimal | None:
    """What a change can add to what is left of a month or a year, if all of it is used.

    None: not known. What a whole limit period allows counts whole, however late it is.
    """
    if more.cost is None:
        return None
    end = min(period.end_day, more.until) if more.until else period.end_day
    days = max(0, (end - max(today, period.first_day)).days)
    with localcontext(EXACT):
        return more.cost * _times(more.every, period, days, today, end)


def _times(every: Every, period: Stretch, days: int, today: date, end: date) -> Decimal:
    """How many limit periods so many days from ``today`` on have, or touch."""
    if not days:
        return Decimal(0)
    match every:
        case Every.HOUR:
            return Decimal(days * _HOURS_A_DAY)
        case Every.DAY:
            return Decimal(days)
        case Every.WEEK:
            return Decimal(days) / _DAYS_A_WEEK
        case Every.MONTH:
            last = end.toordinal() - 1
            until = date.fromordinal(last)
            return Decimal(
                _MONTHS_A_YEAR * (until.year - today.year) + until.month - today.month + 1
            )
        case Every.YEAR:
            return Decimal(1) if period.every is Every.YEAR else Decimal(1) / _MONTHS_A_YEAR


def _all_at(deployment: str, bought: Sequence[Bought]) -> Decimal:
    """What all of it would have cost at one deployment; a class that it never had, as it did."""
    own = {one.token_class: one for one in bought if one.deployment == deployment and one.priced}
    whole = Decimal(0)
    with localcontext(EXACT):
        for one in bought:
            there = own.get(one.token_class)
            whole += one.priced * there.cost / there.priced if there else one.cost
    return whole


def _reached(
    forecast: Forecast, limit: Steps, used: Decimal, percentile: Percentile
) -> date | None:
    with localcontext(EXACT):
        already = used - forecast.so_far
        return next(
            (one.day for one in forecast.days if one.at(percentile) + already >= limit.on(one.day)),
            None,
        )

"""What a change would do, in values: limits, forecast, cost, budgets, and what not to overlook."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from billing.forecasts import RunsOut
from governance.consequences import asked as asking
from governance.consequences.granted import Increase
from governance.consequences.shares import Share
from governance.limits.binding import Limit
from governance.limits.tiers import TierLimit
from governance.models import RequestKind, Unit
from governance.rules.spans import Every, Stretch
from tenancy.money import Basis


class Caution(StrEnum):
    """What somebody who decides should not overlook."""

    BELOW_USE = "below-use"
    BREAKS_BUDGET = "breaks-budget"
    NO_LIMIT = "no-limit"
    COST_UNKNOWN = "cost-unknown"
    NO_FORECAST = "no-forecast"


SAYS = {
    Caution.BELOW_USE: "The new limit is below what is used already: a hard one suspends at once.",
    Caution.BREAKS_BUDGET: "All of it used, a budget would be passed.",
    Caution.NO_LIMIT: "There is no limit of this kind: there is nothing to change.",
    Caution.COST_UNKNOWN: "What it would cost is not known.",
    Caution.NO_FORECAST: "Too little is known to forecast its use.",
}


@dataclass(frozen=True, slots=True)
class Expected:
    """What is used by the end of ``last_day``: at least, as likely more as less, at most."""

    last_day: date
    p10: Decimal
    p50: Decimal
    p90: Decimal


@dataclass(frozen=True, slots=True)
class Consequences:
    """What a change would do.

    Attributes:
        currency: what amounts are in, and limits where ``unit`` is the currency.
        period: the one that limit, use and forecast are of.
        before, after: the limit concerned; None: there is none of this kind.
        used: of the limit, so far.
        expected: at the period's end. None: nothing is known, or a limit by the hour.
        at_its_end: on the last day of a temporary change that ends within the period.
        without, with_change: the days on which the limit is reached; None: not forecast.
        ends: when a temporary change ends.
        monthly_change: how much more a month it allows, in the billing currency; below zero: less.
            None: not known. ``dearer_change``: tokens at the dearer mix.
        base: the limit without what was granted in the last 30 days, nor left over.
        forecast_percent: what is expected (P50), in percent of ``base``.
        a_month, a_month_dearer: what the subject's calls of the last 30 days cost in a month, and
            the same calls at ``dearest``, the dearest deployment it used.
        shares: the team's and the cost center's budgets.
        tier: the limits of the tier that is asked for.
        unit_cost: cost of an outcome; None: no outcomes are known.
        usage_through: up to when usage was read; None: never.
    """

    at: datetime
    kind: RequestKind
    unit: Unit
    currency: str
    zone: str
    period: Stretch
    before: Limit | None
    after: Limit | None
    used: Decimal
    expected: Expected | None
    at_its_end: Expected | None
    without: RunsOut | None
    with_change: RunsOut | None
    ends: datetime | None
    monthly_change: Decimal | None
    dearer_change: Decimal | None
    base: Decimal | None
    forecast_percent: Decimal | None
    a_month: Decimal | None
    a_month_dearer: Decimal | None
    dearest: str
    shares: tuple[Share, ...]
    increases: tuple[Increase, ...]
    tier: tuple[TierLimit, ...]
    unpriced_tokens: int
    usage_through: datetime | None
    unit_cost: Decimal | None = None

    @property
    def basis(self) -> Basis:
        return Basis.ESTIMATED

    @property
    def runs_out_on(self) -> date | None:
        """The day on which the limit is likely reached without the change."""
        return self.without.likely if self.without else None

    @property
    def breaks_budget(self) -> bool:
        return any(share.breaks for share in self.shares)

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """What should not be overlooked, the gravest first."""
        after = self.after
        less = self.kind is RequestKind.DECREASE or self.kind is RequestKind.TIER
        found = {
            Caution.BELOW_USE: less and after is not None and after.limit < self.used,
            Caution.BREAKS_BUDGET: self.breaks_budget,
            Caution.NO_LIMIT: self.kind in asking.OF_A_LIMIT and self.before is None,
            Caution.COST_UNKNOWN: self.monthly_change is None,
            Caution.NO_FORECAST: self.expected is None
            and self.kind is not RequestKind.SUBSCRIPTION
            and self.period.every is not Every.HOUR,
        }
        return tuple(one for one, so in found.items() if so)

    def seen(self) -> dict[str, Any]:
        """The figures as they are kept with a decision that was made on them."""
        limit = {"before": self.before, "after": self.after}
        return {
            "at": self.at,
            "basis": self.basis,
            "currency": self.currency,
            "unit": self.unit,
            "period": self.period.every,
            "first_day": self.period.first_day,
            "used": self.used,
            **{f"limit_{when}": one.limit if one else None for when, one in limit.items()},
            "expected": self.expected.p50 if self.expected else None,
            "runs_out_on": self.runs_out_on,
            "monthly_change": self.monthly_change,
            "breaks_budget": self.breaks_budget,
            "usage_through": self.usage_through,
        }

"""What limits a subscription at an instant: values that `quotas` reads.

The one that binds comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from governance.models import Hardness, Level, Unit
from governance.rules.spans import Every, Stretch
from tenancy.money import Money


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that applies to a subscription at an instant, and how much of it is used.

    ``limit`` is ``base`` (the quota) plus ``extra`` (overrides, until ``extra_until`` at the
    earliest change) plus ``carried`` (left over from the period before), in ``currency`` or, where
    ``unit`` is tokens, in tokens. ``used`` is estimated cost, or tokens, of all that the limit
    counts: of the whole team, say.
    """

    quota_id: int
    level: Level
    subject_id: int
    subject: str
    unit: Unit
    period: Stretch
    hardness: Hardness
    thresholds: tuple[int, ...]
    base: Decimal
    extra: Decimal
    extra_until: datetime | None
    carried: Decimal
    limit: Decimal
    used: Decimal
    unpriced_tokens: int
    currency: str

    @property
    def every(self) -> Every:
        return self.period.every

    @property
    def money(self) -> Money | None:
        """The limit as an amount; None where it is one in tokens."""
        return Money(self.limit, self.currency) if self.unit is Unit.CURRENCY else None

    @property
    def left(self) -> Decimal:
        """What is left; below zero where more was used."""
        return self.limit - self.used

    @property
    def reached(self) -> bool:
        return self.used >= self.limit

    @property
    def percent(self) -> Decimal | None:
        """How much of it is used, in percent; None of nothing."""
        return self.used * 100 / self.limit if self.limit else None

    @property
    def inherited(self) -> bool:
        """Whether it is not the subscription's own."""
        return self.level is not Level.SUBSCRIPTION

    @property
    def kind(self) -> tuple[Level, Unit, Every]:
        """Of several limits of a subscription only one is of each."""
        return (self.level, self.unit, self.every)

    @property
    def source(self) -> str:
        """Whose limit it is, in words."""
        match self.level:
            case Level.SUBSCRIPTION:
                return "this subscription"
            case Level.PRODUCT:
                return f"product {self.subject}"
            case Level.TEAM:
                return f"team {self.subject}"
            case Level.COST_CENTER:
                return f"cost center {self.subject}"


@dataclass(frozen=True, slots=True)
class Binding:
    """All limits of a subscription, the one that binds first: a hard one that is reached, or the
    one of which most is used.
    """

    limits: tuple[Limit, ...] = ()

    @property
    def tightest(self) -> Limit | None:
        """What binds; None: nothing limits it."""
        return self.limits[0] if self.limits else None

    @property
    def monthly(self) -> Limit | None:
        """The subscription's own (or its product's) limit of cost in a month, if it has one."""
        return self.its(Unit.CURRENCY, Every.MONTH)

    def its(self, unit: Unit, every: Every) -> Limit | None:
        """The subscription's own (or its product's) limit of this kind, if it has one."""
        own = (Level.SUBSCRIPTION, Level.PRODUCT)
        kinds = (one for one in self.limits if one.level in own)
        return next((one for one in kinds if (one.unit, one.every) == (unit, every)), None)


NO_LIMIT = Binding()

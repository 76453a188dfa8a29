"""Which limit of a subscription or a team is reached first if usage goes on as of late.

Forecasts are those of `billing.forecasts`, by whole local days; an hour's limit has none, since
nothing is known within a day. What the gateway itself limits is told beside: Apportion counts the
same tokens by the tenant's days, the gateway by those of UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from billing import forecasts
from billing.forecasts import Outlook, Percentile, RunsOut
from governance.limits.binding import Binding, Limit
from governance.models import Level, Unit
from governance.rules import spans
from governance.rules.spans import Every, Stretch
from inventory.models import Product
from tenancy import tenants
from tenancy.money import EXACT

#: A limit's subject: whose usage it counts, and its id. A product's counts each subscription's.
_Counts = tuple[Level, int]
_Asked = tuple[Level, Unit, Stretch]
_READ: dict[Level, Callable[..., dict[int, Outlook]]] = {
    Level.SUBSCRIPTION: forecasts.of_subscriptions,
    Level.TEAM: forecasts.of_teams,
    Level.COST_CENTER: forecasts.of_cost_centers,
}
_NEVER = date.max
_GATEWAY_PERIODS = {
    "Hourly": Every.HOUR,
    "Daily": Every.DAY,
    "Weekly": Every.WEEK,
    "Monthly": Every.MONTH,
    "Yearly": Every.YEAR,
}


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A limit, and when it is reached. ``when`` None: nothing is known to say it by.

    ``expected`` is what will be used at the period's end, as likely more as less, in the limit's
    unit.
    """

    limit: Limit
    when: RunsOut | None
    expected: Decimal | None

    @property
    def likely(self) -> date | None:
        """The day on which it is likely reached; None: not within its period, or not known."""
        if self.limit.reached:
            return self.limit.period.first_day
        return self.when.likely if self.when else None


@dataclass(frozen=True, slots=True)
class GatewayLimit:
    """A product's own token limit, which the gateway counts and keeps for each subscription.

    ``used`` are the tokens of the tenant's period that fits best; the gateway's is one of UTC.
    ``likely`` is the day on which they come to it.
    """

    product: Product
    tokens: int
    every: Every
    used: int
    likely: date | None
    known: bool

    @property
    def percent(self) -> Decimal | None:
        """How much of it is used, in percent; None of nothing."""
        if not self.tokens:
            return None
        return EXACT.divide(Decimal(self.used) * 100, Decimal(self.tokens))


def foresee(bindings: Mapping[int, Binding], *, at: datetime) -> dict[int, tuple[Foreseen, ...]]:
    """By subscription id, each limit with when it is reached, the first to be reached first.

    A hard limit that is reached comes before all others, as it binds already. The number of
    queries does not grow with the subscriptions.
    """
    wanted = {
        (_counts(limit, id), _asked(limit)): None
        for id, binding in bindings.items()
        for limit in binding.limits
        if limit.every is not Every.HOUR
    }
    outlooks = _outlooks(wanted, at=at)
    return {
        id: tuple(
            sorted(
                (
                    _foreseen(limit, outlooks.get((_counts(limit, id), _asked(limit))))
                    for limit in binding.limits
                ),
                key=_order,
            )
        )
        for id, binding in bindings.items()
    }


def first_to_bind(binding: Binding, subscription_id: int, *, at: datetime) -> Foreseen | None:
    """The limit of a subscription that is reached first; None: none is within its period."""
    found = foresee({subscription_id: binding}, at=at)[subscription_id]
    return next((one for one in found if one.likely), None)


def in_gateway(
    product: Product | None, subscription_id: int, *, at: datetime
) -> GatewayLimit | None:
    """What the gateway itself limits a subscription to in tokens; None: nothing.

    It is shown, and never enforced from here.
    """
    if product is None or not product.token_quota:
        return None
    every = _GATEWAY_PERIODS.get(product.token_quota_period, Every.MONTH)
    period = spans.at(at, every, tenants.billing().zone)
    (outlook,) = forecasts.of_subscriptions(
        [subscription_id],
        first_day=period.first_day,
        end_day=period.end_day,
        unit=forecasts.Unit.TOKENS,
        at=at,
    ).values()
    forecast, tokens = outlook.forecast, Decimal(product.token_quota)
    known = bool(forecast.known_days)
    return GatewayLimit(
        product,
        product.token_quota,
        every,
        int(forecast.so_far),
        forecast.runs_out(tokens, forecast.so_far).likely if known else None,
        known,
    )


def _outlooks(
    wanted: Iterable[tuple[_Counts, _Asked]], *, at: datetime
) -> dict[tuple[_Counts, _Asked], Outlook]:
    """One question for all subjects of a kind, unit and period."""
    grouped: dict[_Asked, list[int]] = {}
    for (_, subject), asked in wanted:
        grouped.setdefault(asked, []).append(subject)
    return {
        ((level, subject), (level, unit, period)): outlook
        for (level, unit, period), subjects in grouped.items()
        for subject, outlook in _READ[level](
            subjects,
            first_day=period.first_day,
            end_day=period.end_day,
            unit=forecasts.Unit(unit.value),
            at=at,
        ).items()
    }


def _counts(limit: Limit, subscription_id: int) -> _Counts:
    match limit.level:
        case Level.TEAM | Level.COST_CENTER:
            return limit.level, limit.subject_id
        case Level.SUBSCRIPTION | Level.PRODUCT:
            return Level.SUBSCRIPTION, subscription_id


def _asked(limit: Limit) -> _Asked:
    own = limit.level in (Level.SUBSCRIPTION, Level.PRODUCT)
    return Level.SUBSCRIPTION if own else limit.level, limit.unit, limit.period


def _foreseen(limit: Limit, outlook: Outlook | None) -> Foreseen:
    if outlook is None or not outlook.forecast.known_days:
        return Foreseen(limit, None, None)
    forecast = outlook.forecast
    return Foreseen(
        limit, forecast.runs_out(limit.limit, limit.used), forecast.total(Percentile.P50)
    )


def _order(one: Foreseen) -> tuple[bool, date, Decimal, str, str]:
    """Reached now and hard, then by the day; on one day, and on none, by how far it is used."""
    limit = one.limit
    share = limit.percent if limit.percent is not None else Decimal("Infinity")
    binds = limit.reached and limit.hardness == "hard"
    return (not binds, one.likely or _NEVER, -share, limit.level, limit.unit)

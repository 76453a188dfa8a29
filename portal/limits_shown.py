"""Limits as pages show them: how much of each is used, whose it is, and when it is reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from governance.limits import quotas, running_out
from governance.limits.binding import NO_LIMIT, Binding, Limit
from governance.limits.limited import Limited
from governance.limits.running_out import Foreseen, GatewayLimit
from governance.models import Hardness, Level, Unit
from governance.rules.spans import Every
from inventory.models import CostCenter, Product, Subscription, Team
from portal import figures
from portal.figures import Used
from tenancy.money import EXACT, Money

_TENTH = Decimal("0.1")
PERIODS = {
    Every.HOUR: "an hour",
    Every.DAY: "a day",
    Every.WEEK: "a week",
    Every.MONTH: "a month",
    Every.YEAR: "a year",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One limit of a subscription, or of all that is a team's."""

    limit: Limit
    share: Used
    #: Of all shown together the one that binds, and the one that is reached first.
    binds: str
    first: str
    runs_out: str

    @property
    def amount(self) -> str:
        """``150.00`` or ``1,000,000``: the unit stands beside."""
        return amount(self.limit.limit, self.limit)

    @property
    def used(self) -> str:
        return amount(self.limit.used, self.limit)

    @property
    def unit(self) -> str:
        return self.limit.currency if self.limit.unit is Unit.CURRENCY else "tokens"

    @property
    def period(self) -> str:
        return PERIODS[self.limit.every]

    @property
    def whose(self) -> str:
        """Whose limit it is, and whether the subscription has it from there."""
        match self.limit.level:
            case Level.SUBSCRIPTION:
                return "its own"
            case Level.PRODUCT:
                return f"inherited from product {self.limit.subject}"
            case Level.TEAM:
                return f"of the whole team {self.limit.subject}"
            case Level.COST_CENTER:
                return f"of the whole cost center {self.limit.subject}"

    @property
    def hard(self) -> bool:
        return self.limit.hardness is Hardness.HARD

    @property
    def made_of(self) -> str:
        """The parts that a limit is the sum of, where there are several."""
        one = self.limit
        parts = [amount(one.base, one)]
        if one.extra:
            until = f" until {figures.instant(one.extra_until)}" if one.extra_until else ""
            sign = "−" if one.extra < 0 else "+"
            parts.append(f"{sign} {amount(abs(one.extra), one)} by approval{until}")
        if one.carried:
            parts.append(f"+ {amount(one.carried, one)} left over")
        return " ".join(parts) if len(parts) > 1 else ""


@dataclass(frozen=True, slots=True)
class InGateway:
    """What the gateway itself limits a subscription to."""

    of: GatewayLimit
    share: Used
    runs_out: str

    @property
    def period(self) -> str:
        return PERIODS[self.of.every]


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits of one subscription or team, what binds first."""

    rows: tuple[Shown, ...]
    gateway: InGateway | None = None

    @property
    def tightest(self) -> Shown | None:
        return self.rows[0] if self.rows else None

    @property
    def first(self) -> Shown | None:
        """Which is reached first, if one is within its period."""
        return next((one for one in self.rows if one.first), None)


def amount(number: Decimal, limit: Limit) -> str:
    """A number of a limit's unit, without the unit."""
    if limit.unit is Unit.CURRENCY:
        return figures.plain(Money(number, limit.currency))
    return figures.tokens(int(number))


def share(percent: Decimal | None) -> Used:
    """A percentage with one decimal; of a limit of nothing all is used."""
    if percent is None:
        return Used(Decimal("100.0"))
    return Used(percent.quantize(_TENTH, rounding=ROUND_HALF_EVEN, context=EXACT))


def used(limit: Limit | None) -> Used:
    """How much of a limit is used; no limit has no percentage."""
    return Used(None) if limit is None else share(limit.percent)


def of_subscription(found: Subscription, *, at: datetime) -> Limits:
    """The limits of one, with when each is reached, and what the gateway keeps by itself."""
    binding = quotas.of([found.pk], at=at).get(found.pk, NO_LIMIT)
    foreseen = running_out.foresee({found.pk: binding}, at=at)[found.pk]
    return Limits(_rows(binding, foreseen), _gateway(found.product, found.pk, at=at))


def of_many(bindings: Mapping[int, Binding]) -> dict[int, Limits]:
    """By subscription id, its limits without a forecast."""
    return {id: Limits(_rows(one, ())) for id, one in bindings.items()}


def of_team(bindings: Iterable[Binding], *, at: datetime) -> Limits:
    """The limits that all of a team's subscriptions have together, told once."""
    shared = {
        limit.quota_id: limit
        for binding in bindings
        for limit in binding.limits
        if limit.level in (Level.TEAM, Level.COST_CENTER)
    }
    whole = Binding(tuple(sorted(shared.values(), key=_most_used_first)))
    # Whose usage a shared limit counts is its subject's: no subscription is asked about.
    return Limits(_rows(whole, running_out.foresee({0: whole}, at=at)[0]))


def of_subject(found: Limited, bindings: Mapping[int, Binding], *, at: datetime) -> Limits:
    """The limits of whatever can be limited; of a product, as who has used most of it has them."""
    match found.subject:
        case Subscription():
            return of_subscription(found.subject, at=at)
        case Product():
            by_kind: dict[object, Limit] = {}
            for limit in (one for each in bindings.values() for one in each.limits):
                if limit.level is Level.PRODUCT:
                    most = by_kind.get(limit.kind, limit)
                    by_kind[limit.kind] = min(most, limit, key=_most_used_first)
            rows = tuple(sorted(by_kind.values(), key=_most_used_first))
            return Limits(_rows(Binding(rows), ()))
        case Team() | CostCenter():
            shown = of_team(bindings.values(), at=at).rows
            return Limits(tuple(one for one in shown if one.limit.level is found.level))


def alone(limit: Limit | None) -> Shown | None:
    """One limit by itself."""
    return None if limit is None else _rows(Binding((limit,)), ())[0]


def tightest(bindings: Iterable[Binding]) -> Limit | None:
    """What binds most of all of these."""
    found = [one.tightest for one in bindings if one.tightest]
    return min(found, key=_most_used_first, default=None)


def _most_used_first(limit: Limit) -> tuple[bool, Decimal]:
    percent = Decimal("Infinity") if limit.percent is None else limit.percent
    return (not (limit.reached and limit.hardness is Hardness.HARD), -percent)


def _rows(binding: Binding, foreseen: Sequence[Foreseen]) -> tuple[Shown, ...]:
    by_quota = {one.limit.quota_id: one for one in foreseen}
    first = next((one.limit.quota_id for one in foreseen if one.likely), None)
    return tuple(
        Shown(
            limit=limit,
            share=used(limit),
            binds="binds" if limit is binding.tightest else "",
            first="first" if limit.quota_id == first else "",
            runs_out=_when(by_quota.get(limit.quota_id)),
        )
        for limit in binding.limits
    )


def _when(one: Foreseen | None) -> str:
    """When it is reached, in words; empty where nobody asked."""
    if one is None:
        return ""
    if one.limit.reached:
        return "reached"
    if one.limit.every is Every.HOUR:
        return "not forecast within a day"
    if one.when is None:
        return "not known: no whole day of usage yet"
    if one.when.likely is None:
        earliest = one.when.earliest
        late = f", at the earliest {figures.day(earliest)}" if earliest else ""
        return f"not in this period{late}"
    return f"likely {figures.day(one.when.likely)}"


def _gateway(product: Product | None, id: int, *, at: datetime) -> InGateway | None:
    found = running_out.in_gateway(product, id, at=at)
    if found is None:
        return None
    if not found.known:
        when = "not known: no whole day of usage yet"
    elif found.likely:
        when = f"likely {figures.day(found.likely)}"
    else:
        when = "not in this period"
    return InGateway(found, share(found.percent), when)

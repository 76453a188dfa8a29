"""Whose approval a request needs: all policies it meets count together. Pure.

Every condition of a policy says "from so much on", never "up to". What is not known counts as
reached. Amounts, percentages and days are counted with what was asked for in the policy's window
before, so that a request cut into parts needs for its last part what the whole would have needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from tenancy.money import EXACT

#: Before how many days of grants `Facts.base` is.
BASE_DAYS = 30
#: What counts where no policy says otherwise: one approver, reminded, escalated, given up.
REMIND, ESCALATE, EXPIRE = timedelta(hours=24), timedelta(hours=72), timedelta(days=30)

#: A twelfth of a year's amount has no end: what is compared is rounded to this.
_FINEST = Decimal("0.000000001")
_TEMPORARY, _TIER, _REACTIVATION = "temporary", "tier", "reactivation"
_FOR_MORE = frozenset({"increase", "temporary", "tier", "subscription"})


class Demand(StrEnum):
    """What a policy asks for."""

    AUTOMATIC = "automatic"
    ONE = "one"
    OWNER_FIRST = "owner_first"
    TWO = "two"


class Whose(StrEnum):
    OWNER = "owner"
    GROUP = "group"


class Owner(StrEnum):
    """The owner of the asking team's cost center, as a decider.

    OWNS_TEAM: they own the asking team too, and decide only where a policy lets owners. NONE: the
    cost center has none who belongs to the tenant, or it is they who ask.
    """

    MAY = "may"
    OWNS_TEAM = "owns-team"
    NONE = "none"


class Condition(StrEnum):
    KIND = "kind"
    TEAM = "team"
    TIER = "tier"
    ENVIRONMENT = "environment"
    AMOUNT = "amount"
    PERCENT = "percent"
    DAYS = "days"
    FORECAST = "forecast"


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy in force. What is None or empty is no condition."""

    id: int
    demand: Demand
    group: int | None = None
    own_teams: bool = False
    kinds: frozenset[str] = frozenset()
    team: int | None = None
    product: int | None = None
    environment: str = ""
    amount_from: Decimal | None = None
    percent_from: Decimal | None = None
    days_from: int | None = None
    forecast_from: Decimal | None = None
    window_days: int = 30
    remind_after: timedelta = REMIND
    escalate_after: timedelta = ESCALATE
    expires_after: timedelta = EXPIRE


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about: ``subject`` such as ``team 7``, and which of its limits."""

    subject: str
    unit: str
    every: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """Something for more that was asked before, and is open, granted, or was and is over.

    ``amount``: more a month in the billing currency; ``change``: in the unit of ``target``.
    ``granted`` is what of it the limit has in it now; ``granted_at`` when it came in, and
    ``in_base`` whether `Facts.base` has it too. None of the first two: not known.
    """

    at: datetime
    team: int
    target: Target | None
    amount: Decimal | None
    change: Decimal | None
    temporary_days: int = 0
    granted: Decimal = Decimal(0)
    granted_at: datetime | None = None
    in_base: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a route rests on.

    ``amount``: how much more a month this request alone is, in the billing currency; ``change``:
    the same in the unit of its limit; ``base``: that limit before what was granted in the last
    `BASE_DAYS` days; ``forecast``: percent of ``base`` that is expected at the period's end. None:
    not known. ``days``: how long it is for, None: for good. ``products`` are the tiers it has and
    is to have, and ``environments`` those concerned; the empty one stands for "not said".
    """

    kind: str
    team: int
    at: datetime
    amount: Decimal | None
    change: Decimal | None = None
    base: Decimal | None = None
    forecast: Decimal | None = None
    days: int | None = None
    target: Target | None = None
    products: frozenset[int] = frozenset()
    environments: frozenset[str] = frozenset({""})
    owner: Owner = Owner.NONE
    before: tuple[Earlier, ...] = ()

    @property
    def for_more(self) -> bool:
        """Whether more is asked for, as far as is known; another tier may also be a smaller one."""
        smaller = self.kind == _TIER and self.amount is not None and self.amount <= 0
        return self.kind in _FOR_MORE and not smaller

    def team_amount(self, window_days: int) -> Decimal | None:
        """More a month for the team, with what it asked for in the window; None: not known."""
        parts = [one.amount for one in self._within(window_days) if one.team == self.team]
        total = _sum([self.amount, *parts])
        return None if total is None else EXACT.quantize(total, _FINEST)

    def percent(self, window_days: int) -> Decimal | None:
        """More of the limit, in percent of what it was before the window; None: not known."""
        base = self.base_before(window_days)
        parts = [one.change for one in self._within(window_days) if one.target == self.target]
        change = _sum([self.change, *parts])
        if change is None or base is None or base <= 0:
            return None
        return EXACT.divide(EXACT.multiply(change, Decimal(100)), base)

    def days_together(self, window_days: int) -> int | None:
        """For how many days, with temporary ones of the same subject; None: for good."""
        if self.kind != _TEMPORARY or self.days is None:
            return None
        same = self.target.subject if self.target else None
        return self.days + sum(
            one.temporary_days
            for one in self._within(window_days)
            if one.target and one.target.subject == same
        )

    def forecast_percent(self, window_days: int) -> Decimal | None:
        """What is expected at the period's end, of the limit before the window; None: unknown."""
        base = self.base_before(window_days)
        if self.forecast is None or self.base is None or base is None or base <= 0:
            return None
        return EXACT.divide(EXACT.multiply(self.forecast, self.base), base)

    def base_before(self, window_days: int) -> Decimal | None:
        """The limit without what was granted in the window; None: not known."""
        if self.base is None:
            return None
        start, base = self.at - timedelta(days=window_days), self.base
        for one in self.before:
            if one.target != self.target or one.granted_at is None:
                continue
            within = one.granted_at >= start
            if within and one.in_base:
                base = EXACT.subtract(base, one.granted)
            elif not within and not one.in_base:
                base = EXACT.add(base, one.granted)
        return base

    def _within(self, window_days: int) -> list[Earlier]:
        start = self.at - timedelta(days=window_days)
        return [one for one in self.before if one.at >= start]


@dataclass(frozen=True, slots=True)
class Ground:
    """One condition that a policy sets: from what on, what was found, and whether it is met.

    ``found`` None where it is not known, or of days: for good.
    """

    condition: Condition
    met: bool
    wanted: Decimal | None = None
    found: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """How many different people of whom. ``policy``: the first that asks for so many, if any.

    ``group`` None: any approver of the tenant. ``for_owner``: it stands in for an owner of the
    cost center who cannot be asked.
    """

    whose: Whose
    group: int | None
    people: int
    policy: int | None
    own_teams: bool
    for_owner: bool = False


@dataclass(frozen=True, slots=True)
class Times:
    """When to remind, to escalate, and to give up."""

    remind_after: timedelta
    escalate_after: timedelta
    expires_after: timedelta


#: Where no policy is met.
ANY_APPROVER = Need(Whose.GROUP, None, 1, policy=None, own_teams=False)


def weigh(policy: Policy, facts: Facts) -> tuple[Ground, ...]:
    """Every condition that a policy sets, met or not; none: it is about any request."""
    grounds: list[Ground] = []
    if policy.kinds:
        grounds.append(Ground(Condition.KIND, met=facts.kind in policy.kinds))
    if policy.team is not None:
        grounds.append(Ground(Condition.TEAM, met=policy.team == facts.team))
    if policy.product is not None:
        grounds.append(Ground(Condition.TIER, met=policy.product in facts.products))
    if wanted := _folded(policy.environment):
        known = {_folded(one) for one in facts.environments}
        grounds.append(Ground(Condition.ENVIRONMENT, met=bool(known & {wanted, ""})))
    return (*grounds, *_measured(policy, facts))


def meets(policy: Policy, facts: Facts) -> bool:
    """Whether a request meets all conditions of a policy."""
    return all(ground.met for ground in weigh(policy, facts))


def needs(met: Sequence[Policy], owner: Owner) -> tuple[Need, ...]:
    """What all policies that are met ask for together, in the order of asking.

    The cost center's owner comes first, then the groups in the order of their policies.
    """
    if not met:
        return (ANY_APPROVER,)
    wanted = [need for policy in met for need in _demanded(policy, owner)]
    if not wanted:
        return (Need(Whose.GROUP, None, 0, policy=met[0].id, own_teams=True),)
    joined: dict[tuple[Whose, int | None], Need] = {}
    for need in wanted:
        key = need.whose, need.group
        joined[key] = _stricter(joined[key], need) if key in joined else need
    return tuple(sorted(joined.values(), key=lambda need: need.whose is not Whose.OWNER))


def times(met: Iterable[Policy]) -> Times:
    """The shortest of what the met policies say."""
    found = list(met)
    return Times(
        min((one.remind_after for one in found), default=REMIND),
        min((one.escalate_after for one in found), default=ESCALATE),
        min((one.expires_after for one in found), default=EXPIRE),
    )


def _measured(policy: Policy, facts: Facts) -> list[Ground]:
    """The conditions that say "from so much on".

    Less asks for nothing that could be much. Serving a subscription again gives no more either,
    but the forecast says what it will use.
    """
    days = None if policy.days_from is None else Decimal(policy.days_from)
    set_ones: list[tuple[Condition, Decimal | None, Callable[[int], Decimal | int | None], bool]]
    set_ones = [
        (Condition.AMOUNT, policy.amount_from, facts.team_amount, facts.for_more),
        (Condition.PERCENT, policy.percent_from, facts.percent, facts.for_more),
        (Condition.DAYS, days, facts.days_together, facts.for_more),
        (
            Condition.FORECAST,
            policy.forecast_from,
            facts.forecast_percent,
            facts.for_more or facts.kind == _REACTIVATION,
        ),
    ]
    grounds = []
    for condition, wanted, measure, applies in set_ones:
        if wanted is None:
            continue
        value = measure(policy.window_days)
        found = None if value is None else Decimal(value)
        met = applies and (found is None or found >= wanted)
        grounds.append(Ground(condition, met=met, wanted=wanted, found=found))
    return grounds


def _demanded(policy: Policy, owner: Owner) -> list[Need]:
    """What one policy asks for alone."""
    one = Need(Whose.GROUP, policy.group, 1, policy=policy.id, own_teams=policy.own_teams)
    match policy.demand:
        case Demand.AUTOMATIC:
            return []
        case Demand.ONE:
            return [one]
        case Demand.TWO:
            return [replace(one, people=2)]
        case Demand.OWNER_FIRST:
            if owner is Owner.MAY or (owner is Owner.OWNS_TEAM and policy.own_teams):
                return [replace(one, whose=Whose.OWNER, group=None), one]
            return [replace(one, people=2, for_owner=True)]


def _stricter(first: Need, second: Need) -> Need:
    """Both as one: as many people as the one that asks for more; owners only if both let them."""
    more = second if second.people > first.people else first
    return replace(
        more,
        own_teams=first.own_teams and second.own_teams,
        for_owner=more.for_owner,
    )


def _sum(parts: Iterable[Decimal | None]) -> Decimal | None:
    total = Decimal(0)
    for part in parts:
        if part is None:
            return None
        total = EXACT.add(total, part)
    return total


def _folded(environment: str) -> str:
    return environment.strip().casefold()

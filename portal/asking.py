"""What a team may ask for: the limits it has, its subscriptions, the tiers there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_CEILING, Decimal

from governance import roles
from governance.limits import quotas
from governance.limits.binding import Limit
from governance.models import Level, RequestKind, Unit
from governance.rules.spans import Every
from inventory import ownership, teams, tiers
from inventory.models import (
    GatewayState,
    Origin,
    Part,
    Product,
    Subscription,
    Team,
    TeamMember,
)
from portal import figures
from tenancy import access, money, periods, tenants
from tenancy.access import Actor
from tenancy.models import Role
from tenancy.money import Money
from tenancy.refusals import NotFound

#: What can be asked for; pages take it from here.
Kind = RequestKind
#: What stands for the team itself where a subscription could.
WHOLE_TEAM = "team"
#: Where nothing is forecast, this share of a limit is what one begins with.
_A_FIFTH = Decimal("0.2")
_PERIODS = {
    Every.HOUR: "an hour",
    Every.DAY: "a day",
    Every.WEEK: "a week",
    Every.MONTH: "a month",
    Every.YEAR: "a year",
}


@dataclass(frozen=True, slots=True)
class Target:
    """One limit that can be asked to change: whose, of what, how often it begins anew.

    ``limit`` None: there is none of this kind now. ``subscription`` None: it is the team's.
    """

    subscription: Subscription | None
    unit: Unit
    every: Every
    limit: Limit | None = None

    @property
    def key(self) -> str:
        """How a form names it: ``apim-west/key-search|currency|month``."""
        return f"{path(self.subscription)}|{self.unit.value}|{self.every.value}"

    def says(self, currency: str) -> str:
        """``5.00 USD a month, 4.10 used (82.0 %)``."""
        period = _PERIODS[self.every]
        if self.limit is None:
            return f"no limit in {unit_word(self.unit, currency)} {period} now"
        held = quantity(self.limit.limit, self.unit, currency)
        used = quantity(self.limit.used, self.unit, currency, bare="bare")
        percent = self.limit.percent
        share = f" ({percent:.0f} %)" if percent is not None else ""
        return f"{held} {period}, {used} used{share}"


@dataclass(frozen=True, slots=True)
class Ground:
    """What one team may ask about, at an instant: nothing of any other team."""

    team: Team
    subscriptions: tuple[Subscription, ...]
    targets: tuple[Target, ...]
    tiers: tuple[Product, ...]
    currency: str
    zone: str
    today: date

    @property
    def last_day(self) -> date:
        """The last of the running month: until when one first asks for more for a time."""
        return periods.month_of_day(self.today, self.zone).last_day

    @property
    def suspended(self) -> tuple[Subscription, ...]:
        """Those that could be served again."""
        return tuple(one for one in self.subscriptions if one.state == GatewayState.SUSPENDED)

    def whose(self, target: Target) -> str:
        """Whose limit it is: a subscription's, or the whole team's."""
        return target.subscription.name if target.subscription else f"the whole team {self.team}"

    def subscription(self, key: str) -> Subscription | None:
        return next((one for one in self.subscriptions if path(one) == key), None)

    def tier(self, key: str) -> Product | None:
        return next((one for one in self.tiers if str(one.pk) == key), None)


def askable(actor: Actor) -> tuple[Team, ...]:
    """The teams somebody may ask for, by name."""
    rows = access.many(Team, actor).select_related("cost_center")
    if actor.role is not Role.ADMIN:
        rows = rows.filter(members__person_id=actor.person_id)
    found = tuple(rows.order_by("name"))
    return found if found and roles.may_ask(actor, found[0]) else ()


def owns(actor: Actor, team: Team) -> bool:
    """Whether somebody is an owner of a team."""
    mine = access.many(TeamMember, actor).filter(team=team, person_id=actor.person_id)
    return mine.filter(part=Part.OWNER).exists()


def ground(team: Team, *, at: datetime) -> Ground:
    """What the team owns today, with the limits of each and its own."""
    billing = tenants.billing()
    today = periods.local_day(at, billing.zone)
    owned = [one for one in teams.subscriptions_of(team, on=today) if one.name]
    bindings = quotas.of([one.pk for one in owned], at=at)
    targets = [
        Target(one, limit.unit, limit.every, limit)
        for one in owned
        for limit in (bindings[one.pk].limits if one.pk in bindings else ())
        if limit.level in (Level.SUBSCRIPTION, Level.PRODUCT)
    ]
    own: dict[tuple[Unit, Every], Limit] = {}
    for binding in bindings.values():
        for limit in binding.limits:
            if limit.level is Level.TEAM and limit.subject_id == team.pk:
                own.setdefault((limit.unit, limit.every), limit)
    targets += [Target(None, unit, every, limit) for (unit, every), limit in own.items()]
    return Ground(
        team=team,
        subscriptions=tuple(one for one in owned if one.origin == Origin.INVENTORY),
        targets=tuple(targets),
        tiers=tiers.offered(),
        currency=billing.currency,
        zone=billing.zone,
        today=today,
    )


def owner(subscription: Subscription, *, at: datetime) -> Team:
    """Whose it is today: the team that asks about it.

    Raises:
        NotFound: nobody's.
    """
    today = periods.local_day(at, tenants.billing().zone)
    team = ownership.owner_on(subscription, today)
    if team is None:
        raise NotFound(kind="owner of this subscription")
    return team


def path(subscription: Subscription | None) -> str:
    """How forms and addresses name a subscription, or the team itself."""
    return f"{subscription.gateway.name}/{subscription.name}" if subscription else WHOLE_TEAM


def unit_word(unit: Unit, currency: str) -> str:
    """``USD`` or ``tokens``."""
    return currency if unit is Unit.CURRENCY else "tokens"


def period_word(every: Every) -> str:
    """``a month``."""
    return _PERIODS[every]


def quantity(amount: Decimal, unit: Unit, currency: str, *, bare: str = "") -> str:
    """``1,234.50 USD`` or ``12,000 tokens``, as it is shown; ``bare`` leaves the unit out."""
    if unit is Unit.CURRENCY:
        shown = figures.plain(Money(amount, currency))
    else:
        shown = f"{amount.to_integral_value():,}".replace("-", "−")
    return shown if bare else f"{shown} {unit_word(unit, currency)}"


def suggested(limit: Limit | None, enough: Decimal | None) -> Decimal | None:
    """By how much more one may begin to ask: what is missing for ``enough``, in round numbers.

    Without a forecast, or where the limit is enough, a fifth of the limit. None: of no limit.
    """
    if limit is None:
        return None
    missing = enough - limit.limit if enough is not None else Decimal(0)
    amount = missing if missing > 0 else limit.limit * _A_FIFTH
    if amount <= 0:
        return None
    least = Decimal(1) if limit.unit is Unit.TOKENS else money.minor_unit(limit.currency)
    return _rounded_up(amount, least)


def _rounded_up(amount: Decimal, least: Decimal) -> Decimal:
    """Upwards to two digits that say something, no finer than the least amount there is."""
    place = Decimal(1).scaleb(max(amount.adjusted() - 1, least.adjusted()))
    steps = (amount / place).to_integral_value(rounding=ROUND_CEILING)
    return (steps * place).quantize(least)

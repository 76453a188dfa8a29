"""Budgets without and with a change of a limit: what their periods are expected to come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, localcontext

from django.db.models import QuerySet

from governance import budgets
from governance.budgets import BudgetStanding, Whose
from governance.limits import quotas
from governance.limits.quotas import Wanted
from governance.models import Level, Quota, Unit
from governance.rules import consequences as rule
from governance.rules.consequences import More
from governance.rules.spans import Every
from inventory import ownership
from inventory.models import CostCenter, Product, Subscription, Team
from tenancy import money, periods, tenants
from tenancy.money import EXACT, Money


@dataclass(frozen=True, slots=True)
class Share:
    """A budget without and with a change: what its period is expected to come to (P50).

    ``after`` counts all of the change as used; None: what it costs is not known.
    """

    level: Level
    name: str
    every: Every
    currency: str
    budget: Decimal
    spent: Decimal
    before: Decimal
    after: Decimal | None

    @property
    def percent_before(self) -> Decimal | None:
        return budgets.percent(self.before, self.budget)

    @property
    def percent_after(self) -> Decimal | None:
        return None if self.after is None else budgets.percent(self.after, self.budget)

    @property
    def breaks(self) -> bool:
        """Whether the budget would be passed with the change, and be it passed without."""
        return self.after is not None and self.after > max(self.budget, self.before)

    @property
    def says(self) -> str:
        """What is to be said of it; empty where the budget holds."""
        whose, has = f"{self.name}'s budget for the {self.every}", self._told(self.budget)
        if self.before > self.budget:
            return f"{whose}, {has}, is likely passed anyway: {self._told(self.before)}."
        if self.after is None:
            return f"What it adds to {whose}, {has}, is not known."
        if self.breaks:
            return f"All of it used, {whose}, {has}, is passed: {self._told(self.after)}."
        return ""

    def _told(self, amount: Decimal) -> str:
        return f"{money.rounded(Money(amount, self.currency)).amount:,} {self.currency}"


def of(changes: Mapping[Whose, Sequence[More]], *, at: datetime) -> tuple[Share, ...]:
    """The budgets of some, without and with what changes allow each of them to spend."""
    today = periods.local_day(at, tenants.billing().zone)
    return tuple(
        Share(
            level=one.budget.level,
            name=one.name,
            every=one.period.every,
            currency=one.currency,
            budget=one.amount,
            spent=one.spent,
            before=one.expected,
            after=_after(one, changes[one.whose], today),
        )
        for one in budgets.standing(at=at, of=changes)
    )


def effect_of_limit(
    subject: Team | CostCenter | Subscription | Product, wanted: Wanted, *, at: datetime
) -> tuple[Share, ...]:
    """The budgets that another limit of cost touches, without and with all of it used.

    A product's counts once for each subscription that has no limit of its own in its place. A
    limit where there was none adds nothing; what none in a limit's place adds is not known. A
    limit in tokens is not told of: what those cost is `whatif`'s to tell.
    """
    if wanted.unit is not Unit.CURRENCY:
        return ()
    today = periods.local_day(at, tenants.billing().zone)
    changes: dict[Whose, list[More]] = {}
    for whose, now in _touched(subject, wanted, at=at, today=today):
        more = More(_more(now, wanted.limit), wanted.every)
        changes.setdefault(whose, []).append(more)
    return of(changes, at=at)


def _touched(
    subject: Team | CostCenter | Subscription | Product,
    wanted: Wanted,
    *,
    at: datetime,
    today: date,
) -> list[tuple[Whose, Decimal | None]]:
    """Whose budgets a limit counts for, each with what the limit is now; None: there is none."""
    match subject:
        case Team():
            now = _limit(Quota.objects.filter(team=subject), wanted, at)
            return [(whose, now) for whose in budgets.of_team(subject)]
        case CostCenter():
            now = _limit(Quota.objects.filter(cost_center=subject), wanted, at)
            return [((Level.COST_CENTER, subject.pk), now)]
    ids = [subject.pk] if isinstance(subject, Subscription) else _of_product(subject)
    bearers, bound = ownership.in_force(ids, today), quotas.of(ids, at=at)
    found: list[tuple[Whose, Decimal | None]] = []
    for id in ids:
        limit = bound[id].its(wanted.unit, wanted.every) if id in bound else None
        own = limit is not None and limit.level is Level.SUBSCRIPTION
        if id in bearers and not (own and isinstance(subject, Product)):
            now = limit.base if limit else None
            found += [(whose, now) for whose in budgets.of_owner(bearers[id])]
    return found


def _of_product(product: Product) -> list[int]:
    return list(product.subscriptions.values_list("id", flat=True))


def _limit(rows: QuerySet[Quota], wanted: Wanted, at: datetime) -> Decimal | None:
    """The limit of this kind that is in force."""
    kind = rows.filter(unit=wanted.unit, span=wanted.every.value)
    return next((row.limit for row in quotas.in_force(kind, at=at)), None)


def _more(now: Decimal | None, then: Decimal | None) -> Decimal | None:
    if now is None:
        return Decimal(0)
    return None if then is None else max(then - now, Decimal(0))


def _after(one: BudgetStanding, changes: Sequence[More], today: date) -> Decimal | None:
    """What the period comes to with all that the changes allow."""
    added = [rule.adds(more, one.period, today=today) for more in changes]
    known = [amount for amount in added if amount is not None]
    with localcontext(EXACT):
        return one.expected + sum(known) if len(known) == len(added) else None

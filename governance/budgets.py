"""Budgets of teams and cost centers: setting one, and how it stands.

A budget warns and never suspends. What is spent and expected is estimated cost in the tenant's
billing currency, of the days that were the team's or were booked to the cost center.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Q, QuerySet

from billing import forecasts
from billing.forecasts import Outlook, Percentile
from governance.models import Budget, Level, Span
from governance.rules import spans, thresholds
from governance.rules.spans import Every, Stretch
from inventory.models import CostCenter, Owner, Team
from tenancy import access, audit, tenants
from tenancy.access import Actor
from tenancy.money import EXACT
from tenancy.refusals import Invalid
from tenancy.tenants import Billing

#: Whose budget it is: the level and its id.
Whose = tuple[Level, int]
_MOST = Decimal(10) ** 18


@dataclass(frozen=True, slots=True)
class BudgetStanding:
    """How a budget stands in the period that holds an instant.

    ``outlook.usage_through`` says up to when ``spent`` is counted; nothing read yet is no zero.
    """

    budget: Budget
    period: Stretch
    currency: str
    outlook: Outlook

    @property
    def whose(self) -> Whose:
        return _whose(self.budget)

    @property
    def name(self) -> str:
        return str(self.budget.subject)

    @property
    def amount(self) -> Decimal:
        return self.budget.amount or Decimal(0)

    @property
    def spent(self) -> Decimal:
        return self.outlook.forecast.so_far

    @property
    def forecast(self) -> Decimal | None:
        """What the period will have come to (P50); None: nothing is known to tell it from."""
        known = self.outlook.forecast.known_days
        return self.outlook.forecast.total(Percentile.P50) if known else None

    @property
    def expected(self) -> Decimal:
        """The forecast, or what is spent where there is none."""
        return self.spent if self.forecast is None else self.forecast

    @property
    def percent(self) -> Decimal | None:
        """How much of it is spent, in percent; None of a budget of nothing."""
        return percent(self.spent, self.amount)

    @property
    def forecast_percent(self) -> Decimal | None:
        """How much of it is expected to be spent at the period's end, in percent."""
        return None if self.forecast is None else percent(self.forecast, self.amount)

    @property
    def breaks(self) -> bool:
        """Whether it is passed, or likely to be."""
        return self.expected > self.amount


def percent(part: Decimal, whole: Decimal) -> Decimal | None:
    """The part in percent of the whole; None of nothing."""
    return EXACT.divide(EXACT.multiply(part, Decimal(100)), whole) if whole else None


def set_budget(
    subject: Team | CostCenter,
    amount: Decimal | None,
    *,
    every: Every = Every.MONTH,
    from_day: date,
    told_at: Sequence[int] = thresholds.THRESHOLDS,
    forecast_alert: bool = True,
    by: str,
    at: datetime,
    reason: str = "",
) -> Budget:
    """From a period on, what a team or a cost center means to spend in each; None: no budget.

    ``from_day`` is the first local day of that period. The same as is in force from it already
    changes nothing; what was said before stays in the history.

    Raises:
        Invalid: a negative amount, a period that is neither month nor year, a day that is no
            period's first, or a threshold that is no percentage.
    """
    _check(amount, every, from_day, told_at)
    level = _level(subject)
    kind: dict[str, object] = {level.value: subject, "span": Span(every.value)}
    values: dict[str, object] = {
        "amount": amount,
        "thresholds": sorted(set(told_at)),
        "forecast_alert": forecast_alert,
    }
    newest = Budget.objects.filter(**kind, from_day=from_day).order_by("-id").first()
    before = {name: getattr(newest, name) for name in values} if newest else None
    if newest and before == values:
        return newest
    row: Budget = Budget.objects.create(
        **kind, **values, from_day=from_day, set_by=by, reason=reason.strip(), recorded_at=at
    )
    audit.record(
        "budget.set",
        f"{level.value} {subject}",
        by=by,
        at=at,
        before=before,
        after={**values, "period": every, "from_day": from_day},
        reason=row.reason,
    )
    return row


def seen_by(actor: Actor, *, at: datetime) -> tuple[BudgetStanding, ...]:
    """How the budgets in force stand that the actor may see: all, or of own teams and theirs."""
    rows = access.many(Budget, actor).select_related("team", "cost_center")
    return standing(at=at, of={_whose(row) for row in rows})


def proposed(
    subject: Team | CostCenter, amount: Decimal, every: Every, *, at: datetime
) -> BudgetStanding:
    """How a budget would stand if it were so; nothing is written."""
    billing = tenants.billing()
    row = Budget(amount=amount, span=every.value)
    setattr(row, _level(subject).value, subject)
    outlook = _outlooks([row], at=at, billing=billing)[_whose(row), every]
    return BudgetStanding(row, spans.at(at, every, billing.zone), billing.currency, outlook)


def cost_center(actor: Actor, code: str) -> CostCenter:
    """One cost center.

    Raises:
        NotFound: there is none, or it is not the actor's to see.
    """
    return access.one(CostCenter, actor, code=code)


def cost_centers(actor: Actor) -> tuple[CostCenter, ...]:
    """Those the actor may see, by code."""
    return tuple(access.many(CostCenter, actor))


def said(
    actor: Actor, *, team: str | None = None, cost_center: str | None = None
) -> QuerySet[Budget]:
    """All that was ever said of budgets, newest first, as far as the actor may see.

    Of one team (slug) or one cost center (code), where they are named.
    """
    rows = access.many(Budget, actor).select_related("team", "cost_center")
    rows = rows.filter(team__slug=team) if team else rows
    return rows.filter(cost_center__code=cost_center) if cost_center else rows


def history(actor: Actor, subject: Team | CostCenter) -> QuerySet[Budget]:
    """All that was ever said of one subject's, newest first, as far as the actor may see."""
    return said(actor).filter(**{_level(subject).value: subject})


def standing(*, at: datetime, of: Iterable[Whose] | None = None) -> tuple[BudgetStanding, ...]:
    """How the budgets in force at an instant stand, by kind, name and period; all, or of some.

    However many there are, they are read in a constant number of queries.
    """
    wanted = None if of is None else frozenset(of)
    billing = tenants.billing()
    found = [one for one in _in_force(at, billing) if wanted is None or _whose(one) in wanted]
    outlooks = _outlooks(found, at=at, billing=billing)
    standings = (
        BudgetStanding(
            budget=one,
            period=spans.at(at, Every(one.span), billing.zone),
            currency=billing.currency,
            outlook=outlooks[_whose(one), Every(one.span)],
        )
        for one in found
    )
    return tuple(sorted(standings, key=lambda one: (one.whose[0] != Level.TEAM, one.name)))


def of_owner(owner: Owner) -> tuple[Whose, ...]:
    """Whose budgets what is used during a stretch of ownership counts for."""
    return of_team(owner.team, owner.cost_center) if owner.team else ()


def of_team(team: Team, center: CostCenter | None = None) -> tuple[Whose, ...]:
    """Whose budgets what a team uses counts for; it is booked to ``center``, or to the team's."""
    booked = center.pk if center else team.cost_center_id
    return (Level.TEAM, team.pk), (Level.COST_CENTER, booked)


def _in_force(at: datetime, billing: Billing) -> list[Budget]:
    """Of each subject and kind of period, what was said last of the one that holds an instant."""
    reached = Q()
    for every in (Every.MONTH, Every.YEAR):
        reached |= Q(span=every.value, from_day__lte=spans.at(at, every, billing.zone).first_day)
    rows = (
        Budget.objects.filter(reached)
        .select_related("team", "cost_center")
        .order_by("team_id", "cost_center_id", "span", "-from_day", "-id")
        .distinct("team_id", "cost_center_id", "span")
    )
    return [row for row in rows if row.amount is not None]


def _outlooks(
    found: Sequence[Budget], *, at: datetime, billing: Billing
) -> dict[tuple[Whose, Every], Outlook]:
    """One forecast of each kind of subject and period, for all of them."""
    read: dict[tuple[Whose, Every], Outlook] = {}
    for level, verb in (
        (Level.TEAM, forecasts.of_teams),
        (Level.COST_CENTER, forecasts.of_cost_centers),
    ):
        for every in (Every.MONTH, Every.YEAR):
            ids = [one.subject.pk for one in found if (one.level, one.span) == (level, every)]
            if not ids:
                continue
            period = spans.at(at, every, billing.zone)
            days = {"first_day": period.first_day, "end_day": period.end_day}
            told = verb(ids, **days, unit=forecasts.Unit.CURRENCY, at=at)
            read |= {((level, id), every): outlook for id, outlook in told.items()}
    return read


def _level(subject: Team | CostCenter) -> Level:
    return Level.TEAM if isinstance(subject, Team) else Level.COST_CENTER


def _whose(budget: Budget) -> Whose:
    return budget.level, budget.subject.pk


def _check(amount: Decimal | None, every: Every, from_day: date, told_at: Sequence[int]) -> None:
    if amount is not None and not (amount.is_finite() and 0 <= amount < _MOST):
        raise Invalid(field="amount", fix="Give zero or more, or nothing for no budget.")
    if every not in (Every.MONTH, Every.YEAR):
        raise Invalid(field="period", fix="Choose a month or a year.")
    first = from_day.replace(day=1, month=1 if every is Every.YEAR else from_day.month)
    if from_day != first:
        raise Invalid(field="from_day", fix=f"Give the first day of a {every}, such as {first}.")
    if any(not 1 <= one <= 1000 for one in told_at):
        raise Invalid(field="thresholds", fix="Give percentages from 1 to 1000.")

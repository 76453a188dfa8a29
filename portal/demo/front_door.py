"""What the demo's people mean to spend and ask for: budgets, who approves what, two requests."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from governance import budgets, suspensions
from governance.approvers import policies
from governance.consequences.asked import Asked
from governance.front_door import requests
from governance.models import Demand, QuotaRequest, RequestKind
from inventory import ownership, subscriptions, teams
from inventory.models import Subscription, Team
from portal.demo.setting import BY, PLANS, Plan, first_month
from tenancy import memberships, periods, scope, tenants
from tenancy.access import Actor
from tenancy.models import Role
from tenancy.scope import TenantRef

#: What a team means to spend in a month, by tenant, in its billing currency.
BUDGETS = {"contoso": Decimal(40), "fabrikam": Decimal(60)}
#: From how much more a month on who approves; below, nobody has to.
APPROVES = (
    ("Small changes", Demand.AUTOMATIC, None),
    ("From 2 a month", Demand.ONE, Decimal(2)),
    ("From 25 a month", Demand.TWO, Decimal(25)),
)
_MORE, _LITTLE = Decimal(10), Decimal(1)


def open_it(ref: TenantRef, *, at: datetime) -> tuple[QuotaRequest, ...]:
    """Budgets and policies; more for what is suspended, which waits, and a little for another.

    Made once: what is there is left as it is.
    """
    plan = next(plan for plan in PLANS if plan.slug == ref.slug)
    with scope.of(ref):
        for team in teams.all_of_tenant():
            budgets.set_budget(
                team,
                BUDGETS[ref.slug],
                from_day=first_month(at).first_day,
                by=BY,
                at=at,
                reason="as planned for the year",
            )
        admin = _actor(plan, Role.ADMIN)
        if not policies.listed(at=at):
            _policies(admin, at=at)
        if not QuotaRequest.objects.exists():
            _ask_for_both(plan, at=at)
        return tuple(requests.seen_by(admin).order_by("number"))


def _policies(by: Actor, *, at: datetime) -> None:
    for name, demand, amount in APPROVES:
        wanted = policies.Wanted(name=name, demand=demand, amount_from=amount)
        policies.add(wanted, by=by, at=at)


def _ask_for_both(plan: Plan, *, at: datetime) -> None:
    """The owners of teams ask for the suspended subscription, and for one that is served."""
    held = {one.subscription_id for one in suspensions.standing()}
    for subscription in subscriptions.by_id(held).values():
        _ask(plan, subscription, _MORE, "The autumn campaign begins on Monday.", at=at)
    today = periods.local_day(at, tenants.billing().zone)
    owned = [
        subscription
        for team in teams.all_of_tenant()
        for subscription in teams.subscriptions_of(team, on=today)
        if held and subscription.pk not in held
    ]
    for subscription in owned[:1]:
        _ask(plan, subscription, _LITTLE, "A second language for the help pages.", at=at)


def _ask(
    plan: Plan, subscription: Subscription, amount: Decimal, why: str, *, at: datetime
) -> None:
    team = ownership.owner_on(subscription, periods.local_day(at, plan.zone))
    by = _owner(plan, team) if team else None
    if team is None or by is None:
        return
    wanted = Asked(
        kind=RequestKind.INCREASE,
        team=team,
        subscription=subscription,
        amount=amount,
        reason=why,
    )
    requests.submit(requests.draft(wanted, by=by, at=at), by=by, at=at)


def _owner(plan: Plan, team: Team) -> Actor | None:
    for one in plan.people:
        if one.team == team.slug:
            return memberships.actor(memberships.member(one.email))
    return None


def _actor(plan: Plan, role: Role) -> Actor:
    someone = next(one for one in plan.people if one.role is role)
    return memberships.actor(memberships.member(someone.email))

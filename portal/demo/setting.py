"""Who takes part: two tenants with people, teams, gateways, quotas, made through the verbs.

Everything can be made again: a second start finds it and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from billing import attribution, exchange, preferences
from billing.price_terms import LIST_CURRENCY
from connectors.records import CognitiveAccount
from governance import guards
from governance.limits import quotas
from governance.models import Hardness, Mode
from inventory import gateways, teams
from inventory.models import Gateway, Part, Product, Subscription
from inventory.ownership import Attribution
from tenancy import memberships, people, scope, tenants
from tenancy.models import Role
from tenancy.periods import Period
from tenancy.scope import TenantRef

BY = "demo"


@dataclass(frozen=True, slots=True)
class Someone:
    """A person of the demonstration, and the team they belong to, if any."""

    name: str
    email: str
    role: Role
    team: str = ""


@dataclass(frozen=True, slots=True)
class TeamPlan:
    slug: str
    name: str
    cost_center: str
    cost_center_name: str
    owns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A tenant of the demonstration. ``quotas`` are per product and billing month."""

    slug: str
    service: str
    currency: str
    zone: str
    people: tuple[Someone, ...]
    teams: tuple[TeamPlan, ...]
    quotas: Mapping[str, str]
    rates: tuple[tuple[int, str], ...] = ()


PLANS = (
    Plan(
        slug="contoso",
        service="apim-contoso",
        currency="USD",
        zone="Europe/Berlin",
        people=(
            Someone("Alice Weber", "alice@contoso.example", Role.TEAM_OWNER, "search"),
            Someone("Bob Lindqvist", "bob@contoso.example", Role.TEAM_OWNER, "support"),
            Someone("Carol Okafor", "carol@contoso.example", Role.APPROVER),
            Someone("Dan Moreau", "dan@contoso.example", Role.FINANCE),
            Someone("Erin Castillo", "erin@contoso.example", Role.ADMIN),
        ),
        teams=(
            TeamPlan(
                "search", "Search Platform", "4410", "Discovery", ("subscription1", "subscription4")
            ),
            TeamPlan(
                "support",
                "Customer Support",
                "4420",
                "Service",
                ("subscription2", "subscription3"),
            ),
        ),
        quotas={"platinum": "15", "gold": "10", "silver": "5"},
    ),
    Plan(
        slug="fabrikam",
        service="apim-fabrikam",
        currency="EUR",
        zone="Asia/Kolkata",
        people=(
            Someone("Maya Iyer", "maya@fabrikam.example", Role.ADMIN),
            Someone("Nikhil Rao", "nikhil@fabrikam.example", Role.TEAM_OWNER, "care"),
        ),
        teams=(
            TeamPlan("care", "Customer Care", "IN-210", "Operations", ("support-bot",)),
            TeamPlan("sales", "Sales", "IN-340", "Commercial", ("crm-assistant", "field-notes")),
        ),
        quotas={"standard": "20", "trial": "10"},
        # Months before the running one, and what one USD was in EUR from then on.
        rates=((11, "0.8650"), (1, "0.8590"), (0, "0.8625")),
    ),
)


def plan_of(service: str) -> Plan:
    """The plan of the tenant that has this API Management service."""
    return next(plan for plan in PLANS if plan.service == service)


def make(azure: Mapping[str, Any], *, password: str, at: datetime) -> TenantRef:
    """The tenant of one Azure tenant of the simulator, ready for its first inventory."""
    plan = plan_of(azure["service"]["name"])
    ref = tenants.create(plan.slug, name=azure["name"], currency=plan.currency, zone=plan.zone)
    with scope.of(ref):
        _people(plan, password)
        _gateway(plan, azure, at=at)
        preferences.set_rule(Decimal("0.95"), by=BY, at=at)
        guards.set_mode(Mode.ON, by=BY, at=at)
        _rates(plan, at=at)
    return ref


def hand_over(ref: TenantRef, *, at: datetime) -> None:
    """Once the inventory is read: who owns what since the history began, and the quotas."""
    plan = next(plan for plan in PLANS if plan.slug == ref.slug)
    with scope.of(ref):
        since = first_month(at)
        made = {team.slug: team for team in teams.all_of_tenant()}
        owners = {name: made[team.slug] for team in plan.teams for name in team.owns}
        for subscription in Subscription.objects.select_related("gateway"):
            if team := owners.get(subscription.name):
                attribution.assign(
                    subscription,
                    Attribution(
                        team, environment="production", application=subscription.display_name
                    ),
                    from_day=since.first_day,
                    by=BY,
                    at=since.start,
                )
        for product in Product.objects.select_related("gateway"):
            if product.name in plan.quotas:
                quotas.set_limit(
                    product,
                    quotas.Wanted(Decimal(plan.quotas[product.name]), hardness=Hardness.HARD),
                    from_instant=since.start,
                    by=BY,
                    at=at,
                    reason=f"the {product.display_name} tier",
                )


def first_month(at: datetime) -> Period:
    """The month in which the history begins: two before the running one of the tenant in scope."""
    return tenants.billing().month_at(at).previous().previous()


def _people(plan: Plan, password: str) -> None:
    made = {
        team.slug: teams.create(
            team.slug,
            name=team.name,
            cost_center=team.cost_center,
            cost_center_name=team.cost_center_name,
        )
        for team in plan.teams
    }
    for someone in plan.people:
        person = people.invite(someone.email, name=someone.name, password=password)
        memberships.join(person, someone.role)
        if someone.team:
            teams.add_member(made[someone.team], person, Part.OWNER)


def _gateway(plan: Plan, azure: Mapping[str, Any], *, at: datetime) -> None:
    held = gateways.find(plan.service)
    row = Gateway(
        name=plan.service,
        azure_subscription_id=azure["azure_subscription_id"],
        resource_group=azure["resource_group"],
        service=plan.service,
        workspace_id=azure["workspace_id"],
        credential=plan.service,
        inference_url=azure["gateway_url"],
        usage_from=held.usage_from if held else first_month(at).start,
    )
    accounts = tuple(
        CognitiveAccount(
            subscription_id=azure["azure_subscription_id"],
            resource_group=azure["resource_group"],
            account=account["name"],
        )
        for account in azure["accounts"]
    )
    gateways.connect(row, accounts, by=BY, at=at)


def _rates(plan: Plan, *, at: datetime) -> None:
    for months_before, rate in plan.rates:
        month = tenants.billing().month_at(at)
        for _ in range(months_before):
            month = month.previous()
        exchange.set_rate(
            LIST_CURRENCY,
            plan.currency,
            Decimal(rate),
            from_instant=month.start,
            source="demo rate, entered by hand",
            by=BY,
            at=at,
        )

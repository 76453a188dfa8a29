"""Routing: whose approvals a request needs, by all policies in force that it meets, and why.

The rule is `rules.routing`; here its facts are read. What a route was found by is told in
`Route.told`, to be kept with the request: later requests of the team are counted with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from django.db import connection

from governance.consequences import asked_before
from governance.consequences.asked import OF_A_LIMIT, Asked
from governance.consequences.asked_before import TOLD as TOLD
from governance.models import ApprovalPolicy, ApproverGroup, RequestKind, Unit, Whose
from governance.rules import routing as rule
from governance.rules.routing import Facts, Ground
from inventory.models import Owner, Part, Team, TeamMember
from tenancy import periods, tenants
from tenancy.models import Membership


class Expected(Protocol):
    """What a request's consequences say that a route rests on; None: not known."""

    @property
    def monthly_change(self) -> Decimal | None:
        """How much more a month it allows, in the billing currency."""

    @property
    def forecast_percent(self) -> Decimal | None:
        """What is expected at the period's end, in percent of ``base``."""

    @property
    def base(self) -> Decimal | None:
        """The limit concerned, before what was granted in the last 30 days."""


@dataclass(frozen=True, slots=True)
class Need:
    """How many different people of whom have to approve. Of nobody (0) where none has to.

    ``group`` None: any approver of the tenant. ``policy`` None: no policy is met.
    """

    whose: Whose
    group: ApproverGroup | None
    people: int
    policy: ApprovalPolicy | None
    own_teams: bool
    says: str


@dataclass(frozen=True, slots=True)
class Matched:
    """A policy that a request meets, and the conditions it meets it by."""

    policy: ApprovalPolicy
    grounds: tuple[Ground, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """Whose approvals are needed, in the order of asking, and what that rests on.

    ``told`` is ``facts`` as it is kept in the event of the request's submission, under `TOLD`.
    """

    needs: tuple[Need, ...]
    matched: tuple[Matched, ...]
    remind_after: timedelta
    escalate_after: timedelta
    expires_after: timedelta
    facts: Facts

    @property
    def automatic(self) -> bool:
        """Whether nobody has to approve."""
        return all(need.people == 0 for need in self.needs)

    @property
    def told(self) -> dict[str, Any]:
        facts = self.facts
        return {
            "amount": _text(facts.amount),
            "base": _text(facts.base),
            "forecast": _text(facts.forecast),
            "products": sorted(facts.products),
            "environments": sorted(facts.environments),
            "owner": facts.owner.value,
        }


def of(
    asked: Asked,
    expected: Expected,
    *,
    at: datetime,
    request_id: int | None = None,
    asks: int | None = None,
) -> Route:
    """Whose approvals something that is asked for needs, by the policies in force at ``at``.

    ``request_id`` is the request that asks for it, if there is one yet: it is not counted with
    itself, and others of its team that are sent wait for its transaction, so that two parts of
    one whole never miss each other. ``asks``: the person, where there is no request yet.
    """
    if request_id is not None:
        _one_at_a_time(asked.team)
    policies = in_force(at=at)
    rows = asked_before.rows(
        asked.team,
        asked.subscription,
        days=longest_window(policies),
        at=at,
        request_id=request_id,
    )
    zone = tenants.billing().zone
    mine = next((row for row in rows if row.pk == request_id), None)
    others = (row for row in rows if row is not mine)
    products, environments = _concerned(asked, at=at, zone=zone)
    facts = Facts(
        kind=asked.kind.value,
        team=asked.team.pk,
        at=at,
        amount=_amount(asked, expected),
        change=_change(asked, expected),
        base=expected.base,
        forecast=expected.forecast_percent,
        days=asked_before.days_from(asked.until(zone), at, zone),
        target=asked_before.target_of(asked),
        products=products,
        environments=environments,
        owner=owner_of(asked.team, asks=mine.requested_by_id if mine else asks),
        before=tuple(asked_before.earlier(row, at=at, zone=zone) for row in others),
    )
    return by(policies, facts)


def by(policies: Sequence[ApprovalPolicy], facts: Facts) -> Route:
    """Whose approvals these facts need, by these policies, in the order of their positions."""
    ordered = sorted(policies, key=lambda one: (one.position, one.pk or 0))
    rules = [(row, as_rule(row, number)) for number, row in enumerate(ordered)]
    met = [(row, one) for row, one in rules if rule.meets(one, facts)]
    found = rule.needs([one for _, one in met], facts.owner)
    times = rule.times(one for _, one in met)
    return Route(
        needs=tuple(_need(one, ordered) for one in found),
        matched=tuple(Matched(row, rule.weigh(one, facts)) for row, one in met),
        remind_after=times.remind_after,
        escalate_after=times.escalate_after,
        expires_after=times.expires_after,
        facts=facts,
    )


def in_force(*, at: datetime) -> list[ApprovalPolicy]:
    """The policies in force at an instant, in their order, with what they name."""
    rows = ApprovalPolicy.objects.filter(effective_from__lte=at).exclude(effective_until__lte=at)
    return list(rows.select_related("group", "escalate_to", "team", "product"))


def longest_window(policies: Iterable[ApprovalPolicy]) -> int:
    """How many days back any of them looks, or what a limit was before."""
    return max([rule.BASE_DAYS, *(one.window_days for one in policies)])


def as_rule(row: ApprovalPolicy, number: int) -> rule.Policy:
    """A policy as the rule takes it, under a number of the caller's."""
    return rule.Policy(
        id=number,
        demand=rule.Demand(row.demand),
        group=row.group_id,
        own_teams=row.own_teams,
        kinds=frozenset(row.kinds),
        team=row.team_id,
        product=row.product_id,
        environment=row.environment,
        amount_from=row.amount_from,
        percent_from=row.percent_from,
        days_from=row.days_from,
        forecast_from=row.forecast_from,
        window_days=row.window_days,
        remind_after=timedelta(hours=row.remind_after_hours),
        escalate_after=timedelta(hours=row.escalate_after_hours),
        expires_after=timedelta(days=row.expires_after_days),
    )


def _one_at_a_time(team: Team) -> None:
    """Let whoever sends another request of the team wait until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7420, %s)", [team.pk % 2**31])


def _amount(asked: Asked, expected: Expected) -> Decimal | None:
    """More a month in the billing currency; zero where less or nothing is asked for."""
    match asked.kind:
        case RequestKind.DECREASE | RequestKind.REACTIVATION:
            return Decimal(0)
        case RequestKind.INCREASE | RequestKind.TEMPORARY if asked.unit is Unit.CURRENCY:
            return asked_before.a_month(asked.change, asked.every)
        case _:
            return expected.monthly_change


def _change(asked: Asked, expected: Expected) -> Decimal | None:
    """The same in the unit of the limit concerned."""
    return asked.change if asked.kind in OF_A_LIMIT else _amount(asked, expected)


def _concerned(asked: Asked, *, at: datetime, zone: str) -> tuple[frozenset[int], frozenset[str]]:
    """The tiers and environments that a request touches; a team's limit touches all it owns."""
    if asked.kind is RequestKind.SUBSCRIPTION:
        return _ids(asked.product.pk if asked.product else None), frozenset({asked.environment})
    today = periods.local_day(at, zone)
    owned = Owner.objects.filter(from_day__lte=today).exclude(until_day__lte=today)
    if asked.subscription is None:
        owned = owned.filter(team=asked.team)
    else:
        owned = owned.filter(subscription=asked.subscription)
    rows = list(owned.values_list("environment", "subscription__product_id").distinct())
    environments = frozenset(environment for environment, _ in rows)
    present = asked.subscription.product_id if asked.subscription else None
    wanted = asked.product.pk if asked.product else None
    return _ids(present, wanted, *(product for _, product in rows)), environments or frozenset({""})


def _ids(*found: int | None) -> frozenset[int]:
    return frozenset(one for one in found if one is not None)


def owner_of(team: Team, *, asks: int | None) -> rule.Owner:
    """Whether the cost center's owner can be asked, if ``asks`` is who asks."""
    found = Team.objects.filter(pk=team.pk).values_list("cost_center__owner_id", flat=True)
    belongs = Membership.objects.filter(person__is_active=True, person_id__in=found)
    owner = belongs.values_list("person_id", flat=True).first()
    if owner is None or owner == asks:
        return rule.Owner.NONE
    part = TeamMember.objects.filter(team=team, person_id=owner, part=Part.OWNER)
    return rule.Owner.OWNS_TEAM if part.exists() else rule.Owner.MAY


def _need(found: rule.Need, policies: Sequence[ApprovalPolicy]) -> Need:
    policy = None if found.policy is None else policies[found.policy]
    group = policy.group if policy and found.group is not None else None
    return Need(
        whose=Whose(found.whose.value),
        group=group,
        people=found.people,
        policy=policy if policy and policy.pk else None,
        own_teams=found.own_teams,
        says=_says(found, group),
    )


def _says(need: rule.Need, group: ApproverGroup | None) -> str:
    if need.whose is rule.Whose.OWNER:
        return "the cost center's owner, first"
    of_whom = f"of {group}" if group else "of the tenant's approvers"
    match need.people:
        case 0:
            return "nobody: it is approved at once"
        case 1:
            return f"one {of_whom}"
        case _:
            says = f"{need.people} different people {of_whom}"
    return f"{says}, as the cost center has no owner who may decide" if need.for_owner else says


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"

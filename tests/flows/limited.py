"""A tenant of its own whose limits a test says, and what was used in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from django.db import connection

import billing
from billing.models import PeriodToDate, RatedDay, Usage
from billing.rules.token_classes import TokenClass
from governance.limits import quotas
from governance.limits.binding import Limit
from governance.limits.quotas import Wanted
from governance.models import (
    Approval,
    ApprovalNeed,
    ApproverGroup,
    GroupMember,
    Override,
    Quota,
    QuotaRequest,
    RequestKind,
    RequestState,
    Whose,
)
from governance.models.subjects import Subject
from inventory.models import (
    CostCenter,
    Deployment,
    Gateway,
    GatewayState,
    Origin,
    Ownership,
    Product,
    Subscription,
    Team,
)
from tenancy import scope, tenants
from tenancy.models import Membership, Person, Role
from tenancy.periods import month_of_day
from tests.world_usage import told_of

LONG_AGO = datetime(2024, 12, 1, tzinfo=UTC)
BY = "carol@example.org"
_SUMS = (Path(billing.__file__).parent / "period_to_date.sql").read_text()
_numbers = count(1)


@dataclass
class Shop:
    """Two teams of one cost center, one of another, and what they use. Its scope is open."""

    zone: str
    gateway: Gateway
    product: Product
    deployment: Deployment
    centers: tuple[CostCenter, ...]
    teams: tuple[Team, ...]
    people: tuple[Person, Person]
    subscriptions: tuple[Subscription, ...]
    group: ApproverGroup
    _next: Any = field(default_factory=lambda: count(1))

    def limit(
        self,
        subject: Subject,
        amount: str | Decimal | None,
        *,
        since: datetime = LONG_AGO,
        until: datetime | None = None,
        **further: Any,
    ) -> Quota:
        """Limit a subject from an instant on."""
        wanted = Wanted(None if amount is None else Decimal(amount), **further)
        return quotas.set_limit(subject, wanted, from_instant=since, until=until, by=BY, at=since)

    def more(
        self,
        subject: Subscription | Team,
        amount: str | Decimal,
        *,
        since: datetime = LONG_AGO,
        until: datetime | None = None,
        unit: str = "currency",
        span: str = "month",
    ) -> Override:
        """An approved request's change of a subject's limit."""
        request = self._approved(subject, unit, span)
        of = {"team": subject} if isinstance(subject, Team) else {"subscription": subject}
        override: Override = Override.objects.create(
            **of,
            unit=unit,
            span=span,
            amount=Decimal(amount),
            effective_from=since,
            effective_until=until,
            request=request,
            recorded_at=since,
        )
        return override

    def use(
        self, subscription: Subscription, day: date, cost: str | Decimal | None, tokens: int = 1000
    ) -> None:
        """A rated day, and its month's sum."""
        RatedDay.objects.create(
            day=day,
            series=told_of(subscription, self.deployment),
            subscription=subscription,
            deployment=self.deployment,
            token_class=TokenClass.INPUT if cost is not None else TokenClass.OUTPUT,
            unit_price=None if cost is None else Decimal(1),
            quantity=tokens,
            cost=None if cost is None else Decimal(cost),
        )
        self.sum_up(day)

    def bucket(self, subscription: Subscription, start: datetime, tokens: int) -> None:
        """Usage as it was read, not rated."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT billing_usage_months(%s, %s)", [start, start])
        Usage.objects.create(
            series=told_of(subscription, self.deployment),
            gateway=self.gateway,
            bucket_start=start,
            subscription=subscription,
            deployment=self.deployment,
            input_tokens=tokens,
        )

    def give(
        self,
        subscription: Subscription,
        team: Team | None,
        day: date,
        cost_center: CostCenter | None = None,
    ) -> None:
        """Whose it is from a local day on."""
        Ownership.objects.create(
            subscription=subscription,
            team=team,
            cost_center=cost_center,
            from_day=day,
            recorded_at=datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=next(self._next)),
            recorded_by=BY,
        )

    def limits(self, subscription: Subscription, at: datetime) -> tuple[Limit, ...]:
        """What limits it, what binds first."""
        found = quotas.of([subscription.pk], at=at)
        return found[subscription.pk].limits if subscription.pk in found else ()

    def one(self, subscription: Subscription, at: datetime) -> Limit:
        """Its only limit."""
        (found,) = self.limits(subscription, at)
        return found

    def sum_up(self, day: date) -> None:
        month = month_of_day(day, self.zone)
        with connection.cursor() as cursor:
            cursor.execute(
                _SUMS,
                {
                    "tenant": scope.tenant_id(),
                    "first_day": month.first_day,
                    "end_day": month.end_day,
                },
            )
        assert PeriodToDate.objects.filter(first_day=month.first_day).exists()

    def _approved(self, subject: Subscription | Team, unit: str, span: str) -> QuotaRequest:
        asks, approves = self.people
        request: QuotaRequest = QuotaRequest.objects.create(
            number=next(self._next),
            kind=RequestKind.INCREASE,
            team=subject if isinstance(subject, Team) else self.teams[0],
            subscription=None if isinstance(subject, Team) else subject,
            unit=unit,
            span=span,
            amount=Decimal(1),
            reason="More is needed.",
            requested_by=asks,
            created_at=LONG_AGO,
        )
        request.state = RequestState.SUBMITTED
        request.save()
        ApprovalNeed.objects.create(
            request=request, version=1, position=1, whose=Whose.GROUP, group=self.group
        )
        Approval.objects.create(
            request=request, version=1, person=approves, whose=Whose.GROUP, at=LONG_AGO
        )
        request.state = RequestState.APPROVED
        request.save()
        return request


def told(*values: object) -> tuple[object, ...]:
    """Several figures, to be compared at once with those expected, as numbers of any kind."""
    return values


def tenant(zone: str) -> scope.TenantRef:
    """A new tenant of a time zone, billed in USD."""
    number = next(_numbers)
    return tenants.create(f"limited-{number}", name="Limited", currency="USD", zone=zone)


def shop(zone: str) -> Shop:
    """Its rows: three subscriptions to one product, the first two of the first team."""
    gateway = Gateway.objects.create(
        name="apim-limited",
        azure_subscription_id="11e0f7aa-5b7d-4c55-8a10-000000000001",
        resource_group="rg",
        service="apim-limited",
        workspace_id="d4b6a1f2-7c3e-4f90-b1a5-000000000001",
        usage_from=LONG_AGO,
    )
    product = Product.objects.create(
        gateway=gateway, name="gold", display_name="Gold", seen_at=LONG_AGO
    )
    deployment = Deployment.objects.create(
        gateway=gateway, host="ai", name="gpt", origin=Origin.INVENTORY, seen_at=LONG_AGO
    )
    centers = tuple(CostCenter.objects.create(code=f"CC{n}", name=f"Center {n}") for n in (1, 2))
    teams = tuple(
        Team.objects.create(slug=f"team{n}", name=f"Team {n}", cost_center=center)
        for n, center in enumerate((centers[0], centers[0], centers[1]), 1)
    )
    made = Shop(
        zone,
        gateway,
        product,
        deployment,
        centers,
        teams,
        _people(),
        tuple(_subscription(gateway, product, f"key{n}") for n in (1, 2, 3)),
        ApproverGroup.objects.create(name="All"),
    )
    GroupMember.objects.create(group=made.group, person=made.people[1])
    for subscription, team in zip(made.subscriptions, (teams[0], teams[0], teams[1]), strict=True):
        made.give(subscription, team, LONG_AGO.date())
    return made


def _people() -> tuple[Person, Person]:
    number = next(_numbers)
    asks, approves = (
        Person.objects.create_person(f"{name}-{number}@example.org", name=name)
        for name in ("asks", "approves")
    )
    Membership.objects.create(person=asks, role=Role.TEAM_OWNER)
    Membership.objects.create(person=approves, role=Role.APPROVER)
    return asks, approves


def _subscription(gateway: Gateway, product: Product, name: str) -> Subscription:
    made: Subscription = Subscription.objects.create(
        gateway=gateway,
        name=name,
        product=product,
        state=GatewayState.ACTIVE,
        origin=Origin.INVENTORY,
        seen_at=LONG_AGO,
    )
    return made

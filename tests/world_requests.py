"""Requests in the small world: one long applied and over, one that waits, and who decides."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from governance.models import (
    Alert,
    AlertKind,
    Approval,
    ApprovalNeed,
    ApprovalPolicy,
    ApproverGroup,
    Budget,
    Delegation,
    EventKind,
    GroupMember,
    Override,
    Quota,
    QuotaRequest,
    RequestEvent,
    RequestKind,
    RequestState,
    Whose,
)
from inventory.models import Subscription, Team
from tenancy.models import Person

LAPSED = datetime(2026, 9, 10, 8, 0, tzinfo=UTC)
ASKED = datetime(2026, 11, 19, 9, 30, tzinfo=UTC)


def requests(
    first: tuple[Team, Subscription],
    second: tuple[Team, Subscription],
    *,
    asks: tuple[Person, Person],
    approves: Person,
) -> None:
    """The first team had more for two days of September; the second waits for an answer.

    A draft lies about, too, and of what lapsed long ago there is a row of every kind.
    """
    QuotaRequest.objects.create(
        number=3,
        kind=RequestKind.TIER,
        team=first[0],
        subscription=first[1],
        gateway=first[1].gateway,
        product=first[1].product,
        reason="Perhaps.",
        requested_by=asks[0],
        created_at=ASKED,
    )
    policy = _policy(approves, stands_in=asks[0])
    _lapsed(first, approves)
    _over(1, first, subscription=first[1], policy=policy, asks=asks[0], approves=approves)
    _over(4, first, subscription=None, policy=policy, asks=asks[0], approves=approves)
    _submitted(_asked(2, *second, asks[1], RequestKind.INCREASE, ASKED), policy, ASKED)
    for team, _ in (first, second):
        Budget.objects.create(
            team=team,
            amount=Decimal(100),
            from_day=date(2026, 9, 1),
            set_by=approves.email,
            recorded_at=LAPSED,
        )


def _over(
    number: int,
    house: tuple[Team, Subscription],
    *,
    subscription: Subscription | None,
    policy: ApprovalPolicy,
    asks: Person,
    approves: Person,
) -> None:
    """More for two days of September, for one subscription or the whole team: asked, had, over."""
    over = _asked(number, house[0], subscription, asks, RequestKind.TEMPORARY, LAPSED)
    _submitted(over, policy, LAPSED)
    Approval.objects.create(
        request=over, version=1, person=approves, whose=Whose.GROUP, at=LAPSED, text="Fine."
    )
    _become(over, RequestState.APPROVED, EventKind.APPROVED, approves)
    Override.objects.create(
        subscription=subscription,
        team=None if subscription else house[0],
        unit=over.unit,
        span=over.span,
        amount=Decimal(3),
        effective_from=LAPSED,
        effective_until=LAPSED + timedelta(days=2),
        request=over,
        recorded_at=LAPSED,
    )
    _become(over, RequestState.APPLIED, EventKind.APPLIED, None)


def _lapsed(house: tuple[Team, Subscription], approves: Person) -> None:
    """What was once said of the team, its cost center and its product, and is over."""
    team, subscription = house
    center, product = team.cost_center, subscription.product
    for subject in ({"team": team}, {"cost_center": center}):
        Quota.objects.create(
            **subject,
            limit=Decimal(900),
            effective_from=LAPSED,
            effective_until=LAPSED + timedelta(days=2),
            set_by=approves.email,
            recorded_at=LAPSED,
        )
    for subject in (
        {"subscription": subscription},
        {"product": product},
        {"team": team},
        {"cost_center": center},
    ):
        Alert.objects.create(
            **subject,
            kind=AlertKind.QUOTA_USED,
            unit="currency",
            span="month",
            period=datetime(2026, 9, 30, 22, tzinfo=UTC),
            threshold=50,
            fired_at=datetime(2026, 10, 9, tzinfo=UTC),
            resolved_at=datetime(2026, 11, 1, tzinfo=UTC),
        )
    Budget.objects.create(
        cost_center=center,
        amount=Decimal(150),
        from_day=date(2026, 9, 1),
        set_by=approves.email,
        recorded_at=LAPSED,
    )
    group = ApproverGroup.objects.get(name="FinOps")
    ApprovalPolicy.objects.create(
        name="While on trial",
        team=team,
        product=product,
        group=group,
        escalate_to=group,
        effective_from=LAPSED,
        effective_until=LAPSED + timedelta(days=2),
        set_by=approves.email,
    )


def _policy(approves: Person, *, stands_in: Person) -> ApprovalPolicy:
    group = ApproverGroup.objects.create(name="FinOps")
    GroupMember.objects.create(group=group, person=approves)
    Delegation.objects.create(
        absent=approves,
        stand_in=stands_in,
        effective_from=LAPSED - timedelta(days=9),
        effective_until=LAPSED - timedelta(days=2),
        reason="On leave.",
        made_by=approves.email,
    )
    policy: ApprovalPolicy = ApprovalPolicy.objects.create(
        name="Whatever is asked", group=group, effective_from=LAPSED, set_by=approves.email
    )
    return policy


def _asked(
    number: int,
    team: Team,
    subscription: Subscription | None,
    by: Person,
    kind: RequestKind,
    at: datetime,
) -> QuotaRequest:
    request: QuotaRequest = QuotaRequest.objects.create(
        number=number,
        kind=kind,
        team=team,
        subscription=subscription,
        amount=Decimal(3),
        until=at + timedelta(days=2) if kind is RequestKind.TEMPORARY else None,
        reason="The campaign begins.",
        requested_by=by,
        created_at=at,
    )
    _event(request, EventKind.DRAFTED, by)
    return request


def _submitted(request: QuotaRequest, policy: ApprovalPolicy, at: datetime) -> None:
    request.submitted_at = at
    request.expires_at = at + timedelta(days=30)
    _become(request, RequestState.SUBMITTED, EventKind.SUBMITTED, request.requested_by)
    ApprovalNeed.objects.create(
        request=request,
        version=1,
        position=1,
        whose=Whose.GROUP,
        group=policy.group,
        escalated_to=policy.group,
        policy=policy,
    )


def _become(
    request: QuotaRequest, state: RequestState, kind: EventKind, person: Person | None
) -> None:
    request.state = state
    request.save()
    _event(request, kind, person)


def _event(request: QuotaRequest, kind: EventKind, person: Person | None) -> None:
    RequestEvent.objects.create(
        request=request,
        kind=kind,
        version=1,
        person=person,
        by=person.email if person else "Apportion",
        at=request.created_at,
    )

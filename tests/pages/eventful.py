"""A month in which everything happened that a page must be able to tell."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache

from django.contrib.auth.hashers import make_password

from billing.models import PeriodToDate, RatedDay, UsageFeed
from billing.rules.token_classes import TokenClass
from governance.models import Suspension
from inventory.models import Deployment, GatewayState, Origin, Ownership, Subscription
from tenancy import scope
from tenancy.models import Outcome, Person, Run
from tests.world import NOW, Place, World
from tests.world_usage import told_of

PASSWORD = "a-long-enough-password"
FORMULA = "=HYPERLINK(1)"
MOVED_BECAUSE = "Search has run it since the 10th."


def make(world: World) -> None:
    """Unpriced usage, usage of nobody, a suspension, a transfer, a failed run; passwords."""
    Person.objects.update(password=_hashed())
    for person in world.people.values():
        person.password = _hashed()  # sessions made from here on are bound to it
    with scope.of(world.contoso.ref):
        _unpriced(world.contoso, world.search.subscription)
        _orphan(world.contoso)
        _suspended(world.search.subscription)
        _transferred(world)
        _runs(world.contoso)
        for number in range(3):
            rated(world.search.subscription, world.contoso.deployment, date(2026, 10, 5 + number))
        UsageFeed.objects.update(through=NOW)


@cache
def _hashed() -> str:
    """Hashing is slow on purpose: once is enough."""
    return make_password(PASSWORD)


def subscription(place: Place, name: str) -> Subscription:
    """One more subscription at the gateway, of nobody yet."""
    made: Subscription = Subscription.objects.create(
        gateway=place.gateway,
        name=name,
        product=place.product,
        state=GatewayState.ACTIVE,
        origin=Origin.INVENTORY,
        seen_at=NOW,
    )
    return made


def rated(used: Subscription, deployment: Deployment, day: date, cost: str = "0.335") -> None:
    """A day of output, at the price there is."""
    price = RatedDay.objects.exclude(price=None).values_list("price_id", flat=True).first()
    RatedDay.objects.create(
        series=told_of(used, deployment),
        day=day,
        subscription=used,
        deployment=deployment,
        token_class=TokenClass.OUTPUT,
        price_id=price,
        unit_price=Decimal("0.00000175"),
        price_currency="USD",
        quantity=191_428,
        list_cost=Decimal(cost),
        cost=Decimal(cost),
    )


def _unpriced(place: Place, of: Subscription) -> None:
    preview = Deployment.objects.create(
        gateway=place.gateway, host="", name="preview", origin=Origin.USAGE, seen_at=NOW
    )
    RatedDay.objects.create(
        series=told_of(of, preview),
        day=date(2026, 11, 4),
        subscription=of,
        deployment=preview,
        token_class=TokenClass.OUTPUT,
        price=None,
        quantity=3_000,
    )


def _orphan(place: Place) -> None:
    nobodys = Subscription.objects.create(
        gateway=place.gateway, name="", origin=Origin.USAGE, seen_at=NOW
    )
    rated(nobodys, place.deployment, date(2026, 11, 5), "0.0004")


def _suspended(held: Subscription) -> None:
    Subscription.objects.filter(pk=held.pk).update(
        state=GatewayState.SUSPENDED, state_comment="Apportion: its hard quota is reached."
    )
    PeriodToDate.objects.filter(subscription=held).update(cost=Decimal("5.02"))
    rated(held, RatedDay.objects.filter(subscription=held)[0].deployment, date(2026, 11, 6), "3.27")
    Suspension.objects.create(
        subscription=held,
        reason="its hard quota is reached",
        evidence={},
        since=NOW - timedelta(hours=2),
    )


def _transferred(world: World) -> None:
    """Support's until 9 November, Search's from the 10th on: so it was said on the 12th."""
    moved = subscription(world.contoso, FORMULA)
    for team, day, said in ((world.support.team, 1, 1), (world.search.team, 10, 12)):
        Ownership.objects.create(
            subscription=moved,
            team=team,
            from_day=date(2026, 11, day),
            reason=MOVED_BECAUSE if said > day else "",
            recorded_at=datetime(2026, 11, said, 9, 30, tzinfo=UTC),
            recorded_by="erin@example.org",
        )
    rated(moved, world.contoso.deployment, date(2026, 11, 9), "0.40")
    rated(moved, world.contoso.deployment, date(2026, 11, 10), "0.305")
    PeriodToDate.objects.create(
        subscription=moved,
        first_day=date(2026, 11, 1),
        cost=Decimal("0.705"),
        tokens=382_856,
        unpriced_tokens=0,
    )


def _runs(place: Place) -> None:
    for number in range(30):
        Run.objects.create(
            step="sync_usage",
            subject=place.gateway.name,
            outcome=Outcome.FAILED if number == 29 else Outcome.SUCCEEDED,
            started_at=NOW - timedelta(minutes=60 - number),
            beat_at=NOW,
            finished_at=NOW - timedelta(minutes=59 - number),
            error="Log Analytics does not answer: see APPORTION_AZURE_LOG_ANALYTICS_URL."
            if number == 29
            else "",
            detail={"windows": number},
        )

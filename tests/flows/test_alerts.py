"""An alert begins once, ends when it is so no longer, and begins anew; stale usage begins none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import PeriodToDate, RatedDay, UsageFeed
from billing.rules.token_classes import TokenClass
from governance import alerts, budgets
from governance.alerts import Watch
from governance.limits import quotas
from governance.limits.quotas import Wanted
from governance.models import Alert, AlertKind
from governance.rules.spans import Every
from inventory.models import Subscription
from tenancy import runs, scope
from tenancy.access import Actor
from tenancy.models import Role
from tenancy.runs import Busy, Contention
from tests.world import NOW, World
from tests.world_usage import told_of

FIRST, TODAY = date(2026, 11, 1), date(2026, 11, 20)
#: Nothing else has happened.
NOTHING = Watch(0, 0)
EVER = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture
def inside(world: World) -> Iterator[World]:
    """Contoso without usage, limits or budgets, its usage read until now."""
    with scope.of(world.contoso.ref):
        for kind in (RatedDay, PeriodToDate):
            kind.objects.all().delete()
        read_until(NOW)
        for house in world.contoso.houses:
            limit(house.subscription, None)
        for subject in {world.search.team, world.support.team, world.search.team.cost_center}:
            budget(subject, None)
        quotas.set_limit(world.contoso.product, Wanted(None), from_instant=EVER, by="erin", at=NOW)
        assert alerts.look(at=NOW) == NOTHING
        yield world


def read_until(instant: datetime) -> None:
    UsageFeed.objects.update(through=instant)


def limit(subject: object, amount: int | None, every: Every = Every.MONTH) -> None:
    wanted = Wanted(None if amount is None else Decimal(amount), every=every)
    quotas.set_limit(subject, wanted, from_instant=EVER, by="erin", at=NOW)  # type: ignore[arg-type]


def budget(subject: object, amount: int | None, *, forecast_alert: bool = True) -> None:
    budgets.set_budget(
        subject,  # type: ignore[arg-type]
        None if amount is None else Decimal(amount),
        from_day=FIRST,
        forecast_alert=forecast_alert,
        by="erin",
        at=NOW,
    )


def used(subscription: Subscription, cost: int, day: date = TODAY) -> None:
    """All that it used that day; the month's sum follows."""
    deployment = subscription.gateway.deployments.get()
    RatedDay.objects.filter(subscription=subscription, day=day).delete()
    RatedDay.objects.create(
        day=day,
        series=told_of(subscription, deployment),
        subscription=subscription,
        deployment=deployment,
        token_class=TokenClass.INPUT,
        unit_price=Decimal(1),
        quantity=1000,
        cost=Decimal(cost),
    )
    days = RatedDay.objects.filter(subscription=subscription, day__gte=FIRST)
    PeriodToDate.objects.filter(subscription=subscription).delete()
    PeriodToDate.objects.create(
        subscription=subscription,
        first_day=FIRST,
        cost=sum((row.cost or 0 for row in days), Decimal(0)),
        tokens=1000 * len(days),
        unpriced_tokens=0,
    )


def open_now(kind: AlertKind = AlertKind.QUOTA_USED) -> list[int]:
    rows = Alert.objects.filter(kind=kind, resolved_at=None)
    return sorted(rows.values_list("threshold", flat=True))


def test_a_jump_from_40_to_95_begins_three_and_is_told_once(inside: World) -> None:
    mine = inside.search.subscription
    limit(mine, 100)
    used(mine, 40)
    alerts.look(at=NOW)
    assert open_now() == []
    used(mine, 95)
    alerts.look(at=NOW)
    rows = Alert.objects.filter(kind=AlertKind.QUOTA_USED, resolved_at=None).order_by("threshold")
    told = {row.threshold: row.evidence.get(alerts.TOLD_WITH) for row in rows}
    assert told == {50: 90, 80: 90, 90: None}
    assert rows[0].evidence["used"] == "95.00 USD"
    assert {row.subscription for row in rows} == {mine}
    assert alerts.look(at=NOW + timedelta(minutes=5)) == NOTHING


def test_it_ends_when_the_limit_is_raised_and_begins_anew(inside: World) -> None:
    mine = inside.search.subscription
    limit(mine, 100)
    used(mine, 85)
    alerts.look(at=NOW)
    assert open_now() == [50, 80]
    limit(mine, 130)
    assert alerts.look(at=NOW + timedelta(minutes=5)).ended == 1
    assert open_now() == [50]
    used(mine, 110)
    alerts.look(at=NOW + timedelta(minutes=10))
    assert open_now() == [50, 80]
    assert Alert.objects.filter(threshold=80, subscription=mine, period__gte=EVER).count() >= 2


def test_a_cleared_limit_has_no_alerts(inside: World) -> None:
    mine = inside.search.subscription
    limit(mine, 10)
    used(mine, 10)
    assert alerts.look(at=NOW).begun == 4
    limit(mine, None)
    assert alerts.look(at=NOW) == Watch(0, 4)


def test_a_new_month_begins_empty(inside: World) -> None:
    mine = inside.search.subscription
    limit(mine, 10)
    used(mine, 9)
    alerts.look(at=NOW)
    assert open_now() == [50, 80, 90]
    midnight = datetime(2026, 11, 30, 23, tzinfo=UTC)
    read_until(midnight)
    alerts.look(at=midnight - timedelta(seconds=1))
    assert open_now() == [50, 80, 90], "a second before the tenant's midnight"
    alerts.look(at=midnight)
    assert open_now() == []


def test_stale_usage_begins_nothing_and_ends_what_is_over(inside: World) -> None:
    mine = inside.search.subscription
    limit(mine, 100)
    used(mine, 60)
    alerts.look(at=NOW)
    assert open_now() == [50]
    read_until(NOW - timedelta(days=1))
    used(mine, 95)
    assert alerts.look(at=NOW) == NOTHING
    limit(mine, 1000)
    assert alerts.look(at=NOW) == Watch(0, 1)
    limit(mine, 100)
    assert alerts.look(at=NOW) == NOTHING
    read_until(NOW)
    alerts.look(at=NOW)
    assert open_now() == [50, 80, 90]


def test_a_team_is_told_once_for_all_of_its_subscriptions(inside: World) -> None:
    team = inside.search.team
    limit(team, 10)
    used(inside.search.subscription, 9)
    assert alerts.look(at=NOW).begun == 3
    rows = Alert.objects.filter(resolved_at=None)
    assert {(row.team, row.subscription) for row in rows} == {(team, None)}


def test_a_products_limit_is_of_each_subscription_by_itself(inside: World) -> None:
    limit(inside.contoso.product, 10)
    used(inside.search.subscription, 6)
    used(inside.support.subscription, 9)
    alerts.look(at=NOW)
    rows = Alert.objects.filter(resolved_at=None, kind=AlertKind.QUOTA_USED)
    assert sorted((row.subscription.name, row.threshold) for row in rows if row.subscription) == [
        ("key-search", 50),
        ("key-support", 50),
        ("key-support", 80),
        ("key-support", 90),
    ]


def test_that_a_quota_will_run_out_is_told_until_it_does(inside: World) -> None:
    mine = inside.search.subscription
    limit(mine, 100)
    for number in range(1, 20):
        used(mine, 4, date(2026, 11, number))
    alerts.look(at=NOW)
    (row,) = Alert.objects.filter(kind=AlertKind.QUOTA_FORECAST, resolved_at=None)
    assert (row.threshold, row.evidence["limit"]) == (100, "100.00 USD")
    assert row.evidence["runs out on"] == "2026-11-26"
    limit(mine, 150)
    alerts.look(at=NOW)
    assert open_now(AlertKind.QUOTA_FORECAST) == []
    limit(mine, 100)
    alerts.look(at=NOW)
    assert open_now(AlertKind.QUOTA_FORECAST) == [100]
    used(mine, 30)
    alerts.look(at=NOW)
    assert (open_now(AlertKind.QUOTA_FORECAST), open_now()[-1]) == ([], 100)


def test_a_budget_is_told_of_when_spent_and_when_it_will_be_passed(inside: World) -> None:
    mine, team = inside.search.subscription, inside.search.team
    budget(team, 100)
    for number in range(1, 20):
        used(mine, 4, date(2026, 11, number))
    alerts.look(at=NOW)
    assert open_now(AlertKind.BUDGET_USED) == [50]
    assert open_now(AlertKind.BUDGET_FORECAST) == [100]
    assert {row.team for row in Alert.objects.filter(resolved_at=None)} == {team}
    budget(team, 100, forecast_alert=False)
    alerts.look(at=NOW)
    assert open_now(AlertKind.BUDGET_FORECAST) == []


def test_teams_see_their_own(inside: World) -> None:
    limit(inside.search.subscription, 10)
    used(inside.search.subscription, 10)
    limit(inside.support.team, 10)
    used(inside.support.subscription, 10)
    alerts.look(at=NOW)
    carol, alice, bob = (actor(inside, name) for name in ("carol", "alice", "bob"))
    mine = {row.pk for row in alerts.seen_by(alice, only_open=True)}
    theirs = {row.pk for row in alerts.seen_by(bob, only_open=True)}
    whole = {row.pk for row in alerts.seen_by(carol, only_open=True)}
    assert len(mine) == len(theirs) == 4
    assert whole == mine | theirs
    assert not mine & theirs


def actor(world: World, name: str) -> Actor:
    person = world.people[name]
    role = Role.APPROVER if name == "carol" else Role.TEAM_OWNER
    return Actor(world.contoso.ref, person.pk, person.name, person.email, role)


def test_however_many_limits_the_queries_are_as_many(inside: World) -> None:
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            alerts.look(at=NOW)
        return len(queries)

    limit(inside.search.subscription, 10)
    used(inside.search.subscription, 1)
    few = count()
    limit(inside.support.subscription, 10)
    used(inside.support.subscription, 1)
    assert count() == few


def test_a_run_is_recorded_and_another_gives_way(committed_world: World) -> None:
    ref = committed_world.contoso.ref
    with runs.of_tenant(ref, alerts.STEP, contention=Contention.GIVE_WAY), pytest.raises(Busy):
        alerts.watch(ref, at=NOW, contention=Contention.GIVE_WAY)
    first = alerts.watch(ref, at=NOW, contention=Contention.GIVE_WAY)
    assert alerts.watch(ref, at=NOW, contention=Contention.GIVE_WAY) == NOTHING
    with scope.of(ref):
        assert Alert.objects.filter(fired_at=NOW).count() == first.begun

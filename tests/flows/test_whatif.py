"""What a change would do, as it is told while one asks and while one decides."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import PeriodToDate, RatedDay, UsageFeed
from billing.rules.token_classes import TokenClass
from governance.consequences import whatif
from governance.consequences.asked import Asked
from governance.consequences.figures import Caution, Consequences
from governance.limits import quotas
from governance.limits.quotas import Wanted
from governance.models import (
    Approval,
    ApprovalNeed,
    Level,
    Override,
    QuotaRequest,
    RequestKind,
    RequestState,
    Unit,
    Whose,
)
from governance.rules.spans import Every
from inventory.models import Deployment, Product, Subscription
from tenancy import scope
from tests.world import NOW, World
from tests.world_usage import told_of

FIRST, TODAY = date(2026, 11, 1), date(2026, 11, 20)
EVER = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture
def inside(world: World) -> Iterator[World]:
    """Contoso; Search used 4 USD and 1,000 tokens on each whole day of November, limit 100."""
    with scope.of(world.contoso.ref):
        RatedDay.objects.all().delete()
        PeriodToDate.objects.all().delete()
        UsageFeed.objects.update(through=datetime(2026, 11, 19, 23, tzinfo=UTC))
        mine = world.search.subscription
        limit(mine, 100)
        for number in range(1, 20):
            used(mine, date(2026, 11, number), 4, 1000)
        yield world


def limit(subject: object, amount: int | None, **kind: Any) -> None:
    wanted = Wanted(None if amount is None else Decimal(amount), **kind)
    quotas.set_limit(subject, wanted, from_instant=EVER, by="erin", at=NOW)  # type: ignore[arg-type]


def used(
    subscription: Subscription,
    day: date,
    cost: int | None,
    tokens: int,
    deployment: Deployment | None = None,
) -> None:
    where = deployment or subscription.gateway.deployments.get(name="gpt-5.2-chat")
    RatedDay.objects.create(
        day=day,
        series=told_of(subscription, where),
        subscription=subscription,
        deployment=where,
        token_class=TokenClass.INPUT,
        unit_price=None if cost is None else Decimal(1),
        quantity=tokens,
        cost=cost,
    )
    PeriodToDate.objects.filter(subscription=subscription).delete()
    days = RatedDay.objects.filter(subscription=subscription, day__gte=FIRST)
    PeriodToDate.objects.create(
        subscription=subscription,
        first_day=FIRST,
        cost=sum((row.cost or 0 for row in days), Decimal(0)),
        tokens=sum(row.quantity for row in days),
        unpriced_tokens=0,
    )


def granted(world: World, number: int, amount: int, at: datetime) -> None:
    """More that Alice asked for and Carol approved."""
    carol = world.people["carol"]
    request = QuotaRequest.objects.create(
        number=number,
        kind=RequestKind.INCREASE,
        team=world.search.team,
        subscription=world.search.subscription,
        amount=amount,
        reason="The campaign begins.",
        requested_by=world.people["alice"],
        created_at=at,
    )
    request.state, request.submitted_at = RequestState.SUBMITTED, at
    request.save()
    ApprovalNeed.objects.create(request=request, version=1, position=1, whose=Whose.GROUP)
    Approval.objects.create(request=request, version=1, person=carol, whose=Whose.GROUP, at=at)
    request.state = RequestState.APPROVED
    request.save()
    Override.objects.create(
        subscription=world.search.subscription,
        unit="currency",
        span="month",
        amount=amount,
        effective_from=at,
        request=request,
        recorded_at=at,
    )


def told(world: World, kind: RequestKind, **more: Any) -> Consequences:
    of: dict[str, Any] = {"subscription": world.search.subscription, **more}
    asked = Asked(kind=kind, team=world.search.team, reason="The campaign begins.", **of)
    return whatif.of(asked, at=NOW)


def test_more_for_good_moves_the_day_it_runs_out(inside: World) -> None:
    found = told(inside, RequestKind.INCREASE, amount=Decimal(50))
    assert (found.before and found.before.limit, found.after and found.after.limit) == (100, 150)
    assert (found.used, found.unit, found.currency, found.zone) == (
        76,
        Unit.CURRENCY,
        "USD",
        "Europe/Berlin",
    )
    assert found.expected
    assert (found.expected.last_day, found.expected.p50) == (date(2026, 11, 30), 120)
    assert found.expected.p10 <= 120 <= found.expected.p90
    assert found.without
    assert found.without.likely == found.runs_out_on == date(2026, 11, 25)
    assert found.with_change
    assert found.with_change.likely is None
    assert (found.base, found.forecast_percent, found.monthly_change) == (100, 120, 50)
    assert found.cautions == (Caution.BREAKS_BUDGET,)
    assert found.basis == "estimated"
    assert found.usage_through == datetime(2026, 11, 19, 23, tzinfo=UTC)


def test_a_temporary_one_falls_back_on_its_last_day(inside: World) -> None:
    day = date(2026, 11, 22)
    found = told(inside, RequestKind.TEMPORARY, amount=Decimal(50), last_day=day)
    assert found.ends == datetime(2026, 11, 22, 23, tzinfo=UTC)
    assert found.at_its_end
    assert (found.at_its_end.last_day, found.at_its_end.p50) == (day, 88)
    assert found.with_change
    assert found.with_change.likely == date(2026, 11, 25), "no later than without it"
    longer = told(inside, RequestKind.TEMPORARY, amount=Decimal(50), last_day=date(2026, 11, 27))
    assert longer.with_change
    assert longer.with_change.likely == date(2026, 11, 28), "the day it falls back"


def test_less_than_is_used_is_warned_of(inside: World) -> None:
    found = told(inside, RequestKind.DECREASE, amount=Decimal(30))
    assert found.after
    assert found.after.limit == 70
    assert Caution.BELOW_USE in found.cautions
    assert found.monthly_change == -30
    fine = told(inside, RequestKind.DECREASE, amount=Decimal(20))
    assert Caution.BELOW_USE not in fine.cautions


def test_tokens_cost_what_they_did_of_late(inside: World) -> None:
    mine = inside.search.subscription
    limit(mine, 50_000, unit=Unit.TOKENS)
    asked = {"unit": Unit.TOKENS, "every": Every.MONTH, "amount": Decimal(10_000)}
    found = told(inside, RequestKind.INCREASE, **asked)
    assert (found.used, found.after and found.after.limit) == (19_000, 60_000)
    assert found.monthly_change == 40  # 4 USD a thousand
    assert found.a_month == Decimal("121.747500000000000000")
    gateway = mine.gateway
    dear = Deployment.objects.create(gateway=gateway, host="h", name="dear", seen_at=NOW)
    used(mine, date(2026, 11, 19), 10, 1000, dear)
    dearer = told(inside, RequestKind.INCREASE, **asked)
    assert dearer.dearest == "dear"
    assert dearer.monthly_change == Decimal(86) / 20_000 * 10_000
    assert dearer.dearer_change == 100
    assert dearer.a_month_dearer
    assert dearer.a_month
    assert dearer.a_month_dearer > dearer.a_month


def test_what_tokens_without_a_price_cost_is_not_known(inside: World) -> None:
    RatedDay.objects.update(cost=None)
    limit(inside.search.subscription, 50_000, unit=Unit.TOKENS)
    found = told(inside, RequestKind.INCREASE, unit=Unit.TOKENS, amount=Decimal(10))
    assert (found.monthly_change, found.a_month) == (None, None)
    assert Caution.COST_UNKNOWN in found.cautions
    assert {share.after for share in found.shares} == {None}


def test_the_budgets_of_team_and_cost_center_say_when_they_break(inside: World) -> None:
    found = told(inside, RequestKind.INCREASE, amount=Decimal(20))
    team, center = found.shares
    assert (team.level, team.budget, team.spent, team.before, team.after) == (
        Level.TEAM,
        100,
        76,
        120,
        140,
    )
    assert team.breaks
    assert "likely passed anyway: 120.00 USD" in team.says
    assert (center.level, center.budget, center.after) == (Level.COST_CENTER, 150, 140)
    assert (center.breaks, center.says) == (False, "")
    more = told(inside, RequestKind.INCREASE, amount=Decimal(31))
    assert "is passed: 151.00 USD" in more.shares[1].says
    assert more.breaks_budget
    less = told(inside, RequestKind.DECREASE, amount=Decimal(5))
    assert not less.breaks_budget


def test_a_teams_own_limit_is_told_of_all_it_uses(inside: World) -> None:
    limit(inside.search.team, 200)
    found = told(inside, RequestKind.INCREASE, subscription=None, amount=Decimal(50))
    assert found.before
    assert (found.before.level, found.before.limit, found.used) == (Level.TEAM, 200, 76)
    assert found.after
    assert found.after.limit == 250
    assert found.expected
    assert found.expected.p50 == 120


def test_a_limit_that_is_not_there_is_said(inside: World) -> None:
    found = told(inside, RequestKind.INCREASE, every=Every.DAY, amount=Decimal(5))
    assert (found.before, found.after, found.base, found.forecast_percent) == (None,) * 4
    assert found.cautions == (Caution.NO_LIMIT,)
    assert found.monthly_change == Decimal("152.184375")


def test_an_hourly_limit_is_not_forecast(inside: World) -> None:
    limit(inside.search.subscription, 5, every=Every.HOUR)
    found = told(inside, RequestKind.INCREASE, every=Every.HOUR, amount=Decimal(5))
    assert found.before
    assert (found.expected, found.without, found.used) == (None, None, 0)
    assert Caution.NO_FORECAST not in found.cautions


@pytest.fixture
def platinum(inside: World) -> Product:
    made = Product.objects.create(
        gateway=inside.contoso.gateway, name="platinum", display_name="Platinum", seen_at=NOW
    )
    limit(made, 500)
    limit(made, 9_000_000, unit=Unit.TOKENS)
    limit(made, 30, every=Every.DAY)
    return made


def test_another_tier_brings_its_limits_unless_there_are_own_ones(
    inside: World, platinum: Product
) -> None:
    own = told(inside, RequestKind.TIER, product=platinum)
    assert [(one.unit, one.every, one.limit) for one in own.tier] == [
        (Unit.CURRENCY, Every.MONTH, 500),
        (Unit.CURRENCY, Every.DAY, 30),
        (Unit.TOKENS, Every.MONTH, 9_000_000),
    ]
    assert own.after
    assert (own.after.level, own.after.limit, own.monthly_change) == (Level.SUBSCRIPTION, 100, 0)
    limit(inside.search.subscription, None)
    found = told(inside, RequestKind.TIER, product=platinum)
    assert found.before
    assert found.after
    assert (found.before.limit, found.after.limit, found.after.used) == (20, 500, 76)
    assert found.after.source == "product Platinum"
    assert found.monthly_change == 480
    assert found.with_change
    assert found.with_change.likely is None


def test_a_tier_without_limits_is_not_known_in_cost(inside: World) -> None:
    free = Product.objects.create(gateway=inside.contoso.gateway, name="free", seen_at=NOW)
    limit(inside.search.subscription, None)
    found = told(inside, RequestKind.TIER, product=free)
    assert (found.after, found.monthly_change, found.tier) == (None, None, ())


def test_a_new_subscription_may_spend_what_its_tier_lets_it(
    inside: World, platinum: Product
) -> None:
    found = told(
        inside,
        RequestKind.SUBSCRIPTION,
        subscription=None,
        gateway=inside.contoso.gateway,
        product=platinum,
        display_name="Nightly",
    )
    assert (found.before, found.after and found.after.limit, found.used) == (None, 500, 0)
    assert (found.monthly_change, found.expected, found.increases) == (500, None, ())
    assert found.shares[0].after == 620


def test_to_be_served_again_changes_no_limit(inside: World) -> None:
    found = told(inside, RequestKind.REACTIVATION)
    assert found.before == found.after
    assert found.monthly_change == 0
    assert not found.breaks_budget


def test_what_was_granted_of_late_is_no_part_of_the_base(inside: World) -> None:
    def grant(number: int, amount: int, days_ago: int) -> None:
        granted(inside, 50 + number, amount, NOW - timedelta(days=days_ago))

    grant(1, 40, days_ago=31)
    grant(2, 60, days_ago=29)
    found = told(inside, RequestKind.INCREASE, amount=Decimal(50))
    assert found.before
    assert (found.before.limit, found.base) == (200, 140)
    assert found.forecast_percent is not None
    assert round(found.forecast_percent, 3) == Decimal("85.714")
    assert [(one.amount, one.request) for one in found.increases] == [(60, 52), (40, 51), (3, 1)]
    assert found.increases[-1].decided_by == ("Carol",)
    for number in range(3, 8):
        grant(number, number, days_ago=1)
    more = told(inside, RequestKind.INCREASE, amount=Decimal(50))
    assert [one.amount for one in more.increases] == [7, 6, 5, 4, 3]


def test_nothing_known_is_not_nothing(inside: World) -> None:
    RatedDay.objects.all().delete()
    PeriodToDate.objects.all().delete()
    UsageFeed.objects.all().delete()
    found = told(inside, RequestKind.INCREASE, amount=Decimal(5))
    assert (found.expected, found.without, found.with_change) == (None, None, None)
    assert (found.usage_through, found.a_month, found.forecast_percent) == (None, None, None)
    assert Caution.NO_FORECAST in found.cautions


def test_the_figures_are_kept_as_they_were_seen(inside: World) -> None:
    kept = told(inside, RequestKind.INCREASE, amount=Decimal(50)).seen()
    assert (kept["limit_before"], kept["limit_after"], kept["used"]) == (100, 150, 76)
    assert (kept["basis"], kept["currency"], kept["runs_out_on"]) == (
        "estimated",
        "USD",
        date(2026, 11, 25),
    )


def test_however_much_was_used_and_granted_the_queries_are_as_many(inside: World) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            told(inside, RequestKind.INCREASE, amount=Decimal(5))
        return len(queries)

    few = count()
    limit(inside.search.subscription, 5, every=Every.DAY)
    limit(inside.search.team, 5)
    gateway = inside.contoso.gateway
    for number in range(5):
        more = Deployment.objects.create(
            gateway=gateway, host="h", name=f"more-{number}", seen_at=NOW
        )
        used(inside.search.subscription, date(2026, 11, 2), 1, 10, more)
    assert count() == few

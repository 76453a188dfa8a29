"""Budgets: what is said of a period on, how they stand, and what another limit does to them."""

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
from governance import budgets
from governance.budgets import BudgetStanding
from governance.consequences import shares
from governance.limits import quotas
from governance.limits.quotas import Wanted
from governance.models import Budget, Level, Unit
from governance.rules.spans import Every
from inventory.models import CostCenter, Subscription, Team
from tenancy import scope
from tenancy.access import Actor
from tenancy.models import AuditRecord, Role
from tenancy.refusals import Invalid
from tests.world import NOW, World
from tests.world_usage import told_of

JANUARY, NOVEMBER, DECEMBER = date(2026, 1, 1), date(2026, 11, 1), date(2026, 12, 1)
EVER = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture
def inside(world: World) -> Iterator[World]:
    """Contoso; Search used 4 USD on each whole day of November and 100 in September."""
    with scope.of(world.contoso.ref):
        RatedDay.objects.all().delete()
        PeriodToDate.objects.all().delete()
        UsageFeed.objects.update(through=datetime(2026, 11, 19, 23, tzinfo=UTC))
        for number in range(1, 20):
            used(world.search.subscription, date(2026, 11, number), 4)
        used(world.search.subscription, date(2026, 9, 2), 100)
        yield world


def used(subscription: Subscription, day: date, cost: int) -> None:
    deployment = subscription.gateway.deployments.get()
    RatedDay.objects.create(
        day=day,
        series=told_of(subscription, deployment),
        subscription=subscription,
        deployment=deployment,
        token_class=TokenClass.INPUT,
        unit_price=Decimal(1),
        quantity=1000,
        cost=cost,
    )


def say(
    subject: Team | CostCenter, amount: int | None, from_day: date = NOVEMBER, **more: Any
) -> Budget:
    wanted = None if amount is None else Decimal(amount)
    return budgets.set_budget(subject, wanted, from_day=from_day, by="dan", at=NOW, **more)


def of(subject: Team | CostCenter, *, at: datetime = NOW) -> list[BudgetStanding]:
    level = Level.TEAM if isinstance(subject, Team) else Level.COST_CENTER
    return list(budgets.standing(at=at, of=[(level, subject.pk)]))


def test_it_stands_by_what_was_spent_and_is_expected(inside: World) -> None:
    say(inside.search.team, 200)
    (one,) = of(inside.search.team)
    assert (one.amount, one.spent, one.forecast, one.percent) == (200, 76, 120, 38)
    assert (one.forecast_percent, one.breaks, one.currency) == (60, False, "USD")
    say(inside.search.team, 110)
    (less,) = of(inside.search.team)
    assert less.breaks


def test_a_year_counts_the_months_before(inside: World) -> None:
    say(inside.search.team, 1000, JANUARY, every=Every.YEAR)
    month, year = of(inside.search.team)
    assert {month.period.every, year.period.every} == {Every.MONTH, Every.YEAR}
    one = month if month.period.every is Every.YEAR else year
    assert (one.spent, one.amount) == (176, 1000)


def test_a_cost_center_bears_what_is_booked_to_it(inside: World) -> None:
    center = inside.search.team.cost_center
    say(center, 300)
    (one,) = of(center)
    assert (one.spent, one.name) == (76, str(center))
    say(inside.support.team.cost_center, 300)
    (other,) = of(inside.support.team.cost_center)
    assert other.spent == 0


def test_what_begins_later_counts_from_then_on(inside: World) -> None:
    team = inside.search.team
    say(team, 200)
    say(team, 500, DECEMBER)
    assert [one.amount for one in of(team)] == [200]
    assert [one.amount for one in of(team, at=datetime(2026, 12, 1, tzinfo=UTC))] == [500]
    assert [one.amount for one in of(team, at=datetime(2026, 10, 30, tzinfo=UTC))] == [100]


def test_none_clears_it_and_the_history_stays(inside: World) -> None:
    team = inside.search.team
    say(team, 200)
    say(team, None, reason="Not this month.")
    assert of(team) == []
    rows = Budget.objects.filter(team=team, from_day=NOVEMBER)
    assert sorted(str(row.amount) for row in rows) == ["200.0000", "None"]
    last = AuditRecord.objects.latest("number")
    assert (last.action, last.subject, last.reason) == (
        "budget.set",
        "team Search",
        "Not this month.",
    )
    assert (last.before or {})["amount"] == "200.0000"
    assert (last.after or {})["amount"] is None


def test_the_same_again_changes_nothing(inside: World) -> None:
    first = say(inside.search.team, 200)
    records = AuditRecord.objects.count()
    assert say(inside.search.team, 200) == first
    assert AuditRecord.objects.count() == records


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"amount": -1}, "amount"),
        ({"amount": 10**18}, "amount"),
        ({"from_day": date(2026, 11, 2)}, "from_day"),
        ({"from_day": NOVEMBER, "every": Every.YEAR}, "from_day"),
        ({"every": Every.WEEK}, "period"),
        ({"told_at": (0,)}, "thresholds"),
    ],
)
def test_what_is_no_budget_is_refused(inside: World, more: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        say(inside.search.team, **{"amount": 5, **more})
    assert refused.value.values["field"] == field
    assert not Budget.objects.filter(recorded_at=NOW).exists()


def test_without_usage_read_nothing_is_expected(inside: World) -> None:
    UsageFeed.objects.all().delete()
    say(inside.search.team, 200)
    (one,) = of(inside.search.team)
    assert (one.forecast, one.outlook.usage_through, one.breaks) == (None, None, False)


def test_who_sees_which(inside: World) -> None:
    say(inside.search.team.cost_center, 300)

    def seen(name: str, role: Role) -> set[str]:
        person = inside.people[name]
        actor = Actor(inside.contoso.ref, person.pk, person.name, person.email, role)
        return {one.name for one in budgets.seen_by(actor, at=NOW)}

    alice = seen("alice", Role.TEAM_OWNER)
    assert alice == {"Search", str(inside.search.team.cost_center)}
    assert seen("bob", Role.TEAM_OWNER) == {"Support"}
    assert seen("dan", Role.FINANCE) == alice | {"Support"}


def test_a_budget_that_is_not_said_yet_is_told_before(inside: World) -> None:
    count = Budget.objects.count()
    one = budgets.proposed(inside.search.team, Decimal(80), Every.MONTH, at=NOW)
    assert (one.percent, one.forecast_percent, one.breaks) == (95, 150, True)
    assert Budget.objects.count() == count


def limited(subject: object, amount: int | None, **kind: Any) -> None:
    wanted = Wanted(None if amount is None else Decimal(amount), **kind)
    quotas.set_limit(subject, wanted, from_instant=EVER, by="erin", at=NOW)  # type: ignore[arg-type]


def effect(subject: Any, amount: int | None, **kind: Any) -> list[tuple[Any, ...]]:
    wanted = Wanted(None if amount is None else Decimal(amount), **kind)
    found = shares.effect_of_limit(subject, wanted, at=NOW)
    return [(one.name, one.before, one.after, one.breaks) for one in found]


def test_another_limit_says_what_it_does_to_budgets(inside: World) -> None:
    mine, center = inside.search.subscription, str(inside.search.team.cost_center)
    say(inside.search.team, 130)
    limited(mine, 50)
    assert effect(mine, 60) == [("Search", 120, 130, False), (center, 120, 130, False)]
    assert effect(mine, 61)[0] == ("Search", 120, 131, True)
    assert effect(mine, 5)[0] == ("Search", 120, 120, False)
    assert effect(mine, None)[0] == ("Search", 120, None, False)
    assert effect(mine, 9, every=Every.DAY)[0] == ("Search", 120, 120, False)
    assert effect(mine, 9, unit=Unit.TOKENS) == []
    limited(inside.search.team, 100)
    assert effect(inside.search.team, 120)[0] == ("Search", 120, 140, True)


def test_what_a_limit_adds_is_counted_from_the_one_in_force(inside: World) -> None:
    """What took another's place from the same instant on does not give it back by ending."""
    team, lately = inside.search.team, NOW - timedelta(days=5)
    say(team, 130)
    limited(team, 100)
    quotas.set_limit(team, Wanted(Decimal(110)), from_instant=lately, by="erin", at=NOW)
    for_a_time = Wanted(Decimal(300))
    quotas.set_limit(team, for_a_time, from_instant=lately, until=NOW, by="erin", at=NOW)
    assert effect(team, 120)[0] == ("Search", 120, 140, True)


def test_a_products_limit_counts_for_each_that_has_none_of_its_own(inside: World) -> None:
    gold = inside.contoso.product
    limited(inside.search.subscription, None)
    limited(inside.support.subscription, 7)
    assert effect(gold, 30)[0] == ("Search", 120, 130, True)
    assert not any(name == "Support" for name, *_ in effect(gold, 30))


def test_however_many_there_are_the_queries_are_as_many(inside: World) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert budgets.standing(at=NOW)
        return len(queries)

    few = count()
    center = inside.search.team.cost_center
    for number in range(4):
        say(Team.objects.create(slug=f"t-{number}", name=f"T{number}", cost_center=center), 10)
    assert count() == few

"""What is forecast rests on whole days that were read, of whom they were, and on nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing import forecasts
from billing.forecasts import Outlook, Percentile, Unit
from billing.models import RatedDay, UsageFeed
from billing.rules.token_classes import TokenClass
from inventory.models import CostCenter, Ownership, Subscription, Team
from tenancy import scope
from tenancy.money import Basis
from tests.world import NOW, World
from tests.world_usage import told_of

#: Berlin is an hour ahead of UTC in November: usage was read through 15:00 on Friday the 20th.
TODAY, THROUGH = date(2026, 11, 20), datetime(2026, 11, 20, 14, tzinfo=UTC)
FIRST, END = date(2026, 11, 1), date(2026, 12, 1)
#: Monday to Sunday.
WEEK = tuple(Decimal(one) for one in ("3.1", "2.8", "3.3", "3", "2.4", "0.4", "0"))


@pytest.fixture
def search(world: World) -> Iterator[Subscription]:
    """Search's subscription without usage of its own yet, in Contoso's scope; read to THROUGH."""
    with scope.of(world.contoso.ref):
        RatedDay.objects.all().delete()
        read_through(THROUGH)
        yield world.search.subscription


def read_through(instant: datetime) -> None:
    UsageFeed.objects.update(through=instant)


def used(
    subscription: Subscription, day: date, cost: Decimal | None, *, tokens: int = 1000
) -> None:
    deployment = subscription.gateway.deployments.get()
    RatedDay.objects.create(
        day=day,
        series=told_of(subscription, deployment),
        subscription=subscription,
        deployment=deployment,
        token_class=TokenClass.INPUT,
        unit_price=None if cost is None else Decimal(1),
        quantity=tokens,
        cost=cost,
    )


def used_weekly(subscription: Subscription, first: date, end: date, times: int = 1) -> None:
    """The week's pattern on each day, and no row where it is zero."""
    for place in range((end - first).days):
        day = first + timedelta(days=place)
        if WEEK[day.weekday()]:
            used(subscription, day, WEEK[day.weekday()] * times)


def of_days(first: date, end: date) -> Decimal:
    return sum(
        (WEEK[(first + timedelta(days=one)).weekday()] for one in range((end - first).days)),
        Decimal(0),
    )


def asked(
    subscription: Subscription,
    unit: Unit = Unit.CURRENCY,
    *,
    first_day: date = FIRST,
    end_day: date = END,
    at: datetime = NOW,
) -> Outlook:
    found = forecasts.of_subscriptions(
        [subscription.pk], first_day=first_day, end_day=end_day, unit=unit, at=at
    )
    return found[subscription.pk]


def total(found: Outlook, percentile: Percentile = Percentile.P50) -> Decimal:
    return found.forecast.total(percentile)


def test_a_month_is_what_was_used_and_what_its_weekdays_come_to(search: Subscription) -> None:
    used_weekly(search, TODAY - timedelta(weeks=6), TODAY)
    used(search, TODAY, Decimal(2))
    found = asked(search)
    so_far = of_days(FIRST, TODAY) + 2
    rest_of_today = WEEK[4] * Decimal("0.375")  # nine hours of twenty-four
    assert found.forecast.so_far == so_far
    assert total(found) == so_far + rest_of_today + of_days(TODAY + timedelta(days=1), END)
    assert total(found, Percentile.P10) < total(found) < total(found, Percentile.P90)
    assert found.forecast.known_days == 42
    assert found.forecast.days[0].day == TODAY
    assert found.forecast.days[-1].day == date(2026, 11, 30)
    assert (found.currency, found.basis, found.zone) == ("USD", Basis.ESTIMATED, "Europe/Berlin")
    assert found.usage_through == THROUGH


def test_only_eight_weeks_count_and_the_period_counts_whole(search: Subscription) -> None:
    used_weekly(search, date(2026, 9, 1), date(2026, 9, 25), times=100)
    used_weekly(search, date(2026, 9, 25), TODAY)
    year = asked(search, first_day=date(2026, 1, 1), end_day=date(2027, 1, 1))
    before = 100 * of_days(date(2026, 9, 1), date(2026, 9, 25))
    assert year.forecast.known_days == 56
    assert year.forecast.so_far == before + of_days(date(2026, 9, 25), TODAY)
    assert year.forecast.days[-1].day == date(2026, 12, 31)
    assert total(asked(search)) < 100


@pytest.mark.parametrize(
    ("first_day", "end_day", "days"),
    [(TODAY, date(2026, 11, 21), 1), (date(2026, 11, 16), date(2026, 11, 23), 3)],
    ids=["day", "week"],
)
def test_a_day_and_a_week_are_asked_as_a_month_is(
    search: Subscription, first_day: date, end_day: date, days: int
) -> None:
    used_weekly(search, date(2026, 10, 1), TODAY)
    found = asked(search, first_day=first_day, end_day=end_day)
    assert len(found.forecast.days) == days
    assert found.forecast.so_far == of_days(first_day, TODAY)


def test_a_day_that_was_read_and_has_no_usage_is_a_zero(search: Subscription) -> None:
    used(search, date(2026, 11, 16), Decimal(8))
    found = asked(search)
    assert found.forecast.known_days == 4  # Monday's, and three days of nothing
    assert found.forecast.days[1].p50 - found.forecast.days[0].p50 == 2


def test_days_before_the_first_usage_are_not_known(search: Subscription) -> None:
    used(search, date(2026, 11, 19), Decimal(8))
    found = asked(search)
    assert found.forecast.known_days == 1
    assert total(found) == 8 + 8 * (Decimal("0.375") + 10)


def test_of_a_day_that_is_not_read_to_its_end_the_rest_is_ahead(search: Subscription) -> None:
    used_weekly(search, date(2026, 10, 1), TODAY)
    read_through(datetime(2026, 11, 18, 17, tzinfo=UTC))  # Wednesday, 18:00
    found = asked(search)
    wednesday = date(2026, 11, 18)
    assert found.forecast.days[0].day == wednesday
    assert found.forecast.so_far == of_days(FIRST, wednesday) + WEEK[2]
    rest = WEEK[2] / 4 + of_days(date(2026, 11, 19), END)
    assert total(found) == found.forecast.so_far + rest
    assert found.usage_through == datetime(2026, 11, 18, 17, tzinfo=UTC)


def test_a_day_on_which_clocks_change_is_a_day(search: Subscription) -> None:
    used_weekly(search, date(2026, 10, 1), date(2026, 10, 25))
    noon = datetime(2026, 10, 25, 11, tzinfo=UTC)  # 13 of 25 hours are over
    read_through(noon)
    found = asked(search, first_day=date(2026, 10, 1), end_day=FIRST, at=noon)
    assert abs(found.forecast.left_of_first * 25 - 12) < Decimal("1e-50")


def test_a_month_whose_first_hours_are_not_read_begins_at_nothing(search: Subscription) -> None:
    used_weekly(search, date(2026, 9, 14), date(2026, 10, 31))
    used(search, date(2026, 10, 31), Decimal("0.1"))
    read_through(datetime(2026, 10, 31, 16, tzinfo=UTC))  # a Saturday, 17:00
    found = asked(search, at=datetime(2026, 11, 1, 3, tzinfo=UTC))
    assert found.forecast.so_far == 0
    assert found.forecast.days[0].day == FIRST
    assert found.forecast.left_of_first == 1
    assert len(found.forecast.days) == 30
    assert abs(total(found) / of_days(FIRST, END) - 1) < Decimal("0.02")


def test_a_month_that_is_over_is_what_it_was(search: Subscription) -> None:
    used_weekly(search, date(2026, 10, 1), TODAY)
    found = asked(search, first_day=date(2026, 10, 1), end_day=FIRST)
    assert found.forecast.days == ()
    assert [total(found, one) for one in Percentile] == [of_days(date(2026, 10, 1), FIRST)] * 3


def test_a_month_before_all_history_is_what_it_was(search: Subscription) -> None:
    first, end = date(2026, 8, 1), date(2026, 9, 1)
    used_weekly(search, date(2026, 7, 1), TODAY)
    found = asked(search, first_day=first, end_day=end)
    assert found.forecast.so_far == total(found) == of_days(first, end)


def test_a_year_keeps_what_a_team_bore_before_it_owned_nothing_more(
    world: World, search: Subscription
) -> None:
    used_weekly(search, date(2026, 9, 1), date(2026, 9, 8))
    moved(search, world.support.team, from_day=date(2026, 9, 8), cost_center=None)
    found = forecasts.of_team(
        world.search.team.pk,
        first_day=date(2026, 1, 1),
        end_day=date(2027, 1, 1),
        unit=Unit.CURRENCY,
        at=NOW,
    )
    assert found.forecast.so_far == of_days(date(2026, 9, 1), date(2026, 9, 8))
    assert found.forecast.known_days == 0


def test_tokens_are_forecast_where_cost_has_no_price(search: Subscription) -> None:
    for place in range(1, 29):
        used(search, TODAY - timedelta(days=place), None, tokens=500)
    cost, tokens = asked(search), asked(search, Unit.TOKENS)
    assert total(cost) == 0
    assert cost.unpriced_tokens == 28 * 500
    assert total(tokens) == 500 * (19 + Decimal("0.375") + 10)
    assert tokens.currency == ""


def test_of_what_was_never_used_or_never_read_nothing_is_known(
    world: World, search: Subscription
) -> None:
    never = asked(search)
    assert never.forecast.known_days == total(never, Percentile.P90) == 0
    assert never.usage_through == THROUGH
    used_weekly(search, date(2026, 10, 1), TODAY)
    UsageFeed.objects.all().delete()
    unread = asked(search)
    assert (unread.forecast.known_days, unread.usage_through) == (0, None)
    assert len(unread.forecast.days) == 11


def test_another_tenants_is_not_known(world: World) -> None:
    theirs = world.fabrikam.houses[0].subscription
    with scope.of(world.fabrikam.ref):
        own = asked(theirs)
    with scope.of(world.contoso.ref):
        foreign = asked(theirs)
    assert own.forecast.known_days > 0
    assert own.forecast.so_far > 0
    assert foreign.forecast.known_days == foreign.forecast.so_far == 0
    assert foreign.usage_through is None


def test_a_team_and_a_cost_center_bear_the_days_that_were_theirs(
    world: World, search: Subscription
) -> None:
    used_weekly(search, date(2026, 10, 1), TODAY)
    old, new = world.search.team, world.support.team
    shared = CostCenter.objects.create(code="CC-shared", name="Shared")
    moved(search, new, from_day=date(2026, 11, 9), cost_center=None)
    moved(search, new, from_day=date(2026, 11, 16), cost_center=shared)

    def team(one: Team) -> Decimal:
        found = forecasts.of_team(one.pk, first_day=FIRST, end_day=END, unit=Unit.CURRENCY, at=NOW)
        return found.forecast.so_far

    def center(one: CostCenter) -> Decimal:
        found = forecasts.of_cost_center(
            one.pk, first_day=FIRST, end_day=END, unit=Unit.CURRENCY, at=NOW
        )
        return found.forecast.so_far

    assert team(old) == of_days(FIRST, date(2026, 11, 9)) == center(old.cost_center)
    assert team(new) == of_days(date(2026, 11, 9), TODAY)
    assert center(new.cost_center) == of_days(date(2026, 11, 9), date(2026, 11, 16))
    assert center(shared) == of_days(date(2026, 11, 16), TODAY)


def moved(
    subscription: Subscription, team: Team, *, from_day: date, cost_center: CostCenter | None
) -> None:
    Ownership.objects.create(
        subscription=subscription,
        team=team,
        cost_center=cost_center,
        from_day=from_day,
        recorded_at=NOW,
    )


def test_a_team_is_forecast_from_all_it_owns(world: World, search: Subscription) -> None:
    other = world.support.subscription
    moved(other, world.search.team, from_day=date(2026, 9, 1), cost_center=None)
    used_weekly(search, date(2026, 10, 1), TODAY)
    used_weekly(other, date(2026, 10, 1), TODAY, times=2)
    found = forecasts.of_teams(
        [world.search.team.pk], first_day=FIRST, end_day=END, unit=Unit.CURRENCY, at=NOW
    )
    single = total(asked(search))
    assert total(found[world.search.team.pk]) == 3 * single


def test_however_many_are_asked_they_are_read_in_one_query(
    world: World, search: Subscription
) -> None:
    other = world.support.subscription
    used_weekly(search, date(2026, 10, 1), TODAY)
    used_weekly(other, date(2026, 10, 1), TODAY, times=2)

    def queries(*ids: int) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            found = forecasts.of_subscriptions(
                ids, first_day=FIRST, end_day=END, unit=Unit.CURRENCY, at=NOW
            )
        assert set(found) == set(ids)
        return len(captured)

    assert queries(search.pk) == queries(search.pk, other.pk, 2**40) == 2  # and the tenant's zone
    assert queries() == 1


@pytest.fixture
def run(committed_world: World, clock_at: Callable[[datetime], None]) -> Callable[..., str]:
    """The command, at the world's instant, with six weeks of Search's usage."""
    with scope.of(committed_world.contoso.ref):
        RatedDay.objects.all().delete()
        read_through(THROUGH)
        used_weekly(committed_world.search.subscription, date(2026, 10, 1), TODAY)
    clock_at(NOW)

    def said(*options: str) -> str:
        out = StringIO()
        call_command("forecast", "--tenant=contoso", *options, stdout=out)
        return out.getvalue()

    return said


def test_the_command_tells_a_team_and_a_subscription(run: Callable[..., str]) -> None:
    team = run("--team=search")
    assert "Search, cost from 2026-11-01 to 2026-11-30 (Europe/Berlin), estimated" in team
    assert "usage through 2026-11-20 15:00" in team
    assert "so far 42.20 USD" in team
    assert "P10 60.63 USD, P50 61.60 USD, P90 62.57 USD" in team
    assert "rests on 50 days" in team
    tokens = run("--subscription=key-search", "--unit=tokens")
    assert "key-search, tokens from" in tokens
    assert "so far 16,000 tokens" in tokens


def test_the_command_tells_when_a_limit_runs_out(run: Callable[..., str]) -> None:
    said = run("--team=search", "--limit=50")
    assert "50.00 USD is reached" in said
    assert "likely on 2026-11-2" in said
    assert "not in this period" in run("--team=search", "--limit=5000")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--team=nobody",), "contoso"),
        (("--subscription=nobody",), "contoso"),
        ((), "--team or --subscription"),
        (("--team=search", "--month=soon"), "--month: 'soon' is not a month"),
        (("--team=search", "--limit=much"), "--limit: 'much' is no amount"),
    ],
)
def test_the_command_says_what_it_does_not_know(
    run: Callable[..., str], options: tuple[str, ...], says: str
) -> None:
    with pytest.raises(CommandError, match=says):
        run(*options)

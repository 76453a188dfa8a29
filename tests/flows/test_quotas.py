"""Which limits apply to a subscription, how much of each is used, and which binds it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from governance.limits import quotas, tiers
from governance.limits.binding import Limit
from governance.limits.quotas import Wanted
from governance.models import Hardness, Level, Quota, Rollover, Subject, Unit
from governance.rules.spans import Every
from tenancy import scope
from tenancy.models import AuditRecord
from tenancy.refusals import Invalid
from tests.flows import limited
from tests.flows.limited import LONG_AGO, Shop, told

#: A Friday; in Berlin it is 15:20.
NOW = datetime(2026, 11, 20, 14, 20, tzinfo=UTC)
FRIDAY = date(2026, 11, 20)
DAY = timedelta(days=1)
#: What was used by this subscription when: cost and a thousand tokens each.
USED = {
    date(2025, 12, 31): "1",
    date(2026, 1, 1): "2",
    date(2026, 10, 31): "4",
    date(2026, 11, 1): "8",
    date(2026, 11, 15): "16",
    date(2026, 11, 16): "32",
    date(2026, 11, 19): "64",
    FRIDAY: "128",
}
SINCE = {
    Every.DAY: FRIDAY,
    Every.WEEK: date(2026, 11, 16),
    Every.MONTH: date(2026, 11, 1),
    Every.YEAR: date(2026, 1, 1),
}


@pytest.fixture
def made(db: None) -> Iterator[Shop]:
    """A shop in Berlin, its scope open."""
    with scope.of(limited.tenant("Europe/Berlin")):
        yield limited.shop("Europe/Berlin")


def at_zone(zone: str) -> Iterator[Shop]:
    with scope.of(limited.tenant(zone)):
        yield limited.shop(zone)


def used_by(made: Shop, number: int, factor: int = 1) -> None:
    for day, cost in USED.items():
        made.use(made.subscriptions[number], day, Decimal(cost) * factor, 1000 * factor)


def sums(every: Every) -> tuple[Decimal, int]:
    days = [Decimal(cost) for day, cost in USED.items() if SINCE[every] <= day]
    return sum(days, Decimal(0)), 1000 * len(days)


@pytest.mark.parametrize("every", list(SINCE))
@pytest.mark.parametrize("unit", list(Unit))
@pytest.mark.parametrize("level", list(Level))
def test_a_limit_of_every_kind_counts_its_own_period(
    made: Shop, level: Level, unit: Unit, every: Every
) -> None:
    """Two keys of the first team, one of another team of the same cost center."""
    for number, factor in enumerate((1, 10, 100)):
        used_by(made, number, factor)
    subjects: dict[Level, tuple[Subject, int]] = {
        Level.SUBSCRIPTION: (made.subscriptions[0], 1),
        Level.PRODUCT: (made.product, 1),
        Level.TEAM: (made.teams[0], 11),
        Level.COST_CENTER: (made.centers[0], 111),
    }
    subject, counted = subjects[level]
    made.limit(subject, "1000000", unit=unit, every=every)
    found = made.one(made.subscriptions[0], NOW)
    cost, tokens = sums(every)
    assert found.used == counted * (cost if unit is Unit.CURRENCY else tokens)
    assert told(found.level, found.unit, found.every, found.limit) == (level, unit, every, 1000000)
    assert found.subject_id == subject.pk


@pytest.mark.parametrize("unit", list(Unit))
@pytest.mark.parametrize("level", list(Level))
def test_an_hour_counts_its_usage_at_the_days_cost_for_each_token(
    made: Shop, level: Level, unit: Unit
) -> None:
    """The day so far came to 2 a thousand tokens; of the hour 14:00 to 15:00 UTC are 300 each."""
    first, second, third = made.subscriptions
    for one in made.subscriptions:
        made.use(one, FRIDAY, "6", 3000)
        made.bucket(one, NOW.replace(hour=13, minute=45), 2700)
        made.bucket(one, NOW.replace(minute=0), 100)
        made.bucket(one, NOW.replace(minute=15), 200)
    subjects: dict[Level, tuple[Subject, int]] = {
        Level.SUBSCRIPTION: (first, 1),
        Level.PRODUCT: (made.product, 1),
        Level.TEAM: (made.teams[0], 2),
        Level.COST_CENTER: (made.centers[0], 3),
    }
    subject, counted = subjects[level]
    made.limit(subject, "1000", unit=unit, every=Every.HOUR)
    found = made.one(first, NOW)
    assert found.used == counted * (Decimal("0.6") if unit is Unit.CURRENCY else 300)
    assert made.one(first, NOW + timedelta(hours=1)).used == 0
    assert found.period.start == NOW.replace(minute=0)
    assert second.pk != third.pk


def test_of_an_hour_whose_day_is_not_rated_the_tokens_count_and_the_cost_is_not_known(
    made: Shop,
) -> None:
    first = made.subscriptions[0]
    made.bucket(first, NOW.replace(minute=0), 500)
    made.limit(first, "10", every=Every.HOUR)
    made.limit(first, "1000", every=Every.HOUR, unit=Unit.TOKENS)
    by_unit = {one.unit: one for one in made.limits(first, NOW)}
    assert by_unit[Unit.CURRENCY].used == 0
    assert by_unit[Unit.CURRENCY].unpriced_tokens == 500
    assert by_unit[Unit.TOKENS].used == 500


def test_nobody_and_nothing_is_limited_by_what_is_not_theirs(made: Shop) -> None:
    made.limit(made.teams[2], "1")
    made.limit(made.centers[1], "1")
    made.limit(made.subscriptions[1], "1")
    assert made.limits(made.subscriptions[0], NOW) == ()


def test_own_counts_before_the_products_of_the_same_unit_and_period_alone(made: Shop) -> None:
    first = made.subscriptions[0]
    made.limit(made.product, "50")
    made.limit(made.product, "5000", unit=Unit.TOKENS)
    made.limit(made.product, "7", every=Every.DAY)
    made.limit(first, "20")
    found = {(one.unit, one.every): one for one in made.limits(first, NOW)}
    assert {key: told(one.level, one.limit) for key, one in found.items()} == {
        (Unit.CURRENCY, Every.MONTH): (Level.SUBSCRIPTION, 20),
        (Unit.TOKENS, Every.MONTH): (Level.PRODUCT, 5000),
        (Unit.CURRENCY, Every.DAY): (Level.PRODUCT, 7),
    }
    other = {one.limit for one in made.limits(made.subscriptions[1], NOW)}
    assert other == {50, 5000, 7}


def test_cleared_it_falls_back_to_the_products(made: Shop) -> None:
    first = made.subscriptions[0]
    made.limit(made.product, "50")
    made.limit(first, "20")
    made.limit(first, None, since=NOW)
    assert made.one(first, NOW - timedelta(seconds=1)).limit == 20
    found = made.one(first, NOW)
    assert told(found.level, found.limit) == (Level.PRODUCT, 50)
    made.limit(made.product, None, since=NOW)
    assert made.limits(first, NOW) == ()


@pytest.mark.parametrize(
    ("zone", "day", "midnight"),
    [
        ("Europe/Berlin", date(2026, 3, 30), datetime(2026, 3, 29, 22, tzinfo=UTC)),
        ("Europe/Berlin", date(2026, 10, 26), datetime(2026, 10, 25, 23, tzinfo=UTC)),
        ("Asia/Kolkata", date(2026, 11, 21), datetime(2026, 11, 20, 18, 30, tzinfo=UTC)),
        ("Australia/Lord_Howe", date(2026, 4, 6), datetime(2026, 4, 5, 13, 30, tzinfo=UTC)),
        ("Australia/Lord_Howe", date(2026, 10, 5), datetime(2026, 10, 4, 13, tzinfo=UTC)),
    ],
)
def test_a_temporary_limit_ends_at_the_tenants_midnight_and_the_earlier_one_is_back(
    db: None, zone: str, day: date, midnight: datetime
) -> None:
    """The days after the clocks changed, in summer and in winter, too."""
    for made in at_zone(zone):
        first = made.subscriptions[0]
        made.use(first, day - DAY, "3")
        made.use(first, day, "4")
        made.limit(first, "10", every=Every.DAY)
        made.limit(first, "100", since=midnight - 3 * DAY, until=midnight, every=Every.DAY)
        before = made.one(first, midnight - timedelta(microseconds=1))
        after = made.one(first, midnight)
        assert told(before.limit, before.used) == (100, 3)
        assert told(after.limit, after.used) == (10, 4)
        assert after.period.start == before.period.end == midnight


def test_of_one_start_the_last_said_counts_even_when_it_is_over(made: Shop) -> None:
    """What took another's place does not give it back by ending."""
    first = made.subscriptions[0]
    made.limit(first, "10", since=LONG_AGO)
    made.limit(first, "100", since=NOW - 5 * DAY)
    made.limit(first, "200", since=NOW - 5 * DAY, until=NOW)
    assert made.one(first, NOW - timedelta(seconds=1)).limit == 200
    assert made.one(first, NOW).limit == 10


def test_rows_that_are_read_by_themselves_count_by_the_same_rule(made: Shop) -> None:
    """What a tier gives, and what a team has now, are told as enforcement goes by them."""
    for subject in (made.product, made.teams[0]):
        made.limit(subject, "10", since=LONG_AGO)
        made.limit(subject, "7", since=LONG_AGO, every=Every.DAY)
        made.limit(subject, "5", since=LONG_AGO, unit=Unit.TOKENS)
        made.limit(subject, "100", since=NOW - 5 * DAY)
        made.limit(subject, "200", since=NOW - 5 * DAY, until=NOW)
        made.limit(subject, None, since=NOW - DAY, unit=Unit.TOKENS)
        made.limit(subject, "9", since=NOW + DAY)
    key = made.subscriptions[0]
    for instant in (NOW - 6 * DAY, NOW - timedelta(seconds=1), NOW, NOW + DAY):
        rows = [one for one in quotas.in_force(Quota.objects.all(), at=instant) if one.limit]
        bound = {(one.level, one.unit, one.every, one.limit) for one in made.limits(key, instant)}
        assert bound == {(_level(row), row.unit, row.span, row.limit) for row in rows}
    given = {(one.unit, one.every): one.limit for one in tiers.limits(made.product, at=NOW)}
    assert given == {(Unit.CURRENCY, Every.MONTH): 10, (Unit.CURRENCY, Every.DAY): 7}


def _level(row: Quota) -> Level:
    return Level.PRODUCT if row.product_id else Level.TEAM


def test_overrides_are_added_each_for_its_own_time(made: Shop) -> None:
    first = made.subscriptions[0]
    quota = made.limit(first, "10")
    made.more(first, "5")
    made.more(first, "7", since=NOW, until=NOW + DAY)
    made.more(first, "-2", since=NOW + DAY)
    made.more(first, "99", span="week")
    made.more(first, "99", unit="tokens")
    made.more(made.subscriptions[1], "99")
    made.more(made.teams[0], "99")
    expected = {
        NOW - timedelta(seconds=1): (5, None),
        NOW: (12, NOW + DAY),
        NOW + DAY - timedelta(seconds=1): (12, NOW + DAY),
        NOW + DAY: (3, None),
    }
    for instant, (extra, until) in expected.items():
        found = made.one(first, instant)
        assert told(found.base, found.extra, found.extra_until) == (10, extra, until)
        assert found.limit == 10 + extra
    quota.refresh_from_db()
    assert quota.limit == 10


def test_an_override_is_added_to_whatever_the_limit_is_then(made: Shop) -> None:
    first = made.subscriptions[0]
    made.limit(made.product, "50")
    made.more(first, "5")
    made.limit(first, "10", since=NOW)
    assert made.one(first, NOW - timedelta(seconds=1)).limit == 55
    assert made.one(first, NOW).limit == 15


def test_a_teams_override_is_the_teams(made: Shop) -> None:
    made.limit(made.teams[0], "10")
    made.more(made.teams[0], "5")
    assert [made.one(one, NOW).limit for one in made.subscriptions[:2]] == [15, 15]


def test_what_takes_more_away_than_there_is_leaves_nothing(made: Shop) -> None:
    first = made.subscriptions[0]
    made.limit(first, "10")
    made.more(first, "-15")
    found = made.one(first, NOW)
    assert told(found.limit, found.reached, found.percent) == (0, True, None)


def test_nothing_is_left_over_unless_it_is_said(made: Shop) -> None:
    first = made.subscriptions[0]
    made.use(first, date(2026, 10, 31), "4")
    made.limit(first, "10")
    assert made.one(first, NOW).carried == 0


@pytest.mark.parametrize("every", [Every.DAY, Every.WEEK, Every.MONTH, Every.YEAR])
def test_what_was_left_of_the_period_before_is_added_once(made: Shop, every: Every) -> None:
    first = made.subscriptions[0]
    used_by(made, 0)
    made.limit(first, "1000", every=every, rollover=Rollover.UNUSED)
    before = {
        Every.DAY: 64,
        Every.WEEK: 16,
        Every.MONTH: 4,
        Every.YEAR: 1,
    }[every]
    found = made.one(first, NOW)
    assert told(found.carried, found.limit) == (1000 - before, 2000 - before)
    assert found.used == sums(every)[0]


def test_what_was_left_of_the_hour_before_is_added_once(made: Shop) -> None:
    first = made.subscriptions[0]
    made.bucket(first, NOW.replace(hour=13, minute=45), 300)
    made.bucket(first, NOW.replace(minute=0), 100)
    made.limit(first, "1000", every=Every.HOUR, unit=Unit.TOKENS, rollover=Rollover.UNUSED)
    found = made.one(first, NOW)
    assert told(found.carried, found.used) == (700, 100)
    assert made.one(first, NOW + timedelta(hours=1)).carried == 900


def test_of_more_than_the_limit_nothing_is_left_over(made: Shop) -> None:
    first = made.subscriptions[0]
    made.use(first, date(2026, 10, 31), "40")
    made.limit(first, "10", rollover=Rollover.UNUSED)
    assert made.one(first, NOW).carried == 0


@pytest.mark.parametrize(("seconds", "carried"), [(0, 10), (1, 0)])
def test_a_limit_that_began_within_the_period_before_leaves_nothing_of_it(
    made: Shop, seconds: int, carried: int
) -> None:
    first = made.subscriptions[0]
    october = datetime(2026, 9, 30, 22, tzinfo=UTC)
    made.limit(first, "10", since=october + timedelta(seconds=seconds), rollover=Rollover.UNUSED)
    assert made.one(first, NOW).carried == carried


def test_a_teams_rest_is_the_teams(made: Shop) -> None:
    made.use(made.subscriptions[0], date(2026, 10, 31), "3")
    made.use(made.subscriptions[1], date(2026, 10, 30), "2")
    made.use(made.subscriptions[2], date(2026, 10, 30), "1")
    made.limit(made.teams[0], "10", rollover=Rollover.UNUSED)
    assert made.one(made.subscriptions[0], NOW).carried == 5


def test_tokens_without_a_price_are_told_and_count_as_tokens(made: Shop) -> None:
    first = made.subscriptions[0]
    made.use(first, FRIDAY, "3", 1000)
    made.use(first, FRIDAY, None, 700)
    for every in (Every.DAY, Every.MONTH):
        made.limit(first, "10", every=every)
        made.limit(first, "10000", every=every, unit=Unit.TOKENS)
    made.limit(made.teams[0], "10")
    found = made.limits(first, NOW)
    assert len(found) == 5
    for one in found:
        assert one.used == (3 if one.unit is Unit.CURRENCY else 1700)
        assert one.unpriced_tokens == 700


def test_what_moved_within_the_month_counts_for_the_team_of_the_day(made: Shop) -> None:
    first = made.subscriptions[0]
    made.use(first, date(2026, 11, 9), "1")
    made.use(first, date(2026, 11, 10), "2")
    made.use(first, FRIDAY, "4")
    made.give(first, made.teams[2], date(2026, 11, 10))
    for team in made.teams:
        made.limit(team, "100")
    for center in made.centers:
        made.limit(center, "1000")
    theirs = {one.level: one for one in made.limits(first, NOW)}
    others = {one.level: one for one in made.limits(made.subscriptions[1], NOW)}
    assert told(theirs[Level.TEAM].subject_id, theirs[Level.TEAM].used) == (made.teams[2].pk, 6)
    assert told(others[Level.TEAM].subject_id, others[Level.TEAM].used) == (made.teams[0].pk, 1)
    assert theirs[Level.COST_CENTER].used == 6
    assert others[Level.COST_CENTER].used == 1


def test_a_cost_center_of_its_own_is_charged_and_limits(made: Shop) -> None:
    first = made.subscriptions[0]
    made.give(first, made.teams[0], date(2026, 11, 10), made.centers[1])
    made.use(first, FRIDAY, "4")
    made.limit(made.centers[0], "100")
    made.limit(made.centers[1], "100")
    found = made.one(first, NOW)
    assert told(found.subject_id, found.used) == (made.centers[1].pk, 4)
    assert made.one(made.subscriptions[1], NOW).used == 0


def binding(made: Shop, *kinds: tuple[str, Every, Hardness]) -> Limit:
    """What binds the first key, of which 10 were used today, by limits of these kinds."""
    made.use(made.subscriptions[0], FRIDAY, "10")
    for amount, every, hardness in kinds:
        made.limit(made.subscriptions[0], amount, every=every, hardness=hardness)
    return made.limits(made.subscriptions[0], NOW)[0]


@pytest.mark.parametrize(
    ("kinds", "binds"),
    [
        ([("20", Every.DAY, Hardness.HARD), ("30", Every.MONTH, Hardness.HARD)], Every.DAY),
        ([("30", Every.DAY, Hardness.HARD), ("20", Every.MONTH, Hardness.HARD)], Every.MONTH),
        ([("2", Every.DAY, Hardness.SOFT), ("10", Every.MONTH, Hardness.HARD)], Every.MONTH),
        ([("2", Every.DAY, Hardness.SOFT), ("11", Every.MONTH, Hardness.HARD)], Every.DAY),
        ([("20", Every.DAY, Hardness.SOFT), ("20", Every.MONTH, Hardness.HARD)], Every.MONTH),
        ([("0", Every.DAY, Hardness.HARD), ("1", Every.MONTH, Hardness.HARD)], Every.DAY),
    ],
)
def test_a_reached_hard_limit_binds_then_the_one_of_which_most_is_used(
    made: Shop, kinds: list[tuple[str, Every, Hardness]], binds: Every
) -> None:
    assert binding(made, *kinds).every is binds


def test_all_are_told_for_many_subscriptions_in_one_query(
    made: Shop, django_assert_num_queries: Any
) -> None:
    made.limit(made.product, "50")
    made.limit(made.teams[0], "60")
    quotas.of([made.subscriptions[0].pk], at=NOW)
    with django_assert_num_queries(2):  # the tenant's zone and currency; the limits
        found = quotas.of([one.pk for one in made.subscriptions], at=NOW)
    assert [len(found[one.pk].limits) for one in made.subscriptions] == [2, 2, 1]
    assert quotas.of_tenant(at=NOW) == found
    assert quotas.of([], at=NOW) == {}


@pytest.mark.parametrize(
    ("wanted", "until", "field"),
    [
        (Wanted(Decimal(-1)), None, "limit"),
        (Wanted(Decimal("NaN")), None, "limit"),
        (Wanted(Decimal("Infinity")), None, "limit"),
        (Wanted(Decimal("1.5"), unit=Unit.TOKENS), None, "limit"),
        (Wanted(Decimal("0.00001")), None, "limit"),
        (Wanted(Decimal(10) ** 20), None, "limit"),
        (Wanted(Decimal(1), thresholds=(0,)), None, "thresholds"),
        (Wanted(Decimal(1), thresholds=(1001,)), None, "thresholds"),
        (Wanted(Decimal(1)), NOW, "until"),
        (Wanted(Decimal(1)), NOW - DAY, "until"),
    ],
)
def test_what_is_no_limit_is_refused(
    made: Shop, wanted: Wanted, until: datetime | None, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        quotas.set_limit(
            made.subscriptions[0], wanted, from_instant=NOW, until=until, by="erin", at=NOW
        )
    assert refused.value.values["field"] == field
    assert not Quota.objects.exists()


def test_setting_the_same_again_writes_nothing_and_a_change_keeps_history(made: Shop) -> None:
    first = made.subscriptions[0]
    made.limit(first, "10")
    made.limit(first, "10")
    made.limit(first, "20")
    made.limit(first, None, since=NOW)
    assert [row.limit for row in quotas.history(first)] == [None, 20, 10]
    kept = AuditRecord.objects.filter(action="quota.set").order_by("id")
    assert [row.after and row.after["limit"] for row in kept] == ["10", "20", None]

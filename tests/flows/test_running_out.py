"""Which limit is reached first at the recent mix, and what a limit would do before it is set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.models import UsageFeed
from governance.limits import effects, quotas, running_out
from governance.limits.binding import NO_LIMIT, Binding
from governance.limits.quotas import LimitChanged, Wanted
from governance.models import Hardness, Level, Quota, Unit
from governance.rules.spans import Every
from inventory.models import Product
from tenancy import scope
from tenancy.models import AuditRecord
from tests.flows import limited
from tests.flows.limited import Shop, told

#: A Friday, 00:00 in Berlin; usage was read through it.
NOW = datetime(2026, 11, 19, 23, tzinfo=UTC)
TODAY, DAY = date(2026, 11, 20), timedelta(days=1)


@pytest.fixture
def steady(db: None) -> Iterator[Shop]:
    """Two subscriptions of one team: 1 and a thousand tokens a day each, for six weeks."""
    with scope.of(limited.tenant("Europe/Berlin")):
        made = limited.shop("Europe/Berlin")
        UsageFeed.objects.create(gateway=made.gateway, through=NOW)
        for number in range(1, 43):
            for subscription in made.subscriptions[:2]:
                made.use(subscription, TODAY - number * DAY, "1", 1000)
        yield made


def binding(made: Shop) -> Binding:
    one = made.subscriptions[0]
    return quotas.of([one.pk], at=NOW).get(one.pk, NO_LIMIT)


def first(made: Shop) -> running_out.Foreseen | None:
    return running_out.first_to_bind(binding(made), made.subscriptions[0].pk, at=NOW)


@pytest.mark.parametrize(
    ("cost", "tokens", "unit", "likely"),
    [
        ("25", "28000", Unit.CURRENCY, date(2026, 11, 25)),
        ("28", "25000", Unit.TOKENS, date(2026, 11, 25)),
        ("50", "22000", Unit.TOKENS, date(2026, 11, 22)),
    ],
)
def test_of_a_tiers_quotas_of_cost_and_tokens_the_one_that_runs_out_first_is_told(
    steady: Shop, cost: str, tokens: str, unit: Unit, likely: date
) -> None:
    steady.limit(steady.product, cost)
    steady.limit(steady.product, tokens, unit=Unit.TOKENS)
    found = first(steady)
    assert found is not None
    assert (found.limit.unit, found.likely) == (unit, likely)
    assert found.when is not None
    assert found.when.earliest is not None
    assert found.when.earliest <= likely


def test_a_teams_limit_is_forecast_by_all_of_the_team(steady: Shop) -> None:
    steady.limit(steady.subscriptions[0], "29")
    steady.limit(steady.teams[0], "42")
    found = first(steady)
    assert found is not None
    assert (found.limit.level, found.likely) == (Level.TEAM, date(2026, 11, 21))
    assert found.expected == 60


def test_a_reached_hard_limit_is_first_and_a_short_period_may_be_never_reached(
    steady: Shop,
) -> None:
    steady.limit(steady.subscriptions[0], "2", every=Every.DAY)
    steady.limit(steady.subscriptions[0], "100", every=Every.HOUR)
    assert first(steady) is None
    steady.limit(steady.product, "10")
    steady.limit(steady.centers[0], "39")
    found = first(steady)
    assert found is not None
    assert found.limit.level is Level.PRODUCT
    assert found.limit.reached


def test_where_nothing_was_used_nothing_is_known(steady: Shop) -> None:
    third = steady.subscriptions[2]
    steady.limit(third, "10")
    (found,) = running_out.foresee(quotas.of([third.pk], at=NOW), at=NOW)[third.pk]
    assert (found.when, found.expected, found.likely) == (None, None, None)


def test_many_are_foreseen_in_as_many_queries_as_few(
    steady: Shop, django_assert_num_queries: Any
) -> None:
    steady.limit(steady.product, "25")
    steady.limit(steady.teams[0], "50")
    few = quotas.of([steady.subscriptions[0].pk], at=NOW)
    many = quotas.of([one.pk for one in steady.subscriptions], at=NOW)
    with django_assert_num_queries(4):  # the tenant's zone and the days, for each kind of subject
        running_out.foresee(few, at=NOW)
    with django_assert_num_queries(4):
        running_out.foresee(many, at=NOW)


def test_what_the_gateway_limits_itself_is_told_beside(steady: Shop) -> None:
    one = steady.subscriptions[0]
    assert running_out.in_gateway(steady.product, one.pk, at=NOW) is None
    Product.objects.update(token_quota=25_000, token_quota_period="Monthly")
    steady.product.refresh_from_db()
    found = running_out.in_gateway(steady.product, one.pk, at=NOW)
    assert found is not None
    assert (found.tokens, found.used, found.every) == (25_000, 19_000, Every.MONTH)
    assert found.likely == date(2026, 11, 25)
    assert found.percent == 76
    assert binding(steady) == NO_LIMIT


def effect(made: Shop, subject: Any, amount: str | None, **kind: Any) -> effects.Effect:
    wanted = Wanted(None if amount is None else Decimal(amount), **kind)
    return effects.of(subject, wanted, from_instant=NOW, at=NOW)


def test_an_effect_tells_how_much_is_used_and_keeps_nothing(steady: Shop) -> None:
    steady.limit(steady.product, "25")
    before = (Quota.objects.count(), AuditRecord.objects.count())
    found = effect(steady, steady.subscriptions[0], "38")
    assert found.before is not None
    assert found.after is not None
    assert told(found.before.level, found.before.percent) == (Level.PRODUCT, 76)
    assert told(found.after.level, found.after.percent) == (Level.SUBSCRIPTION, 50)
    assert (found.subscriptions, found.refused, found.needs_a_word) == (1, 0, False)
    assert (Quota.objects.count(), AuditRecord.objects.count()) == before


def test_an_effect_names_whom_a_hard_limit_would_refuse(steady: Shop) -> None:
    steady.limit(steady.subscriptions[1], "100")
    by_product = effect(steady, steady.product, "19")
    assert (by_product.subscriptions, by_product.refused, by_product.named) == (3, 1, ("key1",))
    by_team = effect(steady, steady.teams[0], "38")
    assert (by_team.refused, by_team.named) == (2, ("key1", "key2"))
    assert effect(steady, steady.teams[0], "38", hardness=Hardness.SOFT).refused == 0
    assert effect(steady, steady.teams[0], "38.0001").refused == 0
    assert effect(steady, steady.teams[2], "0").refused == 0


def test_clearing_tells_what_the_product_says_then(steady: Shop) -> None:
    steady.limit(steady.product, "10")
    steady.limit(steady.subscriptions[0], "100")
    found = effect(steady, steady.subscriptions[0], None)
    assert found.after is not None
    assert (found.after.level, found.refused) == (Level.PRODUCT, 1)


def test_of_two_who_looked_at_the_same_one_is_told_to_look_again(steady: Shop) -> None:
    one = steady.subscriptions[0]
    seen = quotas.newest(one)
    assert seen == 0
    said: dict[str, Any] = {"from_instant": NOW, "by": "erin", "at": NOW, "seen": seen}
    quotas.set_limit(one, Wanted(Decimal(5)), **said)
    with pytest.raises(LimitChanged):
        quotas.set_limit(one, Wanted(Decimal(6)), **said)
    assert [row.limit for row in quotas.history(one)] == [5]

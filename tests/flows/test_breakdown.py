"""Usage broken down: whatever it is broken down by, the parts are the whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing import breakdown, mixes, rollups, spend
from billing.breakdown import Breakdown, By, Row
from billing.models import RatedDay, Series, UsageDay
from billing.rules.histograms import BINS
from billing.rules.token_classes import TokenClass
from inventory.models import Gateway, Origin, Subscription, UsageSource
from tenancy import memberships, periods, scope
from tenancy.access import Actor
from tenancy.refusals import Invalid, NotFound
from tests.world import NOW, World
from tests.world_usage import told_of

FIRST, END = date(2026, 11, 1), date(2026, 12, 1)
TENTH = date(2026, 11, 10)


@pytest.fixture
def mixed(world: World) -> Iterator[World]:
    """Beside the world's own: Search with two applications, calls without a subscription."""
    with scope.of(world.contoso.ref):
        search, deployment = world.search.subscription, world.contoso.deployment
        nobody = Subscription.objects.create(
            gateway=world.contoso.gateway, name="", origin=Origin.USAGE, seen_at=NOW
        )
        _used(told_of(search, deployment, application="Chat", streaming="yes"), 3, cost="0.70")
        _used(told_of(search, deployment, application="(more)", product="gold"), 5, cost="0.10")
        _used(told_of(nobody, deployment, product="gold"), 2, cost=None)
        yield world


def _used(told: Series, calls: int, *, cost: str | None) -> None:
    """On the tenth: input and reasoning, and calls of half a second that fail one time."""
    known = {"series": told, "subscription": told.subscription, "deployment": told.deployment}
    for token_class, quantity in ((TokenClass.INPUT, 900), (TokenClass.REASONING, 100)):
        RatedDay.objects.create(
            day=TENTH,
            token_class=token_class,
            quantity=quantity,
            unit_price=None if cost is None else Decimal(1),
            cost=None if cost is None else Decimal(cost) / 2,
            **known,
        )
    UsageDay.objects.create(
        day=TENTH,
        requests=calls,
        successful_requests=calls - 1,
        server_errors=1,
        uncovered_requests=1,
        latency=[0, 0, 0, calls, *[0] * (BINS - 4)],
        prompts=[0, calls, *[0] * (BINS - 2)],
        **known,
    )


def who(world: World, name: str) -> Actor:
    return memberships.actor(world.people[name])


def asked(
    actor: Actor, *dimensions: By, most: int | None = None, after: int = 0, **only: str
) -> Breakdown:
    return breakdown.by(
        actor,
        dimensions,
        first_day=FIRST,
        end_day=END,
        currency="USD",
        only={By(name): key for name, key in only.items()},
        most=most,
        after=after,
    )


def labels(found: Breakdown) -> list[str]:
    return [" / ".join(value.label for value in row.values) for row in found.rows]


def sums(rows: tuple[Row, ...]) -> tuple[object, ...]:
    """What the rows come to, field by field."""
    classes = {one: sum(row.classes.get(one, 0) for row in rows) for one in TokenClass}
    return (
        sum((row.cost.amount for row in rows if row.cost), Decimal(0)),
        sum(row.tokens for row in rows),
        sum(row.unpriced_tokens for row in rows),
        {one: count for one, count in classes.items() if count},
        sum(row.calls.requests for row in rows if row.calls),
        sum(row.calls.uncovered for row in rows if row.calls),
    )


@pytest.mark.parametrize("one", [one for one in By if one is not By.TOKEN_CLASS])
def test_the_rows_of_every_dimension_sum_to_the_total(mixed: World, one: By) -> None:
    found = asked(who(mixed, "dan"), one)
    assert sums(found.rows) == sums((found.total,))
    assert found.total.tokens == 2_003_000
    assert found.total.cost is not None
    assert found.total.cost.amount == Decimal("4.30")
    assert found.total.calls is not None
    assert found.total.calls.requests == 210
    assert abs(sum((row.share for row in found.rows), Decimal(-1))) < Decimal("1e-25")


def test_calls_are_not_multiplied_by_the_classes_of_their_tokens(mixed: World) -> None:
    found = asked(who(mixed, "dan"), By.TEAM)
    assert labels(found) == ["Search", "Support", "unallocated"]
    search, support, nobodys = found.rows
    assert search.calls is not None
    assert (search.calls.requests, search.calls.server_errors) == (108, 2)
    assert search.classes == {TokenClass.INPUT: 1_001_800, TokenClass.REASONING: 200}
    assert support.calls is not None
    assert support.calls.requests == 100
    assert (nobodys.cost, nobodys.tokens, nobodys.unpriced_tokens) == (None, 1_000, 1_000)


def test_classes_are_told_without_calls(mixed: World) -> None:
    found = asked(who(mixed, "dan"), By.TOKEN_CLASS)
    assert [(row.values[0].label, row.tokens, row.calls) for row in found.rows] == [
        ("input", 2_002_700, None),
        ("reasoning", 300, None),
    ]
    assert found.total.calls is None


def test_what_is_not_told_and_what_is_beyond_have_rows_of_their_own(mixed: World) -> None:
    found = asked(who(mixed, "dan"), By.CALLER_APPLICATION)
    assert labels(found) == ["Assistant", "Chat", "further values, not told apart", "not told"]
    assert [row.values[0].key for row in found.rows] == ["Assistant", "Chat", "(more)", ""]
    assert labels(asked(who(mixed, "dan"), By.COST_CENTER))[-1] == "unallocated"
    assert labels(asked(who(mixed, "dan"), By.APPLICATION))[-1] == "not told"


def test_a_value_narrows_and_the_next_dimension_divides_it(mixed: World) -> None:
    found = asked(who(mixed, "dan"), By.PRODUCT, By.TEAM, caller_application="", team="")
    assert labels(found) == ["gold / unallocated"]
    gold = asked(who(mixed, "dan"), By.TEAM, product="gold")
    assert labels(gold) == ["Search", "unallocated"]
    assert gold.total.tokens == 2_000
    only_reasoning = asked(who(mixed, "dan"), By.MODEL, token_class="reasoning")
    assert only_reasoning.total.tokens == 300
    assert only_reasoning.total.calls is None


def test_quantiles_are_of_the_merged_histograms(mixed: World) -> None:
    chat = asked(who(mixed, "dan"), By.MODEL, caller_application="Chat").total.calls
    assert chat is not None
    assert (chat.latency_p50, chat.latency_p95) == (425, 492)
    assert (chat.prompt_p50, chat.prompt_p95) == (96, 124)
    without = asked(who(mixed, "dan"), By.MODEL, caller_application="Assistant").total.calls
    assert without is not None
    assert without.latency_p50 is None


def test_members_see_their_teams_days_alone(mixed: World) -> None:
    found = asked(who(mixed, "alice"), By.TEAM)
    assert labels(found) == ["Search"]
    assert found.total.tokens == 1_002_000
    assert labels(asked(who(mixed, "bob"), By.CALLER_APPLICATION)) == ["Assistant"]
    for slug in ("support", "none"):
        with pytest.raises(NotFound):
            asked(who(mixed, "alice"), By.MODEL, team=slug)
    assert asked(who(mixed, "alice"), By.TEAM, team="").rows == ()


def test_a_day_is_of_whom_the_subscription_was_on_it(mixed: World) -> None:
    august = breakdown.by(
        who(mixed, "dan"),
        [By.TEAM, By.DAY],
        first_day=date(2026, 8, 1),
        end_day=END,
        currency="USD",
    )
    assert [tuple(value.key for value in row.values) for row in august.rows if row.tokens][:2] == [
        ("search", "2026-11-03"),
        ("support", "2026-11-03"),
    ]
    assert ("", "2026-08-15") in {tuple(value.key for value in row.values) for row in august.rows}


def test_pages_of_it_are_the_whole_and_each_has_the_total(mixed: World) -> None:
    whole = asked(who(mixed, "dan"), By.CALLER_APPLICATION)
    pages = [asked(who(mixed, "dan"), By.CALLER_APPLICATION, most=3, after=at) for at in (0, 3)]
    assert [row for page in pages for row in page.rows] == list(whole.rows)
    assert [page.total for page in pages] == [whole.total] * 2
    assert [page.found for page in pages] == [4, 4]


def test_it_takes_one_statement_for_any_dimensions(mixed: World) -> None:
    dan = who(mixed, "dan")
    for dimensions in ((By.TEAM,), (By.MODEL, By.DAY, By.TOKEN_CLASS)):
        with CaptureQueriesContext(connection) as queries:
            asked(dan, *dimensions)
        assert len(queries) == 1


def test_what_cannot_be_asked_is_refused(mixed: World) -> None:
    for dimensions in ((), (By.TEAM, By.TEAM), (By.TEAM, By.MODEL, By.API, By.PRODUCT)):
        with pytest.raises(Invalid):
            asked(who(mixed, "dan"), *dimensions)
    with pytest.raises(Invalid):
        asked(who(mixed, "dan"), By.TEAM, day="2026-11-10")


def test_a_range_without_usage_is_a_total_of_nothing(world: World) -> None:
    with scope.of(world.contoso.ref):
        found = breakdown.by(
            who(world, "dan"),
            [By.TEAM],
            first_day=date(2026, 1, 1),
            end_day=date(2026, 2, 1),
            currency="USD",
        )
    assert (found.rows, found.found, found.total.cost, found.total.tokens) == ((), 0, None, 0)


def test_a_source_says_what_it_cannot_tell(mixed: World) -> None:
    (told,) = breakdown.telling(who(mixed, "dan"))
    assert By.CALLER_APPLICATION in told.not_by
    assert By.PRODUCT not in told.not_by
    assert "tool calls" in told.not_counted
    Gateway.objects.update(usage_source=UsageSource.METRICS)
    (other,) = breakdown.telling(who(mixed, "alice"))
    assert "metrics" in other.source


def test_the_calls_of_a_month_are_those_of_its_days(mixed: World) -> None:
    november = periods.month_of_day(FIRST, "Europe/Berlin")
    search = mixed.search.subscription
    assert rollups.uncovered(november, [search.pk]) == 2
    assert spend.calls(search, november).requests == 108
    assert spend.calls(search, november.previous()).requests == 0


def test_reasoning_is_a_part_of_the_mix(mixed: World) -> None:
    told = told_of(mixed.search.subscription, mixed.contoso.deployment, application="Assistant")
    assert told is not None
    november = periods.month_of_day(FIRST, "Europe/Berlin")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE billing_usage SET reasoning_tokens = 5000")
    mix = mixes.of([mixed.search.subscription], november)
    assert mix is not None
    assert mix.output_tokens == 50

"""What belongs to no team, by reason: with the teams' it is everything; and what resolves it."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import spend, unallocated
from billing.models import ClosedMonth, RatedDay, UsageDay
from billing.rules.histograms import BINS
from billing.unallocated import Reason
from inventory import ownership
from inventory.models import Deployment, Origin, Ownership, Subscription
from inventory.ownership import MonthClosed, NeedsReason
from tenancy import periods, scope
from tenancy.models import AuditRecord
from tests.world import NOW, Place, World
from tests.world_usage import told_of

NOVEMBER = periods.month_of_day(date(2026, 11, 1), "Europe/Berlin")
FIRST = date(2026, 11, 1)
NAMES = {
    "": Reason.NONE,
    "master": Reason.BUILT_IN,
    "Portal-Admin": Reason.BUILT_IN,
    "gone": Reason.UNKNOWN,
    "key-new": Reason.NOT_OWNED,
}


def subscription(place: Place, name: str) -> Subscription:
    """One that nobody owns; the inventory knows ``key-new`` alone."""
    known = name.startswith("key-")
    return Subscription.objects.get_or_create(
        gateway=place.gateway,
        name=name,
        defaults={"origin": Origin.INVENTORY if known else Origin.USAGE, "seen_at": NOW},
    )[0]


def used(
    held: Subscription,
    deployment: Deployment,
    day: date,
    tokens: int,
    cost: Decimal | None,
    **told: str,
) -> None:
    """A rated day of so many tokens, and the call that used them."""
    row: dict[str, Any] = {
        "series": told_of(held, deployment, **told),
        "subscription": held,
        "deployment": deployment,
        "day": day,
    }
    RatedDay.objects.create(
        **row,
        token_class="input",
        unit_price=None if cost is None else 1,
        price_currency="" if cost is None else "USD",
        quantity=tokens,
        cost=cost,
    )
    UsageDay.objects.create(**row, requests=1, latency=[0] * BINS, prompts=[0] * BINS)


def found() -> dict[str, unallocated.Row]:
    rows = unallocated.of(NOVEMBER, currency="USD")
    return {row.subscription.name: row for row in rows}


def test_each_has_its_reason_its_tokens_and_its_days(world: World) -> None:
    place = world.contoso
    with scope.of(place.ref):
        for number, name in enumerate(NAMES):
            held = subscription(place, name)
            used(held, place.deployment, date(2026, 11, 3 + number), 100, Decimal("0.5"))
            used(held, place.deployment, date(2026, 11, 9), 10, None)
        rows = found()
        assert {name: row.reason for name, row in rows.items()} == NAMES
        one = rows["master"]
        assert one.cost is not None
        assert (one.cost.amount, one.tokens, one.unpriced_tokens, one.requests) == (
            Decimal("0.5"), 110, 10, 2,
        )  # fmt: skip
        assert (one.first_day, one.last_day) == (date(2026, 11, 4), date(2026, 11, 9))
        sums = unallocated.by_reason(tuple(rows.values()), currency="USD")
    assert [one.reason for one in sums] == [
        Reason.NONE, Reason.BUILT_IN, Reason.UNKNOWN, Reason.NOT_OWNED,
    ]  # fmt: skip
    assert [one.subscriptions for one in sums] == [1, 2, 1, 1]


def test_days_before_the_first_owner_are_nobodys_and_those_after_are_not(world: World) -> None:
    place = world.contoso
    with scope.of(place.ref):
        held = subscription(place, "key-new")
        for day in (3, 10):
            used(held, place.deployment, date(2026, 11, day), 100, Decimal(1))
        unallocated.assign(
            [held], world.search.team, from_day=date(2026, 11, 10), by="erin", at=NOW, reason="x"
        )
        assert found()["key-new"].last_day == date(2026, 11, 3)


def test_calls_that_used_no_token_are_told_too(world: World) -> None:
    place = world.contoso
    with scope.of(place.ref):
        held = subscription(place, "gone")
        UsageDay.objects.create(
            series=told_of(held, place.deployment), subscription=held,
            deployment=place.deployment, day=FIRST, requests=7, refused_requests=7,
            latency=[0] * BINS, prompts=[0] * BINS,
        )  # fmt: skip
        row = found()["gone"]
    assert (row.requests, row.tokens, row.cost) == (7, 0, None)


def test_what_is_left_unallocated_says_why(world: World) -> None:
    place = world.contoso
    with scope.of(place.ref):
        held = subscription(place, "master")
        used(held, place.deployment, FIRST, 100, Decimal(1))
        with pytest.raises(unallocated.ReasonWanted):
            unallocated.assign([held], None, from_day=FIRST, by="erin", at=NOW, reason=" ")
        unallocated.assign([held], None, from_day=FIRST, by="erin", at=NOW, reason="load tests")
        row = found()["master"]
        assert (row.reason, row.said) == (Reason.LEFT, "load tests")
        with pytest.raises(unallocated.AlreadyNobodys):
            unallocated.assign([held], None, from_day=FIRST, by="erin", at=NOW, reason="other")
        assert AuditRecord.objects.filter(action="ownership.assign-retroactively").count() == 1


def test_all_that_is_chosen_is_assigned_or_nothing(world: World) -> None:
    place = world.contoso
    with scope.of(place.ref):
        chosen = [subscription(place, name) for name in NAMES]
        before = Ownership.objects.count()
        for from_day, reason, refusal in (
            (FIRST, "", NeedsReason),
            (date(2026, 8, 1), "so", MonthClosed),
        ):
            with pytest.raises(refusal):
                unallocated.assign(
                    chosen, world.search.team, from_day=from_day, by="e", at=NOW, reason=reason
                )
        with pytest.raises(unallocated.NoSuchRows):
            unallocated.assign([], world.search.team, from_day=FIRST, by="e", at=NOW, reason="x")
        assert ClosedMonth.objects.filter(first_day=date(2026, 8, 1)).exists()
        assert Ownership.objects.count() == before
        done = unallocated.assign(
            chosen, world.search.team, from_day=FIRST, by="erin", at=NOW, reason="all ours"
        )
        assert done == len(NAMES)
        assert found() == {}
        assert ownership.owner_on(chosen[0], FIRST) == world.search.team


def test_deployments_without_a_model_are_told_whoever_called_them(world: World) -> None:
    place = world.contoso
    with scope.of(place.ref):
        unknown = Deployment.objects.create(
            gateway=place.gateway, host="h", name="new", origin=Origin.USAGE, seen_at=NOW
        )
        used(world.search.subscription, unknown, FIRST, 70, None)
        (one,) = unallocated.unknown_deployments(NOVEMBER, currency="USD")
        assert found() == {}
    assert (one.name, one.tokens, one.unpriced_tokens, one.cost) == ("new", 70, 70, None)


def test_the_other_tenant_has_its_own(world: World) -> None:
    with scope.of(world.fabrikam.ref):
        used(subscription(world.fabrikam, "master"), world.fabrikam.deployment, FIRST, 5, None)
    with scope.of(world.contoso.ref):
        assert found() == {}


DAYS = st.integers(0, 29).map(lambda number: FIRST + timedelta(number))
USES = st.lists(
    st.tuples(
        st.sampled_from([*NAMES, "key-search", "key-support"]),
        DAYS,
        st.integers(1, 10**12),
        st.none() | st.decimals(0, 10**6, places=18),
    ),
    max_size=12,
    unique_by=lambda use: use[:2],
)
ASSIGNED = st.lists(
    st.tuples(
        st.sampled_from([*NAMES, "key-search", "key-support"]),
        DAYS,
        st.sampled_from(["search", "support", None]),
    ),
    max_size=6,
)


Use = tuple[str, date, int, Decimal | None]


@pytest.mark.slow  # twenty-five rounds with rows of their own
@given(uses=USES, assigned=ASSIGNED)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_teams_and_unallocated_are_everything(
    world: World, uses: list[Use], assigned: list[tuple[str, date, str | None]]
) -> None:
    place = world.contoso
    teams = {"search": world.search.team, "support": world.support.team, None: None}
    with scope.of(place.ref), scope.rehearsed():
        RatedDay.objects.all().delete()
        UsageDay.objects.all().delete()
        for name, day, tokens, cost in uses:
            used(subscription(place, name), place.deployment, day, tokens, cost)
        for name, day, slug in assigned:
            to = ownership.Attribution(teams[slug])
            ownership.assign(
                subscription(place, name),
                to,
                from_day=day,
                by="erin",
                at=NOW,
                closed=(),
                reason="x",
            )
        _agree(uses)


def _agree(uses: list[Use]) -> None:
    rows = unallocated.of(NOVEMBER, currency="USD")
    shares = spend.shares(NOVEMBER, currency="USD")
    whole = unallocated.total(rows, currency="USD")
    sums = unallocated.by_reason(rows, currency="USD")
    teams = [share for share in shares if share.team_id is not None]
    nobodys = [share for share in shares if share.team_id is None]
    assert whole.tokens == sum(share.tokens for share in nobodys)
    assert whole.cost == spend.total(tuple(share.cost for share in nobodys), "USD")
    for name in ("tokens", "unpriced_tokens", "requests"):
        assert getattr(whole, name) == sum(getattr(one, name) for one in sums)
    assert whole.tokens + sum(share.tokens for share in teams) == sum(use[2] for use in uses)
    gaps = whole.unpriced_tokens + sum(share.unpriced_tokens for share in teams)
    assert gaps == sum(use[2] for use in uses if use[3] is None)
    costs = [one.cost for one in sums] + [share.cost for share in teams]
    paid = sum((use[3] for use in uses if use[3] is not None), Decimal(0))
    assert sum((cost.amount for cost in costs if cost), Decimal(0)) == paid

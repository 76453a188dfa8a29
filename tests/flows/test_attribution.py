"""Whose a day is: moved ahead or afterwards, with a reason, and told on the statement."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import attribution, closing, spend, statements
from billing.documents import csv as statement_csv
from billing.models import ClosedMonth, RatedDay
from billing.moves import Way
from inventory import ownership
from inventory.models import CostCenter, Owner, Ownership, Team
from inventory.ownership import Attribution, MonthClosed, NeedsReason
from tenancy import audit, money, periods, scope
from tenancy.models import AuditRecord
from tenancy.periods import Period
from tests.world import NOW, World

ERIN = "erin@example.org"
NOVEMBER = periods.month_of_day(date(2026, 11, 1), "Europe/Berlin")
SEPTEMBER = NOVEMBER.previous().previous()
#: The world's one rated day of November; it cost 1.75 for each key.
USED = date(2026, 11, 3)
BECAUSE = "Support has run it since the 2nd."


@pytest.fixture(autouse=True)
def contoso(world: World) -> Iterator[None]:
    """The tenant of every test here."""
    with scope.of(world.contoso.ref):
        yield


def _give(
    world: World,
    team: Team | None,
    day: date,
    *,
    at: datetime = NOW,
    reason: str = "",
    cost_center: CostCenter | None = None,
    environment: str = "",
    application: str = "",
) -> Ownership:
    """Alice's key to a team, from a day on."""
    wanted = Attribution(team, cost_center, environment, application)
    return attribution.assign(
        world.search.subscription, wanted, from_day=day, by=ERIN, at=at, reason=reason
    )


def _moved(world: World) -> Ownership:
    return _give(world, world.support.team, date(2026, 11, 2), reason=BECAUSE)


def _total(team: Team, period: Period = NOVEMBER) -> Decimal:
    return statements.draft(team, period).total.amount


@pytest.fixture
def daily(world: World, contoso: None) -> None:
    """Alice's key is used on every day of November up to the 20th, each at another cost."""
    used = RatedDay.objects.get(subscription=world.search.subscription, day=USED)
    for number in range(1, 21):
        if number != USED.day:
            used.pk, used.day = None, date(2026, 11, number)
            used.cost = Decimal("0.333333333333333333") * number
            used.save(force_insert=True)


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_move_into_the_past_needs_a_reason(world: World, reason: str) -> None:
    with pytest.raises(NeedsReason) as refused:
        _give(world, world.support.team, date(2026, 11, 19), reason=reason)
    assert (refused.value.field, refused.value.code) == ("reason", "retroactive-needs-reason")
    assert ownership.owner_on(world.search.subscription, USED) == world.search.team
    assert _give(world, world.support.team, date(2026, 11, 20)).team == world.support.team


def test_the_day_is_over_by_the_tenants_own_clock(world: World) -> None:
    """At 23:30 UTC on the 20th it is the 21st in Berlin."""
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    with pytest.raises(NeedsReason):
        _give(world, world.support.team, date(2026, 11, 20), at=late)
    _give(world, world.support.team, date(2026, 11, 21), at=late)


def test_a_move_into_the_past_shows_on_both_statements_with_its_reason(world: World) -> None:
    before = _total(world.search.team) + _total(world.support.team)
    _moved(world)
    theirs, ours = (
        statements.draft(house.team, NOVEMBER) for house in (world.support, world.search)
    )
    assert [move.way for move in theirs.moves] == [Way.IN]
    assert [move.way for move in ours.moves] == [Way.OUT]
    for move in (*theirs.moves, *ours.moves):
        assert (move.subscription, move.from_team, move.to_team) == (
            "key-search",
            "Search",
            "Support",
        )
        assert (move.from_day, move.first_day, move.last_day) == (
            date(2026, 11, 2),
            date(2026, 11, 2),
            date(2026, 11, 19),
        )
        assert (move.reason, move.recorded_by, move.recorded_at) == (BECAUSE, ERIN, NOW)
        assert str(move.amount) == "1.75 USD"
    assert str(theirs.total) == "3.50 USD"
    assert str(ours.total) == "0 USD"
    assert ours.lines == ()
    assert theirs.total.amount + ours.total.amount == before
    assert statements.draft(world.search.team, SEPTEMBER).moves == ()


def test_it_is_in_the_audit_log_as_retroactive(world: World) -> None:
    _moved(world)
    record = AuditRecord.objects.order_by("-number")[0]
    assert (record.action, record.actor, record.reason) == (
        "ownership.assign-retroactively",
        ERIN,
        BECAUSE,
    )
    assert record.subject == "apim-contoso/key-search"
    assert record.before is not None
    assert record.after is not None
    assert record.before["team"] == "search"
    assert (record.after["team"], record.after["from_day"]) == ("support", "2026-11-02")
    assert list(audit.verify()) == []


def test_a_move_ahead_shows_nowhere(world: World) -> None:
    _give(world, world.support.team, date(2026, 11, 20))
    assert AuditRecord.objects.order_by("-number")[0].action == "ownership.assign"
    assert statements.draft(world.support.team, NOVEMBER).moves == ()
    assert statements.draft(world.search.team, NOVEMBER).moves == ()


def test_the_same_assignment_again_changes_nothing(world: World) -> None:
    first = _moved(world)
    rows, records = Ownership.objects.count(), AuditRecord.objects.count()
    assert _moved(world) == first
    assert _give(world, world.support.team, date(2026, 11, 5)) == first
    assert (Ownership.objects.count(), AuditRecord.objects.count()) == (rows, records)


def test_a_correction_takes_the_place_of_what_was_said_and_both_are_told(world: World) -> None:
    _moved(world)
    _give(world, world.search.team, date(2026, 11, 2), reason="It was Search's after all.")
    ours = statements.draft(world.search.team, NOVEMBER)
    assert str(ours.total) == "1.75 USD"
    assert [(move.way, move.to_team) for move in ours.moves] == [
        (Way.OUT, "Support"),
        (Way.IN, "Search"),
    ]
    assert Owner.objects.filter(subscription=world.search.subscription).count() == 2
    assert Ownership.objects.filter(subscription=world.search.subscription).count() == 3


def test_what_was_said_can_be_added_to_and_not_changed(world: World) -> None:
    for change in (
        lambda: Ownership.objects.update(team=world.support.team),
        lambda: Ownership.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            change()


def test_what_a_move_took_ends_where_the_next_assignment_began(world: World, daily: None) -> None:
    _give(world, None, date(2026, 11, 10), reason="Nobody's from the 10th on.")
    _give(world, world.support.team, date(2026, 11, 5), reason="Support's until then.")
    (move,) = statements.draft(world.support.team, NOVEMBER).moves
    assert (move.first_day, move.last_day) == (date(2026, 11, 5), date(2026, 11, 9))
    assert move.exact.amount == sum(Decimal("0.333333333333333333") * day for day in range(5, 10))
    (other, _) = statements.draft(world.search.team, NOVEMBER).moves
    assert (other.to_team, other.first_day, other.last_day) == (
        "",
        date(2026, 11, 10),
        date(2026, 11, 19),
    )


def test_a_day_of_a_closed_month_stays_with_whom_it_was_charged_to(world: World) -> None:
    with pytest.raises(MonthClosed) as refused:
        _give(world, world.support.team, date(2026, 8, 31), reason=BECAUSE)
    assert (refused.value.field, refused.value.code) == ("from_day", "ownership-month-closed")
    assert "2026-09-01" in str(refused.value)
    _give(world, world.support.team, date(2026, 9, 2), reason=BECAUSE)


def test_a_move_that_would_run_through_a_closed_month_is_refused(world: World) -> None:
    ClosedMonth.objects.create(first_day=date(2026, 10, 1), closed_by=ERIN, closed_at=NOW)
    with pytest.raises(MonthClosed, match="2026-10 is closed"):
        _give(world, world.support.team, date(2026, 9, 20), reason=BECAUSE)
    _give(world, world.support.team, date(2026, 11, 1), reason=BECAUSE)
    # From here on what is said for September ends before November, and still meets October.
    with pytest.raises(MonthClosed):
        _give(world, None, date(2026, 9, 20), reason=BECAUSE)
    assert closing.closed() == {date(2026, 8, 1), date(2026, 10, 1)}


def test_a_line_says_which_cost_center_bears_it_on_its_days(world: World, daily: None) -> None:
    pilot = CostCenter.objects.create(code="CC-pilot", name="Pilot")
    before = statements.draft(world.search.team, NOVEMBER)
    _give(
        world,
        world.search.team,
        date(2026, 11, 11),
        reason="The pilot pays.",
        cost_center=pilot,
    )
    after = statements.draft(world.search.team, NOVEMBER)

    own = str(world.search.team.cost_center)
    assert {line.cost_center for line in before.lines} == {own}
    exact = {
        center: sum(line.exact.amount for line in after.lines if line.cost_center == center)
        for center in (own, "CC-pilot Pilot")
    }
    assert exact["CC-pilot Pilot"] == sum(
        Decimal("0.333333333333333333") * day for day in range(11, 21)
    )
    assert sum(exact.values()) == sum(line.exact.amount for line in before.lines)
    assert after.total == before.total
    assert after.cost_center == own
    assert sum((cost.amount for _, cost in after.cost_centers), Decimal(0)) == after.total.amount
    (move,) = after.moves
    assert (move.way, move.from_cost_center, move.to_cost_center) == (
        Way.WITHIN,
        own,
        "CC-pilot Pilot",
    )


def test_another_environment_alone_is_in_the_history_and_moves_no_amount(world: World) -> None:
    _give(
        world,
        world.search.team,
        date(2026, 11, 2),
        reason="It was a test all along.",
        environment=" test ",
        application="Search",
    )
    held = ownership.in_force([world.search.subscription.pk], USED)[world.search.subscription.pk]
    assert (held.environment, held.application) == ("test", "Search")
    assert statements.draft(world.search.team, NOVEMBER).moves == ()


def test_the_csv_tells_of_the_move_beside_the_lines(world: World) -> None:
    _moved(world)
    view = statements.draft(world.support.team, NOVEMBER)
    rows = list(csv.DictReader(io.StringIO(statement_csv.render(view).decode("utf-8-sig"))))
    assert [row["Kind"] for row in rows] == ["line", "line", "moved in", "total"]
    move = rows[2]
    assert (move["MovedFrom"], move["MovedTo"], move["MovedAmount"], move["Amount"]) == (
        "Search",
        "Support",
        "1.75",
        "",
    )
    assert (move["MovedFromDay"], move["RecordedAt"], move["RecordedBy"], move["Reason"]) == (
        "2026-11-02",
        "2026-11-20T14:20:00+00:00",
        ERIN,
        BECAUSE,
    )
    assert sum(Decimal(row["Amount"]) for row in rows[:2]) == Decimal(rows[3]["Amount"])


drawn_moves = st.lists(
    st.tuples(
        st.integers(0, 2),  # to Search, to Support, to nobody
        st.booleans(),  # at the team's own cost center, or at another
        st.integers(1, 28),  # from this day of November
        st.integers(1, 28),  # recorded on this one
    ),
    max_size=8,
)


@pytest.mark.slow  # thirty rounds of up to eight moves, each with both statements
@given(moves=drawn_moves)
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_statements_and_what_is_nobodys_sum_to_what_was_rated_whatever_was_moved(
    world: World, daily: None, moves: list[tuple[int, bool, int, int]]
) -> None:
    teams = (world.search.team, world.support.team, None)
    with transaction.atomic():
        other = CostCenter.objects.create(code="CC-other", name="Other")
        for number, (to, own, day, recorded) in enumerate(moves):
            _give(
                world,
                teams[to],
                date(2026, 11, day),
                at=datetime(2026, 11, recorded, 12, number, tzinfo=UTC),
                reason=f"Move {number}",
                cost_center=None if own else other,
            )
        _agree(world)
        transaction.set_rollback(True)


def _agree(world: World) -> None:
    rated = RatedDay.objects.filter(
        day__gte=NOVEMBER.first_day, day__lt=NOVEMBER.end_day, cost__isnull=False
    )
    total = sum((row.cost for row in rated if row.cost is not None), Decimal(0))
    views = [statements.draft(house.team, NOVEMBER) for house in (world.search, world.support)]
    itemised = sum((line.exact.amount for view in views for line in view.lines), Decimal(0))
    shares = spend.shares(NOVEMBER, currency="USD")
    nobodys = sum(
        (one.cost.amount for one in shares if one.team_id is None and one.cost), Decimal(0)
    )
    assert itemised + nobodys == total
    for view in views:
        assert view.total == money.total((line.amount for line in view.lines), "USD")
        for move in view.moves:
            days = rated.filter(
                subscription=world.search.subscription,
                day__gte=move.first_day,
                day__lte=move.last_day,
            )
            assert move.exact.amount == sum((row.cost or 0 for row in days), Decimal(0))
            assert move.recorded_at.date() - move.first_day >= timedelta(days=1)

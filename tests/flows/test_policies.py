"""Approval policies against the database: facts that are read, history that is counted, changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.approvers import delegations, groups, policies, routing, trials
from governance.approvers.policies import Wanted
from governance.approvers.routing import Route
from governance.approvers.trials import Imagined
from governance.consequences.asked import Asked
from governance.front_door import approvals, requests
from governance.models import (
    ApprovalPolicy,
    ApproverGroup,
    Demand,
    GroupMember,
    QuotaRequest,
    RequestEvent,
    RequestKind,
    RequestState,
    Unit,
)
from governance.rules.routing import Owner
from governance.rules.spans import Every
from inventory.models import CostCenter, Ownership, Part, TeamMember
from tenancy import audit, memberships, scope
from tenancy.access import Actor, NotAllowed
from tenancy.models import AuditRecord, Membership, Role
from tenancy.refusals import Invalid
from tests.world import NOW, World

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Expected:
    """What consequences would say: more a month, and of a limit of 100."""

    monthly_change: Decimal | None = None
    forecast_percent: Decimal | None = Decimal(50)
    base: Decimal | None = Decimal(100)


@pytest.fixture
def contoso(world: World) -> Iterator[World]:
    """The world in Contoso's scope, without its requests being of late."""
    with scope.of(world.contoso.ref):
        yield world


def actor(world: World, name: str) -> Actor:
    return memberships.actor(world.people[name])


def asks(world: World, much: str = "3", **more: Any) -> Asked:
    house = world.search
    usual = Asked(
        kind=RequestKind.INCREASE,
        team=house.team,
        subscription=house.subscription,
        reason="More.",
        amount=Decimal(much),
    )
    return replace(usual, **more)


def sent(world: World, wanted: Asked, *, days_ago: int = 0, **more: Any) -> QuotaRequest:
    """A request for it that waits since so many days, unless ``state`` says otherwise."""
    at, row = NOW - days_ago * DAY, None
    number = 100 + QuotaRequest.objects.count()
    row = QuotaRequest.objects.create(
        number=number,
        kind=wanted.kind,
        team=wanted.team,
        subscription=wanted.subscription,
        unit=wanted.unit,
        span=wanted.every.value,
        amount=wanted.amount,
        until=wanted.until("Europe/Berlin"),
        product=wanted.product,
        gateway=wanted.gateway,
        reason=wanted.reason,
        requested_by=world.people["alice"],
        created_at=at,
    )
    row.state, row.submitted_at = RequestState.SUBMITTED, at
    row.save()
    for state in more.get("then", ()):
        row.state = state
        row.save()
    return row


def add(world: World, name: str, demand: Demand = Demand.TWO, **conditions: Any) -> ApprovalPolicy:
    erin = actor(world, "erin")
    return policies.add(Wanted(name=name, demand=demand, **conditions), by=erin, at=NOW)


def names(route: Route) -> list[str]:
    return [one.policy.name for one in route.matched]


def route_of(wanted: Asked, expected: Expected | None = None, **more: Any) -> Route:
    return routing.of(wanted, expected or Expected(), at=NOW, **more)


# --- facts ---------------------------------------------------------------------------------------


def test_a_route_names_people_policies_and_times(contoso: World) -> None:
    group = ApproverGroup.objects.get(name="FinOps")
    add(contoso, "Large", amount_from=Decimal(500), group=group, remind_after_hours=2)
    small, large = route_of(asks(contoso, "499")), route_of(asks(contoso, "500"))
    assert [(one.people, one.group) for one in small.needs] == [(1, group)]
    assert names(small) == ["Whatever is asked"]
    assert [(one.people, one.group) for one in large.needs] == [(2, group)]
    assert names(large) == ["Whatever is asked", "Large"]
    policy = large.needs[0].policy
    assert policy is not None
    assert policy.name == "Large"
    assert large.needs[0].says == "2 different people of FinOps"
    assert large.remind_after == timedelta(hours=2)
    assert not large.automatic


@pytest.mark.parametrize(
    ("every", "amount", "met"),
    [
        (Every.MONTH, "500", True),
        (Every.MONTH, "499.9999", False),
        (Every.YEAR, "6000", True),
        (Every.YEAR, "5999", False),
        (Every.DAY, "17", True),
        (Every.DAY, "16", False),
        (Every.HOUR, "1", True),
    ],
)
def test_amounts_of_every_period_are_compared_by_the_month(
    contoso: World, every: Every, amount: str, met: bool
) -> None:
    add(contoso, "Large", amount_from=Decimal(500))
    assert ("Large" in names(route_of(asks(contoso, amount, every=every)))) is met


def test_tokens_count_by_what_they_cost_and_unknown_as_much(contoso: World) -> None:
    add(contoso, "Large", amount_from=Decimal(500))
    tokens = asks(contoso, "1000000", unit=Unit.TOKENS)
    assert "Large" in names(route_of(tokens, Expected()))
    assert "Large" not in names(route_of(tokens, Expected(monthly_change=Decimal(499))))


def test_tier_and_environment_are_the_subscription_s_own_and_the_wanted(contoso: World) -> None:
    gold = contoso.contoso.product
    add(contoso, "Gold", product=gold)
    add(contoso, "Production", environment="PRODUCTION")
    add(contoso, "Test", environment="test")
    assert names(route_of(asks(contoso))) == ["Whatever is asked", "Gold", "Production"]
    new = asks(contoso, kind=RequestKind.SUBSCRIPTION, subscription=None, amount=None)
    new = replace(new, product=gold, gateway=gold.gateway, environment="test")
    assert names(route_of(new)) == ["Whatever is asked", "Gold", "Test"]
    unsaid = names(route_of(replace(new, environment="")))
    assert unsaid == ["Whatever is asked", "Gold", "Production", "Test"]


def test_a_limit_of_the_team_touches_all_that_the_team_owns(contoso: World) -> None:
    add(contoso, "Gold", product=contoso.contoso.product)
    add(contoso, "Production", environment="production")
    whole = asks(contoso, subscription=None)
    assert names(route_of(whole)) == ["Whatever is asked", "Gold", "Production"]
    Ownership.objects.create(
        subscription=contoso.search.subscription,
        team=contoso.support.team,
        from_day=date(2026, 11, 20),
        recorded_at=NOW,
    )
    assert "Gold" not in names(route_of(whole))


def test_the_cost_center_s_owner_is_asked_if_they_can_be(contoso: World) -> None:
    add(contoso, "Owner first", Demand.OWNER_FIRST)
    team, dan = contoso.search.team, contoso.people["dan"]

    def owner(wanted: Asked, asks_for: str = "alice") -> Owner:
        return route_of(wanted, asks=contoso.people[asks_for].pk).facts.owner

    assert owner(asks(contoso)) is Owner.NONE
    says = [need.says for need in route_of(asks(contoso)).needs]
    assert "2 different people of the tenant's approvers, as the cost center has no" in says[1]
    CostCenter.objects.filter(pk=team.cost_center_id).update(owner=dan)
    assert owner(asks(contoso)) is Owner.MAY
    assert [need.whose for need in route_of(asks(contoso)).needs] == ["owner", "group", "group"]
    assert owner(asks(contoso), "dan") is Owner.NONE
    mine = sent(contoso, asks(contoso))
    assert route_of(asks(contoso), request_id=mine.pk).facts.owner is Owner.MAY
    TeamMember.objects.create(team=team, person=dan, part=Part.OWNER)
    assert owner(asks(contoso)) is Owner.OWNS_TEAM
    TeamMember.objects.filter(person=dan).delete()
    Membership.objects.filter(person=dan).delete()
    assert owner(asks(contoso)) is Owner.NONE


# --- what was asked before -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "days_ago", "then", "met"),
    [
        ({}, 3, (), True),
        ({}, 30, (), True),
        ({}, 31, (), False),
        ({}, 3, (RequestState.REJECTED,), False),
        ({}, 3, (RequestState.WITHDRAWN,), False),
        ({}, 3, (RequestState.EXPIRED,), False),
        ({"kind": RequestKind.DECREASE}, 3, (), False),
        ({"kind": RequestKind.TEMPORARY, "last_day": date(2026, 11, 21)}, 3, (), True),
    ],
)
def test_parts_sent_before_count_with_the_last(
    contoso: World, before: dict[str, Any], days_ago: int, then: tuple[str, ...], met: bool
) -> None:
    QuotaRequest.objects.filter(state=RequestState.SUBMITTED).update(submitted_at=NOW - 99 * DAY)
    add(contoso, "Large", amount_from=Decimal(500))
    sent(contoso, asks(contoso, "400", **before), days_ago=days_ago, then=then)
    assert ("Large" in names(route_of(asks(contoso, "100")))) is met


def test_parts_count_for_the_team_over_its_subscriptions_and_for_no_other(contoso: World) -> None:
    add(contoso, "Large", amount_from=Decimal(500))
    other = asks(contoso, "500", team=contoso.support.team)
    sent(contoso, replace(other, subscription=contoso.support.subscription))
    assert "Large" not in names(route_of(asks(contoso, "100")))
    sent(contoso, asks(contoso, "400", subscription=None))
    assert "Large" in names(route_of(asks(contoso, "100")))


def test_a_request_is_not_counted_with_itself(contoso: World) -> None:
    add(contoso, "Large", amount_from=Decimal(500))
    mine = sent(contoso, asks(contoso, "300"))
    assert "Large" not in names(route_of(asks(contoso, "300"), request_id=mine.pk))
    assert "Large" in names(route_of(asks(contoso, "300")))


def test_what_the_tokens_of_a_request_cost_is_kept_with_it(contoso: World) -> None:
    """A later one counts it by that; without it, it would count as much."""
    add(contoso, "Large", amount_from=Decimal(500))
    tokens = asks(contoso, "1000000", unit=Unit.TOKENS)
    row = sent(contoso, tokens)
    told = route_of(tokens, Expected(monthly_change=Decimal(150)), request_id=row.pk).told
    assert "Large" in names(route_of(asks(contoso, "100")))
    RequestEvent.objects.create(
        request=row, kind="submitted", version=1, by="a", at=NOW, details={routing.TOLD: told}
    )
    assert "Large" not in names(route_of(asks(contoso, "100")))
    assert "Large" in names(route_of(asks(contoso, "350")))


def test_a_percentage_is_of_the_limit_before_what_was_granted_in_the_window(
    contoso: World,
) -> None:
    add(contoso, "Doubled", percent_from=Decimal(100), window_days=60)
    alice, carol, then = actor(contoso, "alice"), actor(contoso, "carol"), NOW - 50 * DAY
    row = requests.draft(asks(contoso, "60"), by=alice, at=then)
    row = requests.submit(row, by=alice, at=then)
    assert "Doubled" not in names(route_of(asks(contoso, "39")))
    approvals.approve(row, seen=1, by=carol, at=then)
    facts = route_of(asks(contoso, "39")).facts
    assert (facts.base_before(30), facts.base_before(60)) == (100, 40)
    assert "Doubled" in names(route_of(asks(contoso, "39")))
    other = replace(asks(contoso, "39"), every=Every.DAY)
    assert "Doubled" not in names(route_of(other))


def test_temporary_days_count_together(contoso: World) -> None:
    add(contoso, "Long", days_from=10)
    week = asks(contoso, kind=RequestKind.TEMPORARY, last_day=date(2026, 11, 26))
    assert route_of(week).facts.days == 7
    assert "Long" not in names(route_of(week))
    sent(contoso, replace(week, last_day=date(2026, 11, 19)), days_ago=3)
    assert "Long" in names(route_of(week))


def test_a_route_costs_as_many_queries_with_much_history_as_with_little(contoso: World) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as asked:
            route_of(asks(contoso), request_id=-1)
        return len(asked)

    few = count()
    for number in range(20):
        add(contoso, f"P{number}", amount_from=Decimal(number), team=contoso.search.team)
        sent(contoso, asks(contoso), days_ago=number)
    assert count() == few
    assert few <= 9


def test_sent_through_the_verbs_a_split_request_needs_what_the_whole_needs(
    contoso: World,
) -> None:
    add(contoso, "Large", amount_from=Decimal(8))
    alice = actor(contoso, "alice")
    found = []
    for amount in ("3", "3", "3"):
        row = requests.draft(asks(contoso, amount), by=alice, at=NOW)
        row = requests.submit(row, by=alice, at=NOW)
        found.append(sum(need.people for need in row.needs.all()))
    assert found == [1, 1, 3]


# --- trials --------------------------------------------------------------------------------------


def test_a_replay_tells_what_a_policy_would_have_changed(contoso: World) -> None:
    sent(contoso, asks(contoso, "400"), days_ago=40)
    sent(contoso, asks(contoso, "400"), days_ago=20)
    sent(contoso, asks(contoso, "100"), days_ago=10)
    sent(contoso, asks(contoso, "900"), days_ago=120)
    large = Wanted(name="Large", demand=Demand.TWO, amount_from=Decimal(500)).row()
    found = trials.replay(large, at=NOW)
    assert [one.request.amount for one in found.met] == [100, 400]
    assert all(one.differs for one in found.met)
    assert not ApprovalPolicy.objects.filter(name="Large").exists()
    kept = policies.listed(at=NOW)[0]
    without = trials.replay(kept, at=NOW)
    assert len(without.met) == without.sent
    assert [need.policy for need in without.met[0].without] == [None]
    same = Wanted(name="Same", demand=Demand.ONE, group=kept.group).row()
    assert not any(one.differs for one in trials.replay(same, at=NOW).met)


def test_a_trial_of_other_policies_than_those_in_force(contoso: World) -> None:
    wanted = Imagined(RequestKind.INCREASE, contoso.search.team, amount=Decimal(5))
    assert names(trials.preview(wanted, at=NOW)) == ["Whatever is asked"]
    free = Wanted(name="Free", demand=Demand.AUTOMATIC).row()
    route = trials.preview(wanted, at=NOW, policies=[free])
    assert route.automatic
    assert names(route) == ["Free"]


# --- keeping them --------------------------------------------------------------------------------


def test_policies_count_from_when_to_when_they_say(contoso: World) -> None:
    erin = actor(contoso, "erin")
    later = policies.add(
        Wanted(name="Later", demand=Demand.ONE), by=erin, at=NOW, from_instant=NOW + DAY
    )
    assert "Later" not in names(route_of(asks(contoso)))
    assert "Later" in names(routing.of(asks(contoso), Expected(), at=NOW + DAY))
    policies.end(later, by=erin, at=NOW + 2 * DAY)
    assert "Later" not in names(routing.of(asks(contoso), Expected(), at=NOW + 2 * DAY))
    with pytest.raises(policies.PolicyOver):
        policies.end(later, by=erin, at=NOW + 3 * DAY)
    with pytest.raises(Invalid):
        policies.add(
            Wanted(name="Before", demand=Demand.ONE), by=erin, at=NOW, from_instant=NOW - DAY
        )
    never = policies.add(
        Wanted(name="Never", demand=Demand.ONE), by=erin, at=NOW, from_instant=NOW + 9 * DAY
    )
    policies.end(never, by=erin, at=NOW)
    assert "Never" not in names(routing.of(asks(contoso), Expected(), at=NOW + 9 * DAY))
    assert "Never" not in [one.name for one in policies.listed(at=NOW)]


def test_a_change_is_another_policy_in_the_same_place_and_the_same_is_none(
    contoso: World,
) -> None:
    erin = actor(contoso, "erin")
    first = add(contoso, "First")
    add(contoso, "Last")
    assert policies.change(first, policies.wanted_of(first), by=erin, at=NOW + DAY).pk == first.pk
    wanted = replace(policies.wanted_of(first), name="Other", amount_from=Decimal(9))
    other = policies.change(first, wanted, by=erin, at=NOW + DAY)
    assert [one.name for one in policies.listed(at=NOW + DAY)][1:] == ["Other", "Last"]
    first.refresh_from_db()
    assert first.effective_until == other.effective_from == NOW + DAY
    assert [one.name for one in routing.in_force(at=NOW)][1:] == ["First", "Last"]


def test_every_change_is_in_the_audit_log(contoso: World) -> None:
    erin, carol = actor(contoso, "erin"), contoso.people["carol"]
    row = add(contoso, "Large", amount_from=Decimal(500))
    policies.move(row, before=policies.listed(at=NOW)[0], by=erin, at=NOW)
    policies.end(row, by=erin, at=NOW + DAY, reason="Too strict.")
    group = groups.add("Security", by=erin, at=NOW)
    groups.join(group, carol, by=erin, at=NOW)
    groups.join(group, carol, by=erin, at=NOW)
    groups.leave(group, carol, by=erin, at=NOW)
    groups.leave(group, carol, by=erin, at=NOW)
    said = AuditRecord.objects.order_by("-number").values_list("action", flat=True)[:6]
    assert list(reversed(said)) == [
        "policy.add",
        "policy.move",
        "policy.end",
        "group.add",
        "group.join",
        "group.leave",
    ]
    assert list(audit.verify()) == []


@pytest.mark.parametrize("name", ["alice", "carol", "dan", "vic"])
def test_only_administrators_keep_policies_and_groups(contoso: World, name: str) -> None:
    by, group = actor(contoso, name), ApproverGroup.objects.get(name="FinOps")
    row = policies.listed(at=NOW)[0]
    wanted = Wanted(name="Mine", demand=Demand.AUTOMATIC)
    for change in (
        lambda: policies.add(wanted, by=by, at=NOW),
        lambda: policies.change(row, wanted, by=by, at=NOW),
        lambda: policies.end(row, by=by, at=NOW),
        lambda: policies.move(row, before=None, by=by, at=NOW),
        lambda: groups.add("Mine", by=by, at=NOW),
        lambda: groups.join(group, contoso.people[name], by=by, at=NOW),
        lambda: groups.leave(group, contoso.people["carol"], by=by, at=NOW),
    ):
        with pytest.raises(NotAllowed):
            change()
    assert [one.name for one in policies.listed(at=NOW)] == ["Whatever is asked"]


def test_a_policy_that_nobody_can_satisfy_is_found(contoso: World) -> None:
    group = ApproverGroup.objects.get(name="FinOps")
    assert list(policies.findings(policies.listed(at=NOW))) == []
    add(contoso, "Two of one", group=group)
    add(contoso, "Nobody", Demand.AUTOMATIC)
    assert [one.policy.name for one in policies.findings(policies.listed(at=NOW))] == ["Two of one"]
    GroupMember.objects.create(group=group, person=contoso.people["erin"])
    assert list(policies.findings(policies.listed(at=NOW))) == []
    Membership.objects.filter(person=contoso.people["erin"]).update(role=Role.FINANCE)
    (found,) = policies.findings(policies.listed(at=NOW))
    assert "one person who may approve; 2 must" in found.says


def test_a_stand_in_decides_from_when_to_when_and_passes_it_not_on(contoso: World) -> None:
    carol, dan, erin = (contoso.people[name] for name in ("carol", "dan", "erin"))
    away = delegations.Wanted(carol, erin, NOW + DAY, NOW + 3 * DAY)
    row = delegations.delegate(away, by=actor(contoso, "carol"), at=NOW)
    further = delegations.Wanted(erin, dan, NOW, NOW + 9 * DAY)
    delegations.delegate(further, by=actor(contoso, "erin"), at=NOW)
    said = {
        days: delegations.standing_in_for(erin.pk, at=NOW + days * DAY) for days in (0, 1, 2, 3)
    }
    assert said == {0: (), 1: (carol.pk,), 2: (carol.pk,), 3: ()}
    assert delegations.standing_in_for(dan.pk, at=NOW + 2 * DAY) == (erin.pk,)
    delegations.end(row, by=actor(contoso, "erin"), at=NOW)
    assert delegations.standing_in_for(erin.pk, at=NOW + 2 * DAY) == ()
    Membership.objects.filter(person=erin).delete()
    assert delegations.standing_in_for(dan.pk, at=NOW + 2 * DAY) == ()

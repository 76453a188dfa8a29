"""Two people at the same moment: one of them decides, the other is told so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import combinations, count
from threading import Barrier

import pytest
from django.db import connections

from governance.approvers import policies
from governance.front_door import approvals, requests
from governance.front_door import desk as desk_verbs
from governance.limits import quotas
from governance.models import (
    Approval,
    Demand,
    EventKind,
    Override,
    QuotaRequest,
    RequestEvent,
    RequestState,
)
from inventory.models import Ownership, Subscription
from tenancy import scope
from tenancy.models import Membership, Role
from tenancy.refusals import Refused
from tests.flows.asking import LATER, Desk
from tests.world import NOW, World

Deed = Callable[[Desk, QuotaRequest], object]
_TURNS = 2
OUTCOMES = (EventKind.APPROVED, EventKind.REJECTED, EventKind.WITHDRAWN)


def _amend(desk: Desk, row: QuotaRequest) -> object:
    return requests.amend(row, desk.wanted("40"), seen=1, by=desk.actor("alice"), at=LATER)


def _withdraw(desk: Desk, row: QuotaRequest) -> object:
    return requests.withdraw(row, by=desk.actor("alice"), at=LATER)


def _lose_the_role(desk: Desk, row: QuotaRequest) -> object:
    return Membership.objects.filter(person=desk.world.people["carol"]).update(role=Role.FINANCE)


def _question(desk: Desk, row: QuotaRequest) -> object:
    return approvals.ask(row, seen=1, by=desk.actor("cora"), at=LATER, text="Why?")


DEEDS: dict[str, Deed] = {
    "carol approves": lambda desk, row: desk.approve(row, "carol"),
    "cora approves": lambda desk, row: desk.approve(row, "cora"),
    "cora rejects": lambda desk, row: desk.reject(row, "cora"),
    "cora asks": _question,
    "alice amends": _amend,
    "alice withdraws": _withdraw,
    "carol loses her role": _lose_the_role,
}


@pytest.fixture
def desk(committed_world: World) -> Desk:
    desk = Desk(committed_world)
    with desk.open():
        desk.without_policies()
        desk.hire("cora", Role.APPROVER, group="FinOps")
    return desk


@pytest.mark.parametrize("demand", [Demand.ONE, Demand.TWO])
def test_two_at_once_come_to_one_outcome_by_those_who_may(desk: Desk, demand: Demand) -> None:
    with desk.open():
        desk.policy(demand)
    for pair in combinations(DEEDS, 2):
        for _ in range(_TURNS):
            with desk.open():
                Membership.objects.filter(person=desk.world.people["carol"]).update(
                    role=Role.APPROVER
                )
                row = desk.submitted()
            _at_once(desk, row, *(DEEDS[name] for name in pair))
            with desk.open():
                _check(row, pair, needed=1 if demand is Demand.ONE else 2)


def test_several_approved_together_from_both_ends_are_all_approved_once(desk: Desk) -> None:
    """Nobody fails because each holds what the other waits for."""
    with desk.open():
        desk.policy(Demand.ONE)
        keys = [_limited(desk, f"key-{number}") for number in range(4)]
    for _ in range(_TURNS):
        with desk.open():
            rows = [desk.submitted(desk.wanted("0.01", subscription=key)) for key in keys]
        carol, cora = _together("carol", rows), _together("cora", rows[::-1])
        _at_once(desk, rows[0], carol, cora, DEEDS["carol approves"])
        with desk.open():
            for row in rows:
                _check(row, ("together", "together"), needed=1)
                assert desk.granted(row) == [row.amount]


def test_limits_and_policies_change_while_requests_are_decided(desk: Desk) -> None:
    """Who sets a limit or changes a policy holds nothing that whoever decides waits for."""
    with desk.open():
        desk.policy(Demand.ONE)
    numbers = count(1)

    def limit(desk: Desk, _: QuotaRequest) -> object:
        wanted = quotas.Wanted(Decimal(50 + next(numbers)))
        subject = desk.world.search.subscription
        return quotas.set_limit(subject, wanted, from_instant=NOW, by="erin", at=LATER)

    def rename(desk: Desk, _: QuotaRequest) -> object:
        now = policies.listed(at=LATER)[0]
        wanted = replace(policies.wanted_of(now), name=f"Policy {next(numbers)}")
        return policies.change(now, wanted, by=desk.actor("erin"), at=LATER)

    for _ in range(_TURNS * 2):
        with desk.open():
            row = desk.submitted()
        _at_once(desk, row, DEEDS["carol approves"], limit, rename, _ask)
        with desk.open():
            assert desk.granted(row) == [row.amount]


def _ask(desk: Desk, _: QuotaRequest) -> object:
    return desk.submitted()


def _limited(desk: Desk, name: str) -> Subscription:
    """A further subscription of the team, with a limit of its own."""
    other = desk.world.search.subscription
    key: Subscription = Subscription.objects.create(
        gateway=other.gateway, name=name, product=other.product, state=other.state, seen_at=NOW
    )
    Ownership.objects.create(subscription=key, team=desk.team, from_day=NOW.date(), recorded_at=NOW)
    wanted = quotas.Wanted(Decimal(5))
    quotas.set_limit(key, wanted, from_instant=NOW - timedelta(days=40), by="erin", at=NOW)
    return key


def _together(name: str, rows: Sequence[QuotaRequest]) -> Deed:
    def deed(desk: Desk, _: QuotaRequest) -> object:
        wanted = [(row, row.version) for row in rows]
        return desk_verbs.approve_together(wanted, by=desk.actor(name), at=LATER)

    return deed


def _at_once(desk: Desk, row: QuotaRequest, *deeds: Deed) -> None:
    """Each in a thread and transaction of its own, let go together."""
    gate = Barrier(len(deeds))

    def act(deed: Deed) -> None:
        try:
            with scope.of(desk.world.contoso.ref):
                mine = QuotaRequest.objects.get(pk=row.pk)
                gate.wait(timeout=30)
                deed(desk, mine)
        except Refused:
            pass
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(deeds)) as pool:
        for done in [pool.submit(act, deed) for deed in deeds]:
            done.result(timeout=60)


def _check(row: QuotaRequest, pair: tuple[str, str], *, needed: int) -> None:
    now = QuotaRequest.objects.get(pk=row.pk)
    told = RequestEvent.objects.filter(request=row, kind__in=OUTCOMES)
    assert told.count() <= 1, pair
    granted = Override.objects.filter(request=row)
    assert granted.count() == (now.state == RequestState.APPROVED), pair
    if now.state == RequestState.APPROVED:
        yes = Approval.objects.filter(request=row, version=now.version)
        assert yes.count() == needed, pair
        assert granted.get().amount == now.amount, pair
        assert now.version == 1, pair

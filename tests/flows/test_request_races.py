"""Two people at the same moment: one of them decides, the other is told so."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from threading import Barrier

import pytest
from django.db import connections

from governance import approvals, requests
from governance.models import (
    Approval,
    Demand,
    EventKind,
    Override,
    QuotaRequest,
    RequestEvent,
    RequestState,
)
from tenancy import scope
from tenancy.models import Membership, Role
from tenancy.refusals import Refused
from tests.flows.asking import LATER, Desk
from tests.world import World

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

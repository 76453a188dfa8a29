"""Capacity by programs: a month told, a reservation planned, then entered as planned."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from billing.models import Reservation
from tenancy import audit, scope
from tests.api.conftest import Program, problem
from tests.world import World

Asking = Callable[..., Program]
BODY: dict[str, Any] = {
    "name": "search 2026",
    "units": 20,
    "scope": "global",
    "region": "swedencentral",
    "term": "1 Year",
    "starts_at": "2026-11-01T00:00:00+01:00",
    "unit_price": "2652",
    "source": "contract 7",
}


def test_a_month_of_capacity_is_told_with_its_bases(program: Asking, world: World) -> None:
    said = program("dan").read("capacity/?month=2026-09")

    (deployed,) = said["deployments"]
    assert (deployed["unit_minutes"], deployed["covered_unit_minutes"]) == (36_060, 36_000)
    assert deployed["hourly"] == {"amount": "1", "currency": "USD", "basis": "estimated"}
    (bought,) = said["reservations"]
    assert bought["used"]["basis"] == bought["unused"]["basis"] == "amortized"
    assert deployed["reserved"] == bought["used"]
    assert program("dan").read("capacity/")["deployments"] == []


def test_a_reservation_is_planned_and_then_entered_as_planned(
    program: Asking, world: World
) -> None:
    dan = program("dan")
    plan = dan.send("reservations/", BODY).json()
    assert plan["applied"] is False
    effect = plan["effect"]["capacity"]
    before, after = (Decimal(effect[side]["unused"]) for side in ("before", "after"))
    # 20 units × 2,652 USD, of whose 525,600 minutes 28,280 have gone by
    assert abs(after - before - Decimal(20 * 2652 * 28_280) / 525_600) < Decimal("1e-15")
    assert Decimal(effect["difference"]) == after - before

    problem(dan.send("reservations/", BODY | {"units": 21, "plan": plan["plan"]}), 409)
    made = dan.send("reservations/", BODY | {"plan": plan["plan"]}).json()

    assert (made["applied"], made["effect"]) == (True, plan["effect"])
    listed = dan.all("reservations/")
    assert [one["name"] for one in listed] == ["Pilot", "search 2026"]
    assert listed[1]["starts_at"] == "2026-10-31T23:00:00Z"
    assert listed[1]["ends_at"] == "2027-10-31T23:00:00Z"
    with scope.of(world.contoso.ref):
        assert not list(audit.verify())


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"units": 0}, "units"),
        ({"term": "3 Years"}, "term"),
        ({"region": "Sweden Central"}, "region"),
        ({"starts_at": "2026-11-01T00:00:00"}, "starts_at"),
        ({"currency": "EUR"}, "currency"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_entered_names_the_field(
    program: Asking, changed: dict[str, Any], field: str
) -> None:
    document = problem(program("dan").send("reservations/", BODY | changed), 400)
    assert [fault["field"] for fault in document["errors"]] == [field]


def test_only_finance_and_administrators_with_the_scope_enter_reservations(
    program: Asking, world: World
) -> None:
    for name in ("alice", "carol", "vic"):
        problem(program(name).send("reservations/", BODY), 403)
    problem(program("dan", "read:prices").send("reservations/", BODY), 403)
    problem(program("alice").ask("capacity/"), 403)
    with scope.of(world.contoso.ref):
        assert Reservation.objects.count() == 1

"""Mapping by programs: proposals and the queue read, mappings planned, then made as planned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from billing.models import Meter, MeterMapping
from billing.rules.token_classes import TokenClass
from tenancy import scope
from tests.api.conftest import Program, problem
from tests.flows.test_mapping import GLOBAL_OUT, listed, used
from tests.world import World

Asking = Callable[..., Program]
OUTPUT = TokenClass.OUTPUT


def choice(world: World, meter: Meter, **changed: Any) -> dict[str, Any]:
    deployed = world.contoso.deployment
    return {
        "gateway": world.contoso.gateway.name,
        "host": deployed.host,
        "deployment": deployed.name,
        "token_class": "output",
        "meter_id": meter.azure_id,
        "reason": "Checked against the contract.",
    } | changed


def mapped(world: World) -> list[MeterMapping]:
    with scope.of(world.contoso.ref):
        return list(MeterMapping.objects.filter(token_class=OUTPUT))


def test_what_is_proposed_can_be_planned_and_then_made(program: Asking, world: World) -> None:
    listed(GLOBAL_OUT, "14")
    with scope.of(world.contoso.ref):
        used(world, OUTPUT, 2_000_000)
    dan = program("dan")
    (gap,) = [one for one in dan.all("unpriced/") if one["token_class"] == "output"]
    assert (gap["quantity"], gap["estimate_high"]["amount"]) == (2_000_000, "28")
    (said,) = [one for one in dan.all("mapping-proposals/") if one["token_class"] == "output"]
    assert (said["meter_name"], said["confidence"], said["mapped"]) == (GLOBAL_OUT, "0.98", False)
    body = {
        "mappings": [
            {name: said[name] for name in ("gateway", "host", "deployment", "token_class")}
            | {"meter_id": said["meter_id"], "reason": "As proposed."}
        ]
    }

    plan = dan.send("mappings/", body).json()

    assert (plan["applied"], plan["effect"]["open"]["difference"]) == (False, "28")
    assert mapped(world) == []

    made = dan.send("mappings/", body | {"plan": plan["plan"]}).json()

    assert made["applied"] is True
    (row,) = mapped(world)
    assert (row.confirmed_by, row.reason) == ("dan@example.org", "As proposed.")
    assert [one["token_class"] for one in dan.all("mappings/")] == ["output", "input"]


def test_a_plan_is_of_its_own_change_alone(program: Asking, world: World) -> None:
    output, dan = listed(GLOBAL_OUT, "14"), program("dan")
    plan = dan.send("mappings/", {"mappings": [choice(world, output)]}).json()["plan"]
    other = {"mappings": [choice(world, output, token_class="input")], "plan": plan}
    assert problem(dan.send("mappings/", other), 409)["code"] == "plan-mismatch"
    assert mapped(world) == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"deployment": "nobody's"}, "mappings.1.deployment"),
        ({"meter_id": "no-such-meter"}, "mappings.1.meter_id"),
    ],
)
def test_one_that_cannot_be_refuses_all(
    program: Asking, world: World, changed: dict[str, str], field: str
) -> None:
    output = listed(GLOBAL_OUT, "14")
    body = {"mappings": [choice(world, output), choice(world, output, **changed)]}
    assert field in problem(program("dan").send("mappings/", body), 400)["detail"]
    assert mapped(world) == []


def test_paid_capacity_is_a_mapping_without_a_meter(program: Asking, world: World) -> None:
    body = {
        "mappings": [
            choice(
                world,
                Meter(),
                meter_id=None,
                token_class="input",
                effective_from="2026-11-01T00:00:00Z",
            )
        ]
    }
    plan = program("erin").send("mappings/", body).json()
    assert plan["effect"]["open"]["difference"] == "-3.5"


def test_only_finance_and_administrators_with_the_scope_change_mappings(
    program: Asking, world: World
) -> None:
    body = {"mappings": [choice(world, listed(GLOBAL_OUT, "14"))]}
    assert program("vic").send("mappings/", body).status_code == 403
    assert program("dan", "read:prices").send("mappings/", body).status_code == 403
    assert program("alice").ask("mappings/").status_code == 403
    assert program("alice").ask("unpriced/").status_code == 403
    assert mapped(world) == []

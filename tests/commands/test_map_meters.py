"""The command that maps: its effect first, and nothing changed unless it is told to apply."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
import time_machine
from django.core.management import CommandError, call_command

from billing.models import MeterMapping
from billing.rules.token_classes import TokenClass
from tenancy import scope
from tests import world as small_world
from tests.flows.test_mapping import GLOBAL_OUT, listed, used
from tests.world import World

OUTPUT = TokenClass.OUTPUT


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with time_machine.travel(small_world.NOW, tick=False):
        yield


def run(*typed: str) -> str:
    said = io.StringIO()
    call_command("map_meters", "--tenant=contoso", *typed, stdout=said, stderr=said)
    return said.getvalue()


def mapped(world: World) -> list[MeterMapping]:
    with scope.of(world.contoso.ref):
        return list(MeterMapping.objects.filter(token_class=OUTPUT))


def test_proposals_are_confirmed_from_a_confidence_on(world: World) -> None:
    listed(GLOBAL_OUT, "14")
    with scope.of(world.contoso.ref):
        used(world, OUTPUT, 2_000_000)

    assert "+28.00" in run("--confidence=0.9")
    assert mapped(world) == []

    assert "applied" in run("--confidence=0.9", "--apply")
    assert [row.confirmed_by for row in mapped(world)] == ["rule: confidence ≥ 0.9"]


def test_one_class_is_mapped_by_hand(world: World) -> None:
    output = listed(GLOBAL_OUT, "14")
    named = ["--deployment=gpt-5.2-chat", "--class=output", f"--meter={output.azure_id}"]

    run(*named, "--reason=As the contract says.", "--apply")

    (row,) = mapped(world)
    assert (row.meter, row.confirmed_by) == (output, "manage.py map_meters")
    assert row.reason == "As the contract says."


@pytest.mark.parametrize(
    "typed",
    [
        (),
        ("--confidence=0.9", "--class=output"),
        ("--deployment=gpt-5.2-chat",),
        ("--confidence=0.2",),
        ("--confidence=high",),
        ("--deployment=nobody", "--class=output", "--meter=capacity"),
        ("--deployment=gpt-5.2-chat", "--class=output", "--meter=none-such"),
    ],
)
def test_what_cannot_be_is_refused(world: World, typed: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*typed, "--apply")
    assert mapped(world) == []

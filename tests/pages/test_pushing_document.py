"""The example of docs/pushing-events.md, run as it stands there against the running product."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from billing.events import Differs, NotPushed
from billing.models import PushedEvent
from billing.rules import events
from billing.rules.event_bodies import TYPE, Form
from billing.rules.event_tokens import Tokens
from billing.rules.token_classes import NOT_TOKENS
from inventory.models import Gateway, UsageSource
from portal.api import event_bodies
from portal.api.events import TooLarge
from tenancy import scope
from tests.pages.conftest import served
from tests.world import World

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "pushing-events.md").read_text()
EXAMPLE = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)[0]


@pytest.fixture
def routed(committed_world: World) -> World:
    """The world with the gateway of the example, at the present time."""
    with scope.of(committed_world.contoso.ref):
        Gateway.objects.create(
            name="router",
            usage_source=UsageSource.EVENTS,
            usage_from=datetime(2020, 1, 1, tzinfo=UTC),
        )
    return committed_world


def run(address: str, token: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "APPORTION_URL": address, "APPORTION_TOKEN": token}
    return subprocess.run(
        ["bash", "-c", EXAMPLE],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_example_is_taken(routed: World) -> None:
    token = routed.token("dan", "write:usage")
    with served() as address:
        answers = [run(address, token) for _ in range(2)]
        refused = run(address, token[:-1] + "x")

    assert [json.loads(answer.stdout) for answer in answers] == [
        {"accepted": 1, "repeated": 0}
    ] * 2, answers
    assert refused.returncode != 0
    assert json.loads(refused.stdout)["status"] == 401
    with scope.of(routed.contoso.ref):
        stored = PushedEvent.objects.filter(gateway__name="router")
        assert stored.count() == 2
        assert stored[0].quantities == {
            "input": 200,
            "cached_input": 1000,
            "output": 212,
            "reasoning": 128,
        }


@pytest.mark.parametrize(
    "names",
    [
        events.FIELDS,
        events.COUNTS,
        events.INCLUDED,
        tuple(events.METADATA),
        NOT_TOKENS,
        (TYPE, *(form.value for form in Form)),
        (NotPushed.code, Differs.code, TooLarge.code),
    ],
)
def test_the_page_names_everything_there_is(names: Sequence[str]) -> None:
    assert [name for name in names if f"`{name}`" not in PAGE and f'"{name}"' not in PAGE] == []


def test_the_schema_names_every_field() -> None:
    assert set(event_bodies.EventBody().get_fields()) == set(events.FIELDS)
    usage = set(event_bodies.TokensBody().get_fields())
    assert usage == {*events.COUNTS, *events.INCLUDED} == set(Tokens.__dataclass_fields__)

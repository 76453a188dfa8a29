"""Mapping on the pages: the queue, many at once with the effect first, one by hand, and who may."""

from __future__ import annotations

import html
import re
from http import HTTPStatus
from typing import Any

import pytest

from billing.models import DayToRate, MeterMapping
from billing.prices.mapping import ALWAYS
from billing.rules.token_classes import TokenClass
from tenancy import scope
from tenancy.models import AuditRecord
from tests.flows.test_mapping import GLOBAL_CACHED, GLOBAL_OUT, listed, used
from tests.world import World

ADDRESS = "/t/contoso/prices/mappings/"
OUTPUT = TokenClass.OUTPUT


def text(page: Any) -> str:
    """What one reads, with single spaces."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page.content.decode())))


def hidden(page: Any) -> dict[str, list[str]]:
    """The hidden fields of a plan, to be posted as they are."""
    found: dict[str, list[str]] = {}
    form = re.search(
        r'<form method="post" class="apply">.*?</form>', page.content.decode(), re.DOTALL
    )
    assert form, text(page)
    for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[0]):
        found.setdefault(html.unescape(name), []).append(html.unescape(value))
    return found


def mapped(world: World, token_class: TokenClass = OUTPUT) -> list[MeterMapping]:
    with scope.of(world.contoso.ref):
        rows = MeterMapping.objects.filter(
            deployment=world.contoso.deployment, token_class=token_class
        )
        return list(rows.select_related("meter").order_by("effective_from"))


def test_the_queue_comes_first_with_what_it_may_hide(world: World) -> None:
    listed(GLOBAL_OUT, "14")
    with scope.of(world.contoso.ref):
        used(world, OUTPUT, 2_000_000)

    shown = text(world.dan.get(ADDRESS))

    queue = shown[shown.index("Without a price") : shown.index("Everything else")]
    assert re.search(r"output 2,000,000 tokens, 3 Nov 2026 Search 28\.00 estimate", queue), queue
    assert f"{GLOBAL_OUT} (0.98)" in queue
    assert "the name says no version" in queue
    assert "gpt 5.2 chat Inp glbl Tokens" in shown[shown.index("Everything else") :]


def test_what_is_ticked_is_shown_in_money_and_then_made(world: World) -> None:
    output, cached = listed(GLOBAL_OUT, "14"), listed(GLOBAL_CACHED, "0.175")
    key = f"{world.contoso.deployment.pk}:"
    with scope.of(world.contoso.ref):
        used(world, OUTPUT, 2_000_000)
    ticked = {
        "choose": [f"{key}output", f"{key}cached_input"],
        f"meter:{key}output": output.azure_id,
        f"meter:{key}cached_input": cached.azure_id,
        "reason": "",
    }

    plan = world.dan.post(ADDRESS, ticked)

    shown = text(plan)
    assert re.search(r"Search 0\.00 28\.00 \+28\.00|Search 1\.75 29\.75 \+28\.00", shown), shown
    assert mapped(world) == []

    done = world.dan.post(ADDRESS, hidden(plan))

    assert done.status_code == HTTPStatus.FOUND
    assert [(row.meter, row.effective_from) for row in mapped(world)] == [(output, ALWAYS)]
    assert [row.meter for row in mapped(world, TokenClass.CACHED_INPUT)] == [cached]
    with scope.of(world.contoso.ref):
        assert DayToRate.objects.filter(deployment=world.contoso.deployment).exists()
        last = AuditRecord.objects.filter(action="mapping.confirm").order_by("-number")[0]
    assert last.actor == "dan@example.org"
    assert last.reason.startswith("Confidence 0.98:")


def test_a_plan_of_other_classes_applies_nothing(world: World) -> None:
    output = listed(GLOBAL_OUT, "14")
    key = f"{world.contoso.deployment.pk}:output"
    plan = world.dan.post(
        ADDRESS, {"choose": key, f"meter:{key}": output.azure_id, "reason": "one"}
    )

    again = world.dan.post(ADDRESS, hidden(plan) | {"reason": ["another"]})

    assert "The plan was not of these inputs" in text(again)
    assert mapped(world) == []


@pytest.mark.parametrize(
    ("posted", "says"),
    [
        ({}, "Tick at least one class"),
        ({"choose": "9:output"}, "not there any more"),
        ({"choose": "{key}", "meter:{key}": "no-such-meter"}, "Choose one of the meters offered"),
    ],
)
def test_what_cannot_be_confirmed_is_refused_with_the_fix(
    world: World, posted: dict[str, str], says: str
) -> None:
    listed(GLOBAL_OUT, "14")
    key = f"{world.contoso.deployment.pk}:output"
    filled = {name.format(key=key): value.format(key=key) for name, value in posted.items()}

    answer = world.dan.post(ADDRESS, filled)

    assert answer.status_code == HTTPStatus.BAD_REQUEST
    assert says in text(answer)


def test_a_person_must_choose_between_two_that_fit_alike(world: World) -> None:
    listed(GLOBAL_OUT, "14")
    assert "choose a meter" not in text(world.dan.get(ADDRESS))
    listed("5.2 chat opt Gl 1M Tokens", "20")
    assert "choose a meter" in text(world.dan.get(ADDRESS))
    key = f"{world.contoso.deployment.pk}:output"
    answer = world.dan.post(ADDRESS, {"choose": key, f"meter:{key}": ""})
    assert "Choose one of the meters offered" in text(answer)


def test_filters_say_what_is_shown(world: World) -> None:
    listed(GLOBAL_OUT, "14")
    assert GLOBAL_OUT in text(world.dan.get(ADDRESS, {"show": "unmapped"}))
    assert GLOBAL_OUT not in text(world.dan.get(ADDRESS, {"show": "differs"}))
    assert GLOBAL_OUT not in text(world.dan.get(ADDRESS, {"model": "gpt-5-mini"}))
    assert GLOBAL_OUT in text(world.dan.get(ADDRESS, {"text": "OPT GL"}))
    assert world.dan.get(ADDRESS, {"show": "nonsense"}).status_code == HTTPStatus.BAD_REQUEST


def test_one_class_is_changed_by_hand_from_an_instant_on(world: World) -> None:
    other = listed("5.2 chat 0210 inp Gl 1M Tokens", "3")
    page = f"{ADDRESS}{world.contoso.deployment.pk}/"
    found = world.dan.get(page, {"class": "input", "text": "0210"})
    assert f'value="{other.azure_id}"' in found.content.decode()
    said = {
        "class": "input",
        "meter": other.azure_id,
        "from": "2026-11-01T00:00",
        "reason": "The snapshot was upgraded.",
    }

    plan = world.dan.post(page, said)

    assert re.search(r"Search 1\.75 3\.00 \+1\.25", text(plan)), text(plan)
    assert world.dan.post(page, hidden(plan)).status_code == HTTPStatus.FOUND
    assert mapped(world, TokenClass.INPUT)[-1].meter == other
    history = text(world.dan.get(page))
    assert "The snapshot was upgraded." in history
    assert "1 Nov 2026 UTC now" in history


def test_a_class_can_be_said_to_be_covered_by_capacity(world: World) -> None:
    page = f"{ADDRESS}{world.contoso.deployment.pk}/"
    said = {"class": "input", "meter": "capacity", "from": "2026-11-01T00:00", "reason": "PTU."}

    plan = world.erin.post(page, said)

    assert re.search(r"Search 1\.75 0\.00 −1\.75", text(plan)), text(plan)
    world.erin.post(page, hidden(plan))
    assert mapped(world, TokenClass.INPUT)[-1].meter is None


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"meter": "nonsense"}, "Choose a meter"),
        ({"reason": ""}, "Say why"),
        ({"class": "nonsense"}, "Choose one of the list"),
        ({"from": "yesterday"}, "Give a date and time"),
        ({"from": "1999-01-01T00:00"}, "from 2020"),
        ({"class": "images"}, "is priced per token"),
    ],
)
def test_a_change_that_cannot_be_is_refused_with_the_fix(
    world: World, changed: dict[str, str], says: str
) -> None:
    output = listed(GLOBAL_OUT, "14")
    said = {"class": "output", "meter": output.azure_id, "from": "", "reason": "x"} | changed
    answer = world.dan.post(f"{ADDRESS}{world.contoso.deployment.pk}/", said)
    assert 400 <= answer.status_code < 410
    assert says in text(answer)
    assert mapped(world) == []


def test_auditors_look_and_only_finance_and_administrators_confirm(world: World) -> None:
    listed(GLOBAL_OUT, "14")
    shown = world.vic.get(ADDRESS)
    assert shown.status_code == HTTPStatus.OK
    assert b'name="choose"' not in shown.content
    key = f"{world.contoso.deployment.pk}:output"
    assert world.vic.post(ADDRESS, {"choose": key}).status_code == HTTPStatus.FORBIDDEN
    one = f"{ADDRESS}{world.contoso.deployment.pk}/"
    assert world.vic.post(one, {"class": "input"}).status_code == HTTPStatus.FORBIDDEN
    assert world.alice.get(ADDRESS).status_code == HTTPStatus.FORBIDDEN
    theirs = f"{ADDRESS}{world.fabrikam.deployment.pk}/"
    assert world.dan.get(theirs).status_code == HTTPStatus.NOT_FOUND
    assert world.dan.post(theirs, {"class": "input"}).status_code == HTTPStatus.NOT_FOUND

"""The pages for people name modules, commands and files that are there."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.core.management import get_commands

from portal.schedule import BEAT

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = (
    "docs/glossary.md",
    "docs/connecting-azure.md",
    "docs/pushing-events.md",
    "docs/requests-api.md",
    "docs/notifications.md",
    "docs/requests.md",
    "docs/runbook/operations.md",
)
_MODULE = re.compile(r"`((?:tenancy|inventory|billing|governance|portal|simulator)(?:\.\w+)+)`")
_COMMAND = re.compile(r"manage\.py ([a-z_]+)")
_LINK = re.compile(r"\]\(([^)#:]+)\)")


def _is_there(name: str) -> bool:
    """Whether a module of this name exists, or a module that holds its last part."""
    parent, _, last = name.rpartition(".")
    return find_spec(name) is not None if _is_package(parent) else _holds(parent, last)


def _is_package(name: str) -> bool:
    found = find_spec(name)
    models = name.endswith(".models")
    return found is not None and found.submodule_search_locations is not None and not models


def _holds(module: str, name: str) -> bool:
    return find_spec(module) is not None and hasattr(import_module(module), name)


def test_every_word_of_the_glossary_lives_where_it_says() -> None:
    named = set(_MODULE.findall((CHECKOUT / "docs/glossary.md").read_text()))
    assert len(named) > 30
    assert [name for name in sorted(named) if not _is_there(name)] == []


@pytest.mark.parametrize("name", ["billing.nothing", "tenancy.models.Nothing"])
def test_a_place_that_is_not_there_is_found_out(name: str) -> None:
    assert not _is_there(name)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_only_commands_that_there_are(page: str) -> None:
    named = set(_COMMAND.findall((CHECKOUT / page).read_text()))
    assert named <= set(get_commands())


@pytest.mark.parametrize("page", PAGES)
def test_a_page_links_only_to_what_is_there(page: str) -> None:
    file = CHECKOUT / page
    links = _LINK.findall(file.read_text())
    assert [link for link in links if not (file.parent / link).exists()] == []


def test_the_runbook_has_every_step_that_beat_asks_for() -> None:
    runbook = (CHECKOUT / "docs/runbook/operations.md").read_text()
    for beat in BEAT:
        step = beat.task.partition(".")[2].replace("check_statements", "statement")
        minutes = int(beat.every.total_seconds()) // 60
        often = f"{minutes // 60} h" if minutes >= 60 else f"{minutes} min"
        assert re.search(rf"^\| `{step}` \| {often}\b", runbook, re.MULTILINE), beat.task

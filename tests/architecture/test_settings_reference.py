"""Every setting is described, and the page of settings says what the code reads."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from portal import settings_reference
from portal.environment import Environment

CHECKOUT = Path(__file__).resolve().parents[2]
ROOMS = ("portal", "governance", "billing", "inventory", "tenancy", "connectors", "deploy")
ALONE = ("docker-compose.yml", "Dockerfile", ".env.example", "Makefile")


@pytest.mark.parametrize("name", sorted(Environment.model_fields))
def test_a_setting_is_described(name: str) -> None:
    says = Environment.model_fields[name].description or ""
    assert len(says) > 10
    assert says[0].isupper()


def test_the_page_is_current() -> None:
    call_command("settings_reference", check=True, stdout=io.StringIO())


def test_a_page_that_is_not_current_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = tmp_path / "settings.md"
    stale.write_text(settings_reference.page().replace("REDIS", "RADISH"))
    monkeypatch.setattr(settings_reference, "PAGE", stale)
    with pytest.raises(CommandError, match=r"settings\.md is not current"):
        call_command("settings_reference", check=True, stdout=io.StringIO())
    call_command("settings_reference", stdout=io.StringIO())
    assert stale.read_text() == settings_reference.page()


def _read_somewhere() -> set[str]:
    files = [CHECKOUT / name for name in ALONE]
    for room in ROOMS:
        files += [path for path in (CHECKOUT / room).rglob("*") if path.suffix in {".py", ".sh"}]
    words = (re.findall(r"\bAPPORTION_[A-Z][A-Z_]*[A-Z]\b", path.read_text()) for path in files)
    return {word for found in words for word in found}


def test_the_page_has_every_variable_that_is_read() -> None:
    read, page = _read_somewhere(), settings_reference.PAGE.read_text()
    assert len(read) > 20
    assert {name for name in read if f"`{name}`" not in page} == set()


def test_a_secret_has_no_default() -> None:
    settings = [*settings_reference.of_environment(), *settings_reference.COMPOSE]
    secrets = [one for one in settings if one.kind.startswith("secret")]
    assert len(secrets) > 3
    assert [one.name for one in secrets if one.default is not None] == []

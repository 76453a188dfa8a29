"""Every guard that the threat model names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
_NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_ROW = re.compile(r"^\| (\d+) \|.*$", re.MULTILINE)
TEXT = (CHECKOUT / "THREAT_MODEL.md").read_text(encoding="utf-8")


def _tests(file: Path) -> set[str]:
    if not file.is_file():
        return set()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_test_that_is_named_is_there() -> None:
    named = set(_NAMED.findall(TEXT))
    assert len(named) > 40
    gone = [f"{file}::{test}" for file, test in named if test not in _tests(CHECKOUT / file)]
    assert sorted(gone) == []


def test_every_case_is_guarded_or_says_that_it_is_not() -> None:
    rows = list(_ROW.finditer(TEXT))
    assert [int(row[1]) for row in rows] == list(range(1, len(rows) + 1))
    silent = [row[1] for row in rows if not _NAMED.search(row[0]) and "*not " not in row[0].lower()]
    assert silent == []


def test_a_test_that_is_not_there_is_found_out() -> None:
    assert "test_nothing_of_the_kind" not in _tests(Path(__file__))
    assert _tests(CHECKOUT / "tests" / "nowhere.py") == set()

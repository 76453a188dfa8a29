"""Every test that the table of faults names is there; a fault has one or says it has none."""

from __future__ import annotations

import re

from tests.architecture.test_threat_model import _NAMED, CHECKOUT, _tests

TEXT = (CHECKOUT / "docs" / "faults.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| (?!Fault|Bad input|---)(.*)$", re.MULTILINE)


def test_every_test_that_is_named_is_there() -> None:
    named = set(_NAMED.findall(TEXT))
    assert len(named) > 30
    gone = [f"{file}::{test}" for file, test in named if test not in _tests(CHECKOUT / file)]
    assert sorted(gone) == []


def test_every_fault_has_a_test_or_says_that_it_has_none() -> None:
    faults = _ROW.findall(TEXT)
    assert len(faults) > 25
    silent = [row for row in faults if not _NAMED.search(row) and "*not tested*" not in row]
    assert silent == []

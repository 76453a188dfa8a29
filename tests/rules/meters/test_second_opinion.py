"""Held against azure-genai-prices, the best published reader of these names.

Where the two disagree, ``second_opinion.txt`` says who is right and why, case by case.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from azure_genai_prices.meters import parse_catalog
from azure_genai_prices.types import BillingMode, ContextTier, DeploymentType, MeterKey, PriceKind

from billing.rules.meters.meanings import Context, MeterClass, Scope, Tier
from billing.rules.meters.reading import Reading
from tests.rules.meters import coverage
from tests.rules.meters.lists import Meter

_FILE = Path(__file__).with_name("second_opinion.txt")
_KINDS = {
    MeterClass.INPUT: PriceKind.INPUT,
    MeterClass.EMBEDDED: PriceKind.INPUT,
    MeterClass.CACHED_INPUT: PriceKind.CACHE_READ,
    MeterClass.CACHE_WRITE: PriceKind.CACHE_WRITE,
    MeterClass.OUTPUT: PriceKind.OUTPUT,
    MeterClass.SEARCH: PriceKind.SEARCH_UNIT,
}
_SCOPES = {
    Scope.GLOBAL: DeploymentType.GLOBAL,
    Scope.DATA_ZONE: DeploymentType.DATA_ZONE,
    Scope.REGIONAL: DeploymentType.REGIONAL,
    Scope.UNSAID: DeploymentType.REGIONAL,
}
_MODES = {
    Tier.STANDARD: BillingMode.STANDARD,
    Tier.BATCH: BillingMode.BATCH,
    Tier.PRIORITY: BillingMode.PRIORITY,
}


@dataclass(frozen=True, slots=True)
class Compared:
    """What the other reader says, and what is read here; None where it is unread."""

    meter: Meter
    theirs: MeterKey
    ours: Reading | None

    def models(self) -> tuple[str, str] | None:
        """Both names of the model, where they differ."""
        if self.ours is None or (self.ours.model == self.theirs.model and not self.ours.version):
            return None
        version = f"@{self.ours.version}" if self.ours.version else ""
        return self.theirs.model, f"{self.ours.model}{version}"

    def differences(self) -> dict[str, tuple[str, str]]:
        """What is charged, as they and as we read it, where that differs."""
        if self.ours is None:
            return {}
        long = ContextTier.LONG if self.ours.context is Context.LONG else ContextTier.SHORT
        ours = (
            _KINDS.get(self.ours.meter_class),
            _SCOPES[self.ours.scope],
            _MODES.get(self.ours.tier),
            long,
        )
        theirs = (self.theirs.kind, self.theirs.deployment, self.theirs.mode, self.theirs.context)
        slots = {
            "class": str(self.ours.meter_class),
            "scope": str(self.ours.scope),
            "tier": str(self.ours.tier),
            "context": str(self.ours.context),
        }
        pairs = zip(slots.items(), ours, theirs, strict=True)
        return {slot: (str(b), said) for (slot, said), a, b in pairs if a != b}


@cache
def _compared() -> tuple[Compared, ...]:
    """Every meter that the other reader takes for one that is priced by token or search."""
    found = []
    for meter in sorted(coverage.in_scope()):
        row = {
            "productName": meter.product,
            "meterName": meter.name,
            "unitOfMeasure": meter.unit,
            "retailPrice": 1,
            "effectiveStartDate": "2025-01-01",
            "armRegionName": "anywhere",
        }
        table, report = parse_catalog([row])
        assert report.failed == []
        says = coverage.reading(meter)
        ours = says if isinstance(says, Reading) else None
        found += [Compared(meter, other.key, ours) for other in table.values()]
    return tuple(found)


def _listed(part: str) -> set[tuple[str, ...]]:
    """The cases of a part of the file, without the judgement; each must have one."""
    text = _FILE.read_text(encoding="utf-8").partition(f"## {part}\n")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in text.splitlines() if line and line[0] != "#"]
    assert all(row[-1].split(": ")[0] in ("ours", "both", "theirs") for row in rows)
    return {tuple(row[:-1]) for row in rows}


def test_every_difference_in_what_is_charged_is_judged() -> None:
    found = {
        (case.meter.name, slot, theirs, ours)
        for case in _compared()
        for slot, (theirs, ours) in case.differences().items()
    }
    assert found == _listed("What is charged")


def test_every_difference_in_the_model_is_judged() -> None:
    assert {pair for case in _compared() if (pair := case.models())} == _listed("Models")


def test_every_meter_that_only_they_read_is_judged() -> None:
    found = {(case.meter.name, case.theirs.model) for case in _compared() if case.ours is None}
    assert found == _listed("Read by them alone")


def test_they_are_never_right_where_we_differ_and_most_is_agreed() -> None:
    compared = _compared()
    differing = [case for case in compared if case.differences() or case.ours is None]
    assert len(compared) > 1100
    assert len(differing) < 0.04 * len(compared)
    assert "| theirs:" not in _FILE.read_text(encoding="utf-8")

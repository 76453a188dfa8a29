"""What holds of every proposal, whatever is deployed and whatever the list has."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from billing.rules.meters import proposing
from billing.rules.meters.matching import MOST_OF_SEVERAL, Doubt
from billing.rules.meters.meanings import Capability
from billing.rules.meters.proposing import SKUS, Deployed
from billing.rules.meters.reading import Reading
from billing.rules.token_classes import TokenClass
from tests.rules.meters.lists import Meter
from tests.rules.meters.test_matching import said_in

PAGE = Path(__file__).resolve().parents[3] / "docs" / "prices.md"
LISTED = said_in("eastus2")
MODELS = sorted({says.model for _, says in LISTED if says.model})
VERSIONS = ["", "1", "0613", "2024-08-06", "2024-11-20", "2025-08-07", "2025-12-11", "2026-02-10"]
TOOLS = (Capability.CODE_INTERPRETER, Capability.FILE_SEARCH)

some_model = st.sampled_from(MODELS)
deployments = st.builds(
    Deployed,
    model=some_model,
    version=st.sampled_from(VERSIONS),
    sku=st.sampled_from(sorted(SKUS)),
    region=st.just("eastus2"),
    base_model=st.just("") | some_model,
    base_version=st.sampled_from(VERSIONS),
)
used_classes = st.sets(st.sampled_from(TokenClass), max_size=4)
Named = tuple[Meter, Reading]


def _propose(
    deployed: Deployed, listed: list[Named], used: set[TokenClass]
) -> tuple[proposing.Proposal[Named], ...]:
    return proposing.propose(deployed, [(named, named[1]) for named in listed], used=used)


@given(deployments, used_classes)
def test_never_a_meter_of_another_model(deployed: Deployed, used: set[TokenClass]) -> None:
    model = deployed.base_model or deployed.model
    for one in _propose(deployed, LISTED, used):
        shown = [*([one.best] if one.best else []), *one.alternatives]
        for candidate in shown:
            says = candidate.of[1]
            assert says.model == model or (says.model is None and says.capability in TOOLS)


@given(deployments, used_classes, st.data())
def test_an_unrelated_meter_changes_nothing(
    deployed: Deployed, used: set[TokenClass], data: st.DataObject
) -> None:
    related = {deployed.model, deployed.base_model, None}
    apart = [named for named in LISTED if named[1].model not in related]
    kept = [named for named in LISTED if named[1].model in related]
    added = data.draw(st.lists(st.sampled_from(apart), max_size=20))
    place = data.draw(st.integers(0, len(kept)))

    more = _propose(deployed, [*kept[:place], *added, *kept[place:]], used)

    assert more == _propose(deployed, kept, used)


@given(deployments, used_classes, st.data())
def test_two_that_fit_alike_are_both_shown_and_neither_trusted(
    deployed: Deployed, used: set[TokenClass], data: st.DataObject
) -> None:
    proposed = [one for one in _propose(deployed, LISTED, used) if one.best]
    if not proposed:
        return
    best = data.draw(st.sampled_from(proposed)).best
    assert best is not None
    meter, says = best.of
    twin = (replace(meter, product=f"{meter.product} II"), says)

    for one in _propose(deployed, [*LISTED, twin], used):
        if one.best and one.best.of in (best.of, twin):
            assert one.confidence <= MOST_OF_SEVERAL
            assert {best.of, twin} <= {one.best.of, *(other.of for other in one.alternatives)}


@given(deployments, used_classes)
def test_what_is_proposed_fits_and_every_class_in_use_is_answered(
    deployed: Deployed, used: set[TokenClass]
) -> None:
    found = _propose(deployed, LISTED, used)

    assert used <= {one.token_class for one in found}
    assert len({one.token_class for one in found}) == len(found)
    for one in found:
        assert 0 <= one.confidence <= 1
        assert all(one.reasons)
        assert one.best is None or one.best.fits
        assert one.best is not None or one.says
        fits = [one.confidence for one in one.alternatives if one.fits]
        assert all(one.confidence >= other for other in fits)


def test_the_table_of_doubts_in_the_handbook_is_the_one_in_force() -> None:
    section = PAGE.read_text().partition("\n## Mapping\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (0\.\d+|at most 0\.\d+) \|", section, re.MULTILINE)

    told = dict(rows)
    expected = {doubt.says: f"{doubt.taken}" for doubt in Doubt if doubt is not Doubt.SEVERAL}
    assert told == expected | {Doubt.SEVERAL.says: f"at most {Decimal('0.5')}"}

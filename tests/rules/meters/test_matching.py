"""Only a name that says exactly what a deployment serves may price it."""

from __future__ import annotations

import pytest

from billing.rules.meters import matching
from billing.rules.meters.matching import Served
from billing.rules.meters.meanings import Scope
from billing.rules.meters.reading import Reading
from billing.rules.token_classes import TokenClass
from tests.rules.meters import coverage
from tests.rules.meters.lists import Meter, PriceList, prices


def _names(served: Served, *, region: str = "swedencentral") -> dict[TokenClass, list[str]]:
    """The names that match in a region of the newer list, each once."""
    there = {listed.meter for listed in prices(PriceList.AUGUST_2026) if listed.region == region}
    said: list[tuple[Meter, Reading]] = [
        (meter, says)
        for meter in sorted(there)
        if isinstance(says := coverage.reading(meter), Reading)
    ]
    found = matching.matches(served, said)
    return {token_class: [meter.name for meter in named] for token_class, named in found.items()}


@pytest.mark.parametrize("region", ["swedencentral", "southindia"])
@pytest.mark.parametrize(
    ("model", "version", "said"),
    [
        ("gpt-5.2-chat", "2025-12-11", "GPT 5.2 chat"),
        ("gpt-5-mini", "2025-08-07", "GPT 5 Mini"),
        ("gpt-5-nano", "2025-08-07", "GPT 5 Nano"),
    ],
)
def test_each_class_of_a_plain_deployment_has_exactly_one_name(
    model: str, version: str, said: str, region: str
) -> None:
    found = _names(Served(model, version, Scope.GLOBAL), region=region)
    assert {token_class: len(names) for token_class, names in found.items()} == dict.fromkeys(
        TokenClass, 1
    )
    assert all(names[0].startswith(said) for names in found.values())


def test_a_names_own_snapshot_goes_before_names_without_one() -> None:
    found = _names(Served("gpt-5.2-chat", "2026-02-10", Scope.GLOBAL))
    assert found == {
        TokenClass.INPUT: ["5.2 chat 0210 inp Gl 1M Tokens"],
        TokenClass.CACHED_INPUT: ["5.2 chat 0210 cd inp Gl 1M Tokens"],
        TokenClass.OUTPUT: ["5.2 chat 0210 opt Gl 1M Tokens"],
    }
    omni = _names(Served("gpt-4o", "2024-08-06", Scope.GLOBAL))
    assert omni[TokenClass.OUTPUT] == ["gpt-4o-0806-Outp-glbl Tokens"]
    assert not any(_names(Served("gpt-4o", "2023-01-01", Scope.GLOBAL)).values())


def test_neither_batch_priority_nor_tuned_names_price_a_plain_deployment() -> None:
    names = _names(Served("gpt-4.1-mini", "2025-04-14", Scope.GLOBAL))
    assert names == {
        TokenClass.INPUT: ["gpt 4.1 mini Inp glbl Tokens"],
        TokenClass.CACHED_INPUT: ["gpt 4.1 mini cached Inp glbl Tokens"],
        TokenClass.OUTPUT: ["gpt 4.1 mini Outp glbl Tokens"],
    }


def test_where_the_price_depends_on_the_context_a_person_decides() -> None:
    names = _names(Served("gpt-5.4", "2026-03-05", Scope.GLOBAL))
    assert names[TokenClass.INPUT] == ["5.4 inp Gl 1M Tokens", "5.4 longco inp Gl 1M Tokens"]
    bands = _names(Served("gpt-5.6-sol", "2026-07-01", Scope.GLOBAL))[TokenClass.OUTPUT]
    assert bands == ["5.6 sol LongCo Opt Std Gl 1M Tokens", "5.6 sol ShortCo Opt Std Gl 1M Tokens"]


def test_the_size_of_an_old_model_is_no_version() -> None:
    region = "eastus"
    assert not any(
        _names(Served("gpt-4", "turbo-2024-04-09", Scope.REGIONAL), region=region).values()
    )
    old = _names(Served("gpt-35-turbo", "0125", Scope.REGIONAL), region=region)
    assert old[TokenClass.OUTPUT] == ["gpt-35-turbo-16K-0125 Output-regional Tokens"]


def test_names_of_partners_price_their_models_under_the_deployments_name() -> None:
    names = _names(Served("DeepSeek-V3-0324", "1", Scope.GLOBAL), region="eastus")
    assert names[TokenClass.INPUT] == ["V3-0324 Inp glbl Tokens"]
    kimi = _names(Served("Kimi-K2.5", "1", Scope.DATA_ZONE), region="eastus")
    assert kimi[TokenClass.CACHED_INPUT] == ["K2.5 cached DZ Tokens"]
    assert kimi[TokenClass.OUTPUT] == ["K2.5 Thinking Outp DZ Tokens"]

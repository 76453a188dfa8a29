"""Only a name that says what a deployment serves may price it; what is open is told as a doubt."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal

import pytest

from billing.rules.meters import proposing
from billing.rules.meters.meanings import UnitKind
from billing.rules.meters.proposing import Candidate, Deployed, Proposal
from billing.rules.meters.reading import Reading
from billing.rules.token_classes import COMMON, TokenClass, Unit
from tests.rules.meters import coverage
from tests.rules.meters.lists import Meter, PriceList, prices

SURE = Decimal("0.95")
Proposed = dict[TokenClass, Proposal[Meter]]


def said_in(region: str) -> list[tuple[Meter, Reading]]:
    """The meters of a region of the newer list that can be read, each once."""
    there = {listed.meter for listed in prices(PriceList.AUGUST_2026) if listed.region == region}
    return [
        (meter, says)
        for meter in sorted(there)
        if isinstance(says := coverage.reading(meter), Reading)
    ]


def propose(deployed: Deployed, *, used: Collection[TokenClass] = ()) -> Proposed:
    found = proposing.propose(deployed, said_in(deployed.region), used=used)
    return {one.token_class: one for one in found}


def names(proposed: Proposed) -> dict[TokenClass, str]:
    """The name of the meter that is proposed for each class."""
    return {cls: one.best.of.name for cls, one in proposed.items() if one.best}


def _deployed(
    model: str, version: str, sku: str = "GlobalStandard", region: str = "swedencentral"
) -> Deployed:
    return Deployed(model, version, sku, region)


@pytest.mark.parametrize("region", ["swedencentral", "southindia"])
@pytest.mark.parametrize(
    ("model", "version", "said"),
    [
        ("gpt-5.2-chat", "2025-12-11", "GPT 5.2 chat"),
        ("gpt-5-mini", "2025-08-07", "GPT 5 Mini"),
        ("gpt-5-nano", "2025-08-07", "GPT 5 Nano"),
    ],
)
def test_each_class_of_a_plain_deployment_has_one_meter_beyond_doubt(
    model: str, version: str, said: str, region: str
) -> None:
    found = propose(_deployed(model, version, region=region))

    assert tuple(found) == tuple(one for one in COMMON if one is not TokenClass.REASONING)
    assert all(one.confidence >= SURE for one in found.values())
    assert all(name.startswith(said) for name in names(found).values())


def test_a_names_own_snapshot_goes_before_names_without_one() -> None:
    found = propose(_deployed("gpt-5.2-chat", "2026-02-10"))

    assert names(found) == {
        TokenClass.INPUT: "5.2 chat 0210 inp Gl 1M Tokens",
        TokenClass.CACHED_INPUT: "5.2 chat 0210 cd inp Gl 1M Tokens",
        TokenClass.OUTPUT: "5.2 chat 0210 opt Gl 1M Tokens",
    }
    assert {one.confidence for one in found.values()} == {Decimal(1)}
    assert found[TokenClass.OUTPUT].alternatives[0].of.name == "GPT 5.2 chat opt Gl 1M Tokens"


def test_a_name_of_another_snapshot_is_shown_and_never_proposed() -> None:
    found = propose(_deployed("gpt-4o", "2023-01-01"))

    assert names(found) == {}
    output = found[TokenClass.OUTPUT]
    assert "this version" in output.says
    assert "another version: 0806, not 2023-01-01" in _against(output, "gpt-4o-0806-Outp-glbl")
    omni = propose(_deployed("gpt-4o", "2024-08-06"))
    assert names(omni)[TokenClass.OUTPUT] == "gpt-4o-0806-Outp-glbl Tokens"


@pytest.mark.parametrize(
    ("sku", "expected"),
    [
        ("GlobalStandard", "gpt 4.1 mini Outp glbl Tokens"),
        ("DataZoneStandard", "gpt 4.1 mini Outp Data Zone Tokens"),
        ("Standard", "gpt 4.1 mini Outp regnl Tokens"),
        ("GlobalBatch", "gpt 4.1 mini Batch Outp glbl Tokens"),
        ("DataZoneBatch", "gpt 4.1 mini Batch Outp DZone Tokens"),
    ],
)
def test_a_deployments_type_says_scope_and_tier(sku: str, expected: str) -> None:
    found = propose(_deployed("gpt-4.1-mini", "2025-04-14", sku))

    assert names(found)[TokenClass.OUTPUT] == expected
    assert found[TokenClass.OUTPUT].confidence >= SURE


@pytest.mark.parametrize(
    ("sku", "expected"),
    [
        ("GlobalStandard", "gpt-4.1-mini-ft output global Tokens"),
        ("DataZoneStandard", "4.1 mini ft opt Dz Tokens"),
        ("DeveloperTier", "gpt-4.1-mini-dev-ft opt glbl Tokens"),
    ],
)
def test_a_tuned_deployment_is_priced_as_what_it_was_made_from(sku: str, expected: str) -> None:
    tuned = Deployed(
        "gpt-4.1-mini-2025-04-14.ft-5b1d0c7a",
        "1",
        sku,
        "swedencentral",
        base_model="gpt-4.1-mini",
        base_version="2025-04-14",
    )

    assert names(propose(tuned))[TokenClass.OUTPUT] == expected


@pytest.mark.parametrize(
    "sku", ["GlobalProvisionedManaged", "DataZoneProvisionedManaged", "ProvisionedManaged"]
)
def test_tokens_of_paid_capacity_are_covered(sku: str) -> None:
    found = propose(_deployed("gpt-5.2", "2025-12-11", sku), used=[TokenClass.LONG_INPUT])

    assert set(found) == {*COMMON, TokenClass.LONG_INPUT}
    assert all(one.covered and one.best is None for one in found.values())
    assert {one.confidence for one in found.values()} == {Decimal(1)}
    assert all("capacity is paid for" in one.reasons[0] for one in found.values())


def test_bands_of_context_price_the_classes_of_short_and_long_calls() -> None:
    found = names(propose(_deployed("gpt-5.4", "2026-03-05")))
    assert found[TokenClass.INPUT] == "5.4 inp Gl 1M Tokens"
    assert found[TokenClass.LONG_INPUT] == "5.4 longco inp Gl 1M Tokens"
    bands = names(propose(_deployed("gpt-5.6-sol", "2026-07-01")))
    assert bands[TokenClass.OUTPUT] == "5.6 sol ShortCo Opt Std Gl 1M Tokens"
    assert bands[TokenClass.LONG_OUTPUT] == "5.6 sol LongCo Opt Std Gl 1M Tokens"
    assert bands[TokenClass.CACHE_WRITE] == "5.6 sol ShortCo Cd Wr Std Gl 1M Tokens"


def test_a_model_without_bands_has_one_price_for_short_and_long_context() -> None:
    found = propose(
        _deployed("gpt-5-mini", "2025-08-07"),
        used=[TokenClass.LONG_INPUT, TokenClass.LONG_CACHED_INPUT],
    )

    long = found[TokenClass.LONG_INPUT]
    assert names(found)[TokenClass.LONG_INPUT] == names(found)[TokenClass.INPUT]
    assert names(found)[TokenClass.LONG_CACHED_INPUT] == names(found)[TokenClass.CACHED_INPUT]
    assert long.confidence >= SURE
    assert "the model has one price for short and long context" in long.reasons


def test_a_band_that_lacks_a_meter_is_not_priced_by_the_other_band() -> None:
    """The price of short calls must not stand in for that of long ones, at twice as much."""
    wanted = _deployed("gpt-5.4", "2026-03-05")
    without = [
        (meter, says)
        for meter, says in said_in("swedencentral")
        if meter.name != "5.4 longco opt Gl 1M Tokens"
    ]

    found = {
        one.token_class: one
        for one in proposing.propose(wanted, without, used=[TokenClass.LONG_OUTPUT])
    }

    assert found[TokenClass.LONG_OUTPUT].best is None
    assert "incomplete" in found[TokenClass.LONG_OUTPUT].says


def test_cached_tokens_without_a_meter_are_charged_as_input_with_less_confidence() -> None:
    pro = _deployed("gpt-5.2-pro", "2025-12-11")
    assert TokenClass.CACHED_INPUT not in propose(pro)

    found = propose(pro, used=[TokenClass.CACHED_INPUT])

    cached = found[TokenClass.CACHED_INPUT]
    assert names(found)[TokenClass.CACHED_INPUT] == names(found)[TokenClass.INPUT]
    assert Decimal("0.6") < cached.confidence <= Decimal("0.7")
    assert "no meter of its own is listed; charged as input" in cached.reasons


def test_a_model_that_lacks_a_direction_is_incomplete() -> None:
    """The list of August 2026 has no global input meter of GPT-5.2 in Sweden."""
    found = propose(_deployed("gpt-5.2", "2025-12-11"))

    assert names(found) == {TokenClass.OUTPUT: "GPT 5.2 opt Gl 1M Tokens"}
    assert found[TokenClass.INPUT].says.startswith(
        "incomplete: swedencentral has meters of gpt-5.2"
    )


def test_embeddings_are_input_and_nothing_else() -> None:
    found = propose(_deployed("text-embedding-3-large", "1"))
    assert names(found) == {TokenClass.INPUT: "text-embedding-3-large-glbl Tokens"}


def test_seconds_are_priced_by_the_hour() -> None:
    best = propose(_deployed("whisper", "001", "Standard", "eastus2"))[
        TokenClass.AUDIO_SECONDS
    ].best
    assert best is not None
    assert best.units_per_price == 3600


def test_each_modality_of_a_realtime_model_has_its_own_meter() -> None:
    found = names(propose(_deployed("gpt-realtime", "2025-08-28", region="eastus2")))
    assert found[TokenClass.INPUT] == "gpt rt txt 0828 Inp glbl Tokens"
    assert found[TokenClass.AUDIO_INPUT] == "gpt rt aud 0828 Inp glbl Tokens"
    assert found[TokenClass.CACHED_IMAGE_INPUT] == "gpt rt img 0828 cchd Inp glbl Tokens"


def test_what_usage_cannot_tell_apart_is_not_trusted() -> None:
    """Pictures have a price for each quality; a deployment makes them in any."""
    pictures = propose(_deployed("dall-e-3", "3.0", "Standard", "eastus"))[TokenClass.IMAGES]
    assert pictures.confidence <= Decimal("0.5")
    assert len(pictures.alternatives) >= 3


def test_the_size_of_an_old_model_is_no_version() -> None:
    turbo = propose(_deployed("gpt-4", "turbo-2024-04-09", "Standard", "eastus"))
    assert names(turbo) == {}
    old = propose(_deployed("gpt-35-turbo", "0125", "Standard", "eastus"))
    assert names(old)[TokenClass.OUTPUT] == "gpt-35-turbo-16K-0125 Output-regional Tokens"


def test_names_of_partners_price_their_models_under_the_deployments_name() -> None:
    found = names(propose(_deployed("DeepSeek-V3-0324", "1", region="eastus")))
    assert found[TokenClass.INPUT] == "V3-0324 Inp glbl Tokens"
    kimi = names(propose(_deployed("Kimi-K2.5", "1", "DataZoneStandard", "eastus")))
    assert kimi[TokenClass.CACHED_INPUT] == "K2.5 cached DZ Tokens"
    assert kimi[TokenClass.OUTPUT] == "K2.5 Thinking Outp DZ Tokens"


@pytest.mark.parametrize(
    ("deployed", "why"),
    [
        (Deployed("", "", "GlobalStandard", "swedencentral"), "its model is not known"),
        (Deployed("gpt-5-mini", "1", "Serverless", "swedencentral"), "Serverless"),
        (Deployed("gpt-5-mini", "1", "GlobalStandard", ""), "region is not known"),
        (Deployed("my-own-model", "1", "GlobalStandard", "swedencentral"), "names my-own-model"),
    ],
)
def test_where_nothing_is_proposed_it_says_why(deployed: Deployed, why: str) -> None:
    found = proposing.propose(deployed, said_in("swedencentral"), used=[TokenClass.INPUT])

    assert [one.best for one in found if one.token_class is TokenClass.INPUT] == [None]
    assert all(why in one.says for one in found)


def test_every_reading_charges_for_classes_of_its_own_unit() -> None:
    """Seconds may be priced by the hour; no token is priced by anything else."""
    units = {
        Unit.TOKEN: UnitKind.TOKEN,
        Unit.IMAGE: UnitKind.IMAGE,
        Unit.SECOND: UnitKind.SECOND,
        Unit.CHARACTER: UnitKind.CHARACTER,
        Unit.PAGE: UnitKind.PAGE,
        Unit.SEARCH: UnitKind.SEARCH,
        Unit.SESSION: UnitKind.SESSION,
        Unit.CALL: UnitKind.CALL,
    }
    charged: set[TokenClass] = set()
    for meter in coverage.in_scope():
        says = coverage.reading(meter)
        if not isinstance(says, Reading):
            continue
        charged.update(says.token_classes)
        for token_class in says.token_classes:
            by_the_hour = says.unit is UnitKind.HOUR and says.units_per_price == 3600
            assert says.unit is units[token_class.unit] or by_the_hour, meter
    # Reasoning is charged as output; what is in no class has no price, so that it is seen.
    assert charged == set(TokenClass) - {TokenClass.REASONING, TokenClass.UNCLASSIFIED}


def test_reasoning_is_charged_as_output_without_a_doubt() -> None:
    deployed = _deployed("gpt-5-mini", "2025-08-07")
    used = [TokenClass.OUTPUT, TokenClass.REASONING]
    found = {
        one.token_class: one.best
        for one in proposing.propose(deployed, said_in("swedencentral"), used=used)
    }

    output, reasoning = found[TokenClass.OUTPUT], found[TokenClass.REASONING]
    assert output is not None
    assert reasoning is not None
    assert (reasoning.of, reasoning.confidence) == (output.of, output.confidence)


def _against(proposal: Proposal[Meter], name: str) -> tuple[str, ...]:
    named: list[Candidate[Meter]] = [
        one for one in proposal.alternatives if one.of.name.startswith(name)
    ]
    assert named, f"{name} is not among the alternatives"
    return named[0].against

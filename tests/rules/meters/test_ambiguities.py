"""The thirteen ambiguities of the price list's names, each with the rule that settles it."""

from __future__ import annotations

import pytest

from billing.rules.meters.meanings import (
    Capability,
    Context,
    MeterClass,
    Modality,
    Scope,
    Tier,
    UnitKind,
    Vendor,
    Why,
)
from billing.rules.meters.reading import Reading, Unread, read
from tests.rules.meters.labels import said_by
from tests.rules.meters.lists import Meter, PriceList, meters, prices

GPT5 = "Azure OpenAI GPT5"
OPENAI = "Azure OpenAI"
MEDIA = "Azure OpenAI Media"
TUNED = "Azure OpenAI PP FT GPT4s"


def _says(product: str, name: str, unit: str = "1K") -> Reading:
    says = read(product, name, unit_of_measure=unit)
    assert isinstance(says, Reading), says
    return says


def _unread(product: str, name: str, unit: str = "1K") -> Unread:
    says = read(product, name, unit_of_measure=unit)
    assert isinstance(says, Unread), says
    return says


@pytest.mark.parametrize(
    ("name", "unit", "by_product"),
    [
        ("5.4 mini Inp Gl 1M Tokens", "1M", {GPT5: "gpt-5.4-mini"}),
        ("4.1 mini pp Inp Gl Tokens", "1K", {TUNED: "gpt-4.1-mini"}),
        ("4o mini 0718 ft opt Dz Tokens", "1K", {TUNED: "gpt-4o-mini"}),
        ("4.3 Inp DZ Tokens", "1K", {"Azure Grok Models": "grok-4.3"}),
        ("V4 Pro Inp DZ Tokens", "1K", {"Azure Deepseek Models": "deepseek-v4-pro"}),
        ("K2 Thinking Inp DZ Tokens", "1K", {"Azure Kimi": "kimi-k2-thinking"}),
        ("3.3 70b Inp FT DZ Tokens", "1K", {"Azure Llama Models": "llama-3.3-70b-instruct"}),
        ("OCR 4 DZ Pages", "1K", {"Azure Mistral Models": "mistral-ocr-4-0"}),
        ("Image 2 img inp DZ 1M Tokens", "1M", {MEDIA: "gpt-image-2"}),
        ("codex mini inp glbl Tokens", "1K", {"Azure OpenAI Reasoning": "codex-mini"}),
        ("20b FT regnl Tokens", "1K", {"Azure OpenAI OSS Models": "gpt-oss-20b"}),
    ],
)
def test_1_a_bare_name_is_a_model_only_in_its_own_product(
    name: str, unit: str, by_product: dict[str, str]
) -> None:
    products = {meter.product for price_list in PriceList for meter in meters(price_list)}
    sold_now = {product for product in products if product.startswith("Azure ")} | {"Phi"}
    read_in = {
        product: says.model
        for product in sold_now
        if isinstance(says := read(product, name, unit_of_measure=unit), Reading)
    }
    assert {product: read_in.get(product) for product in by_product} == by_product
    assert len(set(read_in.values())) == 1
    assert all(product.lower() in {wanted.lower() for wanted in by_product} for product in read_in)


def test_2_the_whole_number_and_all_words_are_the_model() -> None:
    names = {
        "gpt-5": "GPT 5 outpt Glbl 1M Tokens",
        "gpt-5.1": "GPT 5.1 opt Gl 1M Tokens",
        "gpt-5.2": "GPT 5.2 opt Gl 1M Tokens",
        "gpt-5.4": "5.4 opt Gl 1M Tokens",
        "gpt-5-mini": "GPT 5 Mini outpt Glbl 1M Tokens",
        "gpt-5.4-mini": "5.4 mini Opt Gl 1M Tokens",
        "gpt-5.1-codex": "5.1 codex opt Gl 1M Tokens",
        "gpt-5.1-codex-mini": "5.1 codex mini opt Gl 1M Tokens",
        "gpt-5.1-codex-max": "5.1 codex max opt Gl 1M Tokens",
    }
    assert {model: _says(GPT5, name, "1M").model for model, name in names.items()} == {
        model: model for model in names
    }
    assert _unread(GPT5, "GPT 5.22 opt Gl 1M Tokens", "1M").words == ("5.22",)


@pytest.mark.parametrize("word", ["mini", "nano", "pro", "chat", "codex"])
def test_3_a_word_for_the_kind_changes_the_model_and_an_unknown_one_leaves_none(word: str) -> None:
    assert _says(GPT5, "GPT 5.2 inp Gl 1M Tokens", "1M").model == "gpt-5.2"
    assert _says(GPT5, f"GPT 5.2 {word} inp Gl 1M Tokens", "1M").model == f"gpt-5.2-{word}"
    unread = _unread(GPT5, f"GPT 5.2 {word}x inp Gl 1M Tokens", "1M")
    assert (unread.why, unread.words) == (Why.UNKNOWN_WORDS, (f"{word}x",))


@pytest.mark.parametrize(
    "name",
    [
        "gpt img 1.5 in cd img gl 1M Tokens",
        "gpt img 1.5 cd img in gl 1M Tokens",
        "gpt img 1.5 gl img in cd 1M Tokens",
        "gpt img 1.5 cd in gl img 1M Tokens",
    ],
)
def test_4_direction_modality_cache_and_scope_stand_in_any_order(name: str) -> None:
    expected = said_by(_says(MEDIA, "gpt img 1.5 in cd img gl 1M Tokens", "1M"))
    assert expected is not None
    assert (expected.modality, expected.meter_class) == (Modality.IMAGE, MeterClass.CACHED_INPUT)
    assert said_by(_says(MEDIA, name, "1M")) == expected


def test_5_batch_transcription_is_not_the_batch_tier() -> None:
    whisper = _says(OPENAI, "Speech-to-Text-Batch-Whisper-regnl Unit", "1 Hour")
    assert (whisper.model, whisper.tier) == ("whisper", Tier.STANDARD)
    assert whisper.meter_class is MeterClass.TRANSCRIBED
    assert _says(OPENAI, "gpt 4.1 Batch Inp glbl Tokens").tier is Tier.BATCH


def test_5_the_scope_is_the_names_not_the_regions() -> None:
    regional_names_sold_in_region_global = [
        listed.meter
        for listed in prices(PriceList.AUGUST_2026)
        if listed.region == "Global" and listed.meter.name.startswith("Az-GPT")
    ]
    assert regional_names_sold_in_region_global
    for meter in regional_names_sold_in_region_global:
        assert _says(meter.product, meter.name, meter.unit).scope is Scope.UNSAID


@pytest.mark.parametrize(
    ("name", "unit", "model", "version"),
    [
        ("gpt-4o-aud-0603 Inp glbl Tokens", "1K", "gpt-4o-audio-preview", "0603"),
        ("gpt4omini-aud1217 Inp glbl Tokens", "1K", "gpt-4o-mini-audio-preview", "1217"),
        ("gpt-4o-0806-Inp-glbl Tokens", "1K", "gpt-4o", "0806"),
        ("gpt-35-trb16K-Batch-125-Inp-glbl Tokens", "1K", "gpt-35-turbo", "0125"),
        ("gpt 4.1 Inp glbl Tokens", "1K", "gpt-4.1", None),
    ],
)
def test_6_a_snapshot_is_kept_wherever_it_stands(
    name: str, unit: str, model: str, version: str | None
) -> None:
    says = _says(OPENAI, name, unit)
    assert (says.model, says.version) == (model, version)


def test_6_the_same_model_with_and_without_a_snapshot_are_two_readings() -> None:
    plain = _says(GPT5, "GPT 5.2 chat inp Gl 1M Tokens", "1M")
    dated = _says(GPT5, "5.2 chat 0210 inp Gl 1M Tokens", "1M")
    assert plain.model == dated.model == "gpt-5.2-chat"
    assert (plain.version, dated.version) == (None, "0210")
    assert _says(MEDIA, "gpt aud mn in gl 1215 1M Tokens", "1M").version == "1215"
    assert _says(GPT5, "chat-latest 05282026 opt Gl 1M Tokens", "1M").version == "05282026"
    assert _unread(GPT5, "5.2 chat 1340 inp Gl 1M Tokens", "1M").words == ("1340",)


def test_7_without_a_direction_one_meter_is_for_the_whole_or_the_name_is_unread() -> None:
    wholes = {
        "text-embedding-3-small-regional Tokens": MeterClass.EMBEDDED,
        "Az-Embeddings-Ada Tokens": MeterClass.EMBEDDED,
        "davinci-002-base-glbl Tokens": MeterClass.WHOLE,
        "gpt-4o-mini-0718-FT-Trng-glbl Tokens": MeterClass.TRAINED,
    }
    assert {name: _says(OPENAI, name).meter_class for name in wholes} == wholes
    assert _unread(OPENAI, "gpt 4.1 glbl Tokens").why is Why.INCOMPLETE
    assert _unread(OPENAI, "gpt-4.1-ft glbl Tokens").why is Why.INCOMPLETE
    assert _unread(OPENAI, "embedding-ada-Inp-glbl Tokens").why is Why.CONTRADICTION


def test_8_reasoning_is_no_token_class_and_thinking_is_a_models_name() -> None:
    names = [meter.name.lower() for meter in meters(PriceList.AUGUST_2026)]
    assert not any("reason" in name for name in names)
    thinking = _says("Azure Kimi", "K2 Thinking Outp DZ Tokens")
    assert (thinking.model, thinking.meter_class) == ("kimi-k2-thinking", MeterClass.OUTPUT)
    old = _says(GPT5, "GPT 5 Rsng outpt Glbl 1M Tokens", "1M")
    assert (old.model, old.meter_class) == ("gpt-5", MeterClass.OUTPUT)


def test_9_a_unit_is_what_the_unit_of_measure_says() -> None:
    by_hour = _says(OPENAI, "davinci-002-FT-Trng-regnl Unit", "1 Hour")
    by_token = _says(OPENAI, "davinci-002-FT-Trng-regnl tkn Tokens", "1K")
    assert by_hour.meter_class is by_token.meter_class is MeterClass.TRAINED
    assert (by_hour.unit, by_token.unit) == (UnitKind.HOUR, UnitKind.TOKEN)
    units = {"1/Hour": UnitKind.HOUR, "1 Hour": UnitKind.HOUR, "1/Month": UnitKind.MONTH}
    for measure, unit in units.items():
        assert _says(OPENAI, "Provisioned Throughput Units", measure).unit is unit
    assert _unread(OPENAI, "davinci-002-FT-Trng-regnl Unit", "1K").why is Why.UNIT
    assert _unread(OPENAI, "gpt 4.1 Inp glbl Tokens", "1 Hour").why is Why.UNIT
    assert _unread(GPT5, "GPT 5.2 inp Gl 1M Tokens", "1K").why is Why.UNIT


def test_10_single_letters_are_kept_where_they_are_known_and_unread_elsewhere() -> None:
    diarizing = _says(MEDIA, "gpt 4o tcrb d txt out glbl Tokens")
    assert diarizing.model == "gpt-4o-transcribe-diarize"
    speciale = _says("Azure Deepseek Models", "V3.2 SP Inp DZ Tokens")
    assert speciale.model == "deepseek-v3.2-speciale"
    long = _says("Azure Grok Models", "4.3 Inp DZ L Tokens")
    assert (long.model, long.context) == ("grok-4.3", Context.LONG)
    square = _says(MEDIA, "Sora 720p Sq 1-20s glbl Video", "1 Second")
    assert square.marks == ("1-20s", "720p", "sq")
    assert _says(OPENAI, "Code-Interpreter-regnl EP Session", "1").marks == ("ep",)
    for name in (
        "gpt 4.1 d Inp glbl Tokens",
        "gpt 4.1 EP Inp glbl Tokens",
        "gpt 4.1 L Inp glbl Tokens",
    ):
        assert _unread(OPENAI, name).why is Why.UNKNOWN_WORDS


def test_11_stable_typing_errors_are_read_and_new_ones_are_not() -> None:
    cached = {
        "gpt-4o-ft model grader cched inpt Tokens": OPENAI,
        "gpt-4o-mini-ft mdel grdr cched inpt Tokens": OPENAI,
        "gpt-5-codex-ccchd-inp-glbl Tokens": GPT5,
    }
    classes = {_says(product, name).meter_class for name, product in cached.items()}
    assert classes == {MeterClass.CACHED_INPUT}
    for typo in ("cachd", "cacehd", "ccched"):
        assert _unread(GPT5, f"gpt-5-codex-{typo}-inp-glbl Tokens").words == (typo,)


def test_12_pairs_are_found_by_what_names_say_not_by_how_they_say_it() -> None:
    pairs = [
        (
            "GPT 5 Nano Batch outpt Glbl 1M Tokens",
            "1M",
            "GPT 5 Nano Batch Inpt Glbl 1M Tokens",
            "1M",
        ),
        ("gpt 5 pro batch out glbl Tokens", "1K", "gpt 5 pro batch inp glbl Tokens", "1K"),
    ]
    for out_name, out_unit, in_name, in_unit in pairs:
        out, into = _says(GPT5, out_name, out_unit), _says(GPT5, in_name, in_unit)
        assert (out.model, out.scope, out.tier) == (into.model, into.scope, into.tier)
        assert (into.meter_class, out.meter_class) == (MeterClass.INPUT, MeterClass.OUTPUT)
    spelled = "gpt-realtime-mini"
    for name in ("gpt rt txt mn Out gl 1215 1M Tokens", "gpt rt txt mn cd in gl 1215 1M Tokens"):
        says = _says(MEDIA, name, "1M")
        assert (says.model, says.capability) == (spelled, Capability.REALTIME)


def test_13_what_is_not_read_says_why_and_at_which_words() -> None:
    gone = _unread(GPT5, "GPT 5.2 hyper opt orbit 1M Tokens", "1M")
    assert (gone.why, gone.words) == (Why.UNKNOWN_WORDS, ("hyper", "orbit"))
    assert (
        _unread("Speech", "Neural Text To Speech Characters", "1M").why is Why.NOT_A_MODEL_PRODUCT
    )
    ambiguous = _unread(OPENAI, "gpt-35-trb16K-Batch-Inp-glbl Tokens")
    assert ambiguous.why is Why.AMBIGUOUS
    assert "snapshot" in ambiguous.because
    assert _says(OPENAI, "gpt-35-turbo16K-Batch-Inp-glbl Tokens").model == "gpt-35-turbo-16k"


def test_13_a_reading_explains_each_word_by_a_rule() -> None:
    says = _says("Azure Deepseek Models", "MAI-DS-R1 Inp Dzone Tokens")
    assert says.vendor is Vendor.MICROSOFT
    assert [(entry.word, entry.meaning) for entry in says.explanation] == [
        ("MAI", "model: mai"),
        ("DS", "model: ds"),
        ("R1", "model: r1"),
        ("Inp", "direction: input"),
        ("Dzone", "scope: data zone"),
        ("Tokens", "noun: tokens"),
    ]
    assert all(entry.rule for entry in says.explanation)


def test_a_name_that_says_a_thing_twice_is_ambiguous() -> None:
    for name in (
        "gpt 4.1 Inp Outp glbl Tokens",
        "gpt 4.1 Inp glbl regnl Tokens",
        "o1 1217 0626 Inp glbl Tokens",
    ):
        assert _unread(OPENAI, name).why is Why.AMBIGUOUS
    assert _unread(OPENAI, "gpt 4.1 cached Outp glbl Tokens").why is Why.CONTRADICTION
    assert _unread(OPENAI, "gpt 4.1 dev Inp glbl Tokens").why is Why.CONTRADICTION
    assert _unread(OPENAI, "gpt 4.1 Inp Tokens").why is Why.INCOMPLETE
    assert _unread(MEDIA, "gpt rt 1.5 inp Gl 1M Tokens", "1M").why is Why.AMBIGUOUS


def test_meters_are_remembered_by_all_that_is_read() -> None:
    known = Meter(OPENAI, "gpt 4.1 Inp glbl Tokens", "1K")
    assert read(known.product, known.name, unit_of_measure="1K") is read(
        known.product, known.name, unit_of_measure="1K"
    )
    assert isinstance(read(known.product, known.name, unit_of_measure="1/Day"), Unread)

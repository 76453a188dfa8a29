"""Prices that cannot be are held back, real ones are not, and it is said why."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules.meters.families import MISTAKEN, USUAL, Kind
from billing.rules.sanity import Doubt, Former, Listed, Rule, doubts, pairs
from billing.rules.sanity.pairs import ORDERS
from billing.rules.sanity.values import by_meter
from tests.rules import doubtful
from tests.rules.meters.lists import PriceList

FACTOR = Decimal(3)
SINCE = datetime(2026, 8, 1, tzinfo=UTC)
GPT5 = "Azure OpenAI GPT5"
#: Each but the first is held against the first alone, and stands to it as in August 2026.
FAMILY = {
    "5.4 inp Gl 1M Tokens": "2.5",
    "5.4 cd inp Gl 1M Tokens": "0.25",
    "5.4 opt Gl 1M Tokens": "15",
    "5.4 inp Dz 1M Tokens": "2.75",
    "5.4 mini inp Gl 1M Tokens": "0.75",
    "5.4 pro inp Gl 1M Tokens": "30",
    "5.4 Batch inp Gl 1M Tokens": "1.25",
    "5.4 pp inp Gl 1M Tokens": "5",
    "5.4 longco inp Gl 1M Tokens": "5",
}
INPUT = "5.4 inp Gl 1M Tokens"


def listed(name: str, price: str, region: str = "eastus", **other: object) -> Listed:
    """A price per million tokens, unless said otherwise."""
    row = Listed(
        key=f"{name}@{region}",
        product_name=GPT5,
        meter_name=name,
        region=region,
        unit_of_measure="1M",
        unit_price=Decimal(price) / 1_000_000,
        effective_from=SINCE,
        currency="USD",
    )
    return replace(row, **other)  # type: ignore[arg-type] # of the fields' own types, by its callers


def rules(
    new: Sequence[Listed],
    among: Sequence[Listed] = (),
    former: Mapping[str, Former] | None = None,
    factor: Decimal = FACTOR,
) -> dict[str, set[Rule]]:
    """The broken rules by the name of the meter."""
    found = doubts(new, among=[*among, *new], former=former or {}, factor=factor)
    names = {row.key: row.meter_name for row in new}
    return {names[key]: {doubt.rule for doubt in about} for key, about in found.items()}


# One table for the pairs that stand in an order: what is held against what, and both sides of
# the exact boundary.
PAIRS = [
    (Rule.INPUT_ABOVE_OUTPUT, INPUT, "15", "15.000001", "5.4 opt Gl 1M Tokens", "15"),
    (Rule.CACHED_ABOVE_INPUT, "5.4 cd inp Gl 1M Tokens", "2.5", "2.500001", INPUT, "2.5"),
    (Rule.MINI_ABOVE_FULL, "5.4 mini inp Gl 1M Tokens", "3.125", "3.125001", INPUT, "2.5"),
    (Rule.MINI_ABOVE_FULL, "5.4 nano inp Gl 1M Tokens", "3.125", "3.125001", INPUT, "2.5"),
    (
        Rule.MINI_ABOVE_FULL,
        *("5.4 nano inp Gl 1M Tokens", "0.9375", "0.937501"),
        *("5.4 mini inp Gl 1M Tokens", "0.75"),
    ),
    (Rule.MINI_ABOVE_FULL, INPUT, "37.5", "37.500001", "5.4 pro inp Gl 1M Tokens", "30"),
    (Rule.DATA_ZONE_BELOW_GLOBAL, "5.4 inp Dz 1M Tokens", "2.5", "2.499999", INPUT, "2.5"),
    (Rule.REGIONAL_BELOW_GLOBAL, "5.4 inp regnl 1M Tokens", "2.5", "2.499999", INPUT, "2.5"),
    (Rule.BATCH_ABOVE_STANDARD, "5.4 Batch inp Gl 1M Tokens", "2.5", "2.500001", INPUT, "2.5"),
    (Rule.PRIORITY_BELOW_STANDARD, "5.4 pp inp Gl 1M Tokens", "2.5", "2.499999", INPUT, "2.5"),
    (Rule.LONG_BELOW_SHORT, "5.4 longco inp Gl 1M Tokens", "2.5", "2.499999", INPUT, "2.5"),
]


@pytest.mark.parametrize(("rule", "name", "fits", "fails", "beside", "price"), PAIRS)
def test_prices_out_of_order_are_doubted(
    rule: Rule, name: str, fits: str, fails: str, beside: str, price: str
) -> None:
    partner = listed(beside, price)
    assert rules([listed(name, fits)], [partner]) == {}
    assert rules([listed(name, fails)], [partner]) == {name: {rule}}
    # The same pair, and the partner is the new one.
    assert rules([partner], [listed(name, fits)]) == {}
    assert rules([partner], [listed(name, fails)]) == {beside: {rule}}
    # Both are new, and nothing tells which is wrong.
    assert rules([partner, listed(name, fails)]) == {name: {rule}, beside: {rule}}


def test_every_order_is_in_the_table() -> None:
    assert {order.rule for order in ORDERS.values()} == {rule for rule, *_ in PAIRS}


@pytest.mark.parametrize(
    ("now", "then", "broken"),
    [
        ("7.5", "2.5", set()),
        ("7.500001", "2.5", {Rule.JUMP}),
        ("2.5", "7.5", set()),
        ("2.499999", "7.5", {Rule.JUMP}),
        ("2.5", "2.5", set()),
        ("2500", "2.5", {Rule.JUMP, Rule.OUTLIER}),
        ("0.0025", "2.5", {Rule.JUMP, Rule.OUTLIER}),
        ("0", "2.5", {Rule.JUMP, Rule.OUTLIER}),
        ("2.5", "0", {Rule.JUMP}),
        ("0", "0", set()),
    ],
)
def test_a_price_far_from_the_one_in_force_is_doubted(
    now: str, then: str, broken: set[Rule]
) -> None:
    row = listed(INPUT, now)
    former = {row.key: Former(Decimal(then) / 1_000_000, "USD", "1M")}
    assert rules([row], former=former) == ({INPUT: broken} if broken else {})


def test_how_far_a_price_may_move_is_the_callers() -> None:
    row = listed(INPUT, "5")
    former = {row.key: Former(Decimal("0.0000025"), "USD", "1M")}
    assert rules([row], former=former, factor=Decimal(2)) == {}
    assert rules([row], former=former, factor=Decimal("1.9")) == {INPUT: {Rule.JUMP}}


@pytest.mark.parametrize(
    ("measure", "price", "before", "broken"),
    [
        ("1M", "2.5", ("2.5", "USD", "1M"), set()),
        ("1M", "2.5", ("2.5", "EUR", "1M"), {Rule.CURRENCY_CHANGE}),
        # Listed per thousand before, at the same price for a token: nothing has changed.
        ("1M", "2.5", ("2.5", "USD", "1K"), set()),
        ("1M", "2.6", ("2.5", "USD", "1K"), {Rule.UNIT_CHANGE}),
        ("1M", "2500", ("2.5", "USD", "1K"), {Rule.UNIT_CHANGE, Rule.JUMP, Rule.OUTLIER}),
        ("1 Hour", "2.5", ("2.6", "USD", "1/Hour"), {Rule.NAME_AGAINST_UNIT}),
        ("1/Month", "2.5", ("2.5", "USD", "1/Hour"), {Rule.NAME_AGAINST_UNIT, Rule.UNIT_CHANGE}),
        ("1K", "2.5", ("2.5", "USD", "1K"), {Rule.NAME_AGAINST_UNIT}),
    ],
)
def test_another_currency_or_unit_is_doubted(
    measure: str, price: str, before: tuple[str, str, str], broken: set[Rule]
) -> None:
    row = listed(INPUT, price, unit_of_measure=measure)
    was, currency, unit = before
    former = {row.key: Former(Decimal(was) / 1_000_000, currency, unit)}
    assert rules([row], former=former) == ({INPUT: broken} if broken else {})


def test_a_meter_sold_in_bands_of_volume_is_doubted_where_it_is() -> None:
    bands = [
        listed("Overage", "1", "eastus", key="first"),
        listed("Overage", "0.8", "eastus", key="more", from_units=Decimal(1000)),
        listed("Overage", "1", "westus", key="plain"),
    ]
    found = doubts(bands, among=bands, former={}, factor=FACTOR)
    says = "The price depends on the volume: its bands begin at 0, 1000 units."
    assert found == dict.fromkeys(("first", "more"), (Doubt(Rule.TIERED, says),))


@pytest.mark.parametrize(
    ("price", "broken"),
    [
        ("3.5", set()),
        ("3.500001", {Rule.REGION_APART}),
        ("1.75", set()),
        ("1.749999", {Rule.REGION_APART}),
        ("2500", {Rule.REGION_APART, Rule.OUTLIER}),
        ("0.0025", {Rule.REGION_APART, Rule.OUTLIER}),
        ("0", {Rule.REGION_APART, Rule.OUTLIER}),
        ("-1", {Rule.OUTLIER}),
    ],
)
def test_a_region_apart_from_the_others_is_doubted(price: str, broken: set[Rule]) -> None:
    others = [listed(INPUT, "2.5", region) for region in ("westus", "uksouth", "japaneast")]
    row = listed(INPUT, price)
    assert rules([row], others) == ({INPUT: broken} if broken else {})
    found = doubts([row, *others], among=[], former={}, factor=FACTOR)
    assert set(found) == ({row.key} if broken else set())


def test_of_two_regions_the_new_one_is_doubted_and_of_two_new_ones_both() -> None:
    here, there = listed(INPUT, "2.5"), listed(INPUT, "2500", "westus")
    assert set(doubts([here, there], among=[], former={}, factor=FACTOR)) == {here.key, there.key}
    assert set(doubts([there], among=[here], former={}, factor=FACTOR)) == {there.key}
    assert doubts([here, there], among=[], former={}, factor=FACTOR)[here.key] == (
        Doubt(
            Rule.OUTLIER,
            "USD 2.5 per 1M, where the same meter in westus costs USD 2500: the ratio of one"
            " region to another is 0.001, usually 0.7 to 1.4; either of the two may be wrong.",
        ),
    )


def test_a_free_price_beside_paid_ones_is_doubted_and_never_the_paid_one() -> None:
    free, paid = listed(INPUT, "0"), listed("5.4 opt Gl 1M Tokens", "15")
    assert rules([free, paid]) == {INPUT: {Rule.OUTLIER}}
    assert rules([paid], [free]) == {}
    assert rules([free, replace(paid, unit_price=Decimal(0))]) == {}


def test_of_two_new_prices_that_which_other_prices_speak_against_is_doubted() -> None:
    family = [listed(name, price) for name, price in FAMILY.items()]
    wrong = "5.4 cd inp Gl 1M Tokens"
    new = [listed(wrong, "250") if row.meter_name == wrong else row for row in family]
    new.append(listed("5.4 cd inp Dz 1M Tokens", "0.275"))
    assert set(rules(new)) == {wrong}


def test_unlike_currencies_are_not_compared() -> None:
    rows = [listed(INPUT, "2.5"), listed("5.4 opt Gl 1M Tokens", "1", currency="EUR")]
    assert rules(rows) == {}


def test_a_doubt_says_the_figures_and_what_they_were_held_against() -> None:
    rows = [listed(INPUT, "2.5"), listed("5.4 cd inp Gl 1M Tokens", "80")]
    before = Former(Decimal("0.08"), "USD", "1M")
    found = doubts(rows, among=rows, former={rows[0].key: before}, factor=FACTOR)
    beside = (
        "USD 2.5 per 1M, where 5.4 cd inp Gl 1M Tokens costs USD 80: the ratio of cached input to"
        " input is 32, {expected}."
    )
    jumped = "USD 2.5 per 1M is 1/32000 of the price in force, USD 80000"
    assert found == {
        rows[0].key: (
            Doubt(Rule.CACHED_ABOVE_INPUT, beside.format(expected="expected at most 1")),
            Doubt(Rule.OUTLIER, f"{jumped}, as by a mistake between 1K and 1M."),
            Doubt(Rule.JUMP, f"{jumped}; expected up to 3 times either way."),
        )
    }


@pytest.mark.parametrize("kind", Kind)
def test_no_mistake_by_a_thousand_fits_within_the_bounds(kind: Kind) -> None:
    usual = USUAL[kind]
    assert usual.high / MISTAKEN < usual.least < usual.low
    assert usual.high < usual.most < usual.low * MISTAKEN
    if order := ORDERS.get(kind):
        assert order.least <= usual.low
        assert order.most is None or usual.high <= order.most


@given(
    others=st.sets(st.sampled_from(sorted(set(FAMILY) - {INPUT})), min_size=1),
    scale=st.decimals("0.001", "1000", places=3),
    wrong=st.sampled_from([MISTAKEN, 1 / MISTAKEN]),
    regions=st.integers(1, 4),
    data=st.data(),
)
def test_one_price_mistaken_by_a_thousand_is_always_held_back(
    others: set[str], scale: Decimal, wrong: Decimal, regions: int, data: st.DataObject
) -> None:
    names = sorted({INPUT, *others})
    rows = [
        listed(name, str(Decimal(FAMILY[name]) * scale), f"region{region}")
        for name in names
        for region in range(regions)
    ]
    assert doubts(rows, among=rows, former={}, factor=FACTOR) == {}
    # One row is mistaken, or a meter in all of its regions.
    one = data.draw(st.sampled_from(rows))
    meter = {row.key for row in rows if row.meter_name == one.meter_name}
    chosen = data.draw(st.sampled_from([{one.key}, meter]))
    mistaken = [
        replace(row, unit_price=row.unit_price * wrong) if row.key in chosen else row
        for row in rows
    ]
    assert chosen <= set(doubts(mistaken, among=mistaken, former={}, factor=FACTOR))
    new = [row for row in mistaken if row.key in chosen]
    assert chosen == set(doubts(new, among=mistaken, former={}, factor=FACTOR))


@given(
    prices=st.lists(st.decimals("0", "1000", places=2), min_size=9, max_size=9),
    shuffled=st.permutations(range(18)),
    known=st.sets(st.integers(0, 17)),
)
def test_the_order_of_the_list_does_not_matter(
    prices: list[Decimal], shuffled: list[int], known: set[int]
) -> None:
    rows = [
        listed(name, str(price), region)
        for name, price in zip(FAMILY, prices, strict=True)
        for region in ("eastus", "westus")
    ]
    new = [row for place, row in enumerate(rows) if place not in known]
    once = doubts(new, among=rows, former={}, factor=FACTOR)
    again = doubts(
        [rows[place] for place in shuffled if place not in known],
        among=[rows[place] for place in shuffled],
        former={},
        factor=FACTOR,
    )
    assert list(once.items()) == list(again.items())
    assert set(once) <= {row.key for row in new}


@pytest.mark.parametrize("price_list", PriceList)
def test_a_list_that_brings_nothing_new_is_not_doubted(price_list: PriceList) -> None:
    among = tuple(doubtful.listed(price_list).values())
    assert doubts((), among=among, former={}, factor=FACTOR) == {}
    assert doubtful.first_load(price_list)


#: Every meter of the list of 2026 that is held back, with the rules and its regions.
HELD_2026 = {
    "Code Fast 1 Inp DZone Tokens": {Rule.REGION_APART: 1},
    "Grok-4 Outp DZone Tokens": {Rule.REGION_APART: 1},
    "Grok4 Fast Inp DZone Tokens": {Rule.REGION_APART: 4},
    "Grok4 Fast Outp DZone Tokens": {Rule.REGION_APART: 4},
    "K2.6 Thinking Inp DZ Tokens": {Rule.REGION_APART: 3},
    "gpt 4o dev ft cchd inpt glbl Tokens": {Rule.CACHED_ABOVE_INPUT: 8, Rule.OUTLIER: 8},
    "gpt 4o dev ft inpt glbl Tokens": {
        Rule.CACHED_ABOVE_INPUT: 8,
        Rule.MINI_ABOVE_FULL: 8,
        Rule.OUTLIER: 8,
    },
    "gpt 4o dev ft opt glbl Tokens": {Rule.MINI_ABOVE_FULL: 8, Rule.OUTLIER: 8},
    "gpt 4o mini dev ft cchd inpt glbl Tokens": {Rule.CACHED_ABOVE_INPUT: 8},
    "gpt 4o mini dev ft inpt glbl Tokens": {Rule.CACHED_ABOVE_INPUT: 8, Rule.MINI_ABOVE_FULL: 8},
    "gpt 4o mini dev ft opt glbl Tokens": {Rule.MINI_ABOVE_FULL: 8},
}
#: Beside 2025, one price apart is in force already, and o3's grader was cut to a fifth.
CUT = {
    name: {Rule.JUMP: 12}
    for name in (
        "o3-ft mdl grdr cchd inpt Tokens",
        "o3-ft mdl grdr inpt Tokens",
        "o3-ft mdl grdr opt Tokens",
    )
}


def _by_meter(held: doubtful.Held, price_list: PriceList) -> dict[str, Counter[Rule]]:
    rows = doubtful.listed(price_list)
    found: dict[str, Counter[Rule]] = {}
    for key, about in held.items():
        found.setdefault(rows[key].meter_name, Counter()).update(doubt.rule for doubt in about)
    return found


def test_of_the_real_lists_the_known_errors_are_held_back_and_nothing_else() -> None:
    first = _by_meter(doubtful.first_load(PriceList.AUGUST_2026), PriceList.AUGUST_2026)
    assert first == HELD_2026
    second = _by_meter(doubtful.second_load(), PriceList.AUGUST_2026)
    assert second == {
        name: about
        for name, about in (HELD_2026 | CUT).items()
        if name != "Grok-4 Outp DZone Tokens"
    }
    oldest = doubtful.first_load(PriceList.AUGUST_2025)
    assert {doubt.rule for about in oldest.values() for doubt in about} == {Rule.TIERED}


@pytest.mark.parametrize("price_list", PriceList)
def test_the_usual_ratios_are_those_of_the_real_lists(price_list: PriceList) -> None:
    meters = by_meter(doubtful.listed(price_list).values())
    strains = [*pairs.of_families(meters), *pairs.of_regions(meters)]
    held = doubtful.first_load(price_list)
    apart = {s.one.meter_name for s in strains if not {s.one.key, s.other.key} & set(held)}
    # A translator's characters cost half as much again for the US government; no model's do.
    assert apart == ({"S1 Standard Characters"} if price_list is PriceList.AUGUST_2025 else set())


def test_the_page_has_the_counts_as_they_are() -> None:
    page = doubtful.PAGE.read_text(encoding="utf-8")
    assert doubtful.written(page) == page


def test_a_hundred_thousand_prices_are_looked_at_in_seconds() -> None:
    rows = tuple(doubtful.listed(PriceList.AUGUST_2026).values())
    many = [
        replace(row, key=f"{row.key}{copy}", region=f"{row.region}{copy}")
        for copy in range(5)
        for row in rows
    ][:100_000]
    began = time.perf_counter()
    held = doubts(many, among=many, former={}, factor=FACTOR)
    assert time.perf_counter() - began < 8
    assert len(held) > 100

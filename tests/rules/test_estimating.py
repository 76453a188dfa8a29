"""What a load would cost: sums, growth, and where provisioned throughput begins to pay."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from billing.rules import estimating, ptu_throughput
from billing.rules.estimating import LONGEST_SHORT_PROMPT, Load, Peak
from billing.rules.meters.meanings import Scope
from billing.rules.ptu_throughput import Capacity
from billing.rules.token_classes import LONG, TokenClass

DECEMBER = date(2026, 12, 1)
SHORT = (TokenClass.INPUT, TokenClass.CACHED_INPUT, TokenClass.OUTPUT)
prices = st.fixed_dictionaries(
    {one: st.decimals("0.000000000000001", "0.01", places=15) for one in SHORT}
)
loads = st.builds(
    Load,
    calls=st.integers(1, 10**9),
    input_tokens=st.integers(0, 200_000),
    cached_tokens=st.integers(0, 70_000),
    output_tokens=st.integers(1, 100_000),
    first_day=st.just(DECEMBER),
    growth=st.decimals(-50, 100, places=2),
    months=st.integers(1, 36),
)


def cost(load: Load, unit_prices: dict[TokenClass, Decimal]) -> list[Fraction]:
    """Each month's cost, without rounding anywhere."""
    tokens = estimating.per_call(load, SHORT)
    return [Fraction(month.cost) for month in estimating.by_use(load, tokens, unit_prices)]


@given(load=loads, unit_prices=prices)
def test_classes_sum_to_the_month_and_months_to_the_whole(
    load: Load, unit_prices: dict[TokenClass, Decimal]
) -> None:
    tokens = estimating.per_call(load, SHORT)
    months = estimating.by_use(load, tokens, unit_prices)

    assert len(months) == load.months
    for month in months:
        parts = [
            Fraction(month.calls) * count * Fraction(unit_prices[one])
            for one, count in tokens.items()
        ]
        assert [Fraction(part.cost) for part in month.parts] == parts
        assert Fraction(month.cost) == sum(parts)
    assert Fraction(estimating.whole(months).cost) == sum(Fraction(one.cost) for one in months)


@given(load=loads, times=st.integers(2, 1000), unit_prices=prices)
def test_the_cost_is_linear_in_calls(
    load: Load, times: int, unit_prices: dict[TokenClass, Decimal]
) -> None:
    more = Load(
        load.calls * times,
        load.input_tokens,
        load.cached_tokens,
        load.output_tokens,
        DECEMBER,
        load.growth,
        load.months,
    )
    assert cost(more, unit_prices) == [times * one for one in cost(load, unit_prices)]


@given(load=loads)
def test_without_growth_every_month_is_the_same(load: Load) -> None:
    still = Load(load.calls, 10, 0, 1, DECEMBER, Decimal("0.00"), load.months)
    assert still.calls_by_month == (Decimal(load.calls),) * load.months


def test_growth_is_compounded() -> None:
    load = Load(1000, 10, 0, 1, DECEMBER, Decimal(10), 4)
    assert load.calls_by_month == (Decimal(1000), Decimal(1100), Decimal(1210), Decimal(1331))


def test_months_have_their_own_hours() -> None:
    load = Load(1, 1, 0, 1, DECEMBER, months=4)
    assert load.hours_by_month == (744, 744, 672, 744)


@pytest.mark.parametrize(
    ("cached", "classes"),
    [(0, SHORT), (1, tuple(LONG[one] for one in SHORT))],
)
def test_a_prompt_beyond_the_band_is_of_the_long_classes(
    cached: int, classes: tuple[TokenClass, ...]
) -> None:
    load = Load(1, LONGEST_SHORT_PROMPT - 5, 5 + cached, 7, DECEMBER)

    with_long = estimating.per_call(load, {*SHORT, *LONG.values()})
    assert tuple(with_long) == classes
    assert tuple(with_long.values()) == (LONGEST_SHORT_PROMPT - 5, 5 + cached, 7)
    assert tuple(estimating.per_call(load, SHORT)) == SHORT


#: Microsoft's own worked example: a thousand calls a minute of 200 and 20 tokens.
@pytest.mark.parametrize(("cached", "units", "unrounded"), [(0, 110, "105.88"), (100, 80, "76.47")])
def test_the_size_is_what_microsofts_example_says(cached: int, units: int, unrounded: str) -> None:
    capacity = ptu_throughput.of("gpt-5.2", Scope.DATA_ZONE)
    assert capacity is not None
    load = Load(60_000 * 200, 200 - cached, cached, 20, DECEMBER)
    each = estimating.units_per_call(load, Peak(200, Decimal(1)), capacity)
    needed = each * load.calls

    assert round(Decimal(needed.numerator) / needed.denominator, 2) == Decimal(unrounded)
    assert estimating.units_for(needed, capacity) == units


@pytest.mark.parametrize(
    ("needed", "units"), [("0", 25), ("25", 25), ("25.01", 75), ("75", 75), ("75.01", 125)]
)
def test_a_deployment_grows_from_its_minimum_by_its_increment(needed: str, units: int) -> None:
    capacity = ptu_throughput.of("o1", Scope.REGIONAL)
    assert capacity is not None
    assert estimating.units_for(Fraction(needed), capacity) == units


def test_a_year_is_bought_for_its_largest_month() -> None:
    by_month = [15, 20, 20, 25, 25, 25, 30, 30, 30, 30, 35, 35, 40, 45]
    assert estimating.units_by_year(by_month) == (35,) * 12 + (45,) * 2


@pytest.mark.parametrize("model", ["gpt-5.6-sol", "gpt-5-nano", "grok-4"])
def test_what_microsoft_does_not_state_is_not_made_up(model: str) -> None:
    assert ptu_throughput.of(model, Scope.GLOBAL) is None


def test_some_models_have_no_regional_deployments() -> None:
    assert ptu_throughput.of("deepseek-r1", Scope.GLOBAL) is not None
    assert ptu_throughput.of("deepseek-r1", Scope.REGIONAL) is None


capacities = st.builds(
    Capacity,
    input_tpm=st.just(Decimal(1)),
    output_weight=st.just(Decimal(1)),
    minimum=st.integers(1, 30),
    increment=st.integers(1, 30),
)
TRIED = 400


@given(
    call_cost=st.decimals("0.01", "10", places=2),
    unit_cost=st.decimals("0.01", "10", places=2),
    each=st.fractions(Fraction(1, 50), 5, max_denominator=60),
    capacity=capacities,
)
@example(Decimal(1), Decimal(1), Fraction(1), Capacity(Decimal(1), Decimal(1), 15, 5))
@example(Decimal(3), Decimal(1), Fraction(5, 2), Capacity(Decimal(1), Decimal(1), 1, 1))
def test_the_break_even_is_the_first_call_count_at_which_units_cost_no_more(
    call_cost: Decimal, unit_cost: Decimal, each: Fraction, capacity: Capacity
) -> None:
    def by_units(calls: int) -> Fraction:
        return estimating.units_for(calls * each, capacity) * Fraction(unit_cost)

    found = estimating.break_even(
        call_cost=call_cost, unit_cost=unit_cost, each=each, capacity=capacity
    )
    tried = range(1, TRIED)
    first = next((n for n in tried if by_units(n) <= n * Fraction(call_cost)), None)

    if first is None:
        assert found is None or found.calls >= TRIED
    else:
        assert found is not None
        assert found.calls == first
        assert found.units == estimating.units_for(first * each, capacity)
        assert found.most is not None
        assert estimating.units_for(found.most * each, capacity) == found.units
        assert estimating.units_for((found.most + 1) * each, capacity) > found.units
        assert found.used == first * each / found.units <= 1


@given(each=st.fractions(Fraction(1, 100), 10), capacity=capacities, price=st.integers(1, 50))
def test_there_is_none_where_a_full_unit_costs_more_than_its_calls(
    each: Fraction, capacity: Capacity, price: int
) -> None:
    call_cost = Decimal(price) / 100
    unit_cost = Decimal(price)
    assume(Fraction(call_cost) < Fraction(unit_cost) * each)
    assert (
        estimating.break_even(
            call_cost=call_cost, unit_cost=unit_cost, each=each, capacity=capacity
        )
        is None
    )


def test_calls_that_use_no_units_are_served_by_the_smallest_deployment() -> None:
    capacity = Capacity(Decimal(3000), Decimal(4), 15, 5)
    found = estimating.break_even(
        call_cost=Decimal("0.01"), unit_cost=Decimal(730), each=Fraction(0), capacity=capacity
    )
    assert found == estimating.BreakEven(1_095_000, 15, None, Fraction(0))

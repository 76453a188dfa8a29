"""What a changed limit does, by hand: the day it is reached, a month's cost, a budget's rest."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.rules import forecast as forecasting
from billing.rules.forecast import Ahead, Forecast, RunsOut
from governance.rules import consequences, spans
from governance.rules.consequences import Bought, Mix, More, Steps
from governance.rules.spans import Every

TODAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
AMOUNTS = st.integers(0, 1000).map(Decimal)


def steady(a_day: int, days: int, so_far: int = 0) -> Forecast:
    """A forecast without doubt: as much every day."""
    path = (so_far + a_day * (place + 1) for place in range(days))
    return Forecast(
        Decimal(so_far),
        tuple(
            Ahead(TODAY + timedelta(days=place), *[Decimal(sum_)] * 3)
            for place, sum_ in enumerate(path)
        ),
        Decimal(1),
        28,
    )


def bought(deployment: str, name: str, quantity: int, cost: str, priced: int = -1) -> Bought:
    known = Decimal(quantity if priced < 0 else priced)
    return Bought(deployment, name, Decimal(quantity), known, known, Decimal(cost))


def likely(limit: Steps, forecast: Forecast, used: int | None = None) -> date | None:
    known = forecast.so_far if used is None else Decimal(used)
    return consequences.runs_out(forecast, limit, used=known).likely


@given(st.lists(AMOUNTS, max_size=30), AMOUNTS, AMOUNTS, AMOUNTS)
def test_without_a_turn_it_is_the_forecasts_own_answer(
    days: list[Decimal], so_far: Decimal, limit: Decimal, used: Decimal
) -> None:
    told = forecasting.forecast(
        days, today=TODAY, horizon=11, so_far=so_far, share_of_today=Decimal("0.5")
    )
    assert consequences.runs_out(told, Steps(limit), used=used) == told.runs_out(limit, used)


def test_a_temporary_increase_moves_the_day_only_while_it_lasts() -> None:
    told = steady(10, 11, so_far=50)  # 60 on the 20th, 160 on the 30th
    day = TODAY + timedelta(days=4)
    assert likely(Steps(Decimal(90)), told) == date(2026, 11, 23)
    assert likely(Steps(Decimal(200)), told) is None
    assert likely(Steps(Decimal(200), day, Decimal(90)), told) == day, "reached as it falls back"
    assert likely(Steps(Decimal(200), day, Decimal(150)), told) == date(2026, 11, 29)
    assert likely(Steps(Decimal(70), day, Decimal(500)), told) == date(2026, 11, 21)


def test_what_is_used_and_not_forecast_yet_counts() -> None:
    told = steady(10, 11, so_far=50)
    assert likely(Steps(Decimal(90)), told, used=70) == date(2026, 11, 21)
    assert likely(Steps(Decimal(90)), told, used=95) == TODAY


def test_nothing_ahead_runs_out_on_no_day() -> None:
    assert consequences.runs_out(steady(1, 0), Steps(Decimal(1)), used=Decimal(0)) == RunsOut(
        None, None, None
    )


def test_the_dearer_mix_is_all_calls_at_the_dearest_deployment() -> None:
    found = consequences.mix(
        [
            bought("mini", "input", 1000, "1"),
            bought("mini", "output", 500, "2"),
            bought("large", "input", 100, "1"),
            bought("large", "output", 50, "4"),
        ],
        days=10,
    )
    months = Decimal("3.0436875")
    assert found.a_month == 8 * months
    assert found.dearest == "large"
    # 1,100 input at 0.01, 550 output at 0.08.
    assert found.a_month_dearer == 55 * months
    assert round(1650 * (found.a_token or 0), 20) == 8
    assert round(1650 * (found.a_token_dearer or 0), 20) == 55


def test_a_class_the_dearest_never_had_costs_what_it_did() -> None:
    found = consequences.mix(
        [bought("mini", "input", 10, "1"), bought("large", "output", 10, "5")], days=30
    )
    assert found.dearest in {"large", "mini"}
    assert found.a_month_dearer == found.a_month == 6 * Decimal("1.0145625")


def test_what_has_no_price_is_in_no_amount() -> None:
    assert consequences.mix([bought("mini", "input", 10, "0", priced=0)], days=3) == Mix()
    assert consequences.mix([], days=0) == Mix()
    half = consequences.mix([bought("mini", "input", 10, "5", priced=5)], days=30)
    assert half.a_token == 1


@given(
    st.lists(
        st.builds(
            bought,
            st.sampled_from(["a", "b", "c"]),
            st.sampled_from(["input", "output"]),
            st.integers(1, 99),
            st.integers(0, 99).map(str),
        ),
        min_size=1,
        max_size=6,
        unique_by=lambda one: (one.deployment, one.token_class),
    )
)
def test_the_dearer_mix_is_never_cheaper(rows: list[Bought]) -> None:
    found = consequences.mix(rows, days=30)
    assert found.a_month is not None
    assert found.a_month_dearer is not None
    assert found.a_month_dearer >= found.a_month


@pytest.mark.parametrize(
    ("every", "in_month", "in_year"),
    [
        (Every.HOUR, 11 * 24, 42 * 24),
        (Every.DAY, 11, 42),
        (Every.WEEK, Decimal(11) / 7, 6),
        (Every.MONTH, 1, 2),
        (Every.YEAR, Decimal(1) / 12, 1),
    ],
)
def test_what_a_change_adds_to_the_rest_of_a_period(
    every: Every, in_month: Decimal, in_year: Decimal
) -> None:
    month, year = (spans.at(NOON, one, "Europe/Berlin") for one in (Every.MONTH, Every.YEAR))
    more = More(Decimal(700), every)
    told = [consequences.adds(more, one, today=TODAY) for one in (month, year)]
    assert [round(one, 20) for one in told if one is not None] == [
        round(700 * Decimal(times), 20) for times in (in_month, in_year)
    ]


def test_a_temporary_change_adds_while_it_lasts() -> None:
    month, year = (spans.at(NOON, one, "UTC") for one in (Every.MONTH, Every.YEAR))
    short = More(Decimal(5), Every.DAY, until=date(2026, 11, 23))
    assert consequences.adds(short, month, today=TODAY) == 15
    over = More(Decimal(5), Every.MONTH, until=date(2026, 12, 2))
    assert consequences.adds(over, year, today=TODAY) == 10, "it touches two months"
    assert consequences.adds(over, month, today=TODAY) == 5
    gone = More(Decimal(5), Every.MONTH, until=TODAY)
    assert consequences.adds(gone, month, today=TODAY) == 0
    assert consequences.adds(More(None, Every.DAY), month, today=TODAY) is None


def test_an_average_month() -> None:
    assert consequences.a_month(Decimal(12), Every.YEAR) == 1
    assert consequences.a_month(Decimal(8), Every.DAY) == Decimal("243.495")

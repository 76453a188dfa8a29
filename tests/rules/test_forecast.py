"""What a period will come to: exact where history repeats itself, honest where it does not."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import forecast_accuracy
from billing.rules.forecast import Forecast, Percentile, RunsOut, forecast

TODAY = date(2026, 11, 18)
#: Monday to Sunday, to the cent of a cent.
WEEK = tuple(Decimal(one) for one in ("31.07", "28", "33.3333", "30", "29.5", "4", "0"))
WHOLE = Decimal(0)
amounts = st.decimals(0, 10**9, places=6)
histories = st.lists(amounts, max_size=56)
shares = st.decimals(0, 1, places=4)
horizons = st.integers(0, 60)


def of(days: list[Decimal], horizon: int = 13, **known: Decimal) -> Forecast:
    return forecast(
        days,
        today=TODAY,
        horizon=horizon,
        so_far=known.get("so_far", Decimal(0)),
        share_of_today=known.get("share", WHOLE),
    )


def middle(found: Forecast) -> list[Decimal]:
    return [one.p50 for one in found.days]


def about(one: Fraction, other: Fraction) -> bool:
    """Equal but for the last of a hundred digits."""
    return abs(one - other) <= max(abs(one), abs(other), Fraction(1)) / 10**70


@given(
    week=st.lists(amounts, min_size=7, max_size=7),
    weeks=st.integers(1, 8),
    horizon=horizons,
    so_far=amounts,
)
def test_a_week_that_repeats_itself_is_forecast_to_the_last_digit(
    week: list[Decimal], weeks: int, horizon: int, so_far: Decimal
) -> None:
    found = of(week * weeks, horizon, so_far=so_far)
    comes = (week * 9)[:horizon]
    assert middle(found) == [so_far + sum(comes[:over]) for over in range(1, horizon + 1)]


@given(days=histories, horizon=horizons, so_far=amounts, share=shares)
def test_percentiles_keep_their_order_and_nothing_ever_falls(
    days: list[Decimal], horizon: int, so_far: Decimal, share: Decimal
) -> None:
    found = of(days, horizon, so_far=so_far, share=share)
    assert [one.day for one in found.days] == [
        TODAY + timedelta(days=place) for place in range(horizon)
    ]
    before = (so_far, so_far, so_far)
    for one in found.days:
        assert one.p10 <= one.p50 <= one.p90
        now = (one.p10, one.p50, one.p90)
        assert all(earlier <= later for earlier, later in zip(before, now, strict=True))
        before = now


@given(
    days=histories,
    horizon=horizons,
    so_far=amounts,
    share=shares,
    factor=st.decimals("0.001", 10**6, places=3),
)
def test_in_another_currency_it_is_the_same_forecast(
    days: list[Decimal], horizon: int, so_far: Decimal, share: Decimal, factor: Decimal
) -> None:
    found = of(days, horizon, so_far=so_far, share=share)
    other = of([one * factor for one in days], horizon, so_far=so_far * factor, share=share)
    times = Fraction(factor)
    for one, converted in zip(found.days, other.days, strict=True):
        assert about(Fraction(one.p10) * times, Fraction(converted.p10))
        assert about(Fraction(one.p50) * times, Fraction(converted.p50))
        assert about(Fraction(one.p90) * times, Fraction(converted.p90))


@given(days=histories, horizon=horizons, so_far=amounts, more=amounts, share=shares)
def test_what_was_spent_already_moves_all_by_as_much(
    days: list[Decimal], horizon: int, so_far: Decimal, more: Decimal, share: Decimal
) -> None:
    found = of(days, horizon, so_far=so_far, share=share)
    other = of(days, horizon, so_far=so_far + more, share=share)
    for percentile in Percentile:
        higher = Fraction(found.total(percentile)) + Fraction(more)
        assert about(higher, Fraction(other.total(percentile)))


def test_of_the_day_that_is_not_over_only_the_rest_is_ahead() -> None:
    found = of([*WEEK] * 3, 2, so_far=Decimal(100), share=Decimal("0.75"))
    assert middle(found) == [100 + WEEK[0] / 4, 100 + WEEK[0] / 4 + WEEK[1]]
    over = of([*WEEK] * 3, 1, so_far=Decimal(100), share=Decimal(1))
    assert over.days[0].p10 == over.days[0].p90 == 100


def test_a_day_without_usage_is_a_zero_and_counts() -> None:
    found = of([Decimal(0), Decimal(10)] * 2, 2)
    assert middle(found) == [5, 10]
    assert middle(of([Decimal(0)] * 30, 3)) == [0, 0, 0]


def test_less_than_a_week_tells_a_level_and_no_pattern() -> None:
    found = of([Decimal(2), Decimal(4)], 3)
    assert middle(found) == [3, 6, 9]
    assert found.known_days == 2


def test_of_nothing_nothing_is_forecast_and_it_is_said() -> None:
    found = of([], 5, so_far=Decimal("7.5"), share=Decimal("0.5"))
    assert [found.total(one) for one in Percentile] == [Decimal("7.5")] * 3
    assert found.known_days == 0
    assert found.runs_out(Decimal(8), used=Decimal("7.5")) == RunsOut(None, None, None)


def test_a_period_that_is_over_has_come_to_what_it_has() -> None:
    found = of([*WEEK], 0, so_far=Decimal(9))
    assert found.days == ()
    assert [found.total(one) for one in Percentile] == [9, 9, 9]
    assert found.runs_out(Decimal(1), used=Decimal(9)) == RunsOut(None, None, None)


def test_the_interval_is_wider_the_less_is_known() -> None:
    totals = [of([Decimal(10)] * known, 30) for known in (1, 3, 7, 14, 20, 21, 56)]
    widths = [one.total(Percentile.P90) - one.total(Percentile.P10) for one in totals]
    assert widths == sorted(widths, reverse=True)
    assert widths[-2:] == [30, 30]  # 5 % of 300 to either side: what repeats promises nothing
    assert widths[0] > 10 * widths[-1]


def test_the_interval_is_wider_the_less_days_repeat() -> None:
    calm = [amount + place % 2 for place, amount in enumerate([Decimal(100)] * 56)]
    wild = [amount + place % 5 * 40 for place, amount in enumerate([Decimal(100)] * 56)]
    calmly, wildly = of(calm, 14), of(wild, 14)
    assert wildly.total(Percentile.P90) / wildly.total(Percentile.P50) > Decimal("1.1")
    assert calmly.total(Percentile.P90) / calmly.total(Percentile.P50) < Decimal("1.06")


def test_the_level_is_last_weeks_and_the_pattern_three_weeks() -> None:
    doubled = [*WEEK, *WEEK, *(2 * one for one in WEEK)]
    expected = Fraction(of(doubled, 7).total(Percentile.P50))
    assert about(expected, 2 * Fraction(sum(WEEK)))
    spike = [*WEEK, *WEEK, *WEEK[:6], Decimal(70)]
    sunday = middle(of(spike, 7))[6] - middle(of(spike, 7))[5]
    assert Decimal(20) < sunday < Decimal(40)


def test_a_credit_is_not_expected_again() -> None:
    found = of([*WEEK, *WEEK, *(-one for one in WEEK)], 7)
    assert found.total(Percentile.P50) == 0
    assert middle(of([Decimal(-5)] * 3, 2)) == [0, 0]


def test_a_limit_runs_out_first_where_most_is_used() -> None:
    found = of([Decimal(10)] * 28, 13, so_far=Decimal(170))
    out = found.runs_out(Decimal(250), used=Decimal(170))
    assert out.likely == TODAY + timedelta(days=7)  # the eighth day ahead ends at 250
    assert out.earliest == TODAY + timedelta(days=7)  # at 10.5 a day it is 254
    assert out.latest == TODAY + timedelta(days=8)  # at 9.5 a day 246, then 255.5
    assert found.runs_out(Decimal(310), used=Decimal(170)) == RunsOut(None, None, None)
    reached = found.runs_out(Decimal(170), used=Decimal(170))
    assert reached == RunsOut(TODAY, TODAY, TODAY)


def test_what_was_used_of_a_limit_may_differ_from_what_the_period_came_to() -> None:
    found = of([Decimal(10)] * 28, 13, so_far=Decimal(170))
    assert found.runs_out(Decimal(30), used=Decimal(0)).likely == TODAY + timedelta(days=2)


@given(days=histories, horizon=horizons, so_far=amounts, limit=amounts, used=amounts)
def test_days_of_running_out_keep_their_order(
    days: list[Decimal], horizon: int, so_far: Decimal, limit: Decimal, used: Decimal
) -> None:
    out = of(days, horizon, so_far=so_far).runs_out(limit, used)
    never = date.max
    order = [one or never for one in (out.earliest, out.likely, out.latest)]
    assert order == sorted(order)


@given(days=histories, so_far=amounts, share=shares, factor=st.decimals(0, 100, places=2))
def test_a_dearer_mix_scales_what_is_ahead_alone(
    days: list[Decimal], so_far: Decimal, share: Decimal, factor: Decimal
) -> None:
    found = of(days, so_far=so_far, share=share)
    dearer = found.scaled(factor)
    for one, other in zip(found.days, dearer.days, strict=True):
        ahead = Fraction(one.p90) - Fraction(so_far)
        assert about(ahead * Fraction(factor), Fraction(other.p90) - Fraction(so_far))
        assert other.p10 <= other.p50 <= other.p90
    assert (dearer.so_far, dearer.known_days) == (so_far, found.known_days)


def test_more_traffic_adds_to_each_day_and_to_the_rest_of_today() -> None:
    found = of([Decimal(10)] * 28, 3, so_far=Decimal(50), share=Decimal("0.5"))
    assert middle(found) == [55, 65, 75]
    assert middle(found.plus(Decimal(4))) == [57, 71, 85]
    assert middle(of([], 2).plus(Decimal(4))) == [4, 8]


def test_what_is_ahead_cannot_become_less_than_nothing() -> None:
    found = of([Decimal(10)] * 28)
    with pytest.raises(ValueError, match="scaled by -1"):
        found.scaled(Decimal(-1))
    with pytest.raises(ValueError, match="-1 higher"):
        found.plus(Decimal(-1))


@pytest.mark.slow  # forecasts some thousand times
def test_the_document_tells_what_the_trace_gives() -> None:
    text = forecast_accuracy.DOCUMENT.read_text()
    _, _, rest = text.partition(forecast_accuracy.BEGIN)
    told, end, _ = rest.partition(forecast_accuracy.END)
    assert end
    assert told.strip() == forecast_accuracy.tables().strip()


def test_the_trace_is_whole() -> None:
    amounts = forecast_accuracy.trace()
    assert len(amounts) == 349
    assert min(amounts) > 0

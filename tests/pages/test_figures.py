"""How figures are written: exact, with every digit a price has, and adding up as shown."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from portal import figures, plots, standing
from portal.figures import Reckoning, Used
from portal.plots import Point
from portal.standing import Facts, Tone
from portal.templatetags import figures as tags
from tenancy import money, periods
from tenancy.money import Basis

NOVEMBER = periods.month_of_day(date(2026, 11, 20), "Europe/Berlin")
THROUGH = datetime(2026, 11, 20, 14, 20, tzinfo=UTC)


def _reckoning(currency: str = "USD") -> Reckoning:
    return Reckoning(Basis.ESTIMATED, NOVEMBER, currency, THROUGH)


@pytest.mark.parametrize(
    ("unit_price", "currency", "text"),
    [
        ("0.00000175", "USD", "1.75"),
        ("0.000000175", "USD", "0.175"),
        ("0.000014", "USD", "14.00"),
        ("0.0000000125", "USD", "0.0125"),
        ("0.0012", "USD", "1,200.00"),
        ("0.000014", "JPY", "14"),
        ("0", "EUR", "0.00"),
    ],
)
def test_a_price_per_million_has_all_its_digits(unit_price: str, currency: str, text: str) -> None:
    assert figures.per_million(Decimal(unit_price), currency) == text


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1234.5", "USD", "$1,234.50"),
        ("-4.2", "EUR", "−€4.20"),
        ("1234.5", "JPY", "¥1,234"),
        ("1", "CHF", "CHF 1.00"),
        ("0.0011", "INR", "₹0.00"),
    ],
)
def test_an_amount_is_shown_in_its_smallest_unit(amount: str, currency: str, text: str) -> None:
    assert figures.with_symbol(money.of(amount, currency)) == text


def test_a_figure_carries_its_exact_value_basis_period_currency_and_freshness() -> None:
    written = tags.figure(figures.one(money.of("5.599994750", "USD"), _reckoning()))
    assert 'value="5.599994750"' in written
    assert ">5.60<" in written
    about = (
        "5.59999475 USD, estimated, November 2026 (Europe/Berlin), usage through 20 Nov 14:20 UTC"
    )
    assert about in written


@pytest.mark.parametrize(
    ("rate", "text"),
    [("0.862500000", "0.8625"), ("150.000000000", "150"), ("100", "100"), ("0E-9", "0")],
)
def test_a_rate_has_all_its_digits_and_no_exponent(rate: str, text: str) -> None:
    assert tags.exact(Decimal(rate)) == text


def test_no_data_is_not_zero() -> None:
    nothing = tags.figure(figures.one(None, _reckoning()))
    assert "no data yet" in nothing
    assert "0.00" not in nothing
    assert ">0.00<" in tags.figure(figures.one(money.of(0, "USD"), _reckoning()))


def test_text_that_is_given_to_a_tag_is_escaped() -> None:
    written = tags.figure(figures.one(None, _reckoning(), absent="<script>"))
    assert "<script>" not in written


@given(some.lists(some.none() | some.decimals("0", "1e6", places=9), max_size=20))
def test_a_column_adds_up_as_shown(amounts: list[Decimal | None]) -> None:
    column = figures.column(
        [None if amount is None else money.of(amount, "USD") for amount in amounts], _reckoning()
    )
    shown = [figure.shown.amount for figure in column.figures if figure.shown]
    assert len(column.figures) == len(amounts)
    assert sum(shown) == (column.total.shown.amount if column.total.shown else 0)
    assert (column.total.shown is None) == (not shown)


@pytest.mark.parametrize(
    ("spent", "limit", "text", "tone"),
    [
        ("0", "5", "0.0 %", ""),
        ("4.49", "5", "89.8 %", ""),
        ("4.5", "5", "90.0 %", "warn"),
        ("5", "5", "100.0 %", "bad"),
        ("50", "5", "1000.0 %", "bad"),
        ("0", "0", "100.0 %", "bad"),
    ],
)
def test_the_share_of_a_limit(spent: str, limit: str, text: str, tone: str) -> None:
    used = figures.used(money.of(spent, "USD"), money.of(limit, "USD"))
    assert (used.text, used.tone) == (text, tone)
    assert used.filled <= 100


def test_without_a_limit_nothing_is_used_of_it() -> None:
    assert figures.used(money.of(5, "USD"), None).text == "no limit"


def _facts(observed: str = "active", **known: object) -> Facts:
    percent = known.get("percent")
    assert percent is None or isinstance(percent, Decimal)
    return Facts(
        observed=observed,
        listed=known.get("listed") is not False,
        comment=str(known.get("comment", "")),
        used=Used(percent),
        hard=known.get("hard") is not False,
        enforced=known.get("enforced") is not False,
        ours_since=THROUGH if known.get("ours") else None,
        ours_because="its hard quota is reached" if known.get("ours") else "",
    )


@pytest.mark.parametrize(
    ("facts", "tone", "word", "why"),
    [
        (_facts(), Tone.GOOD, "Active", ""),
        (_facts(percent=Decimal("91.0")), Tone.WARN, "Active, 91.0 % used", ""),
        (_facts(percent=Decimal(100)), Tone.BAD, "Active, limit reached", "next cycle"),
        (
            _facts(percent=Decimal(100), enforced=False),
            Tone.BAD,
            "limit reached",
            "not switched on",
        ),
        (_facts(percent=Decimal(100), hard=False), Tone.WARN, "limit reached", "soft"),
        (_facts("suspended", ours=True), Tone.BAD, "Suspended", "hard quota"),
        (_facts("suspended"), Tone.BAD, "Suspended", "by a person or by Azure"),
        (_facts("suspended", comment="paused by Ops"), Tone.BAD, "Suspended", "paused by Ops"),
        (_facts("expired"), Tone.WARN, "Expired", "by Azure"),
        (_facts("unknown"), Tone.WARN, "State unknown", ""),
        (_facts(listed=False), Tone.WARN, "Not in the gateway's list", ""),
    ],
)
def test_a_subscription_stands_in_words(facts: Facts, tone: Tone, word: str, why: str) -> None:
    said = standing.of(facts)
    assert said.tone is tone
    assert word in said.word
    assert why in said.why
    assert said.icon


def test_a_line_stays_in_its_frame_and_its_labels_apart() -> None:
    points = [Point(date(2026, 11, day), Decimal(day)) for day in range(1, 31)]
    plot = plots.cumulative(points, NOVEMBER, money.of("30.5", "USD"))
    assert plot.line
    places = [tuple(map(Decimal, place.split(","))) for place in plot.line.points.split()]
    assert all(52 <= x <= 640 and 16 <= y <= 226 for x, y in places)
    assert places == sorted(places)
    assert abs(Decimal(plot.line.label) - Decimal(plot.limit)) >= 15
    assert [mark.text for mark in plot.across] == ["1 Nov", "8 Nov", "15 Nov", "22 Nov", "29 Nov"]


def test_a_plot_of_nothing_is_an_empty_frame() -> None:
    plot = plots.cumulative([], NOVEMBER, None)
    assert plot.line is None
    assert plot.limit == ""
    assert [mark.text for mark in plot.up] == ["0", "0.25", "0.5", "0.75", "1"]


def test_bars_stand_on_the_ground() -> None:
    bars = plots.daily([Point(date(2026, 11, 3), Decimal("0.4"))], NOVEMBER).bars
    assert len(bars) == 1
    assert Decimal(bars[0].y) + Decimal(bars[0].height) == 226

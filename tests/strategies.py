"""Hypothesis strategies in the product's words."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import available_timezones

from hypothesis import strategies as st

from tenancy.money import Money

#: With two, no, three decimals, and none that money is paid in.
CURRENCIES = ("EUR", "USD", "JPY", "KWD", "INR")

#: Whole, half, quarter hours from UTC; clocks that change, at midnight too; a day left out.
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Beirut",
    "America/Asuncion",
    "Pacific/Apia",
    "Pacific/Chatham",
)

currencies = st.sampled_from(CURRENCIES)
zones = st.sampled_from([*ZONES, *sorted(available_timezones())])
days = st.dates(min_value=date(2020, 1, 1), max_value=date(2099, 12, 31))
instants = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone itself
    max_value=datetime(2099, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
lengths = st.timedeltas(min_value=timedelta(minutes=1), max_value=timedelta(days=40))


def amounts(
    *, least: Decimal = Decimal(-1000000000), most: Decimal = Decimal(1000000000)
) -> st.SearchStrategy[Decimal]:
    """Exact amounts as the database holds them."""
    return st.decimals(least, most, places=18, allow_nan=False, allow_infinity=False)


@st.composite
def parts(draw: st.DrawFn) -> tuple[str, list[Money]]:
    """A currency, and up to sixty exact amounts in it."""
    currency = draw(currencies)
    drawn = draw(st.lists(amounts(), max_size=60))
    return currency, [Money(amount, currency) for amount in drawn]

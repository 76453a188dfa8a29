"""Money: exact inside, one currency, and rounded so that the parts sum to the whole."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenancy import money
from tenancy.money import Money, UnlikeCurrencies
from tests.strategies import amounts, currencies, parts

Parts = tuple[str, list[Money]]


@given(parts())
def test_the_parts_sum_to_the_rounded_whole(drawn: Parts) -> None:
    currency, exact = drawn
    shared = money.apportion(exact, currency)
    whole = money.rounded(money.total(exact, currency))
    assert money.total(shared, currency) == whole


@given(parts())
def test_each_part_is_off_by_less_than_the_smallest_unit(drawn: Parts) -> None:
    currency, exact = drawn
    unit = money.minor_unit(currency)
    for part, share in zip(exact, money.apportion(exact, currency), strict=True):
        assert abs(part.amount - share.amount) < unit
        assert share.amount % unit == 0


@given(parts())
def test_who_lost_more_is_made_up_for_first(drawn: Parts) -> None:
    """Of two parts, the one that was cut by more never gets less back."""
    currency, exact = drawn
    unit = money.minor_unit(currency)
    cut = [part.amount % unit % unit for part in exact]
    cut = [amount + unit if amount < 0 else amount for amount in cut]
    given_back = [
        share.amount > part.amount
        for part, share in zip(exact, money.apportion(exact, currency), strict=True)
    ]
    least_given = min(
        (lost for lost, got in zip(cut, given_back, strict=True) if got), default=unit
    )
    most_kept = max(
        (lost for lost, got in zip(cut, given_back, strict=True) if not got), default=Decimal(0)
    )
    assert most_kept <= least_given


@given(parts(), st.randoms(use_true_random=False))
def test_a_sum_does_not_depend_on_the_order(drawn: Parts, chance: object) -> None:
    currency, exact = drawn
    shuffled = sorted(exact, key=lambda _: chance.random())  # type: ignore[attr-defined]  # Random
    assert money.total(shuffled, currency) == money.total(exact, currency)


@given(amounts(), currencies, currencies)
def test_unlike_currencies_never_meet(amount: Decimal, one: str, other: str) -> None:
    left, right = Money(amount, one), Money(amount, other)
    if one == other:
        assert (left + right).amount == amount * 2
        assert (left - right).amount == 0
        return
    for meet in (lambda: left + right, lambda: left - right, lambda: left < right):
        with pytest.raises(UnlikeCurrencies):
            meet()
    with pytest.raises(UnlikeCurrencies):
        money.total([left, right], one)
    with pytest.raises(UnlikeCurrencies):
        money.apportion([right], one)


@pytest.mark.parametrize(
    ("exact", "shown"),
    [
        (["0.005", "0.005"], ["0.01", "0.00"]),  # the tie goes to the earlier line
        (["0.333", "0.333", "0.334"], ["0.33", "0.33", "0.34"]),
        (["-0.005", "0.005"], ["0.00", "0.00"]),
        (["-0.02", "0.004"], ["-0.02", "0.00"]),
        (["1.015", "1.025"], ["1.02", "1.02"]),
        ([], []),
    ],
)
def test_by_hand(exact: list[str], shown: list[str]) -> None:
    shared = money.apportion([money.of(text, "EUR") for text in exact], "EUR")
    assert [str(part.amount) for part in shared] == shown


def test_the_smallest_unit_is_the_currencys_own() -> None:
    units = {currency: money.minor_unit(currency) for currency in ("EUR", "JPY", "KWD")}
    assert units == {"EUR": Decimal("0.01"), "JPY": Decimal(1), "KWD": Decimal("0.001")}


def test_many_small_amounts_stay_exact() -> None:
    """A million rows of the smallest amount the database holds."""
    tiny = Money(Decimal("0.000000000000000001"), "EUR")
    huge = Money(Decimal(99999999999999999999), "EUR")
    total = money.total([huge, *[tiny] * 1000], "EUR")
    assert total.amount == Decimal("99999999999999999999.000000000000001000")

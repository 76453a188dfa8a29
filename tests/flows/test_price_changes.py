"""What a load changed is recorded; what it doubts is held back, and the old price stays."""

from __future__ import annotations

from decimal import Decimal

import pytest

from billing.prices.catalogue import Shrunken
from tests.azure import Azure
from tests.flows.shop import (
    COUNT,
    FAMILY,
    LATER,
    changes,
    doubts,
    in_force,
    ledger,
    put,
    restate,
    take_off,
)
from tests.flows.steps import catalogue_sync, rows

THREE = "Model 3 inp Gl 1M Tokens"


def test_the_first_load_is_the_baseline(shop: Azure) -> None:
    assert changes() == []
    outcome, _error, detail = ledger()
    assert (outcome, detail) == ("succeeded", {"meters": COUNT, "baseline": "yes"})


def test_each_kind_of_change_is_recorded_once(shop: Azure) -> None:
    put(shop, 3, "5.4", effectiveStartDate=LATER)
    restate(shop, 4, "6.6")
    put(shop, "New Unit", "1", unitOfMeasure="1 Hour")
    take_off(shop, 5)

    loaded = catalogue_sync()

    assert changes() == [
        ("new-meter", "New Unit", {}),
        ("new-price", THREE, {"ratio": "1.2"}),
        ("restated", "Model 4 inp Gl 1M Tokens", {"ratio": "1.2"}),
        ("vanished", "Model 5 inp Gl 1M Tokens", {}),
    ]
    assert loaded.changes == {"new-meter": 1, "new-price": 1, "restated": 1, "vanished": 1}
    counts = {"meters": COUNT, "new_meter": 1, "new_price": 1, "restated": 1, "vanished": 1}
    assert ledger()[2] == counts
    assert in_force()[THREE] == "5.4"

    assert catalogue_sync().changes == {}
    assert "vanished" not in ledger()[2]


def test_a_meter_that_comes_back_is_the_same_and_what_it_cost_stays(shop: Azure) -> None:
    take_off(shop, 5)
    catalogue_sync()
    gone = "SELECT count(*)::int FROM billing_meter WHERE vanished_at IS NOT NULL"
    assert rows(gone) == [(1,)]
    put(shop, 5, "6.5")

    catalogue_sync()

    assert [(kind, name) for kind, name, _ in changes()] == [
        ("returned", "Model 5 inp Gl 1M Tokens")
    ]
    assert rows(gone) == [(0,)]


def test_a_meter_described_anew_says_how(shop: Azure) -> None:
    known = {"meterId": "0000-renamed", "unitOfMeasure": "1 Hour"}
    put(shop, "Old Unit", "1", **known)
    catalogue_sync()
    take_off(shop, "Old Unit")
    put(shop, "Better Unit", "1", **known)

    catalogue_sync()

    kind, name, detail = changes()[0]
    assert (kind, name) == ("renamed", "Better Unit")
    assert detail["before"]["meter_name"] == "Old Unit"
    assert detail["after"]["meter_name"] == "Better Unit"
    assert "region" not in detail["after"]


def test_meters_lost_bit_by_bit_are_counted_from_the_last_load(shop: Azure) -> None:
    take_off(shop, 0)
    catalogue_sync()
    take_off(shop, 1)
    catalogue_sync()
    for number in (2, 3):
        take_off(shop, number)

    with pytest.raises(Shrunken, match="8 meters, after 10"):
        catalogue_sync()


def test_a_jump_is_held_back_and_the_old_price_stays_in_force(shop: Azure) -> None:
    put(shop, 3, "14", effectiveStartDate=LATER)  # 3.1 times
    put(shop, 4, "16", effectiveStartDate=LATER)  # 2.9 times

    loaded = catalogue_sync()

    assert (loaded.new_prices, loaded.suspects) == (2, 1)
    assert doubts() == {THREE: {"jump"}}
    assert in_force()[THREE] == "4.5"
    assert in_force()["Model 4 inp Gl 1M Tokens"] == "16"
    assert ledger()[2]["suspects"] == 1
    assert catalogue_sync().new_prices == 0  # listed again, nothing is added


def test_how_far_a_price_may_jump_is_a_setting(shop: Azure, settings: object) -> None:
    chosen = settings.APPORTION.model_copy(update={"price_jump_factor": Decimal("1.1")})  # type: ignore[attr-defined]  # pytest-django's
    settings.APPORTION = chosen  # type: ignore[attr-defined]  # the same
    put(shop, 3, "5.4", effectiveStartDate=LATER)

    assert catalogue_sync().suspects == 1


def test_a_list_that_corrects_itself_needs_nobody(shop: Azure) -> None:
    put(shop, 3, "4500", effectiveStartDate=LATER)
    catalogue_sync()
    assert in_force()[THREE] == "4.5"
    restate(shop, 3, "4.8", effectiveStartDate=LATER)

    assert catalogue_sync().suspects == 0

    assert in_force()[THREE] == "4.8"
    kind, name, detail = changes()[0]
    assert (kind, name, Decimal(detail["ratio"])) == ("restated", THREE, Decimal("0.001067"))


@pytest.mark.parametrize("numbers", [("4.5", "1K"), ("0.0045", "1M")])
def test_a_unit_that_changes_and_takes_the_price_with_it_is_held_back(
    shop: Azure, numbers: tuple[str, str]
) -> None:
    price, unit = numbers
    put(shop, 3, price, unitOfMeasure=unit, effectiveStartDate=LATER)

    assert catalogue_sync().suspects == 1

    assert doubts()[THREE] >= {"jump"}
    assert in_force()[THREE] == "4.5"


def test_a_unit_that_changes_at_the_same_price_is_no_doubt(shop: Azure) -> None:
    put(shop, 3, "0.0045", unitOfMeasure="1K", effectiveStartDate=LATER)

    assert (catalogue_sync().suspects, doubts()) == (0, {})

    assert in_force()[THREE] == "0.0045"


def test_a_price_that_does_not_fit_its_family_is_held_back(shop: Azure) -> None:
    known = {"productName": FAMILY, "unitOfMeasure": "1K"}
    put(shop, "gpt 4.1 Inp glbl Tokens", "0.002", **known)
    put(shop, "gpt 4.1 Outp glbl Tokens", "0.008", **known)
    catalogue_sync()
    put(shop, "gpt 4.1 cached Inp glbl Tokens", "0.05", **known)

    assert catalogue_sync().suspects == 1

    broken = doubts()
    assert set(broken) == {"gpt 4.1 cached Inp glbl Tokens"}
    assert "cached-above-input" in broken["gpt 4.1 cached Inp glbl Tokens"]

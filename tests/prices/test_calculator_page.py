"""The calculator's page: everybody may use it, the address holds it all, faults stand at fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client

from billing.models import Usage
from inventory.models import Deployment
from tenancy import scope
from tests.prices import real_list
from tests.world import NOW, World
from tests.world_usage import told_of

PAGE = "/t/contoso/prices/calculator/"
OCTOBER = datetime(2026, 10, 6, 9, tzinfo=UTC)
LOAD = {
    "model": ["gpt-5", "gpt-5-mini"],
    "deployment_type": "GlobalStandard",
    "region": real_list.REGION,
    "calls": "1,000,000",
    "input_tokens": "1500",
    "cached_tokens": "500",
    "output_tokens": "400",
}


@pytest.fixture
def listed(world: World, clock_at: Callable[[datetime], None]) -> World:
    clock_at(NOW)
    real_list.load()
    return world


def page(browser: Client, asked: Mapping[str, object], place: str = PAGE) -> str:
    answer = browser.get(f"{place}?{urlencode(asked, doseq=True)}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_is_empty_at_first_and_says_what_to_do(listed: World) -> None:
    empty = page(listed.alice, {})
    assert "Choose a model and say how it is called" in empty
    assert '<option value="gpt-5">gpt-5</option>' in empty
    assert "gpt-5.2 (incomplete)" in empty


def test_without_a_price_list_it_says_so(world: World) -> None:
    assert "The price list has no model here" in page(world.alice, {"region": "nowhere"})


@pytest.mark.parametrize("name", ["alice", "carol", "dan", "vic"])
def test_every_member_may_estimate(listed: World, name: str) -> None:
    shown = page(getattr(listed, name), LOAD)

    assert '<data value="5937.5">5,937.50</data>' in shown
    assert "GPT 5 outpt Glbl 1M Tokens" in shown
    assert "November 2026" not in shown  # the months begin with the one after this
    assert "December 2026" in shown
    assert "November 2027" in shown
    assert "reserved for 1 year" in shown
    assert "<polyline" in shown
    assert "The drawing as a table" in shown
    assert "PTUs never pay for calls like these." in shown


def test_the_break_even_is_a_sentence(listed: World) -> None:
    shown = page(listed.alice, {**LOAD, "active_hours": "730", "peak_factor": "1"})

    assert "PTUs reserved for 1 year pay from 558,316 calls a month on: 15 PTUs, 84.1 %" in shown
    assert "with 1,000,000 calls, PTUs reserved for 1 year are cheapest" in shown


def test_another_tenant_sees_its_own_currency(listed: World) -> None:
    shown = page(listed.mallory, LOAD, "/t/fabrikam/prices/calculator/")
    assert "5,343.75" in shown
    assert "EUR" in shown


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("calls", "many", "Give a whole number from 1 to 1,000,000,000,000."),
        ("calls", "0", "Give a whole number from 1"),
        ("calls", "1e9", "Give a whole number from 1"),
        ("input_tokens", "", "Give a whole number from 0 to 10,000,000."),
        ("growth", "101", "from -50 to 100"),
        ("months", "37", "from 1 to 36"),
        ("peak_factor", "0.5", "from 1 to 100"),
        ("deployment_type", "Cheap", "Choose one of GlobalStandard"),
        ("model", "", "Choose a model."),
        ("model", "a,b,c,d,e", "Choose at most 4 models."),
        ("region", "x" * 121, "Give a region as Azure names it"),
    ],
)
def test_a_fault_stands_at_its_field(listed: World, field: str, text: str, says: str) -> None:
    shown = page(listed.alice, {**LOAD, field: text})

    _, _, fault = shown.partition(f'id="{field}-fault">')
    assert says in fault.partition("</p>")[0]
    assert 'aria-invalid="true"' in shown
    assert "Nothing was estimated" in shown
    assert "5,937.50" not in shown


def test_a_model_that_is_not_listed_does_not_hide_the_others(listed: World) -> None:
    shown = page(listed.alice, {**LOAD, "model": ["gpt-5", "gpt-7", "gpt-5.2"]})

    assert "No estimate for gpt-7." in shown
    assert "no input and no cached input price for gpt-5.2" in shown
    assert "5,937.50" in shown


def test_texts_come_back_escaped(listed: World) -> None:
    shown = page(listed.alice, {**LOAD, "region": '"><script>x', "calls": "<b>"})
    assert "<script>x" not in shown
    assert "<b>" not in shown


@pytest.fixture
def october(listed: World) -> World:
    """Search's key made 1,000 calls to gpt-5 in October, Support's made others."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_usage_months(%s, %s)", [OCTOBER, OCTOBER])
    with scope.of(listed.contoso.ref):
        Deployment.objects.update(model="gpt-5")
        for house, calls in ((listed.search, 1000), (listed.support, 7)):
            Usage.objects.create(
                series=told_of(house.subscription, listed.contoso.deployment),
                gateway=listed.contoso.gateway,
                bucket_start=OCTOBER,
                subscription=house.subscription,
                deployment=listed.contoso.deployment,
                input_tokens=1500 * calls,
                cached_input_tokens=500 * calls,
                output_tokens=400 * calls + 1,
                requests=calls,
                successful_requests=calls,
            )
    return listed


@pytest.mark.parametrize("asked", [{"team": "search"}, {"subscription": "apim-contoso/key-search"}])
def test_last_months_mix_fills_the_fields_and_is_estimated(
    october: World, asked: dict[str, str]
) -> None:
    shown = page(october.alice, asked)

    assert "October 2026" in shown
    for name, value in (("calls", 1000), ("input_tokens", 1500), ("output_tokens", 400)):
        assert f'name="{name}" value="{value}"' in shown
    assert '<data value="5.9375">5.94</data>' in shown


@pytest.mark.parametrize("asked", [{"team": "search"}, {"subscription": "apim-contoso/key-search"}])
def test_a_mix_is_for_whoever_sees_its_owner(october: World, asked: dict[str, str]) -> None:
    address = f"{PAGE}?{urlencode(asked)}"
    assert october.dan.get(address).status_code == 200
    assert october.bob.get(address).status_code == 404
    assert "key-search" not in page(october.bob, {})
    elsewhere = f"/t/fabrikam/prices/calculator/?{urlencode(asked)}"
    assert october.mallory.get(elsewhere).status_code == 404


def test_a_mix_of_nothing_says_so(listed: World) -> None:
    assert "Search had no call with tokens" in page(listed.alice, {"team": "search"})

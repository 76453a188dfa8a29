"""Exchange rates on their page: shown with their source, set after their effect was shown."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing.models import DayToRate, ExchangeRate
from tenancy import scope
from tests.world import World

ADDRESS = "/t/fabrikam/prices/rates/"
RATE = {
    "from_currency": "USD",
    "rate": "0.45",
    "effective_from": "2026-11-01",
    "source": "invoice 4711",
}


def text(page: object) -> str:
    content: bytes = page.content  # type: ignore[attr-defined]  # an answer that was read whole
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", content.decode()))


def plan_of(page: object) -> str:
    content: bytes = page.content  # type: ignore[attr-defined]  # an answer that was read whole
    found = re.search(r'name="plan" value="([^"]+)"', content.decode())
    assert found
    return found[1]


def held(world: World) -> dict[datetime, Decimal]:
    with scope.of(world.fabrikam.ref):
        return {row.effective_from: row.rate for row in ExchangeRate.objects.all()}


def test_a_rate_is_set_only_after_its_effect_was_shown(world: World) -> None:
    before = held(world)

    planned = world.mallory.post(ADDRESS, RATE)

    assert planned.status_code == 200
    assert "1 USD = 0.45 EUR from 01 Nov 2026" in text(planned)
    assert "All open months 3.15 1.58 −1.57" in text(planned) or "−1.58" in text(planned)
    assert held(world) == before
    done = world.mallory.post(ADDRESS, RATE | {"plan": plan_of(planned)}, follow=True)
    assert "1 USD = 0.45 EUR is set." in text(done)
    assert held(world)[datetime(2026, 11, 1, tzinfo=UTC)] == Decimal("0.45")
    with scope.of(world.fabrikam.ref):
        assert DayToRate.objects.filter(day="2026-11-03").exists()


def test_the_plan_of_another_rate_is_shown_anew(world: World) -> None:
    before = held(world)
    plan = plan_of(world.mallory.post(ADDRESS, RATE))

    again = world.mallory.post(ADDRESS, RATE | {"rate": "0.5", "plan": plan})

    assert "1 USD = 0.5 EUR" in text(again)
    assert "The plan was not of these inputs" in text(again)
    assert held(world) == before


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("from_currency", "EUR", "Amounts in EUR need no rate"),
        ("from_currency", "dollar", "ISO 4217"),
        ("rate", "0", "Use a rate above 0"),
        ("rate", "0,9", "Enter a number"),
        ("effective_from", "soon", "Enter a valid date"),
        ("source", "", "required"),
    ],
)
def test_a_fault_stands_at_its_field(world: World, field: str, value: str, says: str) -> None:
    page = world.mallory.post(ADDRESS, RATE | {field: value})

    assert page.status_code == 400
    assert says in text(page)


def test_those_who_may_not_change_prices_see_them_only(world: World) -> None:
    address = "/t/contoso/prices/rates/"
    shown = world.vic.get(address)
    assert shown.status_code == 200
    assert "A new rate" not in text(shown)
    assert world.vic.post(address, RATE | {"from_currency": "EUR"}).status_code == 403
    assert world.alice.get(address).status_code == 403

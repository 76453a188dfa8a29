"""The capacity page: what stands on it, and its changes, their effect shown first."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from billing import capacity
from billing.models import BillingSettings, CapacityMapping, Meter, Price, Reservation
from inventory.models import Deployment, DeploymentState, Origin
from tenancy import scope
from tenancy.models import InstallationRun
from tenancy.runs import Contention
from tests.pages import eventful
from tests.world import NOW, START, World

PAGE = "/t/contoso/prices/capacity/"
MADE = datetime(2026, 11, 10, tzinfo=UTC)
BUY = {
    "do": "reserve",
    "name": "search 2026",
    "units": "20",
    "scope": "global",
    "region": "swedencentral",
    "term": "1 Month",
    "starts_at": "2026-11-11 00:00",
    "unit_price": "260",
    "currency": "USD",
    "source": "contract 7",
}


def _text(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def _hourly(azure_id: str, name: str, price: int) -> Meter:
    meter = Meter.objects.create(
        azure_id=azure_id,
        meter_name=name,
        product_name="Azure OpenAI",
        sku_name=name.removesuffix(" Unit"),
        service_name="Foundry Models",
        region="swedencentral",
        unit_of_measure="1/Hour",
    )
    Price.objects.create(
        meter=meter,
        effective_from=START,
        currency="USD",
        listed_price=Decimal(price),
        unit_of_measure="1/Hour",
        unit_price=Decimal(price),
        run=InstallationRun.objects.latest("id"),
    )
    return meter


@pytest.fixture
def reserved(month: World) -> World:
    """Fifty units since the tenth, which Search used, and a meter for them."""
    _hourly("0b0e5d1f-0000-4000-8000-00000000c001", "Provisioned Managed Global Unit", 1)
    with scope.of(month.contoso.ref):
        made = Deployment.objects.create(
            gateway=month.contoso.gateway,
            host="ai-contoso.openai.azure.com",
            name="search-reserved",
            model="gpt-5.2-chat",
            version="2025-12-11",
            sku="GlobalProvisionedManaged",
            region="swedencentral",
            origin=Origin.INVENTORY,
            seen_at=NOW,
        )
        DeploymentState.objects.create(
            deployment=made, from_instant=MADE, sku=made.sku, capacity=50
        )
        eventful.rated(month.search.subscription, made, date(2026, 11, 12))
    return month


def _computed(world: World) -> None:
    capacity.rate(world.contoso.ref, at=NOW, contention=Contention.TAKE_OVER)


def test_hours_without_a_meter_are_said_loudly_and_confirmed_by_a_person(reserved: World) -> None:
    _computed(reserved)
    page = reserved.dan.get(PAGE)
    assert "12,716.7 unit-hours have no price and are in no amount" in _text(page)
    with scope.of(reserved.contoso.ref):
        (row,) = Deployment.objects.filter(name="search-reserved")
    wanted = {
        "do": "meter",
        "deployment": str(row.pk),
        "sku": row.sku,
        "meter": "0b0e5d1f-0000-4000-8000-00000000c001",
        "reason": "as on the invoice",
    }

    shown = reserved.dan.post(PAGE, wanted)
    assert "12,716.67" in _text(shown)
    assert _mapped(reserved) == 1  # the world's own
    (plan,) = re.findall(r'name="plan" value="([^"]+)"', shown.content.decode())
    done = reserved.dan.post(PAGE, {**wanted, "plan": plan}, follow=True)

    assert _mapped(reserved) == 2
    assert "prices the hours of search-reserved" in _text(done)
    _computed(reserved)
    assert "12,716.67" in _text(reserved.dan.get(PAGE))


def test_any_meter_of_hours_may_be_named_and_later_another(reserved: World) -> None:
    other = _hourly("0b0e5d1f-0000-4000-8000-00000000c002", "Reserved by Contract Unit", 2)
    with scope.of(reserved.contoso.ref):
        (row,) = Deployment.objects.filter(name="search-reserved")
    wanted = {"do": "meter", "deployment": str(row.pk), "sku": row.sku, "reason": "contract 7"}
    first = wanted | {"meter": "0b0e5d1f-0000-4000-8000-00000000c001", "other": other.azure_id}

    shown = reserved.dan.post(PAGE, first)
    assert "25,433.33" in _text(shown)
    assert reserved.dan.post(PAGE, first | {"plan": _plan(shown)}).status_code == 302
    page = _text(reserved.dan.get(PAGE))
    assert "Hours without a meter" not in page
    assert "always: Reserved by Contract Unit" in page

    later = wanted | {"meter": "0b0e5d1f-0000-4000-8000-00000000c001", "since": "2026-11-15 00:00"}
    shown = reserved.dan.post(PAGE, later)
    # five days at 2, then 134 hours and 20 minutes at 1, of 50 units
    assert "18,716.67" in _text(shown)
    assert reserved.dan.post(PAGE, later | {"plan": _plan(shown)}).status_code == 302
    assert _mapped(reserved) == 3  # with the world's own


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"other": "no-such-id"}, "meter: Choose one, or give the id of one"),
        ({"other": "0b0e5d1f-0000-4000-8000-000000000001"}, "Choose a meter whose unit is an hour"),
        ({"other": ""}, "meter: Choose one, or give the id of one"),
        ({"since": "0001-01-01 00:00"}, "since: Ensure this value is greater"),
        ({"reason": ""}, "reason: This field is required"),
    ],
)
def test_a_meter_that_cannot_be_named_is_refused(
    reserved: World, changed: dict[str, str], says: str
) -> None:
    with scope.of(reserved.contoso.ref):
        (row,) = Deployment.objects.filter(name="search-reserved")
    wanted = {"do": "meter", "deployment": str(row.pk), "sku": row.sku, "reason": "contract 7"}
    named = {"other": "0b0e5d1f-0000-4000-8000-00000000c001"}

    answer = reserved.dan.post(PAGE, wanted | named | changed)

    assert answer.status_code == 400
    assert says in _text(answer)
    assert _mapped(reserved) == 1  # the world's own


def _plan(shown: Any) -> str:
    (plan,) = re.findall(r'name="plan" value="([^"]+)"', shown.content.decode())
    return str(plan)


def _mapped(world: World) -> int:
    with scope.of(world.contoso.ref):
        return CapacityMapping.objects.count()


@pytest.fixture
def priced(reserved: World) -> World:
    """The same, confirmed by the tenant's rule and computed."""
    with scope.of(reserved.contoso.ref):
        BillingSettings.objects.update(confirm_from_confidence=Decimal(1))
    _computed(reserved)
    return reserved


def test_what_it_cost_who_used_it_and_that_it_is_not_charged_yet(priced: World) -> None:
    seen = _text(priced.dan.get(PAGE))

    assert "Not yet charged to teams" in seen
    assert "12,716.67" in seen
    assert "GlobalProvisionedManaged , 50 units" in seen.replace("Managed,", "Managed ,")
    assert re.search(r"Search\s+[\d,]+", seen[seen.index("Tokens on it, not yet charged") :])


def test_a_reservation_is_planned_then_entered_and_then_covers(priced: World) -> None:
    shown = priced.dan.post(PAGE, BUY)
    text = _text(shown)
    assert "Nothing has changed yet" in text
    (plan,) = re.findall(r'name="plan" value="([^"]+)"', shown.content.decode())
    with scope.of(priced.contoso.ref):
        assert not Reservation.objects.filter(name="search 2026").exists()

    other = priced.dan.post(PAGE, {**BUY, "units": "21", "plan": plan})
    assert "The plan was not of these inputs" in _text(other)
    done = priced.dan.post(PAGE, {**BUY, "plan": plan}, follow=True)

    assert "Reservation search 2026 is entered" in _text(done)
    _computed(priced)
    seen = _text(priced.dan.get(PAGE))
    assert "20 units, global, swedencentral" in seen
    assert "100.0 %" in seen


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"units": "0"}, "greater than or equal to 1"),
        ({"region": "Sweden Central"}, "such as swedencentral"),
        ({"unit_price": "", "currency": ""}, "The price list has no reservation"),
        ({"currency": "EUR"}, "no exchange rate from EUR to USD"),
        ({"source": ""}, "Say what the price is taken from"),
    ],
)
def test_what_cannot_be_entered_is_told_at_the_field(
    priced: World, changed: dict[str, str], says: str
) -> None:
    answer = priced.dan.post(PAGE, BUY | changed)
    assert answer.status_code == 400
    assert says in _text(answer)


def test_one_entered_wrongly_is_withdrawn_with_a_reason(priced: World) -> None:
    refused = priced.dan.post(PAGE, {"do": "withdraw", "name": "Pilot"})
    assert refused.status_code == 400
    wanted = {"do": "withdraw", "name": "Pilot", "reason": "a typing error"}
    shown = priced.dan.post(PAGE, wanted)
    (plan,) = re.findall(r'name="plan" value="([^"]+)"', shown.content.decode())

    assert priced.dan.post(PAGE, {**wanted, "plan": plan}).status_code == 302
    with scope.of(priced.contoso.ref):
        assert Reservation.objects.get(name="Pilot").withdrawn_by == "dan@example.org"


@pytest.mark.parametrize(
    ("name", "sees", "changes"),
    [("dan", 200, 200), ("erin", 200, 200), ("vic", 200, 403), ("carol", 200, 403)],
)
def test_who_may_look_and_who_may_change(priced: World, name: str, sees: int, changes: int) -> None:
    browser = getattr(priced, name)
    assert browser.get(PAGE).status_code == sees
    assert browser.post(PAGE, BUY).status_code == changes


def test_a_team_owner_and_another_tenant_see_nothing(priced: World) -> None:
    assert priced.alice.get(PAGE).status_code == 403
    assert priced.mallory.get(PAGE).status_code == 404


def test_a_month_without_capacity_says_so(priced: World) -> None:
    seen = _text(priced.dan.get(f"{PAGE}?month=2026-05"))
    assert "No capacity in" in seen
    assert "No reservation counts in" in seen

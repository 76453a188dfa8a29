"""What pushed events come to: priced like any usage, adjusted when late, never enforced."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing import events, usage
from billing.models import ClosedMonth, ProposedAdjustment
from billing.rules.event_bodies import Form
from billing.rules.windows import Lane
from inventory import sync
from inventory.gateways import NoService
from inventory.models import Deployment, Gateway, GatewayState, Origin, Subscription, UsageSource
from inventory.tasks import sync_inventory
from tenancy import scope
from tenancy.runs import Contention
from tests.azure import AT
from tests.flows.steps import Steps, rows

CALL: dict[str, Any] = {
    "gateway": "router",
    "source": "urn:router",
    "time": (AT - timedelta(hours=2)).isoformat(),
    "subscription": "bot",
    "deployment": "chat-eu",
    "model": "gpt-5.2-chat",
    "model_version": "2025-12-11",
    "deployment_type": "GlobalStandard",
    "region": "Sweden Central",
    "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "reasoning_tokens": 40},
}
#: 1,000 × 1.75 and 100 × 14.00 USD a million: reasoning is charged as output.
COST = Decimal("0.00315")
OCTOBER = datetime(2026, 10, 5, 12, 30, tzinfo=UTC)


@pytest.fixture
def router(contoso: Steps) -> Steps:
    """Contoso with a gateway beside it whose usage is pushed."""
    with scope.of(contoso.ref):
        Gateway.objects.create(
            name="router",
            usage_source=UsageSource.EVENTS,
            usage_from=datetime(2026, 9, 1, tzinfo=UTC),
        )
    return contoso


def push(tenant: Steps, *numbers: int, **more: Any) -> None:
    sent = [CALL | {"id": f"call-{number}"} | more for number in numbers]
    with scope.of(tenant.ref):
        events.push(json.dumps(sent).encode(), Form.PLAIN, {}, at=AT)


def read(tenant: Steps, lane: Lane | None = None) -> int:
    later = AT + timedelta(minutes=5)
    return usage.sync(tenant.ref, "router", at=later, contention=Contention.TAKE_OVER, lane=lane)


def test_a_model_that_events_name_is_proposed_a_price_and_charged(router: Steps) -> None:
    others = router.spent()
    push(router, 1, 2)

    assert read(router) == 1
    assert router.map() > 0
    router.rate()

    spent = router.spent()
    assert spent.pop("bot") == 2 * COST
    assert spent == others
    push(router, 1, 2, 3)
    read(router)
    router.rate()
    assert router.spent()["bot"] == 3 * COST


def test_an_event_of_a_closed_month_becomes_a_proposed_adjustment(router: Steps) -> None:
    push(router, 1, time=OCTOBER.isoformat())
    read(router)
    router.map()
    router.rate()
    with scope.of(router.ref):
        ClosedMonth.objects.create(first_day=date(2026, 10, 1), closed_by="dan", closed_at=AT)

    push(router, 2, time=OCTOBER.isoformat())
    assert read(router, Lane.AGAIN) == 1
    rated = router.rate()

    assert rated.adjustments > 0
    with scope.of(router.ref):
        proposed = ProposedAdjustment.objects.filter(subscription__name="bot")
        difference = sum((row.cost_after or 0) - (row.cost_before or 0) for row in proposed)
        assert {row.first_day for row in proposed} == {date(2026, 10, 1)}
    assert difference == COST
    charged = rows(
        "SELECT sum(rated.cost) FROM billing_ratedday rated JOIN inventory_subscription bot"
        " ON bot.id = rated.subscription_id WHERE bot.name = 'bot'"
    )
    assert charged == [(COST,)]


def test_nothing_of_it_is_asked_of_azure_or_set_there(router: Steps) -> None:
    push(router, 1)
    read(router)
    router.map()
    router.rate()
    router.limit("bot", "0.0001")
    router.azure.control.delete("/requests")

    assert not [one for one in router.enforce() if one.decided.gateway == "router"]
    with scope.of(router.ref):
        bot = Subscription.objects.filter(name="bot")
        assert bot.get().origin == Origin.USAGE
        # As one that was read from a service which the gateway has no more.
        bot.update(origin=Origin.INVENTORY, state=GatewayState.ACTIVE)
    assert not [one for one in router.enforce() if one.decided.gateway == "router"]
    asked = [one["path"] for one in router.azure.get("/requests")["requests"]]
    assert not [path for path in asked if "bot" in path]


def test_it_has_no_inventory_to_read(router: Steps, queue: Any) -> None:
    push(router, 1)
    with pytest.raises(NoService, match="its usage is pushed"):
        sync.sync(router.ref, "router", at=AT, contention=Contention.TAKE_OVER)
    assert not rows("SELECT 1 FROM tenancy_run WHERE subject = 'router'")
    sync_inventory.apply(throw=True)
    assert queue.llen("celery") == 2, "one for each API Management service, none for the router"

    router.inventory(at=AT + timedelta(hours=1))

    with scope.of(router.ref):
        assert Deployment.objects.get(name="chat-eu").vanished_at is None

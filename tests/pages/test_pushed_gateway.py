"""Every page copes with a gateway that has no service: its usage is pushed, and shown like any."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.urls import reverse

from billing import events, usage
from billing.rules.event_bodies import Form
from inventory.models import Gateway, Subscription, UsageSource
from portal.api import event_bodies
from tenancy import scope
from tenancy.runs import Contention
from tests.world import NOW, START, World

PAGES = (
    "",
    "status/",
    "prices/mappings/",
    "prices/capacity/",
    "prices/rerating/",
    "usage/reading/",
    "usage/unallocated/",
    "subscriptions/router/support-bot/",
)
ADMIN = ("gateway", "subscription", "deployment", "product")


@pytest.fixture
def pushed(committed_world: World, at_noon: None) -> World:
    """Contoso with a router beside its service, and a call of it."""
    ref = committed_world.contoso.ref
    with scope.of(ref):
        Gateway.objects.create(name="router", usage_source=UsageSource.EVENTS, usage_from=START)
    with scope.of(ref):
        time = (NOW - timedelta(minutes=20)).isoformat()
        body = json.dumps(event_bodies.EVENT | {"time": time}).encode()
        events.push(body, Form.PLAIN, {}, at=NOW)
    usage.sync(ref, "router", at=NOW, contention=Contention.TAKE_OVER)
    return committed_world


def test_every_page_is_there_and_names_the_gateway_where_usage_is_read(pushed: World) -> None:
    home = pushed.contoso.home
    answers = {path: pushed.erin.get(f"{home}{path}") for path in PAGES}
    answers |= {path: pushed.erin.get(f"{home}admin/inventory/{path}/") for path in ADMIN}

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(
        answers, 200
    )
    for path in ("status/", "usage/reading/", "gateway"):
        assert b"router" in answers[path].content, path
    with scope.of(pushed.contoso.ref):
        gateway = Gateway.objects.get(name="router")
        assert Subscription.objects.filter(gateway=gateway, name="support-bot").exists()
    assert pushed.erin.get(f"{home}admin/inventory/gateway/{gateway.pk}/change/").status_code == 200


def test_the_api_shows_its_subscription_and_its_usage(pushed: World) -> None:
    token = pushed.token("dan")
    headers = {"Authorization": f"Bearer {token}"}
    where = reverse("api:subscription", args=["router", "support-bot"])
    assert pushed.dan.get(where, headers=headers).json()["listed"] is False
    query = "?from=2026-11-20T00:00:00Z&to=2026-11-21T00:00:00Z&gateway=router"
    (row,) = pushed.dan.get(reverse("api:usage") + query, headers=headers).json()["results"]
    assert row["model"] == "gpt-5.2-chat"
    assert row["tokens"]["total"] == 1540
    assert row["requests"]["total"] == 1

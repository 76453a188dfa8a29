"""What belongs to no team, as programs ask for it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from billing.models import BillingSettings
from inventory.models import Deployment, Origin
from portal.api import unallocated_examples
from tenancy import scope
from tests.api.test_schema import Asking, _shape
from tests.flows.test_unallocated import FIRST, NAMES, subscription, used
from tests.world import NOW, World

ADDRESS = "usage/unallocated/"


@pytest.fixture
def nobodys(world: World) -> World:
    place = world.contoso
    with scope.of(place.ref):
        BillingSettings.objects.update(required_metadata=["application", "environment"])
        for name in NAMES:
            used(subscription(place, name), place.deployment, FIRST, 1000, Decimal(1))
        unknown = Deployment.objects.create(
            gateway=place.gateway, host="h", name="new-one", origin=Origin.USAGE, seen_at=NOW
        )
        used(subscription(place, "gone"), unknown, FIRST, 70, None)
    return world


def test_the_reasons_sum_to_the_total(nobodys: World, program: Asking) -> None:
    answer = program("dan").read(ADDRESS, month="2026-11")
    assert answer["total"]["cost"] == {"amount": "5", "currency": "USD", "basis": "estimated"}
    assert answer["total"]["tokens"] == sum(one["tokens"] for one in answer["reasons"]) == 5070
    assert answer["total"]["unpriced_tokens"] == 70
    assert {one["reason"] for one in answer["reasons"]} == {*NAMES.values()}
    assert {one["subscription"] for one in answer["subscriptions"]} == {*NAMES}
    (unknown,) = answer["unknown_deployments"]
    assert (unknown["deployment"], unknown["cost"]) == ("new-one", None)
    assert {one["team"] for one in answer["quality"]} == {"search", "support"}


def test_the_example_looks_like_the_answer(nobodys: World, program: Asking) -> None:
    answer: dict[str, Any] = program("dan").read(ADDRESS)
    assert _shape(answer) == _shape(unallocated_examples.UNALLOCATED)


def test_it_is_for_who_sees_the_whole_tenant(nobodys: World, program: Asking) -> None:
    assert program("alice").ask(ADDRESS).status_code == 403
    assert program("mallory").read(ADDRESS)["total"]["tokens"] == 0
    assert program("dan").ask(ADDRESS, month="2026-13").status_code == 400
    assert program("dan").ask(ADDRESS, team="search").status_code == 400

"""The rule that maps meters looks again as soon as anything it goes by has changed, and not before.

It looks every minute, in every tenant: reading all meters of its regions each time is for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing import preferences
from billing.models import ClassUsage, DayToRate, Meter, MeterMapping
from billing.prices import mapping
from billing.rules.token_classes import TokenClass
from inventory.models import Deployment
from tenancy import scope
from tenancy.runs import Contention
from tests.flows.november import a_load
from tests.world import NOW, World
from tests.world_usage import BUCKET, told_of

CACHED = TokenClass.CACHED_INPUT
BY = "dan@example.org"


def a_meter(name: str) -> Meter:
    """A meter of the world's region, by the million tokens."""
    return Meter.objects.create(
        azure_id=f"meter {name}",
        meter_name=name,
        product_name="Azure OpenAI GPT5",
        sku_name=name,
        service_name="Foundry Models",
        region="swedencentral",
        unit_of_measure="1M",
    )


def sync(world: World) -> tuple[int, bool]:
    """How many the rule mapped, and whether it read meters."""
    with CaptureQueriesContext(connection) as asked:
        made = mapping.sync(world.contoso.ref, at=NOW, contention=Contention.GIVE_WAY)
    return made, any('"billing_meter"."meter_name"' in one["sql"] for one in asked)


@pytest.fixture
def quiet(world: World) -> World:
    """The rule is on and has nothing more to confirm; there is a meter that it cannot read."""
    a_meter("of no model")
    with scope.of(world.contoso.ref):
        preferences.set_rule(Decimal("0.95"), by=BY, at=NOW)
    assert sync(world) == (0, True)
    assert sync(world) == (0, False)
    return world


def new_meter(world: World) -> None:
    a_meter("GPT 5.2 chat opt Gl 1M Tokens")


def meter_described_anew(world: World) -> None:
    Meter.objects.filter(meter_name="of no model").update(
        meter_name="GPT 5.2 chat opt Gl 1M Tokens"
    )
    a_load()


def class_without_a_price(world: World) -> None:
    place = world.contoso
    with scope.of(place.ref):
        ClassUsage.objects.create(
            series=told_of(world.search.subscription, place.deployment),
            gateway=place.gateway,
            bucket_start=BUCKET,
            subscription=world.search.subscription,
            deployment=place.deployment,
            token_class=CACHED,
            quantity=1,
        )
        DayToRate.objects.get_or_create(day=BUCKET.date(), deployment=place.deployment)


def mapping_taken_away(world: World) -> None:
    with scope.of(world.contoso.ref):
        MeterMapping.objects.all().delete()


def another_model(world: World) -> None:
    with scope.of(world.contoso.ref):
        Deployment.objects.update(model="gpt-5-mini", version="2025-08-07")


def lower_threshold(world: World) -> None:
    with scope.of(world.contoso.ref):
        preferences.set_rule(Decimal("0.9"), by=BY, at=NOW)


@pytest.mark.parametrize(
    ("change", "made"),
    [
        (new_meter, 1),
        (meter_described_anew, 1),
        (class_without_a_price, 0),
        (mapping_taken_away, 1),
        (another_model, 0),
        (lower_threshold, 0),
    ],
)
def test_whatever_changes_is_looked_at(
    quiet: World, change: Callable[[World], None], made: int
) -> None:
    change(quiet)

    assert sync(quiet) == (made, True)
    assert sync(quiet)[0] == 0
    assert sync(quiet) == (0, False)


def test_a_meter_that_is_named_no_more_is_looked_at(quiet: World) -> None:
    Meter.objects.filter(meter_name="of no model").update(
        vanished_at=datetime(2026, 11, 20, tzinfo=UTC)
    )
    assert sync(quiet) == (0, True)


def test_tenants_are_told_apart(quiet: World) -> None:
    with scope.of(quiet.fabrikam.ref):
        preferences.set_rule(Decimal("0.95"), by=BY, at=NOW)
    new_meter(quiet)

    assert mapping.sync(quiet.fabrikam.ref, at=NOW, contention=Contention.GIVE_WAY) == 1
    assert sync(quiet) == (1, True)

"""A month of usage with fractions of cents, a price that changes, tokens without a price, and a
subscription that changes hands; rated by the product's own verb.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db import connection

from billing import marking, rating
from billing.models import ClassUsage, Meter, MeterMapping, Price, Usage
from billing.rules.token_classes import TokenClass
from inventory.models import Deployment, Origin, Ownership, Subscription
from tenancy import scope
from tenancy.models import InstallationRun
from tenancy.runs import Contention
from tests import world as small_world
from tests.world import Place, World
from tests.world_usage import BUCKET, told_of

FIRST = datetime(2026, 11, 4, 6, 0, tzinfo=UTC)
DAYS = 12
#: From this local day on Alice's key belongs to Bob's team.
HANDED_OVER = date(2026, 11, 10)


def write(world: World) -> None:
    """Add the month to both tenants; in Contoso Alice's key is handed over to Bob's team."""
    _output_prices()
    for place in (world.contoso, world.fabrikam):
        with scope.of(place.ref):
            _map_output(place)
            _use(place)
            marking.mark_days(since=small_world.START)
        rating.rate(place.ref, contention=Contention.GIVE_WAY)


def hand_over(world: World) -> None:
    """Alice's key belongs to Bob's team from `HANDED_OVER` on, and nobody's are used too."""
    with scope.of(world.contoso.ref):
        Ownership.objects.create(
            subscription=world.search.subscription,
            team=world.support.team,
            from_day=HANDED_OVER,
            recorded_at=datetime(2026, 11, 9, 12, 0, tzinfo=UTC),
        )


def second_series(world: World) -> None:
    """In the world's own hour Alice's key calls for a second application, with a cache write."""
    with scope.of(world.contoso.ref):
        search, place = world.search.subscription, world.contoso
        same = {
            "series": told_of(search, place.deployment, application="Chat"),
            "gateway": place.gateway,
            "bucket_start": BUCKET,
            "subscription": search,
            "deployment": place.deployment,
        }
        Usage.objects.create(**same, input_tokens=300, requests=1, successful_requests=1)
        ClassUsage.objects.create(**same, token_class=TokenClass.CACHE_WRITE, quantity=7)
        marking.mark_days(since=small_world.START)
    rating.rate(place.ref, contention=Contention.GIVE_WAY)


def _output_prices() -> None:
    meter = Meter.objects.create(
        azure_id="0b0e5d1f-0000-4000-8000-000000000002",
        meter_name="gpt 5.2 chat Outp glbl Tokens",
        product_name="Azure OpenAI",
        sku_name="gpt 5.2 chat Outp glbl",
        service_name="Foundry Models",
        region="swedencentral",
        unit_of_measure="1M",
    )
    for start, listed in (
        (small_world.START, Decimal("13.999999")),
        (datetime(2026, 11, 8, tzinfo=UTC), Decimal("11.333333")),
    ):
        Price.objects.create(
            meter=meter,
            effective_from=start,
            currency="USD",
            listed_price=listed,
            unit_of_measure="1M",
            unit_price=listed / 1_000_000,
            run=InstallationRun.objects.earliest("id"),
        )


def _map_output(place: Place) -> None:
    MeterMapping.objects.create(
        deployment=place.deployment,
        token_class=TokenClass.OUTPUT,
        meter=Meter.objects.get(azure_id="0b0e5d1f-0000-4000-8000-000000000002"),
        effective_from=small_world.START,
        confirmed_by="erin@example.org",
        reason="The name says it.",
    )


def _use(place: Place) -> None:
    """Each of both keys, and calls of nobody, on two deployments; one of those has no prices."""
    nobody = Subscription.objects.create(
        gateway=place.gateway, name="", origin=Origin.USAGE, seen_at=small_world.NOW
    )
    unmapped = Deployment.objects.create(
        gateway=place.gateway, name="mystery", origin=Origin.USAGE, seen_at=small_world.NOW
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_usage_months(%s, %s)", [FIRST, FIRST + timedelta(days=DAYS)])
    keys = [*(house.subscription for house in place.houses), nobody]
    Usage.objects.bulk_create(
        Usage(
            series=told_of(key, deployment),
            gateway=place.gateway,
            bucket_start=FIRST + timedelta(days=day, hours=hour),
            subscription=key,
            deployment=deployment,
            input_tokens=1_003 * (day + 1) + place_of_key,
            cached_input_tokens=7 if day % 5 == 0 else 0,
            output_tokens=331 * (hour + 1) + day,
            requests=9,
            successful_requests=8,
            throttled_requests=1,
        )
        for place_of_key, key in enumerate(keys)
        for deployment in (place.deployment, unmapped)
        for day in range(DAYS)
        for hour in range(2)
    )

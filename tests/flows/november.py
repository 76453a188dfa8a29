"""Usage on the days of a November, and which of them a change marks to be rated again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from billing import marking, rating
from billing.models import ClassUsage, DayToRate, Meter, Price, RatedDay, Usage
from billing.prices.mapping import ALWAYS
from billing.rules.token_classes import TokenClass
from inventory.models import Deployment, Origin
from tenancy import scope
from tenancy.models import InstallationRun
from tenancy.runs import Contention
from tests.world import NOW, Place
from tests.world_usage import told_of

DAYS = range(5, 20)
Days = set[date]


def on(day: int, hour: int = 0) -> datetime:
    """An instant of November, UTC. Usage is at nine."""
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def days(first: int, last: int) -> Days:
    """Local days of November, the last one too."""
    return {date(2026, 11, day) for day in range(first, last + 1)}


def used(place: Place, deployment: Deployment) -> None:
    """Input tokens on every one of the days, and pages on the tenth."""
    row: dict[str, Any] = {
        "series": told_of(place.houses[0].subscription, deployment),
        "gateway": place.gateway,
        "subscription": place.houses[0].subscription,
        "deployment": deployment,
    }
    for day in DAYS:
        Usage.objects.create(**row, bucket_start=on(day, 9), input_tokens=1_000_000, requests=1)
    ClassUsage.objects.create(
        **row, bucket_start=on(10, 9), token_class=TokenClass.PAGES, quantity=7
    )


def like(deployment: Deployment, name: str) -> Deployment:
    """Another deployment of the same model."""
    return Deployment.objects.create(
        gateway=deployment.gateway,
        host=deployment.host,
        name=name,
        model=deployment.model,
        version=deployment.version,
        sku=deployment.sku,
        region=deployment.region,
        origin=Origin.INVENTORY,
        seen_at=NOW,
    )


def a_meter(name: str = "other") -> Meter:
    return Meter.objects.create(
        azure_id=name, meter_name=name, product_name="Other", region="", unit_of_measure="1M"
    )


def a_load() -> InstallationRun:
    """A newer load of the price list."""
    return InstallationRun.objects.create(
        step="sync_prices", outcome="succeeded", started_at=NOW, beat_at=NOW, finished_at=NOW
    )


def state(
    meter: Meter, since: datetime, price: str, *, run: InstallationRun, **said: object
) -> Price:
    """A list price per million."""
    return Price.objects.create(
        **{
            "meter": meter,
            "effective_from": since,
            "currency": "USD",
            "listed_price": Decimal(price),
            "unit_of_measure": "1M",
            "unit_price": Decimal(price) / 1_000_000,
            "run": run,
            **said,
        }
    )


def rate(place: Place) -> None:
    rating.rate(place.ref, contention=Contention.TAKE_OVER)


def marked(place: Place) -> dict[str, Days]:
    """The days that are marked, by deployment."""
    found: dict[str, Days] = {}
    with scope.of(place.ref):
        for name, day in DayToRate.objects.values_list("deployment__name", "day"):
            found.setdefault(name, set()).add(day)
    return found


def rated(place: Place) -> list[tuple[object, ...]]:
    """What the days cost, and by what."""
    with scope.of(place.ref):
        wanted = [field.attname for field in RatedDay._meta.fields if field.name != "id"]
        rows = RatedDay.objects.filter(day__gte=date(2026, 9, 1))
        return sorted(rows.values_list(*wanted), key=repr)


@contextmanager
def settled(place: Place) -> Iterator[None]:
    """Everything rated before the block; after it, rating what was marked rates all."""
    with scope.of(place.ref):
        marking.mark_days(since=ALWAYS)
    rate(place)
    assert marked(place) == {}
    yield
    rate(place)
    found = rated(place)
    with scope.of(place.ref):
        marking.mark_days(since=ALWAYS)
    rate(place)
    assert rated(place) == found

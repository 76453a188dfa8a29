"""One month of usage of one tenant, the same on every machine: hours × subscriptions × models."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from benchmarks.price_list import region
from billing import attribution
from billing.models import Meter, Price
from billing.prices import mapping
from billing.rules.token_classes import TokenClass
from connectors.records import QueryTable
from inventory import gateways, teams
from inventory.gateways import GatewayRef
from inventory.models import Deployment, Gateway, Origin, Subscription, Team
from inventory.ownership import Attribution
from tenancy import clock, scope, tenants
from tenancy.models import InstallationRun
from tenancy.scope import TenantRef

ZONE = "Europe/Berlin"
START = datetime(2026, 10, 31, 23, 0, tzinfo=UTC)
END = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
MIDDLE = datetime(2026, 11, 16, tzinfo=UTC)
HOURS = int((END - START) / timedelta(hours=1))
#: The meters of each deployment's input and output, by their names on the list.
METERS = (
    ("5.4 inp Gl 1M Tokens", "5.4 opt Gl 1M Tokens"),
    ("5.3 chat inp Gl 1M Tokens", "5.3 chat opt Gl 1M Tokens"),
    ("5.2 codex inp Gl 1M Tokens", "5.2 codex opt Gl 1M Tokens"),
    ("5.4 mini Inp Gl 1M Tokens", "5.4 mini Opt Gl 1M Tokens"),
    ("5.4 nano Inp Gl 1M Tokens", "5.4 nano Opt Gl 1M Tokens"),
)
MODELS = len(METERS)
TEAMS = 10
HOST = "ai-bench.openai.azure.com"
BY = "benchmark"
_COLUMNS = (
    "BucketStart",
    "Service",
    "Subscription",
    "Host",
    "Deployment",
    "InputTokens",
    "OutputTokens",
    "TotalTokens",
    "Requests",
    "Successful",
    "Throttled",
    "Refused",
    "CacheHits",
    "Uncovered",
    "LongInputTokens",
    "LongOutputTokens",
)


@dataclass(frozen=True)
class Window:
    """Some days of usage: made when asked for, the same each time."""

    start: datetime
    end: datetime
    subscriptions: int

    @property
    def table(self) -> QueryTable:
        """The rows as the log answers them."""
        return QueryTable(columns=_COLUMNS, rows=tuple(_rows(self)))


@dataclass(frozen=True)
class Month:
    """A tenant whose month can be loaded."""

    ref: TenantRef
    gateway: GatewayRef
    team: Team
    subscriptions: int
    windows: tuple[Window, ...]

    @property
    def rows(self) -> int:
        """How many rows of usage there are."""
        return HOURS * self.subscriptions * MODELS


def make(size: int, *, longest: timedelta) -> Month:
    """About ``size`` rows: five deployments, prices that change on the 16th, ten teams.

    The price list is loaded already.
    """
    ref = tenants.create("bench", name="Bench", currency="USD", zone=ZONE)
    count = max(TEAMS, round(size / (HOURS * MODELS)))
    with scope.of(ref):
        gateway = _gateway()
        owned = _owned(gateway, count)
        _mapped(gateway)
        reference = gateways.named("bench")
    reprice(range(MODELS), percent=100)
    return Month(ref, reference, owned, count, tuple(_windows(count, longest)))


def reprice(models: Iterable[int], *, percent: int) -> None:
    """As a load of the list states it: other prices for the meters of these deployments.

    So many percent of the listed ones in the first half of the month, half as much again after.
    """
    now = clock.now()
    run = InstallationRun.objects.create(
        step="bench", outcome="succeeded", started_at=now, beat_at=now, finished_at=now
    )
    names = [name for model in models for name in METERS[model]]
    for meter in Meter.objects.filter(meter_name__in=names, region=region(0)):
        listed = meter.prices.order_by("id")[0]
        for since, factor in ((START, percent), (MIDDLE, percent * 3 // 2)):
            price = listed.listed_price * factor / 100
            Price.objects.create(
                meter=meter,
                effective_from=since,
                currency="USD",
                listed_price=price,
                unit_of_measure=listed.unit_of_measure,
                unit_price=price / 1_000_000,
                run=run,
            )


def _gateway() -> Gateway:
    row = Gateway(
        name="bench",
        azure_subscription_id="00000000-0000-0000-0000-000000000000",
        resource_group="rg-bench",
        service="bench",
        workspace_id="00000000-0000-0000-0000-000000000001",
        usage_from=START,
    )
    gateways.connect(row, (), by=BY, at=START)
    return row


def _owned(gateway: Gateway, count: int) -> Team:
    made = [
        teams.create(f"team{number}", name=f"Team {number}", cost_center="1", cost_center_name="1")
        for number in range(TEAMS)
    ]
    for number in range(count):
        row = Subscription.objects.create(
            gateway=gateway, name=f"s{number}", origin=Origin.INVENTORY, seen_at=START
        )
        team = made[number % TEAMS]
        attribution.assign(
            row, Attribution(team), from_day=START.date(), by=BY, at=START - timedelta(days=1)
        )
    return made[0]


def _mapped(gateway: Gateway) -> None:
    for model, names in enumerate(METERS):
        deployed = Deployment.objects.create(
            gateway=gateway,
            host=HOST,
            name=f"d{model}",
            model=f"m{model}",
            origin=Origin.INVENTORY,
            seen_at=START,
        )
        for token_class, name in zip((TokenClass.INPUT, TokenClass.OUTPUT), names, strict=True):
            meter = Meter.objects.get(meter_name=name, region=region(0))
            mapping.confirm(
                deployed, token_class, meter, from_instant=START, by=BY, at=START, reason="bench"
            )


def _windows(count: int, longest: timedelta) -> Iterator[Window]:
    start = START
    while start < END:
        end = min(start + longest, END)
        yield Window(start, end, count)
        start = end


def _rows(window: Window) -> Iterator[tuple[object, ...]]:
    chance = random.Random(window.start.isoformat())
    start = window.start
    while start < window.end:
        for subscription in range(window.subscriptions):
            for model in range(MODELS):
                spent, said = chance.randrange(1, 200_000), chance.randrange(1, 50_000)
                calls = chance.randrange(1, 90)
                who = ("bench", f"s{subscription}", HOST, f"d{model}")
                yield (start, *who, spent, said, spent + said, calls, calls, 0, 0, 0, 0, 0, 0)
        start += timedelta(hours=1)

"""One month of usage of one tenant, the same on every machine: hours × subscriptions × models."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from billing.models import Meter, Price
from billing.prices import mapping
from billing.rules.token_classes import TokenClass
from connectors.records import QueryTable
from inventory import gateways, ownership, teams
from inventory.gateways import GatewayRef
from inventory.models import Deployment, Gateway, Origin, Subscription, Team
from tenancy import scope, tenants
from tenancy.models import InstallationRun
from tenancy.scope import TenantRef

ZONE = "Europe/Berlin"
START = datetime(2026, 10, 31, 23, 0, tzinfo=UTC)
END = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
HOURS = int((END - START) / timedelta(hours=1))
MODELS = 5
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
class Month:
    """A tenant whose month can be loaded, and the rows of its windows as the log answers them."""

    ref: TenantRef
    gateway: GatewayRef
    team: Team
    windows: tuple[tuple[datetime, datetime, QueryTable], ...]

    @property
    def rows(self) -> int:
        """How many rows of usage there are."""
        return sum(len(table.rows) for _start, _end, table in self.windows)


def make(size: int, *, longest: timedelta) -> Month:
    """About ``size`` rows: a price that changes on the 16th, one rate, ten teams."""
    ref = tenants.create("bench", name="Bench", currency="USD", zone=ZONE)
    count = max(TEAMS, round(size / (HOURS * MODELS)))
    with scope.of(ref):
        gateway = _gateway()
        owned = _owned(gateway, count)
        _prices(gateway)
        reference = gateways.named("bench")
    return Month(ref, reference, owned, tuple(_windows(count, longest)))


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
        ownership.assign(row, team, from_day=START.date(), by=BY, at=START)
    return made[0]


def _prices(gateway: Gateway) -> None:
    run = InstallationRun.objects.create(
        step="bench", outcome="succeeded", started_at=START, beat_at=START, finished_at=START
    )
    for model in range(MODELS):
        deployed = Deployment.objects.create(
            gateway=gateway,
            host=HOST,
            name=f"d{model}",
            model=f"m{model}",
            origin=Origin.INVENTORY,
            seen_at=START,
        )
        for price, token_class in enumerate((TokenClass.INPUT, TokenClass.OUTPUT), start=1):
            meter = Meter.objects.create(azure_id=f"{model}-{token_class}", meter_name=f"m{model}")
            for number, since in enumerate((START, datetime(2026, 11, 16, tzinfo=UTC)), start=1):
                listed = Decimal(price * (model + number)) / 4
                Price.objects.create(
                    meter=meter,
                    effective_from=since,
                    currency="USD",
                    listed_price=listed,
                    unit_of_measure="1M",
                    unit_price=listed / 1_000_000,
                    run=run,
                )
            mapping.confirm(
                deployed, token_class, meter, from_instant=START, by=BY, at=START, reason="bench"
            )


def _windows(count: int, longest: timedelta) -> Iterator[tuple[datetime, datetime, QueryTable]]:
    chance = random.Random(4711)
    start = START
    while start < END:
        end = min(start + longest, END)
        rows = tuple(_rows(chance, start, end, count))
        yield start, end, QueryTable(columns=_COLUMNS, rows=rows)
        start = end


def _rows(
    chance: random.Random, start: datetime, end: datetime, count: int
) -> Iterator[tuple[object, ...]]:
    while start < end:
        for subscription in range(count):
            for model in range(MODELS):
                spent, said = chance.randrange(1, 200_000), chance.randrange(1, 50_000)
                calls = chance.randrange(1, 90)
                who = ("bench", f"s{subscription}", HOST, f"d{model}")
                yield (start, *who, spent, said, spent + said, calls, calls, 0, 0, 0, 0, 0, 0)
        start += timedelta(hours=1)

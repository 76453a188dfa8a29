"""One month of usage of one tenant, the same on every machine: hours × subscriptions × models."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from benchmarks.price_list import region
from billing import attribution, usage
from billing.models import Meter, Price
from billing.prices import mapping
from billing.rules.histograms import BINS
from billing.rules.token_classes import COMMON
from billing.rules.windows import HOUR, hours_at_once
from billing.series import Values
from billing.sources.seam import Hour
from inventory import gateways, teams
from inventory.models import Deployment, Gateway, Origin, Subscription, Team
from inventory.ownership import Attribution
from inventory.rules.dimensions import Dimension
from tenancy import clock, scope, tenants
from tenancy.models import InstallationRun
from tenancy.scope import TenantRef

ZONE = "Europe/Berlin"
START = datetime(2026, 10, 31, 23, 0, tzinfo=UTC)
END = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
MIDDLE = datetime(2026, 11, 16, tzinfo=UTC)
HOURS = int((END - START) / timedelta(hours=1))
#: The meters of each deployment's input, cached input and output, by their names on the list;
#: reasoning costs what output costs.
METERS = (
    ("5.4 inp Gl 1M Tokens", "5.4 cd inp Gl 1M Tokens", "5.4 opt Gl 1M Tokens"),
    ("5.3 chat inp Gl 1M Tokens", "5.3 chat cd inp Gl 1M Tokens", "5.3 chat opt Gl 1M Tokens"),
    ("5.2 codex inp Gl 1M Tokens", "5.2 codex cd inp Gl 1M Tokens", "5.2 codex opt Gl 1M Tokens"),
    ("5.4 mini Inp Gl 1M Tokens", "5.4 mini cd Inp Gl 1M Tokens", "5.4 mini Opt Gl 1M Tokens"),
    ("5.4 nano Inp Gl 1M Tokens", "5.4 nano cd Inp Gl 1M Tokens", "5.4 nano Opt Gl 1M Tokens"),
)
MODELS = len(METERS)
HOST = "ai-bench.openai.azure.com"
BY = "benchmark"
#: Subscriptions of one team: what is read of a team is as much at every size.
TEAM = 7
#: Of so many rows one has changed when the log is read again.
EVERY = 20
#: The token classes that every row has a value of.
VALUES = len(COMMON)
_REGIONS = ("Sweden Central", "West Europe", "France Central")


@dataclass(frozen=True)
class Window:
    """Some hours of usage: made when asked for, the same each time for the same version."""

    start: datetime
    end: datetime
    subscriptions: int

    def hours(self, version: int = 0) -> tuple[Hour, ...]:
        """The rows as a source gives them; one in twenty differs from another version's."""
        return tuple(_rows(self, version))


@dataclass(frozen=True)
class Month:
    """A tenant whose month can be loaded."""

    ref: TenantRef
    gateway: int
    team: int
    subscriptions: int
    windows: tuple[Window, ...]

    @property
    def rows(self) -> int:
        """How many rows of usage there are."""
        return HOURS * self.subscriptions * MODELS

    @property
    def values(self) -> int:
        """How many quantities of a token class those hold."""
        return self.rows * VALUES


def make(size: int) -> Month:
    """About ``size`` values of token classes: five deployments, prices that change on the 16th.

    The price list is loaded already.
    """
    ref = tenants.create("bench", name="Bench", currency="USD", zone=ZONE)
    count = max(TEAM, round(size / (HOURS * MODELS * VALUES)))
    with scope.of(ref):
        gateway = _gateway()
        team = _owned(gateway, count)
        _mapped(gateway)
    reprice(range(MODELS), percent=100)
    return Month(ref, gateway.pk, team.pk, count, windows(count))


def windows(subscriptions: int) -> tuple[Window, ...]:
    """The month as the product reads a backlog: as many hours at once as its bound of rows."""
    at_once = hours_at_once(
        subscriptions * MODELS,
        most_rows=usage.MOST_ROWS,
        most_hours=usage.LONGEST_WINDOW // HOUR,
    )
    return tuple(
        Window(START + at * HOUR, START + min(at + at_once, HOURS) * HOUR, subscriptions)
        for at in range(0, HOURS, at_once)
    )


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
    """Subscriptions with their teams; the first team."""
    made: list[Team] = []
    for number in range(count):
        row = Subscription.objects.create(
            gateway=gateway, name=f"s{number}", origin=Origin.INVENTORY, seen_at=START
        )
        if number % TEAM == 0:
            name = f"Team {number // TEAM}"
            slug = f"team{number // TEAM}"
            made.append(teams.create(slug, name=name, cost_center="1", cost_center_name="1"))
        attribution.assign(
            row, Attribution(made[-1]), from_day=START.date(), by=BY, at=START - timedelta(days=1)
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
        for token_class, name in zip(COMMON, (*names, names[-1]), strict=True):
            meter = Meter.objects.get(meter_name=name, region=region(0))
            mapping.confirm(
                deployed, token_class, meter, from_instant=START, by=BY, at=START, reason="bench"
            )


def _rows(window: Window, version: int) -> Iterator[Hour]:
    chance = random.Random(window.start.isoformat())
    number, start = 0, window.start
    while start < window.end:
        for subscription in range(window.subscriptions):
            for model in range(MODELS):
                number += 1
                spent, said = chance.randrange(2, 200_000), chance.randrange(2, 50_000)
                said += version if number % EVERY == 0 else 0
                cached, thought = spent // 3, said // 4
                calls = chance.randrange(1, 90)
                latency, prompts = _HISTOGRAMS[calls]
                yield Hour(
                    start=start,
                    subscription=f"s{subscription}",
                    host=HOST,
                    deployment=f"d{model}",
                    tokens=(spent - cached + 1, cached + 1, said - thought + 1, thought + 1),
                    counts=(calls, calls, 0, 0, 0, 0, 0, 0, 0, 0, 0),
                    total=spent + said + 4,
                    values=_values(subscription, model),
                    latency=latency,
                    prompts=prompts,
                )
        start += HOUR


@cache
def _values(subscription: int, model: int) -> Values:
    told = {
        Dimension.API: "openai",
        Dimension.REGION: _REGIONS[(subscription + model) % len(_REGIONS)],
        Dimension.APPLICATION: f"app{subscription % 11}",
    }
    return tuple(told.get(one, "") for one in Dimension)


def _histogram(chance: random.Random, calls: int, around: int) -> str:
    bins = [0] * BINS
    for _ in range(calls):
        bins[min(max(round(chance.gauss(around, 1.5)), 0), BINS - 1)] += 1
    return ",".join(map(str, bins))


def _histograms() -> list[tuple[str, str]]:
    """By how many calls: how long they took, and how long their prompts were."""
    chance = random.Random(1)
    return [(_histogram(chance, calls, 6), _histogram(chance, calls, 9)) for calls in range(90)]


_HISTOGRAMS = _histograms()

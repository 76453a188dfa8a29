"""The main job, told step by step through the verbs.

Everything the story says is read back from where the product keeps it; nothing is made up here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from urllib.request import urlopen

from billing import capacity, rating, rollups, statements, usage
from billing.effects import Effect
from billing.prices import catalogue, mapping
from billing.statements import StatementView
from governance import enforcement, suspensions
from governance.models import QuotaRequest
from governance.suspensions import Held
from inventory import gateways, sync, teams
from portal.demo import agreements, front_door, setting, traffic
from portal.demo.traffic import Answer
from tenancy import clock, money, scope, tenants
from tenancy.money import Money
from tenancy.runs import Contention
from tenancy.scope import TenantRef

Result = TypeVar("Result")
MINE = Contention.TAKE_OVER


@dataclass(frozen=True, slots=True)
class Called:
    """What the gateway answered to a call with one subscription's key."""

    subscription: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class TenantTale:
    """What one tenant's story came to."""

    ref: TenantRef
    name: str
    currency: str
    zone: str
    usage_through: datetime | None
    spent: tuple[tuple[str, Decimal], ...]
    suspended: tuple[Held, ...]
    statements: tuple[StatementView, ...]
    unpriced_tokens: int
    requests: tuple[QuotaRequest, ...] = ()


@dataclass(frozen=True, slots=True)
class Tale:
    """The whole story."""

    prices: int
    tenants: tuple[TenantTale, ...]
    refused: Called | None
    served: Called | None
    seconds: float


class Teller:
    """Says what is being done while it is done: one line a step, with its time."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.begun = time.monotonic()

    def step(self, what: str, act: Callable[[], Result], says: Callable[[Result], str]) -> Result:
        """Do a step, and say what it brought."""
        since = time.monotonic()
        result = act()
        self.say(f"  {what:<34} {time.monotonic() - since:5.1f} s  {says(result)}")
        return result


def tell(control: str, *, password: str, say: Callable[[str], None]) -> Tale:
    """Run the main job for every tenant of the simulator, and read back what it came to.

    Raises:
        Refused, ConnectorError: a step failed; what was done before stays.
    """
    teller = Teller(say)
    azure = _setting(control)
    loaded = teller.step(
        "Azure's price list",
        lambda: catalogue.sync(contention=MINE),
        lambda it: (
            f"{it.items:,} prices of {it.meters:,} meters, {it.suspects} held back as suspect"
        ),
    )
    tales = tuple(_tenant(teller, one, password) for one in azure["tenants"])
    refused, served = _calls(teller, azure, tales)
    return Tale(loaded.items, tales, refused, served, time.monotonic() - teller.begun)


def _tenant(teller: Teller, azure: Mapping[str, Any], password: str) -> TenantTale:
    now = clock.now()
    ref = setting.make(azure, password=password, at=now)
    gateway = azure["service"]["name"]
    teller.step(
        f"{ref.slug}: inventory",
        lambda: sync.sync(ref, gateway, at=now, contention=MINE),
        lambda it: (
            f"{len(it.products)} products, {len(it.subscriptions)} subscriptions, "
            f"{len(it.deployments)} deployments"
        ),
    )
    setting.hand_over(ref, at=now)
    teller.step(
        f"{ref.slug}: usage from Log Analytics",
        lambda: usage.sync(ref, gateway, at=now, contention=MINE),
        lambda changed: f"through {now:%d %b %H:%M} UTC, {changed:,} rows new or changed",
    )
    teller.step(
        f"{ref.slug}: meters of the deployments",
        lambda: mapping.sync(ref, at=now, contention=MINE),
        lambda made: f"{made} mapped by what their meters say",
    )
    teller.step(
        f"{ref.slug}: rating",
        lambda: rating.rate(ref, contention=MINE),
        lambda it: f"{it.days} days of deployments, {it.rows:,} rows",
    )
    teller.step(
        f"{ref.slug}: negotiated prices",
        lambda: agreements.apply_sheet(ref, at=now),
        lambda effect: f"planned: {_gap(effect)} in open months; applied",
    )
    teller.step(
        f"{ref.slug}: rating again",
        lambda: rating.rate(ref, contention=MINE),
        lambda it: f"{it.days} days of deployments, {it.rows:,} rows",
    )
    teller.step(
        f"{ref.slug}: capacity and reservations",
        lambda: _capacity(ref, at=now),
        lambda it: f"{it[0]} units reserved, {it[1].written} rows",
    )
    teller.step(
        f"{ref.slug}: enforcement",
        lambda: enforcement.enforce(ref, at=clock.now(), contention=MINE),
        lambda done: (
            ", ".join(f"{one.decided.name} {one.outcome.label}: {one.decided.says}" for one in done)
            or "every subscription is as it should be"
        ),
    )
    asked = teller.step(
        f"{ref.slug}: budgets and requests",
        lambda: front_door.open_it(ref, at=clock.now()),
        lambda made: (
            ", ".join(f"{one}: {one.get_state_display()}" for one in made) or "budgets are set"
        ),
    )
    return replace(_read_back(ref, at=now), requests=asked)


def _gap(effect: Effect) -> str:
    return f"{money.rounded(Money(effect.open.difference, effect.currency))}"


def _capacity(ref: TenantRef, *, at: datetime) -> tuple[int, capacity.Rated]:
    reserved = agreements.reserve(ref, at=at)
    return reserved, capacity.rate(ref, at=at, contention=MINE)


def _read_back(ref: TenantRef, *, at: datetime) -> TenantTale:
    with scope.of(ref):
        billing = tenants.billing()
        period = billing.month_at(at)
        drafts = tuple(statements.draft(team, period) for team in teams.all_of_tenant())
        by_subscription: dict[str, Decimal] = {}
        for draft in drafts:
            for line in draft.lines:
                so_far = by_subscription.get(line.subscription, Decimal(0))
                by_subscription[line.subscription] = so_far + line.exact.amount
        return TenantTale(
            ref=ref,
            name=billing.name,
            currency=billing.currency,
            zone=billing.zone,
            usage_through=rollups.read_through(one.id for one in gateways.all_of_tenant()),
            spent=tuple(sorted(by_subscription.items())),
            suspended=suspensions.standing(),
            statements=drafts,
            unpriced_tokens=sum(draft.unpriced_tokens for draft in drafts),
        )


def _calls(
    teller: Teller, azure: Mapping[str, Any], tales: tuple[TenantTale, ...]
) -> tuple[Called | None, Called | None]:
    """One call with the suspended key, and one with another key of the same tenant."""
    for one, tale in zip(azure["tenants"], tales, strict=True):
        if not tale.suspended:
            continue
        held = tale.suspended[0].subscription
        other = next(sub["name"] for sub in one["subscriptions"] if sub["name"] not in _names(tale))
        refused = Called(held, _call(one, held))
        served = Called(other, _call(one, other))
        teller.say(f"  a call with the key of {held}: HTTP {refused.answer.status}")
        teller.say(f"  a call with the key of {other}: HTTP {served.answer.status}")
        return refused, served
    return None, None


def _names(tale: TenantTale) -> set[str]:
    return {standing.subscription for standing in tale.suspended}


def _call(azure: Mapping[str, Any], name: str) -> Answer:
    key = next(sub["key"] for sub in azure["subscriptions"] if sub["name"] == name)
    with traffic.Caller(azure["gateway_url"], key) as caller:
        return caller.ask(azure["accounts"][0]["deployments"][0]["name"], most_tokens=40)


def _setting(control: str) -> dict[str, Any]:
    with urlopen(f"{control}/setting", timeout=30) as answer:  # noqa: S310  # the simulator's own
        found: dict[str, Any] = json.load(answer)
    return found

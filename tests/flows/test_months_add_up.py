"""Every call is in exactly one month of the tenant's own time, whatever is summed.

Calls a millisecond before and at each local midnight between two months are read over the wire and
rated; teams', products' and models' sums are what plain Python reckons from the raw log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from billing import attribution, breakdown, usage
from billing.breakdown import Breakdown, By
from connectors.records import CognitiveAccount
from inventory import gateways, teams
from inventory.models import Gateway, Subscription
from inventory.ownership import Attribution
from simulator.setting import CONTOSO
from tenancy import memberships, people, periods, scope, tenants
from tenancy.access import Actor
from tenancy.models import Role
from tenancy.runs import Contention
from tenancy.scope import TenantRef
from tests.azure import AT, Azure
from tests.flows.steps import GATEWAYS, Steps

ZONES = (
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
)
BEGINNING = datetime(2026, 1, 20, tzinfo=UTC)
#: February to November: clocks change in March, April and October, by an hour or by half of one.
FIRST_DAYS = tuple(date(2026, month, 1) for month in range(2, 12))
OWNERS = {"subscription1": "north", "subscription2": "south"}
#: From the first of August on `subscription2` is North's.
HANDED_OVER = date(2026, 8, 1)
BY_MONTH = tuple[str, str]


def midnights(zone: str) -> Iterator[datetime]:
    """The first instants of the months, as the zone's own clock has them."""
    for day in FIRST_DAYS:
        yield datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def logged(azure: Azure, zone: str) -> None:
    """On both sides of each midnight: of both teams, of nobody's subscription and without one."""
    workspace = {"workspace": CONTOSO.workspace_id}
    azure.control.request("DELETE", "/rows", json=workspace).raise_for_status()
    deployments = [one.name for one in CONTOSO.account.deployments[:2]]
    calls: list[dict[str, Any]] = []
    for at in midnights(zone):
        for instant in (at - timedelta(milliseconds=1), at):
            for subscription in ("subscription1", "subscription2", "subscription3", ""):
                calls.append(
                    {
                        **workspace,
                        "at": instant.isoformat(),
                        "subscription": subscription,
                        "deployment": deployments[len(calls) % 3 % 2],
                        "prompt": 1_000 + 3 * len(calls),
                        "completion": 10 + len(calls) % 7,
                    }
                )
    azure.post("/rows", {"rows": calls})


def raw(azure: Azure, table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = azure.get("/rows", workspace=CONTOSO.workspace_id, table=table)[
        "rows"
    ]
    return rows


def reckoned(azure: Azure, zone: str) -> dict[By, Counter[BY_MONTH]]:
    """Tokens by month and value, from the rows of the log alone."""
    spent: Counter[str] = Counter()
    for row in raw(azure, "ApiManagementGatewayLlmLog"):
        spent[row["CorrelationId"]] += (row["PromptTokens"] or 0) + (row["CompletionTokens"] or 0)
    found: dict[By, Counter[BY_MONTH]] = {By.TEAM: Counter(), By.PRODUCT: Counter()}
    for row in raw(azure, "ApiManagementGatewayLogs"):
        local = datetime.fromisoformat(row["TimeGenerated"]).astimezone(ZoneInfo(zone))
        month, tokens = f"{local:%Y-%m}", spent.pop(row["CorrelationId"])
        owner = OWNERS.get(row["ApimSubscriptionId"], "")
        if row["ApimSubscriptionId"] == "subscription2" and local.date() >= HANDED_OVER:
            owner = "north"
        found[By.TEAM][month, owner] += tokens
        found[By.PRODUCT][month, row["ProductId"]] += tokens
    assert not spent
    return found


def tenant(zone: str) -> tuple[TenantRef, Actor]:
    """A tenant of this zone, with the gateway that the simulator has, and somebody of finance."""
    ref = tenants.create("here", name="Here", currency="USD", zone=zone)
    with scope.of(ref):
        row = Gateway(
            name=GATEWAYS["contoso"],
            azure_subscription_id=CONTOSO.azure_subscription_id,
            resource_group=CONTOSO.resource_group,
            service=CONTOSO.service,
            workspace_id=CONTOSO.workspace_id,
            credential=GATEWAYS["contoso"],
            usage_from=BEGINNING,
        )
        account = CognitiveAccount(
            subscription_id=CONTOSO.azure_subscription_id,
            resource_group=CONTOSO.resource_group,
            account=CONTOSO.account.name,
        )
        gateways.connect(row, (account,), by="a test", at=BEGINNING)
        person = people.invite("dan@here.example", name="Dan", password="a-long-secret-1")
        memberships.join(person, Role.FINANCE)
        return ref, memberships.actor(person)


def handed_out(ref: TenantRef) -> None:
    """Each team has its subscription; the south's goes to the north on a day."""
    with scope.of(ref):
        made = {
            slug: teams.create(slug, name=slug, cost_center=slug, cost_center_name=slug)
            for slug in ("north", "south")
        }
        held = {row.name: row for row in Subscription.objects.select_related("gateway")}
        first = BEGINNING.date() - timedelta(days=1)
        for name, slug in OWNERS.items():
            _assign(held[name], Attribution(made[slug]), first)
        _assign(held["subscription2"], Attribution(made["north"]), HANDED_OVER)


def _assign(subscription: Subscription, to: Attribution, day: date) -> None:
    attribution.assign(subscription, to, from_day=day, by="a test", at=BEGINNING, reason="so")


def months(zone: str) -> Iterator[periods.Period]:
    yield periods.month_of_day(date(2026, 1, 1), zone)
    yield from (periods.month_of_day(day, zone) for day in FIRST_DAYS)


def broken_down(actor: Actor, one: By, month: periods.Period) -> Breakdown:
    return breakdown.by(
        actor, [one], first_day=month.first_day, end_day=month.end_day, currency="USD"
    )


def requests(found: Breakdown) -> int:
    assert found.total.calls is not None
    return found.total.calls.requests


@pytest.mark.slow  # reads ten months' ends of a log over TLS, in each of five zones
@pytest.mark.parametrize("zone", ZONES)
def test_each_call_is_in_one_month_and_all_sums_are_the_logs(
    committed: None, azure: Azure, pointed: dict[str, Any], settings: Any, zone: str
) -> None:
    settings.APPORTION = settings.APPORTION.model_copy(update=pointed)
    logged(azure, zone)
    ref, actor = tenant(zone)
    steps = Steps(azure, ref, GATEWAYS["contoso"])
    steps.inventory()
    handed_out(ref)
    for at in midnights(zone):
        around = (at - timedelta(hours=2), at + timedelta(hours=2))
        usage.sync(ref, steps.gateway, at=AT, contention=Contention.TAKE_OVER, span=around)
    steps.rate()

    expected = reckoned(azure, zone)
    tokens: dict[By, Counter[BY_MONTH]] = {one: Counter() for one in (*expected, By.MODEL)}
    calls: Counter[str] = Counter()
    with scope.of(ref):
        for month in months(zone):
            calls[month.key] = requests(broken_down(actor, By.GATEWAY, month))
            for one, counted in tokens.items():
                found = broken_down(actor, one, month)
                for row in found.rows:
                    counted[month.key, row.values[0].key] += row.tokens
                assert found.total.tokens == sum(row.tokens for row in found.rows)

    assert {one: tokens[one] for one in expected} == expected
    assert tokens[By.MODEL].total() == expected[By.TEAM].total()
    assert len({model for _, model in tokens[By.MODEL]}) == 2
    assert calls == {month.key: 8 for month in months(zone)} | {"2026-01": 4, "2026-11": 4}

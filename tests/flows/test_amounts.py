"""The amounts are right: the product's and an independent reckoning agree to the last digit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from django.conf import settings as present
from django.db import connections
from django.test import override_settings

from billing import statements
from billing.statements import StatementView
from inventory import teams
from simulator import launch
from simulator.setting import CONTOSO, FABRIKAM, Tenant
from tenancy import periods, scope, tenants
from tests import bed
from tests.azure import AT, NOW, Azure
from tests.flows import reckoning, steps
from tests.flows.conftest import pointing_at
from tests.flows.reckoning import Key, Sum, Tariff
from tests.flows.steps import rows

pytestmark = pytest.mark.slow  # reads three whole months of the whole setting, and the whole list

MONTHS = ("2026-09", "2026-10", "2026-11")
KOLKATA = ZoneInfo("Asia/Kolkata")
#: One USD in EUR from the beginning of a local month on, as Fabrikam has set it.
RATES = (
    (datetime(2025, 12, 1, tzinfo=KOLKATA).astimezone(UTC), Decimal("0.8650")),
    (datetime(2026, 10, 1, tzinfo=KOLKATA).astimezone(UTC), Decimal("0.8590")),
    (datetime(2026, 11, 1, tzinfo=KOLKATA).astimezone(UTC), Decimal("0.8625")),
)


@dataclass(frozen=True)
class Told:
    """What the product says of a tenant, and what the reckoning says."""

    product: dict[Key, Sum]
    reckoned: dict[Key, Sum]
    statements: dict[Key, StatementView]
    owned: dict[str, tuple[str, ...]]


@pytest.fixture(scope="module")
def told(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Told]:
    """Both tenants of the whole setting, through every step up to the statement."""
    folder = tmp_path_factory.mktemp("workshop")
    credentials = folder / "credentials.json"
    credentials.write_text(json.dumps({t.service.removeprefix("apim-"): _opens(t) for t in BOTH}))
    with (
        launch.start(setting="workshop", now=NOW, options=["--freeze"]) as process,
        httpx.Client(base_url=process.control, timeout=60) as control,
    ):
        azure = Azure(process.azure, process.ca_bundle, credentials, control)
        chosen = present.APPORTION.model_copy(update=pointing_at(azure, folder))
        with django_db_blocker.unblock(), override_settings(APPORTION=chosen):
            steps.settle(azure)
            prices = reckoning.table(azure.control.get("/export/prices.csv").text)
            said = {tenant.name: _told(azure, tenant, prices) for tenant in BOTH}
            connections.close_all()
            bed.empty()
    return said


BOTH = (CONTOSO, FABRIKAM)
#: Deployments whose capacity is paid for, used or not.
RESERVED = {"search-reserved"}


@pytest.mark.parametrize("tenant", BOTH, ids=lambda tenant: tenant.service)
def test_every_cost_agrees_to_the_last_digit(told: dict[str, Told], tenant: Tenant) -> None:
    said = told[tenant.name]

    assert {month for month, _ in said.product} == set(MONTHS)
    assert len(said.product) >= 3 * len(tenant.subscriptions)
    assert {key: held.cost for key, held in said.product.items()} == {
        key: held.cost for key, held in said.reckoned.items()
    }
    assert all(
        held.cost > 0 for (_month, name), held in said.product.items() if name in _names(tenant)
    )


@pytest.mark.parametrize("tenant", BOTH, ids=lambda tenant: tenant.service)
def test_all_tokens_are_counted_and_those_without_a_price_are_told(
    told: dict[str, Told], tenant: Tenant
) -> None:
    said = told[tenant.name]

    assert {key: (held.tokens, held.unpriced) for key, held in said.product.items()} == {
        key: (held.tokens, held.unpriced) for key, held in said.reckoned.items()
    }
    unpriced = sum(held.unpriced for held in said.product.values())
    assert (unpriced > 0) == (tenant.preview_deployment is not None)


@pytest.mark.parametrize("tenant", BOTH, ids=lambda tenant: tenant.service)
def test_a_statement_is_the_sum_of_its_lines_and_of_what_its_team_owns(
    told: dict[str, Told], tenant: Tenant
) -> None:
    said = told[tenant.name]

    assert {month for _team, month in said.statements} == set(MONTHS)
    for (team, month), view in said.statements.items():
        owned = [said.reckoned[month, name] for name in said.owned[team]]
        exact = sum((held.cost for held in owned), Decimal(0))
        assert sum(line.exact.amount for line in view.lines) == exact
        assert view.total.amount == sum(line.amount.amount for line in view.lines)
        assert view.total.amount == exact.quantize(Decimal("0.01"))
        assert view.unpriced_tokens == sum(held.unpriced for held in owned)
        assert all(
            abs(line.amount.amount - line.exact.amount) < Decimal("0.01") for line in view.lines
        )


@pytest.mark.parametrize("tenant", BOTH, ids=lambda tenant: tenant.service)
def test_a_line_can_be_reckoned_by_hand(told: dict[str, Told], tenant: Tenant) -> None:
    """Quantity × unit price × exchange rate, all three as the line itself shows them."""
    lines = [line for view in told[tenant.name].statements.values() for line in view.lines]

    assert len(lines) >= 3 * len(tenant.subscriptions)
    with localcontext(prec=60):
        for line in lines:
            paid = line.deployment in RESERVED
            assert paid == (line.unit_price is None)
            price = line.unit_price or Decimal(0)
            assert line.exact.amount == line.quantity * price * (line.exchange_rate or 1)
    assert {line.exchange_rate is None for line in lines} == {tenant is CONTOSO}


def _told(azure: Azure, tenant: Tenant, prices: list[dict[str, str]]) -> Told:
    slug = tenant.service.removeprefix("apim-")
    ref = tenants.by_slug(slug)
    found = rows(
        "SELECT to_char(spent.first_day, 'YYYY-MM'), subscription.name, spent.cost, spent.tokens,"
        "       spent.unpriced_tokens"
        "  FROM billing_periodtodate spent"
        "  JOIN inventory_subscription subscription ON subscription.id = spent.subscription_id"
        " WHERE spent.tenant_id = %s",
        ref.id,
    )
    with scope.of(ref):
        owned = {
            team.slug: tuple(
                row.name for row in teams.subscriptions_of(team, on=AT.date()) if row.name
            )
            for team in teams.all_of_tenant()
        }
        views = {
            (team.slug, month): statements.draft(team, _month(month, tenant.time_zone))
            for team in teams.all_of_tenant()
            for month in MONTHS
        }
    product = {(month, name): Sum(*figures) for month, name, *figures in found}
    return Told(product, _reckoned(azure, tenant, prices), views, owned)


def _reckoned(azure: Azure, tenant: Tenant, prices: list[dict[str, str]]) -> dict[Key, Sum]:
    def exported(name: str) -> list[dict[str, str]]:
        answer = azure.control.get(f"/export/{name}.csv", params={"workspace": tenant.workspace_id})
        return reckoning.table(answer.text)

    tariff = Tariff(
        region=tenant.region,
        zone=tenant.time_zone,
        models={one.name: (one.model, one.sku) for one in tenant.account.deployments},
        prices=prices,
        rates=RATES if tenant is FABRIKAM else (),
    )
    found = reckoning.requests(exported("llm"), exported("gateway"))
    return reckoning.reckon(found, tariff, until=AT)


def _month(key: str, zone: str) -> periods.Period:
    month = periods.month_from_key(key, zone)
    assert month is not None
    return month


def _opens(tenant: Tenant) -> dict[str, str]:
    return {
        "tenant_id": tenant.entra_tenant_id,
        "client_id": tenant.client_id,
        "client_secret": tenant.client_secret,
    }


def _names(tenant: Tenant) -> set[str]:
    return {subscription.name for subscription in tenant.subscriptions}

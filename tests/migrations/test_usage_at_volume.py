"""Usage of before goes over to series: the same sums, for every tenant, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from portal.embedded import Role
from tests import bed
from tests.migrations.databases import manage, scratched

#: Rows as the version before had them. Contoso (7) is in Berlin, Fabrikam (8) in India: the hour
#: of 18:30 UTC belongs to the next day there.
BEFORE = """
SET session_replication_role = replica;
INSERT INTO tenancy_tenant (id, slug, state) VALUES (7, 'contoso', 'active'),
       (8, 'fabrikam', 'active');
INSERT INTO tenancy_tenantprofile (tenant_id, name, billing_currency, time_zone) VALUES
       (7, 'Contoso', 'USD', 'Europe/Berlin'), (8, 'Fabrikam', 'EUR', 'Asia/Kolkata');
INSERT INTO inventory_gateway
       (tenant_id, id, name, azure_subscription_id, resource_group, service, workspace_id,
        credential, usage_from, inference_url, usage_source, metric_dimensions)
SELECT tenant, 1, 'apim', gen_random_uuid()::text, 'rg', 'apim', gen_random_uuid()::text, 'c',
       '2026-01-01Z', '', 'llm_log', '{}' FROM unnest(ARRAY[7, 8]) tenant;
INSERT INTO inventory_subscription
       (tenant_id, id, gateway_id, name, display_name, state, state_comment, origin, seen_at)
SELECT tenant, id, 1, 'key-' || id, '', 'active', '', 'inventory', now()
  FROM unnest(ARRAY[7, 8]) tenant, unnest(ARRAY[11, 12]) id;
INSERT INTO inventory_deployment
       (tenant_id, id, gateway_id, host, name, model, version, base_model, base_version, sku,
        region, origin, seen_at)
SELECT tenant, id, 1, 'host', 'chat-' || id, 'gpt', '', '', '', '', '', 'inventory', now()
  FROM unnest(ARRAY[7, 8]) tenant, unnest(ARRAY[21, 22]) id;
SELECT billing_usage_months('2026-01-01Z', '2026-03-01Z');
INSERT INTO billing_usage
       (tenant_id, bucket_start, gateway_id, subscription_id, deployment_id, input_tokens,
        cached_input_tokens, output_tokens, requests, successful_requests, throttled_requests,
        refused_requests, cache_hits, uncovered_requests)
SELECT tenant, hour, 1, subscription, deployment, tenant * 1000 + subscription, 5, 7, 10, 6, 2, 1, 1,
       subscription - 10
  FROM unnest(ARRAY[7, 8]) tenant, unnest(ARRAY[11, 12]) subscription,
       unnest(ARRAY[21, 22]) deployment,
       unnest(ARRAY['2026-01-31 18:30Z', '2026-01-31 23:00Z', '2026-02-01 05:00Z']::timestamptz[])
       hour;
INSERT INTO billing_classusage
       (tenant_id, id, gateway_id, bucket_start, subscription_id, deployment_id, token_class,
        quantity)
SELECT tenant, 1, 1, '2026-02-01 05:00Z', 11, 21, 'cache_write', tenant
  FROM unnest(ARRAY[7, 8]) tenant;
-- A day whose usage is not held any more: its series is made of the day alone.
INSERT INTO billing_ratedday
       (tenant_id, id, day, subscription_id, deployment_id, token_class, unit_price,
        price_currency, units_per_price, quantity, cost)
SELECT tenant, row_number() OVER (PARTITION BY tenant), day, subscription, 21, 'input', 0.001,
       'USD', 1, 1000 + tenant, 1.5
  FROM unnest(ARRAY[7, 8]) tenant, unnest(ARRAY[11, 12]) subscription,
       unnest(ARRAY['2025-12-01', '2026-02-01']::date[]) day;
INSERT INTO billing_ratedday
       (tenant_id, id, day, subscription_id, deployment_id, token_class, price_currency,
        units_per_price, quantity)
VALUES (7, 99, '2025-11-01', 12, 22, 'output', '', 1, 3);
"""
SUMS = """
SELECT tenant_id, subscription_id, deployment_id, sum(input_tokens), sum(cached_input_tokens),
       sum(output_tokens), sum(requests), sum(successful_requests), sum(throttled_requests),
       sum(refused_requests), sum(cache_hits), sum(uncovered_requests), count(*)
  FROM billing_usage GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
FURTHER = """
SELECT tenant_id, token_class, sum(quantity), count(*)
  FROM billing_classusage GROUP BY 1, 2 ORDER BY 1
"""
RATED = """
SELECT tenant_id, day, subscription_id, deployment_id, token_class, quantity, cost
  FROM billing_ratedday ORDER BY 1, 2, 3, 4, 5
"""
WITHOUT_ITS_SERIES = """
SELECT count(*) FROM ({}) held
  LEFT JOIN billing_series series
    ON series.tenant_id = held.tenant_id AND series.id = held.series_id
   AND (series.subscription_id, series.deployment_id)
       = (held.subscription_id, held.deployment_id)
 WHERE series.id IS NULL
"""


@dataclass(frozen=True)
class Migrated:
    database: str
    before: dict[str, list[tuple[Any, ...]]]


def ask(database: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(bed.url(Role.SUPERUSER, database)) as connection:
        return connection.execute(query.encode()).fetchall()


@pytest.fixture(scope="module")
def migrated(django_db_setup: None) -> Iterator[Migrated]:
    """A database with rows of the version before, migrated; and what it held before."""
    with scratched("at_volume") as database:
        owner = ("migrate", "--database", "owner", "--no-input")
        done = manage(database, *owner, "billing", "0005")
        assert done.returncode == 0, done.stderr
        with psycopg.connect(bed.url(Role.SUPERUSER, database)) as connection:
            connection.execute(BEFORE.encode())
        before = {query: ask(database, query) for query in (SUMS, FURTHER, RATED)}
        done = manage(database, *owner)
        assert done.returncode == 0, done.stderr
        yield Migrated(database, before)


@pytest.mark.slow  # two commands, each a Python that starts
def test_every_sum_is_what_it_was(migrated: Migrated) -> None:
    before = migrated.before
    assert len(before[SUMS]) == 8
    assert len(before[RATED]) == 9
    for query, rows in before.items():
        assert ask(migrated.database, query) == rows


@pytest.mark.slow  # shares the commands of the first
def test_everything_has_the_series_of_its_own_subscription_and_deployment(
    migrated: Migrated,
) -> None:
    assert ask(
        migrated.database, "SELECT tenant_id, count(*) FROM billing_series GROUP BY 1 ORDER BY 1"
    ) == [
        (7, 4),
        (8, 4),
    ]
    for table in ("billing_usage", "billing_classusage", "billing_ratedday", "billing_usageday"):
        wanted = f"SELECT tenant_id, series_id, subscription_id, deployment_id FROM {table}"
        assert ask(migrated.database, WITHOUT_ITS_SERIES.format(wanted)) == [(0,)]


@pytest.mark.slow  # shares the commands of the first
def test_sums_by_day_are_of_the_tenants_own_days(migrated: Migrated) -> None:
    found = ask(
        migrated.database,
        "SELECT tenant_id, day, sum(requests), sum(uncovered_requests) FROM billing_usageday"
        " GROUP BY 1, 2 ORDER BY 1, 2",
    )
    january, february = date(2026, 1, 31), date(2026, 2, 1)
    assert found == [
        (7, january, Decimal(40), Decimal(6)),
        (7, february, Decimal(80), Decimal(12)),
        (8, february, Decimal(120), Decimal(18)),
    ]


@pytest.mark.slow  # shares the commands of the first
def test_row_security_is_forced_again_and_the_tenants_are_apart(migrated: Migrated) -> None:
    open_tables = ask(
        migrated.database,
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relrowsecurity AND NOT relforcerowsecurity",
    )
    assert open_tables == []
    with psycopg.connect(bed.url(Role.APP, migrated.database)) as connection:
        connection.execute("SELECT set_config('apportion.tenant', '8', true)")
        seen = connection.execute("SELECT DISTINCT tenant_id FROM billing_usage").fetchall()
    assert seen == [(8,)]

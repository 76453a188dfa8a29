"""The catalogue keeps every rule, and every rule notices a planted leak."""

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from portal.embedded import Role
from tests import bed
from tests.isolation.catalog import RULES

GUARDED = """
    CREATE TABLE planted (tenant_id bigint, id bigint, PRIMARY KEY (tenant_id, id));
    ALTER TABLE planted ENABLE ROW LEVEL SECURITY;
    ALTER TABLE planted FORCE ROW LEVEL SECURITY;
    CREATE POLICY tenant_isolation ON planted
     USING (tenant_id = nullif(current_setting('apportion.tenant', true), '')::bigint)
     WITH CHECK (tenant_id = nullif(current_setting('apportion.tenant', true), '')::bigint);
"""


@dataclass(frozen=True)
class Leak:
    """What somebody might do one day, and the rule that must notice."""

    rule: str
    sql: str


LEAKS = (
    Leak("row security is forced", "ALTER TABLE planted DISABLE ROW LEVEL SECURITY"),
    Leak("row security is forced", "ALTER TABLE planted NO FORCE ROW LEVEL SECURITY"),
    Leak(
        "row security is forced",
        "SELECT billing_usage_months('2031-01-01Z', '2031-01-01Z');"
        " ALTER TABLE billing_usage_2031_01 DISABLE ROW LEVEL SECURITY",
    ),
    Leak("every table has the policy", "DROP POLICY tenant_isolation ON planted"),
    Leak("every table has the policy", "ALTER POLICY tenant_isolation ON planted USING (true)"),
    Leak(
        "every table has the policy", "ALTER POLICY tenant_isolation ON planted WITH CHECK (true)"
    ),
    Leak("no further policy opens a table", "CREATE POLICY open ON planted USING (true)"),
    Leak(
        "partitions are reached through their table only",
        "SELECT billing_usage_months('2031-01-01Z', '2031-01-01Z');"
        " GRANT SELECT ON billing_usage_2031_01 TO apportion_app",
    ),
    Leak("views run with the caller's rights", "CREATE VIEW peek AS SELECT * FROM planted"),
    Leak("nothing is materialised", "CREATE MATERIALIZED VIEW kept AS SELECT * FROM planted"),
    Leak("keys are led by the tenant", "CREATE UNIQUE INDEX alone ON planted (id)"),
    Leak("keys are led by the tenant", "CREATE UNIQUE INDEX last ON planted (id, tenant_id)"),
    Leak(
        "links stay within the tenant",
        "CREATE TABLE child (tenant_id bigint, team_id bigint);"
        " ALTER TABLE inventory_team ADD CONSTRAINT wide UNIQUE (id);"
        " ALTER TABLE child ADD FOREIGN KEY (team_id) REFERENCES inventory_team (id)",
    ),
    Leak("tables without a tenant are known", "CREATE TABLE notes (id bigint)"),
    Leak(
        "functions with their owner's rights are known",
        "CREATE FUNCTION peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER"
        " SET search_path = pg_catalog AS 'SELECT 1::bigint'",
    ),
    Leak(
        "functions with their owner's rights are known",
        "ALTER FUNCTION billing_usage_months RESET search_path",
    ),
    Leak(
        "the application may read and write rows only", "GRANT TRUNCATE ON planted TO apportion_app"
    ),
    Leak("the application role is plain", "ALTER ROLE apportion_app BYPASSRLS"),
    Leak("the application role is plain", "GRANT apportion_owner TO apportion_app"),
    Leak("the application owns nothing", "ALTER TABLE planted OWNER TO apportion_app"),
    Leak("public may do nothing", "GRANT SELECT ON planted TO PUBLIC"),
    Leak("public may do nothing", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
    Leak("public may do nothing", "GRANT CREATE ON SCHEMA public TO PUBLIC"),
    Leak(
        "public may do nothing",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO apportion_app",
    ),
    Leak(
        "no rule or setting goes round",
        "CREATE RULE aside AS ON INSERT TO planted DO ALSO SELECT 1",
    ),
    Leak("no rule or setting goes round", "ALTER ROLE apportion_app SET apportion.tenant = '1'"),
)


@pytest.fixture
def catalogue(django_db_setup: None) -> Iterator[psycopg.Connection]:
    """The server's own superuser, in a transaction that is taken back."""
    with psycopg.connect(bed.url(Role.SUPERUSER)) as connection:
        yield connection
        connection.rollback()


@pytest.mark.parametrize("name", RULES)
def test_the_catalogue_keeps_the_rule(name: str, catalogue: psycopg.Connection) -> None:
    catalogue.execute("SELECT billing_usage_months('2026-11-01Z', '2026-12-01Z')")
    assert RULES[name](catalogue) == []


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: f"{leak.rule}: {leak.sql[:40]}")
def test_a_planted_leak_is_noticed(leak: Leak, catalogue: psycopg.Connection) -> None:
    catalogue.execute(GUARDED.encode())
    catalogue.execute("REVOKE ALL ON planted FROM PUBLIC")
    assert RULES[leak.rule](catalogue) == []
    catalogue.execute(leak.sql.encode())
    assert RULES[leak.rule](catalogue) != []


def test_every_rule_has_a_planted_leak() -> None:
    assert {leak.rule for leak in LEAKS} == set(RULES)


def test_a_guarded_table_breaks_no_rule(catalogue: psycopg.Connection) -> None:
    catalogue.execute(GUARDED.encode())
    assert [found for rule in RULES.values() for found in rule(catalogue)] == []

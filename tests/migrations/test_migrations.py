"""Migrations: they say what the models say, and lead back and forth to the very same tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest

from portal.embedded import Role
from tests import bed
from tests.migrations.databases import manage, scratched

APPS = ("governance", "billing", "inventory", "tenancy")

#: Everything of the schema that a migration makes, one line a thing.
SCHEMA = """
    SELECT 'column ' || c.relname || '.' || a.attname || ' '
           || format_type(a.atttypid, a.atttypmod) || a.attnotnull::text
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 'constraint ' || conrelid::regclass || ' ' || conname || pg_get_constraintdef(oid)
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT 'policy ' || tablename || policyname || cmd || coalesce(qual, '')
           || coalesce(with_check, '') FROM pg_policies
    UNION ALL
    SELECT 'rights ' || relname || ' ' || coalesce(relacl::text, '') || relrowsecurity::text
           || relforcerowsecurity::text
      FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'function ' || pg_get_functiondef(oid) || coalesce(proacl::text, '')
      FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    ORDER BY 1
"""


@pytest.fixture
def scratch(django_db_setup: None) -> Iterator[str]:
    """A migrated database to take apart."""
    with scratched("scratch") as name:
        yield name


#: What PostgreSQL writes differently of an expression that was read from a dump.
_CASTS = re.compile(r"::(character varying|text)(\[\])?|[()]")


def _schema(database: str) -> list[str]:
    with psycopg.connect(bed.url(Role.SUPERUSER, database)) as connection:
        return [_CASTS.sub("", line) for (line,) in connection.execute(SCHEMA.encode()).fetchall()]


@pytest.mark.slow  # five commands, each a Python that starts
def test_back_to_nothing_and_forth_again_gives_the_same_tables(scratch: str) -> None:
    before = _schema(scratch)
    for app in APPS:
        # The rest of Django's tables point at people, and go with them.
        done = manage(scratch, "migrate", "--database", "owner", app, "zero", "--no-input")
        assert done.returncode == 0, done.stderr
    left = {line.split()[1] for line in _schema(scratch) if line.startswith("column")}
    assert [table for table in left if table.startswith(APPS)] == []
    done = manage(scratch, "migrate", "--database", "owner", "--no-input")
    assert done.returncode == 0, done.stderr
    assert _schema(scratch) == before


def test_the_models_have_no_change_that_no_migration_makes(django_db_setup: None) -> None:
    done = manage(bed.DATABASE, "makemigrations", "--check", "--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_application_cannot_migrate(scratch: str) -> None:
    """It owns nothing; whoever takes over the running product cannot change a table."""
    done = manage(scratch, "migrate", "--database", "default", "billing", "zero", "--no-input")
    assert done.returncode != 0
    assert "must be owner" in done.stderr or "permission denied" in done.stderr


@pytest.mark.slow  # two commands, each a Python that starts
def test_what_was_owned_before_is_known_since_its_first_day(scratch: str) -> None:
    done = manage(scratch, "migrate", "--database", "owner", "inventory", "0004", "--no-input")
    assert done.returncode == 0, done.stderr
    with psycopg.connect(bed.url(Role.SUPERUSER, scratch)) as connection:
        connection.execute("SET session_replication_role = replica")  # the row stands alone
        connection.execute(
            "INSERT INTO inventory_ownership (tenant_id, subscription_id, from_day, reason)"
            " VALUES (7, 1, '2026-01-05', 'from before')"
        )
    done = manage(scratch, "migrate", "--database", "owner", "--no-input")
    assert done.returncode == 0, done.stderr
    with psycopg.connect(bed.url(Role.SUPERUSER, scratch)) as connection:
        found = connection.execute(
            "SELECT reason, recorded_at = '2026-01-05T00:00:00Z', recorded_by, environment,"
            "       cost_center_id, until_day FROM inventory_owner"
        ).fetchall()
    assert found == [("from before", True, "", "", None, None)]

"""Migration operations that put a tenant table under guard, in the migration that makes it.

For a table of a `TenantModel`, `Guard`

- leads its primary key and its foreign keys to other tenant tables with ``tenant_id``, so that
  a row can never point into another tenant, and so that the table can be distributed by tenant;
- enables and forces row-level security with one policy for reading and writing;
- grants the plain application role what it may do, and nothing else.

Partitioned tables and views have operations of their own, since a policy on a partitioned
parent does not guard a partition read by its own name, and a plain view runs with its owner's
rights.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

APP_ROLE = "apportion_app"

#: True for rows of the tenant that the transaction has entered. After a first use PostgreSQL
#: leaves an empty string instead of NULL, hence ``nullif``.
IN_SCOPE = "tenant_id = nullif(current_setting('apportion.tenant', true), '')::bigint"


class Guard(Operation):
    """Put the table of one tenant model under guard. See the module's text."""

    reversible = True
    reduces_to_sql = True
    atomic = True

    def __init__(self, model: str, *, grants: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
        self.model = model
        self.grants = grants

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__name__, [self.model], {"grants": self.grants})

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Changes the database only."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model)
        for statement in guard_statements(model, self.grants):
            schema_editor.execute(statement)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = from_state.apps.get_model(app_label, self.model)
        schema_editor.execute(f"ALTER TABLE {model._meta.db_table} DISABLE ROW LEVEL SECURITY")

    def describe(self) -> str:
        return f"Guard {self.model} by tenant"


class Grant(Operation):
    """Grant the application role its rights on a table that belongs to no tenant."""

    reversible = True
    reduces_to_sql = True

    def __init__(self, table: str, grants: str) -> None:
        self.table = table
        self.grants = grants

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Changes the database only."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        schema_editor.execute(f"GRANT {self.grants} ON {self.table} TO {APP_ROLE}")

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        schema_editor.execute(f"REVOKE ALL ON {self.table} FROM {APP_ROLE}")

    def describe(self) -> str:
        return f"Grant {self.grants} on {self.table}"


def guard_statements(model: type[models.Model], grants: str) -> list[str]:
    """The SQL that puts one tenant table under guard."""
    table = model._meta.db_table
    primary_key = str(model._meta.pk.column)
    return [
        *_tenant_led_keys(table, primary_key),
        *(statement for field in _tenant_links(model) for statement in _link(table, field)),
        *security_statements(table, grants),
    ]


def security_statements(table: str, grants: str) -> list[str]:
    """Row-level security, forced, with the one policy, and the application role's rights."""
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant_isolation ON {table} USING ({IN_SCOPE}) WITH CHECK ({IN_SCOPE})",
        f"REVOKE ALL ON {table} FROM PUBLIC",
        f"GRANT {grants} ON {table} TO {APP_ROLE}",
    ]


def _tenant_led_keys(table: str, primary_key: str) -> list[str]:
    return [
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey CASCADE",
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY (tenant_id, {primary_key})",
    ]


def _tenant_links(model: type[models.Model]) -> list[models.ForeignKey[Any, Any]]:
    return [
        field
        for field in model._meta.local_fields
        if isinstance(field, models.ForeignKey)
        and field.name != "tenant"
        and any(other.name == "tenant" for other in field.related_model._meta.local_fields)
    ]


def _link(table: str, field: models.ForeignKey[Any, Any]) -> list[str]:
    other = field.related_model._meta.db_table
    return [
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_{field.column}_fk"
        f" FOREIGN KEY (tenant_id, {field.column}) REFERENCES {other} (tenant_id, id)"
        " DEFERRABLE INITIALLY DEFERRED"
    ]

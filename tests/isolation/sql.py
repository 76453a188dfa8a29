"""Statements as an attacker with the application's own connection would send them."""

from __future__ import annotations

from typing import Any

from django.db import Error, connection, models, transaction

#: PostgreSQL's word for "row security, or a missing right, refuses".
REFUSED = "42501"
#: PostgreSQL's word for "the foreign key points nowhere".
POINTS_NOWHERE = "23503"


def run(statement: str, parameters: dict[str, Any] | None = None) -> int:
    """How many rows the statement touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def refusal(statement: str, parameters: dict[str, Any] | None = None) -> str | None:
    """PostgreSQL's code for refusing the statement (constraints checked at once), or None."""
    try:
        with transaction.atomic():
            run(statement, parameters)
            run("SET CONSTRAINTS ALL IMMEDIATE")
            run("SET CONSTRAINTS ALL DEFERRED")
    except Error as error:
        return getattr(error.__cause__, "sqlstate", None)
    return None


def touched(statement: str, parameters: dict[str, Any] | None = None) -> int:
    """How many rows the statement touched; none where it is refused for want of the right."""
    try:
        with transaction.atomic():
            return run(statement, parameters)
    except Error as error:
        if getattr(error.__cause__, "sqlstate", None) != REFUSED:
            raise
        return 0


def rows(model: type[models.Model]) -> list[str]:
    """Every row of the table that can be read now, as PostgreSQL writes it in JSON."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(t)::text FROM {model._meta.db_table} t")
        return [row[0] for row in cursor.fetchall()]


def insert(model: type[models.Model]) -> str:
    """Puts a row, given as ``%(row)s`` in JSON, into the table, its keys and tenant included."""
    table = model._meta.db_table
    columns = ", ".join(
        f'"{field.column}"' for field in model._meta.local_concrete_fields if not field.generated
    )
    return (
        f"INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE"
        f" SELECT {columns} FROM jsonb_populate_record(NULL::{table}, %(row)s::jsonb)"
    )


def may_update(model: type[models.Model]) -> bool:
    """Whether the application has the right to change rows of the table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(%s, 'UPDATE')", [model._meta.db_table])
        return bool(cursor.fetchone()[0])


def same(model: type[models.Model]) -> str:
    """A condition: the table's row ``t`` has the primary key of the JSON in ``%(row)s``."""
    mine = " AND ".join(f"t.{field.column} = r.{field.column}" for field in model._meta.pk_fields)
    record = f"jsonb_populate_record(NULL::{model._meta.db_table}, %(row)s::jsonb) r"
    return f"EXISTS (SELECT FROM {record} WHERE {mine})"

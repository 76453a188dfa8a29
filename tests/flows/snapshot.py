"""A state of this worker's database that is kept beside it and brought back in a moment."""

from __future__ import annotations

import psycopg
from django.db import connections
from psycopg import sql

from portal.embedded import Role
from tests import bed

KEPT = f"{bed.DATABASE}_settled"


def keep() -> None:
    """Keep the database as it is now."""
    connections.close_all()
    _copy(bed.DATABASE, KEPT)


def bring_back() -> None:
    """Make the database what it was when it was kept."""
    connections.close_all()
    _copy(KEPT, bed.DATABASE)


def forget() -> None:
    """Drop what was kept."""
    with _server() as server:
        server.execute(_drop(KEPT))


def _copy(source: str, target: str) -> None:
    """As `deploy/roles.sql` makes it: databases do not inherit who may connect."""
    name = sql.Identifier(target)
    with _server() as server:
        server.execute(_drop(target))
        made = "CREATE DATABASE {} OWNER apportion_owner TEMPLATE {} STRATEGY file_copy"
        server.execute(sql.SQL(made).format(name, sql.Identifier(source)))
        server.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
        server.execute(
            sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO apportion_app").format(name)
        )


def _drop(database: str) -> sql.Composed:
    return sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))


def _server() -> psycopg.Connection:
    return psycopg.connect(bed.url(Role.SUPERUSER, "postgres"), autocommit=True)

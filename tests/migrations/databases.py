"""Migrated databases to take apart, and the commands that migrate them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from portal.embedded import Role
from tests import bed


@contextmanager
def scratched(name: str) -> Iterator[str]:
    """A migrated database of its own; gone when the block ends."""
    database = f"{bed.DATABASE}_{name}"
    with psycopg.connect(bed.url(Role.SUPERUSER, "postgres"), autocommit=True) as server:
        server.execute(
            f"CREATE DATABASE {database} OWNER apportion_owner TEMPLATE {bed.TEMPLATE}".encode()
        )
        yield database
        server.execute(f"DROP DATABASE {database} WITH (FORCE)".encode())


def manage(database: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A command of the product on this database."""
    there = {
        "APPORTION_DATABASE_URL": bed.url(Role.APP, database),
        "APPORTION_DATABASE_OWNER_URL": bed.url(Role.OWNER, database),
    }
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=bed.CHECKOUT,
        env=os.environ | there,
        capture_output=True,
        text=True,
        check=False,
    )

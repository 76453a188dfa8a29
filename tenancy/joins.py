"""How the database plans a statement of many joins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.utils import CursorWrapper


@contextmanager
def as_written() -> Iterator[CursorWrapper]:
    """A cursor whose statements join their tables in the order in which they are written.

    For those that begin with the few rows they are about and look up the rest by key: to compare
    the orders of a dozen tables takes PostgreSQL longer than to read them. Needs a transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL join_collapse_limit = 1")
        yield cursor
        cursor.execute("SET LOCAL join_collapse_limit = DEFAULT")

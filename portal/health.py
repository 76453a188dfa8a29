"""Whether the process lives, and whether it can do its work: for supervisors and load balancers."""

from __future__ import annotations

from collections.abc import Callable

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

_PATIENCE_SECONDS = 2
_PLAIN_ROLE = """
SELECT role.rolname,
       role.rolsuper OR role.rolbypassrls OR pg_has_role(role.oid, owned.relowner, 'USAGE')
  FROM pg_roles role, pg_class owned
 WHERE role.rolname = current_user AND owned.oid = to_regclass('tenancy_tenant')
"""


class Unready(Exception):
    """A check that does not hold, in words for an operator."""


@require_safe
def live(_request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "alive"})


@require_safe
def ready(_request: HttpRequest) -> JsonResponse:
    """503 until the database, as the plain role, its schema and the broker are there."""
    checks = {name: _says(check) for name, check in CHECKS.items()}
    good = all(says == "ok" for says in checks.values())
    status = "ready" if good else "not ready"
    return JsonResponse({"status": status, "checks": checks}, status=200 if good else 503)


def _says(check: Callable[[], None]) -> str:
    try:
        check()
    except Unready as problem:
        return str(problem)
    except DatabaseError:
        return "The database does not answer. See APPORTION_DATABASE_URL."
    except redis.RedisError:
        return "Redis does not answer. See APPORTION_REDIS_URL."
    return "ok"


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_PLAIN_ROLE)
        row = cursor.fetchone()
    if row is None:
        raise Unready("The tables are missing. Run manage.py migrate --database owner.")
    if row[1]:
        raise Unready(
            f"Connected as {row[0]}, which row security does not bind. Use the plain role in"
            " APPORTION_DATABASE_URL."
        )


def _migrations() -> None:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        raise Unready(f"{len(plan)} migrations wait. Run manage.py migrate --database owner.")


def _broker() -> None:
    # Celery's spelling of a socket address is not the client's.
    address = settings.APPORTION.redis_url.replace("redis+socket://", "unix://", 1)
    client = redis.Redis.from_url(
        address, socket_timeout=_PATIENCE_SECONDS, socket_connect_timeout=_PATIENCE_SECONDS
    )
    with client:
        client.ping()


CHECKS: dict[str, Callable[[], None]] = {
    "database": _database,
    "migrations": _migrations,
    "redis": _broker,
}

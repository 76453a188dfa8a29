"""The test bed: one embedded PostgreSQL for the whole run, a database for each worker.

Loaded by `-p tests.bed` before Django's settings are read, so that plain ``pytest`` needs no
environment. Tests connect as the plain application role, never as the owner.

The server is started when the first test needs it (or by the controller, before its workers)
and stopped when the run ends. The tables are made once, in a template; every worker works in a
copy of it. What the migrations make is kept as a dump for the next run, as long as no migration
changes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import django
import psutil
import psycopg
import pytest
from psycopg import sql

from portal import embedded, wheels
from portal.embedded import Durability, Role

CHECKOUT = Path(__file__).resolve().parent.parent
TEMPLATE = "apportion_template"
_SOCKET = "APPORTION_TEST_SOCKET"
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
DATABASE = f"apportion_{_WORKER}"
#: A second database, in which the small world stands ready: see `inhabited`.
INHABITED = f"{DATABASE}_inhabited"
#: Filled once, at the migration, and read-only for the application.
_KEPT = frozenset({"django_migrations", "django_content_type"})


def url(role: Role, database: str = DATABASE) -> str:
    """The address of a database of the run's server, for a role."""
    socket = os.environ.get(_SOCKET, "/not-started-yet")
    return f"postgresql://{role}@/{database}?host={quote(socket, safe='/')}"


def _environment() -> dict[str, str]:
    return {
        "APPORTION_SECRET_KEY": "only-for-tests-0123456789-0123456789-0123456789",
        "APPORTION_DATABASE_URL": url(Role.APP),
        "APPORTION_DATABASE_OWNER_URL": url(Role.OWNER),
        "APPORTION_REDIS_URL": "redis://127.0.0.1:1/0",  # nothing listens: see the fixture `broker`
        "APPORTION_HTTPS": "false",
        "APPORTION_LOG_LEVEL": "WARNING",
    }


for _name in [name for name in os.environ if name.startswith("APPORTION_") and name != _SOCKET]:
    del os.environ[_name]  # a developer's own services are none of the tests' business
os.environ.update(_environment())


@cache
def server() -> embedded.Postgres:
    """The run's server, with the migrated template; started at the first call."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-"))
    folder.chmod(0o755)  # PostgreSQL's account must enter; its data and socket are closed
    _to_undo.callback(shutil.rmtree, folder, ignore_errors=True)
    running = _to_undo.enter_context(embedded.postgres(folder, durability=Durability.VOLATILE))
    os.environ[_SOCKET] = str(running.socket)
    running.create_database(TEMPLATE)
    _make_tables()
    return running


_DUMPS = CHECKOUT / ".pytest_cache" / "tables"
_to_undo = ExitStack()
_FOLDER = "apportion-tests-"


def _sweep() -> None:
    """Remove what runs have left that were killed; their servers ended with them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*-*"):
        pid = folder.name.removeprefix(_FOLDER).partition("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def attach() -> None:
    """Point Django at this worker's database, making it where this process runs alone."""
    if _WORKER == "main":
        _create_databases(DATABASE)
    _connect_to(DATABASE)


@contextmanager
def inhabited() -> Iterator[None]:
    """Work in the second database, with a new connection; then in the first again."""
    from django.db import connections  # noqa: PLC0415 - read only when settings are there

    connection = connections["default"]
    connection.close()
    connection.settings_dict["NAME"] = INHABITED
    yield
    connection.close()
    connection.settings_dict["NAME"] = DATABASE


def empty() -> None:
    """Take out whatever tests have committed, in any table."""
    with psycopg.connect(url(Role.SUPERUSER), autocommit=True) as connection:
        found = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0"
        ).fetchall()
        tables = [sql.Identifier(name) for (name,) in found if name not in _KEPT]
        if tables:
            joined = sql.SQL(", ").join(tables)
            connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(joined))


def _make_tables() -> None:
    """Fill the template: from the dump of these very migrations if there is one, else by them."""
    dump = _DUMPS / f"{_fingerprint()}.sql"
    programs, superuser = wheels.postgres_programs(), url(Role.SUPERUSER, TEMPLATE)
    if dump.exists():
        restore: list[str | Path] = [
            programs / "psql",
            "-Xq",
            "-v",
            "ON_ERROR_STOP=1",
            "-f",
            dump,
            superuser,
        ]
        subprocess.run(restore, stdout=subprocess.DEVNULL, check=True)
        return
    _migrate()
    _DUMPS.mkdir(parents=True, exist_ok=True)
    fresh = dump.with_suffix(f".{os.getpid()}")
    subprocess.run([programs / "pg_dump", "--file", fresh, superuser], check=True)
    for older in _DUMPS.glob("*.sql"):
        older.unlink()
    fresh.replace(dump)


def _fingerprint() -> str:
    """What the template depends on: all migrations, what they use, and the versions."""
    found = hashlib.sha256(
        f"{django.get_version()} {wheels.postgres_programs().parent.name}".encode()
    )
    files = [*CHECKOUT.glob("*/migrations/*.py"), *CHECKOUT.glob("tenancy/*.py")]
    for file in sorted([*files, *CHECKOUT.glob("deploy/*.sql")]):
        found.update(file.name.encode() + file.read_bytes())
    return found.hexdigest()[:32]


def _migrate() -> None:
    """Make the tables of the template, by the command an operator uses."""
    template = {
        "APPORTION_DATABASE_URL": url(Role.APP, TEMPLATE),
        "APPORTION_DATABASE_OWNER_URL": url(Role.OWNER, TEMPLATE),
    }
    command = [sys.executable, "manage.py", "migrate", "--database", "owner"]
    command += ["--verbosity", "0", "--skip-checks"]  # the checks have a test of their own
    subprocess.run(command, cwd=CHECKOUT, env=os.environ | template, check=True)


def _create_databases(name: str) -> None:
    for database in (name, f"{name}_inhabited"):
        server().create_database(database, like=TEMPLATE)


def _connect_to(database: str) -> None:
    from django.conf import settings  # noqa: PLC0415 - read only when this module has set them
    from django.db import connections  # noqa: PLC0415

    os.environ.update(_environment())
    for alias in ("default", "owner"):
        for known in (settings.DATABASES[alias], connections[alias].settings_dict):
            known.update(NAME=database, HOST=os.environ[_SOCKET])


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """In the controller, before its workers start: they inherit the server's address."""
    if _WORKER == "main" and config.getoption("dist", "no") != "no":
        server()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """In the controller, for each worker: its databases."""
    _create_databases(f"apportion_{node.gateway.id}")


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure() -> None:
    """Stop the server and leave nothing behind; workers have none to stop."""
    _to_undo.close()

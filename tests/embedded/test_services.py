"""The database and the broker that come with the demo."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis as client

from portal import embedded, wheels
from portal.embedded import Durability, Role
from tests.embedded.waiting import gone, within

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Postgres]:
    folder = tmp_path_factory.mktemp("postgres")
    with embedded.postgres(folder, durability=Durability.VOLATILE) as running:
        yield running


def _one(url: str, query: str) -> tuple[object, ...]:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return tuple(row)


def test_the_product_owns_nothing_and_cannot_make_anything(server: embedded.Postgres) -> None:
    with psycopg.connect(server.url(Role.OWNER)) as owner:
        owner.execute("CREATE TABLE kept (id int)")
    with (
        psycopg.connect(server.url(Role.APP)) as app,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        app.execute("CREATE TABLE taken (id int)")
    with (
        psycopg.connect(server.url(Role.APP)) as app,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        app.execute("SELECT * FROM kept")


def test_neither_role_can_bypass_row_security(server: embedded.Postgres) -> None:
    query = """
        SELECT array_agg(rolname::text ORDER BY rolname),
               bool_or(rolsuper), bool_or(rolbypassrls), bool_or(rolcreaterole),
               bool_and(rolcanlogin)
        FROM pg_roles WHERE rolname LIKE 'apportion%'
    """
    names, *powers = _one(server.url(Role.APP), query)
    assert names == ["apportion_app", "apportion_owner"]
    assert powers == [False, False, False, True]


def test_the_product_may_stage_rows_in_a_temporary_table(server: embedded.Postgres) -> None:
    with psycopg.connect(server.url(Role.APP)) as app:
        app.execute("CREATE TEMPORARY TABLE stage (id int)")
        assert app.execute("SELECT count(*) FROM stage").fetchone() == (0,)


def test_making_a_database_twice_makes_it_once(server: embedded.Postgres) -> None:
    server.create_database("second")
    with psycopg.connect(server.url(Role.OWNER, "second")) as owner:
        owner.execute("CREATE TABLE kept (id int)")
    server.create_database("second")
    assert _one(server.url(Role.OWNER, "second"), "SELECT count(*) FROM kept") == (0,)


def test_the_same_roles_have_passwords_where_a_server_is_shared(server: embedded.Postgres) -> None:
    """As `docker-compose.yml` runs the file: with the passwords in the environment."""
    psql = [str(wheels.postgres_programs() / "psql"), "-X", "-q", "-v", "database=shared"]
    subprocess.run(
        [*psql, "-f", str(embedded.ROLES), server.url(Role.SUPERUSER, "postgres")],
        env={"APPORTION_OWNER_PASSWORD": "of the owner's", "APPORTION_APP_PASSWORD": "plain"},
        check=True,
    )
    query = "SELECT count(*) FROM pg_authid WHERE rolpassword LIKE 'SCRAM%'"
    assert _one(server.url(Role.SUPERUSER, "shared"), query) == (2,)


def test_only_its_own_user_can_reach_the_server(server: embedded.Postgres) -> None:
    assert _one(server.url(Role.APP), "SHOW listen_addresses") == ("",)
    assert stat.S_IMODE(server.socket.stat().st_mode) == 0o700


def test_what_was_committed_is_there_after_a_restart(open_folder: Path) -> None:
    folder = open_folder / "postgres"
    with embedded.postgres(folder, durability=Durability.DURABLE) as first:
        assert _one(first.url(Role.APP), "SHOW fsync") == ("on",)
        with psycopg.connect(first.url(Role.OWNER)) as owner:
            owner.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with embedded.postgres(folder, durability=Durability.DURABLE) as second:
        assert _one(second.url(Role.OWNER), "SELECT answer FROM kept") == (42,)


def test_data_of_another_version_is_refused_with_the_way_out(open_folder: Path) -> None:
    data = open_folder / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    with pytest.raises(embedded.Unusable, match=r"PostgreSQL 9, installed is .*make reset"):
        embedded.postgres(open_folder / "postgres", durability=Durability.DURABLE)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account for the server")
def test_root_s_closed_folders_stay_closed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    watched = [home, *home.parents, *wheels.postgres_programs().parents]
    before = [folder.stat().st_mode for folder in watched]
    with embedded.postgres(home / "postgres", durability=Durability.VOLATILE) as server:
        assert _one(server.url(Role.APP), "SELECT 1") == (1,)
        assert server.note is not None
        assert str(server.data.parent) in server.note
        assert not server.data.is_relative_to(home)
        elsewhere = server.data.parent
    assert [folder.stat().st_mode for folder in watched] == before
    assert not elsewhere.exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's part is Linux'")
def test_both_end_with_a_parent_that_is_killed(open_folder: Path) -> None:
    program = f"""
import pathlib, time
from portal import embedded
folder = pathlib.Path({str(open_folder)!r})
database = embedded.postgres(folder / "postgres", durability=embedded.Durability.VOLATILE)
broker = embedded.redis(folder / "redis")
print(database.child.process.pid, broker.child.process.pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", program], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.send_signal(signal.SIGKILL)
    assert len(pids) == 2
    assert within(15, lambda: all(gone(pid) for pid in pids))


def test_the_broker_answers_only_who_has_its_password(tmp_path: Path) -> None:
    with embedded.redis(tmp_path) as broker:
        with client.Redis.from_url(broker.url) as known:
            assert known.set("a", "1") is True
        with (
            client.Redis(host="127.0.0.1", port=broker.port) as stranger,
            pytest.raises(client.AuthenticationError),
        ):
            stranger.get("a")
        command = psutil.Process(broker.child.process.pid).cmdline()
        password = broker.url.split("@")[0].removeprefix("redis://:")
        assert password not in " ".join(command)


def test_a_durable_broker_keeps_its_queue(tmp_path: Path) -> None:
    for expected in (None, b"kept"):
        with (
            embedded.redis(tmp_path, durability=Durability.DURABLE) as broker,
            client.Redis.from_url(broker.url) as known,
        ):
            assert known.get("task") == expected
            known.set("task", "kept")


def test_a_taken_port_is_said_with_the_brokers_own_words(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(embedded.DidNotStart, match=r"Redis did not start.*(?s:.*)in use"):
            embedded.redis(tmp_path, taken.getsockname()[1])

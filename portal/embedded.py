"""PostgreSQL and Redis from their wheels, under one owner, for the demo, development and tests.

Both are started as plain children from the wheels' programs and end with whoever started them. The
wheels' own Python side is not used: as root it widens the modes of every folder above the data.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from portal import children, wheels
from portal.children import DidNotStart
from portal.wheels import Durability, Unusable

__all__ = [
    "DATABASE",
    "DidNotStart",
    "Durability",
    "Postgres",
    "Redis",
    "Role",
    "Unusable",
    "free_port",
    "postgres",
    "redis",
]

DATABASE = "apportion"
ROLES = Path(__file__).resolve().parent.parent / "deploy" / "roles.sql"

# sun_path holds 104 bytes on macOS, 108 on Linux; the server adds "/.s.PGSQL.5432.lock".
_LONGEST_SOCKET_FOLDER = 84


class Role(StrEnum):
    """Who connects: the server's own superuser, the owner of all tables, or the product."""

    SUPERUSER = "postgres"
    OWNER = "apportion_owner"
    APP = "apportion_app"


@dataclass(frozen=True)
class Postgres:
    """A running server that only its own user can reach, through a socket in a closed folder."""

    child: children.Child
    socket: Path
    data: Path
    note: str | None
    _leftovers: tuple[Path, ...] = field(repr=False)

    def url(self, role: Role, database: str = DATABASE) -> str:
        """The address for ``role``, as libpq and APPORTION_DATABASE_URL take it."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.socket), safe='/')}"

    def create_database(self, name: str, *, like: str = "template1") -> None:
        """Roles, and database ``name`` with its rights, made from ``like`` unless it is there."""
        command: list[str | Path] = [
            wheels.postgres_programs() / "psql",
            "-X",
            "-q",
            "-v",
            f"database={name}",
        ]
        command += ["-v", f"template={like}", "-f", ROLES, self.url(Role.SUPERUSER, "postgres")]
        _run(command, "the roles of the database could not be made", account=None)

    def stop(self) -> None:
        """Ends all sessions, writes everything down and stops."""
        self.child.stop(by=signal.SIGINT, within=30)
        for leftover in self._leftovers:
            shutil.rmtree(leftover, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()


@dataclass(frozen=True)
class Redis:
    """A running broker on loopback, with a password made for this run."""

    child: children.Child
    port: int
    _password: str = field(repr=False)

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def stop(self) -> None:
        """Saves (if durable) and stops."""
        self.child.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()


def postgres(folder: Path, *, durability: Durability, log: Path | None = None) -> Postgres:
    """A server on ``folder``, with the roles and the database ``apportion``; ready when returned.

    PostgreSQL refuses to run as root. Started by root it runs as ``nobody``, and where that account
    cannot reach ``folder`` or the wheel, no mode is widened: data and a copy of the programs go to
    a folder of their own, which ``note`` names. ``VOLATILE`` leaves nothing there afterwards.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    log = log or folder / "server.log"
    account = wheels.account()
    place = wheels.place(folder, runner=account, durability=durability)
    data = _initialised(place, account, durability)
    door = _socket_folder(place, account)
    leftovers = [door] if door.parent != place.home else []
    if durability is Durability.VOLATILE and place.home != folder:
        leftovers.append(place.home)
    child = children.start(
        [place.programs / "postgres", "-D", data, *_parameters(door, durability)],
        name="PostgreSQL",
        log=log,
        folder=place.home,
        account=account,
        if_parent_dies=signal.SIGINT,  # SIGTERM would wait for clients that may be dead too
    )
    server = Postgres(child, door, data, place.note, tuple(leftovers))
    try:
        children.wait_until(lambda: _accepts(child, data), child=child, within=60)
        server.create_database(DATABASE)
    except BaseException:
        server.stop()
        raise
    return server


def redis(
    folder: Path,
    port: int = 0,
    *,
    durability: Durability = Durability.VOLATILE,
    log: Path | None = None,
) -> Redis:
    """A broker on 127.0.0.1, on ``port`` or a free one; ready when returned."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    log = log or folder / "server.log"
    attempts = 1 if port else 3  # a free port can be taken by another between look and use
    for left in reversed(range(attempts)):
        server = _redis(folder, port or free_port(), durability, log)
        try:
            children.wait_until(lambda: _answers(server), child=server.child, within=20)  # noqa: B023
        except children.DidNotStart:
            server.stop()
            if not left:
                raise
        else:
            return server
    raise AssertionError("the loop returns or raises")


def free_port() -> int:
    """A TCP port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- PostgreSQL: how it runs ---------------------------------------------------------------------


def _initialised(
    place: wheels.Place, account: children.Account | None, durability: Durability
) -> Path:
    data = place.home / "data"
    if data.exists():
        _same_version(data, place.programs)
        return data
    fresh = place.home / "data.new"  # renamed when complete: a half-made folder is never mistaken
    shutil.rmtree(fresh, ignore_errors=True)
    _make_for(fresh, account)
    command: list[str | Path] = [
        place.programs / "initdb",
        "-D",
        fresh,
        "-U",
        Role.SUPERUSER,
        "--auth=trust",
    ]
    # Sorted alike on every machine, whatever locales it has.
    command += [
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
    ]
    if durability is Durability.VOLATILE:
        command.append("--no-sync")
    _run(command, "the database could not be initialised", account=account)
    fresh.rename(data)
    return data


def _same_version(data: Path, programs: Path) -> None:
    held = (data / "PG_VERSION").read_text().strip()
    offered = programs.parent.name.removeprefix("pginstall")
    if held != offered:
        raise Unusable(
            f"{data} was made by PostgreSQL {held}, installed is {offered}: "
            "`make reset` forgets the local data."
        )


def _socket_folder(place: wheels.Place, account: children.Account | None) -> Path:
    door = place.home / "socket"
    if len(str(door)) > _LONGEST_SOCKET_FOLDER:
        door = Path(tempfile.mkdtemp(prefix="apportion-"))
    _make_for(door, account)
    return door


def _make_for(folder: Path, account: children.Account | None) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        os.chown(folder, account.uid, account.gid)


def _parameters(door: Path, durability: Durability) -> list[str]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(door),
        "max_connections": "120",
        "shared_buffers": "256MB",
        "work_mem": "32MB",
        "maintenance_work_mem": "128MB",
        "max_wal_size": "2GB",
        "random_page_cost": "1.1",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %q%u@%d ",
    }
    if durability is Durability.VOLATILE:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _accepts(child: children.Child, data: Path) -> bool:
    """Whether the server's own status file says that this very process is ready."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > 7 and lines[0] == str(child.process.pid) and lines[7].strip() == "ready"


def _run(command: list[str | Path], otherwise: str, *, account: children.Account | None) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if done.returncode:
        raise Unusable(f"{otherwise}: {(done.stderr or done.stdout).strip()}")


# --- Redis ---------------------------------------------------------------------------------------


def _redis(folder: Path, port: int, durability: Durability, log: Path) -> Redis:
    password = secrets.token_urlsafe(24)
    settings = [
        "bind 127.0.0.1",
        f"port {port}",
        f'dir "{folder}"',
        f"requirepass {password}",
        "maxmemory-policy noeviction",
        "save 60 1" if durability is Durability.DURABLE else 'save ""',
    ]
    # Told on standard input: a command line would show the password to everybody on the machine.
    child = children.start(
        [wheels.redis_server(), "-"],
        name="Redis",
        log=log,
        folder=folder,
        told="\n".join(settings) + "\n",
    )
    return Redis(child, port, password)


def _answers(server: Redis) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=1) as line:
            line.sendall(f"AUTH {server._password}\r\nPING\r\n".encode())
            with line.makefile("rb") as answers:
                return answers.readline() == b"+OK\r\n" and answers.readline() == b"+PONG\r\n"
    except OSError:
        return False

"""What the product runs on and as: how each part is started, and how one sees that it is ready."""

import contextlib
import http.client
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from portal import children, embedded
from portal.keeper import OnDeath, Program, Service

CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Folders:
    """Where a run keeps what it keeps; all under one folder that git ignores."""

    state: Path

    @property
    def ready(self) -> Path:
        return self.state / "ready"

    def log(self, name: str) -> Path:
        return self.state / "logs" / f"{name}.log"

    def make(self) -> None:
        """Makes them, for a new run."""
        for folder in (self.state, self.ready, self.state / "logs"):
            folder.mkdir(parents=True, exist_ok=True)
        for log in (self.state / "logs").glob("*.log"):
            log.replace(log.with_suffix(".log.1"))  # the last run's, kept beside this one's


@dataclass(frozen=True)
class Simulator:
    """Azure on loopback: its TLS address, its control port, the authority that signed its name."""

    azure: str
    control: str
    ca_bundle: Path

    def credentials(self) -> dict[str, dict[str, str]]:
        """The principal for each gateway, by the gateway's name, as the product reads them."""
        with urlopen(f"{self.control}/setting", timeout=10) as answer:  # noqa: S310 (loopback)
            setting = json.load(answer)
        return {
            tenant["service"]["name"]: {
                "tenant_id": tenant["entra_tenant_id"],
                "client_id": tenant["client_id"],
                "client_secret": tenant["client_secret"],
            }
            for tenant in setting["tenants"]
        }


def postgres(folders: Folders) -> embedded.Postgres:
    """The database, durable."""
    return embedded.postgres(
        folders.state / "postgres",
        durability=embedded.Durability.DURABLE,
        log=folders.log("postgres"),
    )


def redis(folders: Folders) -> embedded.Redis:
    """The broker, durable."""
    return embedded.redis(
        folders.state / "redis",
        durability=embedded.Durability.DURABLE,
        log=folders.log("redis"),
    )


def simulator(folders: Folders) -> tuple[Service[Program], Callable[[], Simulator]]:
    """The service, and how to read its addresses once it is ready."""
    state = folders.state / "simulator"
    said = state / "ready.json"

    def spawn() -> Program:
        state.mkdir(exist_ok=True)
        said.unlink(missing_ok=True)
        command = [sys.executable, "-m", "simulator", "--port", "0", "--control-port", "0"]
        command += ["--ready-file", str(said), "--state", str(state)]
        return Program(_started("simulator", command, folders, environment=None))

    def addresses() -> Simulator:
        found = json.loads(said.read_text())
        return Simulator(found["azure"], found["control"], Path(found["ca_bundle"]))

    # Its ports are chosen anew at each start and everyone else has been told them: no restart.
    return Service("simulator", spawn, OnDeath.END_ALL, ready=said.exists), addresses


def migrate(folders: Folders, environment: Mapping[str, str]) -> None:
    """Brings the schema up to date as the owner of the tables; returns when done.

    Raises:
        children.DidNotStart: with what the command said last.
    """
    command = [sys.executable, "manage.py", "migrate", "--database", "owner", "--no-input"]
    child = _started("migrations", command, folders, environment)
    try:
        children.wait_until(lambda: child.process.poll() == 0, child=child, within=600)
    finally:
        child.stop()


def worker(folders: Folders, environment: Mapping[str, str]) -> Service[Program]:
    """Runs tasks, two at a time."""
    part = ["worker", "--loglevel", "info", "--concurrency", "2", "--without-gossip"]
    return _celery("worker", [*part, "--without-mingle"], folders, environment)


def beat(folders: Folders, environment: Mapping[str, str]) -> Service[Program]:
    """Says when tasks are due."""
    schedule = str(folders.state / "beat-schedule")
    part = ["beat", "--loglevel", "info", "--schedule", schedule, "--pidfile", ""]
    return _celery("beat", part, folders, environment)


def web(folders: Folders, environment: Mapping[str, str], host: str, port: int) -> Service[Program]:
    """Pages and API."""
    command = [sys.executable, "-m", "gunicorn", "portal.wsgi:application"]
    command += ["--bind", f"{host}:{port}", "--worker-class", "gthread"]
    command += ["--workers", "2", "--threads", "8", "--graceful-timeout", "10"]
    command += ["--access-logfile", "-", "--no-control-socket"]
    called = environment["APPORTION_ALLOWED_HOSTS"].split(",")[0].strip().lstrip(".")
    reached = "127.0.0.1" if host in ("", "0.0.0.0") else host  # noqa: S104 (compared, not bound)
    return Service(
        "web",
        lambda: Program(_started("web", command, folders, environment)),
        OnDeath.RESTART,
        ready=lambda: _is_ready(reached, port, "localhost" if called == "*" else called),
    )


def _celery(
    name: str, part: list[str], folders: Folders, environment: Mapping[str, str]
) -> Service[Program]:
    flag = folders.ready / name
    command = [sys.executable, "-m", "celery", "-A", "portal.celery", *part]

    def spawn() -> Program:
        flag.unlink(missing_ok=True)
        told = {**environment, "APPORTION_READY_FILE": str(flag)}
        return Program(_started(name, command, folders, told))

    return Service(name, spawn, OnDeath.RESTART, ready=flag.exists)


def _started(
    name: str, command: list[str], folders: Folders, environment: Mapping[str, str] | None
) -> children.Child:
    return children.start(
        command, name=name, log=folders.log(name), environment=environment, folder=CHECKOUT
    )


def _is_ready(host: str, port: int, called: str) -> bool:
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection(host, port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", "/readyz", headers={"Host": called})
            return connection.getresponse().status == http.HTTPStatus.OK
    return False

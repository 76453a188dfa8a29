"""One command that runs the whole product on one machine: ``python -m portal.supervisor``.

Starts PostgreSQL, Redis, the simulator (if asked), migrations, worker, beat and web, in this order,
each once the one before is ready, and stops them in reverse. It never imports Django: it runs
before there is a database.
"""

import argparse
import contextlib
import fcntl
import json
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from pathlib import Path
from types import FrameType

from portal import children, embedded, services
from portal.keeper import Keeper, OnDeath, Service
from portal.services import CHECKOUT, Folders, Simulator

DEFAULT_PORT = 8000
_STOPPED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Azure(Enum):
    """Which Azure the product talks to."""

    CONFIGURED = auto()
    SIMULATED = auto()


class CannotRun(Exception):
    """Nothing was started; the text names what to change."""


class Broke(Exception):
    """A part that the others need has ended; the text names it and its log."""


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class Options:
    """What to run, and where. ``web_port`` None: 8000, or a free one when that is taken."""

    azure: Azure = Azure.CONFIGURED
    state: Path = CHECKOUT / ".apportion"
    web_host: str = "127.0.0.1"
    web_port: int | None = None
    say: Callable[[str], None] = field(default=_say)


@dataclass(frozen=True)
class Services:
    """What runs, for whoever started it. ``environment`` holds the APPORTION_ settings alone."""

    environment: Mapping[str, str]
    web_url: str
    simulator: Simulator | None
    folders: Folders

    def wait(self) -> None:
        """Returns never; Ctrl-C, SIGTERM or a broken part raise."""
        threading.Event().wait()


def options_from(environment: Mapping[str, str]) -> Options:
    """The options that APPORTION_SIMULATOR, _WEB_HOST and _WEB_PORT ask for.

    Raises:
        CannotRun: for a port that is no port.
    """
    port = environment.get("APPORTION_WEB_PORT", "")
    if port and not (port.isdecimal() and int(port) < 65536):
        raise CannotRun(f"APPORTION_WEB_PORT is {port!r}: give a port number, 0 for a free one.")
    simulated = environment.get("APPORTION_SIMULATOR", "").lower() in ("1", "true", "yes", "on")
    return Options(
        azure=Azure.SIMULATED if simulated else Azure.CONFIGURED,
        web_host=environment.get("APPORTION_WEB_HOST") or "127.0.0.1",
        web_port=int(port) if port else None,
    )


@contextlib.contextmanager
def running(options: Options) -> Iterator[Services]:
    """All services, for as long as the block lasts; called from the main thread.

    Raises:
        CannotRun: nothing was started.
        children.DidNotStart: a part did not come up; the others have been stopped.
        Broke: a part ended for good within the block; the others have been stopped.
    """
    folders = Folders(options.state.resolve())
    folders.make()
    with _alone(folders):
        port = _web_port(options)
        keeper = Keeper(options.say)
        # What was ignored before (nohup, a job of a script) stays ignored.
        heard = [word for word in _STOPPED_BY if signal.getsignal(word) is not signal.SIG_IGN]
        interrupt = _interrupter(keeper, heard)
        handlers = {word: signal.signal(word, interrupt) for word in heard}
        try:
            found = _start_all(keeper, folders, options, port)
            keeper.watch()
            yield found
        except _Interrupted as interrupted:
            if keeper.failure:
                raise Broke(keeper.failure) from None
            raise KeyboardInterrupt from interrupted
        finally:
            _hasten(keeper, heard)
            _env_file(folders).unlink(missing_ok=True)
            keeper.stop()
            for word, handler in handlers.items():
                signal.signal(word, handler)


class _Interrupted(BaseException):
    """Raised in the main thread by a signal; never leaves this module."""


def _interrupter(
    keeper: Keeper, heard: list[signal.Signals]
) -> Callable[[int, FrameType | None], None]:
    def interrupt(_word: int, _frame: FrameType | None) -> None:
        _hasten(keeper, heard)
        raise _Interrupted

    return interrupt


def _hasten(keeper: Keeper, heard: list[signal.Signals]) -> None:
    """From now on a signal means: do not wait for what is slow to stop."""
    for word in heard:
        signal.signal(word, lambda _word, _frame: keeper.kill())


def _start_all(keeper: Keeper, folders: Folders, options: Options, port: int) -> Services:
    """Everything in order, one line each."""
    line = _Line(options.say)
    database = keeper.start(
        Service("PostgreSQL", lambda: services.postgres(folders), OnDeath.END_ALL)
    )
    if database.note:
        options.say(database.note)
    line("PostgreSQL", "the database", str(database.socket))
    broker = keeper.start(Service("Redis", lambda: services.redis(folders), OnDeath.END_ALL))
    line("Redis", "the task queue", f"127.0.0.1:{broker.port}")
    simulator = None
    if options.azure is Azure.SIMULATED:
        service, addresses = services.simulator(folders)
        keeper.start(service)
        simulator = addresses()
        line("simulator", "Azure on loopback", simulator.azure)
    own = _settings(folders, port, database, broker) | _azure(simulator, folders)
    everything = {**os.environ, **own}
    services.migrate(folders, everything)
    line("migrations", "the schema is current", "")
    keeper.start(services.worker(folders, everything))
    line("worker", "does what is due", str(folders.log("worker")))
    keeper.start(services.beat(folders, everything))
    line("beat", "says what is due", str(folders.log("beat")))
    keeper.start(services.web(folders, everything, options.web_host, port))
    url = f"http://{_shown(options.web_host)}:{port}"
    line("web", "pages and API", url)
    _write_closed(_env_file(folders), "".join(f"{k}={_quoted(v)}\n" for k, v in own.items()))
    return Services(own, url, simulator, folders)


class _Line:
    """Says one line for each part: what it is, where, and how long it took."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._since = say, time.monotonic()

    def __call__(self, name: str, what: str, where: str) -> None:
        now = time.monotonic()
        self._say(f"  {name:<11} {what:<22} {now - self._since:5.1f} s  {where}".rstrip())
        self._since = now


# --- Settings --------------------------------------------------------------------------------


def _settings(
    folders: Folders, port: int, database: embedded.Postgres, broker: embedded.Redis
) -> dict[str, str]:
    """What every process of this run is told; what a person has set stands where it may."""
    chosen = {
        "APPORTION_SECRET_KEY": _secret_key(folders),
        "APPORTION_ALLOWED_HOSTS": "localhost,127.0.0.1",
        "APPORTION_TRUSTED_ORIGINS": f"http://localhost:{port},http://127.0.0.1:{port}",
        "APPORTION_HTTPS": "false",
    }
    chosen |= {name: os.environ[name] for name in chosen if os.environ.get(name)}
    return chosen | {
        "APPORTION_DATABASE_URL": database.url(embedded.Role.APP),
        "APPORTION_DATABASE_OWNER_URL": database.url(embedded.Role.OWNER),
        "APPORTION_REDIS_URL": broker.url,
    }


def _azure(simulator: Simulator | None, folders: Folders) -> dict[str, str]:
    if simulator is None:
        return {}
    credentials = folders.state / "simulator" / "credentials.json"
    _write_closed(credentials, json.dumps(simulator.credentials(), indent=2))
    return {
        "APPORTION_AZURE_AUTHORITY_HOST": simulator.azure,
        "APPORTION_AZURE_RESOURCE_MANAGER_URL": simulator.azure,
        "APPORTION_AZURE_LOG_ANALYTICS_URL": simulator.azure,
        "APPORTION_AZURE_RETAIL_PRICES_URL": f"{simulator.azure}/api/retail/prices",
        "APPORTION_AZURE_CA_BUNDLE": str(simulator.ca_bundle),
        "APPORTION_AZURE_INSTANCE_DISCOVERY": "false",
        "APPORTION_AZURE_CREDENTIALS_FILE": str(credentials),
        "APPORTION_SIMULATOR_CONTROL_URL": simulator.control,
    }


def _secret_key(folders: Folders) -> str:
    """Made once and kept, so that a restart signs nobody out."""
    path = folders.state / "secret-key"
    if not path.exists():
        _write_closed(path, secrets.token_urlsafe(48))
    return path.read_text().strip()


def _env_file(folders: Folders) -> Path:
    """Read by commands run by hand in the checkout; there only while the services are."""
    return folders.state / "env"


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _write_closed(path: Path, text: str) -> None:
    """Complete or not at all, and for the owner's eyes."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(path)


# --- The machine -----------------------------------------------------------------------------


@contextlib.contextmanager
def _alone(folders: Folders) -> Iterator[None]:
    """One run per state folder; the lock ends with the process, however it ends."""
    path = folders.state / "supervisor.pid"
    with path.open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            by = held.read().strip()
            raise CannotRun(f"Apportion already runs on {folders.state} (process {by}).") from None
        held.truncate(0)
        held.write(f"{os.getpid()}\n")
        held.flush()
        try:
            yield
        finally:
            held.truncate(0)


def _web_port(options: Options) -> int:
    wanted = DEFAULT_PORT if options.web_port is None else options.web_port
    if wanted == 0:
        return embedded.free_port()
    if _free(options.web_host, wanted):
        return wanted
    if options.web_port is None:
        port = embedded.free_port()
        options.say(f"Port {wanted} is taken, using {port}. APPORTION_WEB_PORT chooses another.")
        return port
    raise CannotRun(f"Port {wanted} is taken: set APPORTION_WEB_PORT to another, or to 0.")


def _free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def _shown(host: str) -> str:
    return "localhost" if host in ("", "0.0.0.0", "127.0.0.1") else host  # noqa: S104 (compared)


def main(arguments: list[str] | None = None) -> int:
    """Runs until told to stop. 0: was told to; 1: a part failed; 2: could not begin."""
    parser = argparse.ArgumentParser(prog="python -m portal.supervisor", description=main.__doc__)
    parser.add_argument("--simulator", action="store_true", help="with a simulated Azure")
    parser.add_argument("--state", type=Path, help="folder for data and logs (.apportion)")
    asked = parser.parse_args(arguments)
    told = dict(os.environ) | ({"APPORTION_SIMULATOR": "1"} if asked.simulator else {})
    try:
        options = options_from(told)
        if asked.state:
            options = replace(options, state=asked.state)
        with running(options) as found:
            _say(f"Apportion runs at {found.web_url}. Ctrl-C stops it.")
            found.wait()
    except KeyboardInterrupt:
        _say("Stopped.")
    except (CannotRun, embedded.Unusable) as refused:
        sys.stderr.write(f"{refused}\n")
        return 2
    except (children.DidNotStart, Broke) as failed:
        sys.stderr.write(f"{failed}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

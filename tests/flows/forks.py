"""Runs the product's commands in processes of their own that start at once and can be killed.

One server process loads Django and then forks for each command, so that a command costs
milliseconds, not seconds; it has no thread and no connection when it forks. It speaks lines of
JSON: in comes a command line, out comes the process id. What the command said and its exit code
are in files.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.azure import Azure

_CHECKOUT = Path(__file__).resolve().parents[2]
_PATIENCE = 60.0


@dataclass(frozen=True)
class Command:
    """A command under way in its own process."""

    pid: int
    said: Path
    ended: Path

    def kill(self) -> None:
        """End it in the middle of whatever it does, with no chance to clean up."""
        os.kill(self.pid, signal.SIGKILL)
        until(self.ended.exists)

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        until(self.ended.exists)
        return int(self.ended.read_text())

    @property
    def text(self) -> str:
        """What it has said so far."""
        return self.said.read_text()


class Commands:
    """The server, seen from the tests."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.flows.forks"],
            cwd=_CHECKOUT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, *line: str) -> Command:
        """``manage.py`` with these arguments, in a process of its own."""
        base = self._folder / str(next(self._numbers))
        said, ended = base.with_suffix(".said"), base.with_suffix(".ended")
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps([list(line), str(said), str(ended)]) + "\n")
        self._server.stdin.flush()
        return Command(int(self._server.stdout.readline()), said, ended)

    def run(self, *line: str) -> Command:
        """The same, and wait for its end."""
        command = self.start(*line)
        command.wait()
        return command

    def close(self) -> None:
        """Stop the server; what it started has ended or been killed."""
        self._server.communicate()


def until(holds: Callable[[], object]) -> None:
    """Wait until something holds, for a bounded time."""
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)


def struck(azure: Azure) -> bool:
    """Whether every fault that was ordered has struck: the request it is about is held."""
    return bool(azure.get("/faults")["waiting"] == 0)


def _serve() -> None:
    import django  # noqa: PLC0415 - only the server process needs it, with its own environment

    django.setup()
    for line in sys.stdin:
        arguments, said, ended = json.loads(line)
        told, tell = os.pipe()
        if os.fork() == 0:
            os.close(told)
            _watch(arguments, Path(said), Path(ended), tell)
        os.close(tell)
        with os.fdopen(told) as pid:
            sys.stdout.write(pid.readline())
            sys.stdout.flush()


def _watch(arguments: list[str], said: Path, ended: Path, tell: int) -> None:
    """In a first child: start the command in a second, tell its id, keep its exit code."""
    pid = os.fork()
    if pid == 0:
        os.close(tell)
        _run(arguments, said)
    os.write(tell, f"{pid}\n".encode())
    os.close(tell)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    draft = ended.with_suffix(".draft")
    draft.write_text(str(code))
    draft.rename(ended)
    os._exit(0)


def _run(arguments: list[str], said: Path) -> None:
    from django.core.management import (  # noqa: PLC0415 - as above
        CommandError,
        call_command,
    )

    out = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(out, 2)
    code = 0
    try:
        call_command(*arguments)
    except CommandError as error:
        sys.stdout.write(f"{error}\n")
        code = error.returncode
    except BaseException as error:  # noqa: BLE001 - a fault of the command, told to the test
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
        code = 99
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _serve()

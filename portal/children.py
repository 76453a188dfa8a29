"""Child processes that tell when they are ready, stop when asked and never outlive their parent."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Loaded once, here: between fork and exec nothing may be looked up.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None
_PR_SET_PDEATHSIG = 1


class DidNotStart(Exception):
    """A service that was started is not there: which, why, and the last words of its log."""

    def __init__(self, name: str, because: str, log: Path) -> None:
        super().__init__(name, because, log)
        self.name, self.because, self.log = name, because, log

    def __str__(self) -> str:
        words = last_lines(self.log)
        said = "".join(f"\n    {line}" for line in words) if words else " (the log is empty)"
        return f"{self.name} did not start: {self.because}. Its log, {self.log}, ends:{said}"


@dataclass(frozen=True)
class Account:
    """The system account a child runs as, when it is not its parent's."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Child:
    """A started process, leader of its own session, so that a Ctrl-C reaches its parent alone."""

    name: str
    process: subprocess.Popen[str]
    log: Path

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def stop(self, *, by: signal.Signals = signal.SIGTERM, within: float = 10) -> None:
        """Asks with ``by``, waits ``within`` seconds, then kills what is left of the session."""
        if self.running:
            self.process.send_signal(by)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(within)
        # No group any more; macOS says "not permitted" of a group that holds only the dead.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start(
    command: Sequence[str | Path],
    *,
    name: str,
    log: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    account: Account | None = None,
    told: str | None = None,
    if_parent_dies: signal.Signals = signal.SIGTERM,
) -> Child:
    """Starts ``command`` with its output appended to ``log`` and ``told`` on its standard input.

    On Linux the kernel signals the child when the *thread* that started it ends, so start children
    from a thread that lives as long as they should.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE if told is not None else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            cwd=folder,
            start_new_session=True,
            text=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            # After the change of user, which would clear it: hence here and not in a wrapper.
            preexec_fn=_tied_to_parent(if_parent_dies),  # noqa: PLW1509 (one call into libc)
        )
    if process.stdin is not None:
        with process.stdin as inlet:
            inlet.write(told or "")
    return Child(name=name, process=process, log=log)


def wait_until(ready: Callable[[], bool], *, child: Child, within: float) -> None:
    """Returns once ``ready``; raises :class:`DidNotStart` when the child ends or time is up."""
    deadline = time.monotonic() + within
    while not ready():
        code = child.process.poll()
        if code is not None:
            raise DidNotStart(child.name, f"it ended with code {code}", child.log)
        if time.monotonic() > deadline:
            raise DidNotStart(child.name, f"it was not ready after {within:.0f} s", child.log)
        time.sleep(0.02)


def last_lines(log: Path, count: int = 12) -> list[str]:
    """The last ``count`` lines of ``log``, or none if there is no such file."""
    try:
        return log.read_text(errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []


def _tied_to_parent(word: signal.Signals) -> Callable[[], None] | None:
    if _LIBC is None:
        return None
    libc, parent = _LIBC, os.getpid()

    def tie() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(word), 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return tie

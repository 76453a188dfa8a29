"""Keeps services alive: starts them in order, replaces what dies, stops them in reverse."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Generic, Protocol, TypeVar, cast

from portal import children

# A service that dies five times with less than a minute's life between is broken, not unlucky.
_TRIES = 5
_STEADY_AFTER = 60.0


class OnDeath(Enum):
    """What the end of a service means for the others."""

    RESTART = auto()
    END_ALL = auto()


class Running(Protocol):
    """Anything with a process that knows how to stop it."""

    @property
    def child(self) -> children.Child: ...

    def stop(self) -> None: ...


@dataclass(frozen=True)
class Program:
    """A running process that stops when it is asked to terminate."""

    child: children.Child

    def stop(self) -> None:
        self.child.stop(within=20)


R = TypeVar("R", bound=Running)


@dataclass(frozen=True)
class Service(Generic[R]):
    """How a service is started, how one sees that it is ready, what its end means."""

    name: str
    spawn: Callable[[], R]
    on_death: OnDeath
    ready: Callable[[], bool] = lambda: True
    within: float = 60
    pause: float = 1.0


@dataclass
class _Entry:
    service: Service[Running]
    running: Running
    since: float
    deaths: int = 0


@dataclass
class Keeper:
    """The services of one run; ``failure`` says why it had to end, if it had to."""

    say: Callable[[str], None]
    failure: str | None = None
    _entries: list[_Entry] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _watcher: threading.Thread | None = None

    def start(self, service: Service[R]) -> R:
        """Starts and waits; once ready, it is kept.

        Raises:
            children.DidNotStart: and leaves stopping to the caller's ``stop``.
        """
        running = service.spawn()
        self._entries.append(_Entry(cast("Service[Running]", service), running, time.monotonic()))
        children.wait_until(service.ready, child=running.child, within=service.within)
        return running

    def watch(self) -> None:
        """From now on, deaths are noticed. A failure interrupts the main thread with SIGTERM."""
        self._watcher = threading.Thread(target=self._watch, name="keeper", daemon=True)
        self._watcher.start()

    def stop(self) -> None:
        """Stops everything, last started first; safe to call twice."""
        self._stopping.set()
        with self._lock:  # a replacement being made is registered before we look
            pass
        while self._entries:
            self._entries[-1].running.stop()
            self._entries.pop()
        self._stopped.set()
        if self._watcher is not None:
            self._watcher.join()

    def kill(self) -> None:
        """Kills every session at once, for whoever will not wait for ``stop`` to finish."""
        for pid in [entry.running.child.process.pid for entry in self._entries]:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)

    def _watch(self) -> None:
        while not self._stopping.wait(0.25):
            for entry in list(self._entries):
                if not entry.running.child.running:
                    self._replace(entry)
        # Replacements are children of this thread and would die with it, out of order.
        self._stopped.wait()

    def _replace(self, entry: _Entry) -> None:
        service, child = entry.service, entry.running.child
        lived = time.monotonic() - entry.since
        entry.deaths = 1 if lived > _STEADY_AFTER else entry.deaths + 1
        ended = f"{service.name} ended by itself (code {child.process.returncode})"
        if service.on_death is OnDeath.END_ALL or entry.deaths > _TRIES:
            self._fail(ended, child)
            return
        pause = service.pause * 2 ** (entry.deaths - 1)
        self.say(f"{ended}; starting it again in {pause:.0f} s ({entry.deaths} of {_TRIES})")
        self._stopping.wait(pause)
        with self._lock:
            if self._stopping.is_set():
                return
            entry.running, entry.since = service.spawn(), time.monotonic()
        with contextlib.suppress(children.DidNotStart):  # the next round sees it dead
            children.wait_until(service.ready, child=entry.running.child, within=service.within)
            self.say(f"{service.name} is back")

    def _fail(self, ended: str, child: children.Child) -> None:
        if self._stopping.is_set() or self.failure:
            return
        said = "".join(f"\n    {line}" for line in children.last_lines(child.log))
        self.failure = f"{ended}. Its log, {child.log}, ends:{said or ' (it is empty)'}"
        os.kill(os.getpid(), signal.SIGTERM)

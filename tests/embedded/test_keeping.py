"""Children stop when asked, and what dies is replaced or ends the run."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal import children
from portal.children import Child
from portal.keeper import Keeper, OnDeath, Program, Service
from tests.embedded.waiting import gone, within

Script = Callable[..., Child]

SLEEPS = "import time; time.sleep(60)"
WILL_NOT_STOP = """
import signal, time, pathlib, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""
HAS_A_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def keeper(said: list[str]) -> Iterator[Keeper]:
    kept = Keeper(said.append)
    yield kept
    kept.stop()


def _service(script: Script, text: str, name: str, on_death: OnDeath) -> Service[Program]:
    return Service(name, lambda: Program(script(text, name=name)), on_death, pause=0.01)


def test_one_that_does_not_listen_is_killed(script: Script) -> None:
    child = script(WILL_NOT_STOP)
    assert within(10, lambda: children.last_lines(child.log) == ["deaf"])
    child.stop(within=0.1)
    assert child.process.returncode == -signal.SIGKILL


def test_its_children_end_with_it(script: Script) -> None:
    child = script(HAS_A_CHILD)
    assert within(10, lambda: bool(children.last_lines(child.log)))
    grandchild = int(children.last_lines(child.log)[0])
    child.stop()
    assert within(10, lambda: gone(grandchild))


def test_a_failed_start_says_where_its_log_is_and_how_it_ends(script: Script) -> None:
    child = script("raise SystemExit('no database')", name="worker")
    with pytest.raises(children.DidNotStart) as failed:
        children.wait_until(lambda: False, child=child, within=10)
    text = str(failed.value)
    assert "worker did not start: it ended with code 1" in text
    assert str(child.log) in text
    assert text.endswith("no database")


def test_a_start_that_takes_too_long_is_given_up(script: Script) -> None:
    child = script(SLEEPS, name="web")
    with pytest.raises(children.DidNotStart, match="web did not start: it was not ready after"):
        children.wait_until(lambda: False, child=child, within=0.1)
    child.stop()


def test_what_dies_is_started_again(keeper: Keeper, script: Script, said: list[str]) -> None:
    started: list[Child] = []

    def spawn() -> Program:
        started.append(script(SLEEPS, name="worker"))
        return Program(started[-1])

    keeper.start(Service("worker", spawn, OnDeath.RESTART, pause=0.01))
    keeper.watch()
    started[0].process.kill()
    assert within(10, lambda: "worker is back" in said)
    assert len(started) == 2
    assert started[1].running
    assert said[0].startswith("worker ended by itself (code -9); starting it again")
    keeper.stop()
    assert not started[1].running


@pytest.mark.parametrize(
    ("on_death", "restarts"), [(OnDeath.END_ALL, 0), (OnDeath.RESTART, 5)], ids=["database", "web"]
)
def test_what_cannot_be_replaced_ends_the_run(
    keeper: Keeper, script: Script, said: list[str], on_death: OnDeath, restarts: int
) -> None:
    interrupted: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda word, _frame: interrupted.append(word))
    try:
        keeper.start(_service(script, "raise SystemExit('broken')", "part", on_death))
        keeper.watch()
        assert within(30, lambda: bool(interrupted))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert keeper.failure is not None
    assert keeper.failure.startswith("part ended by itself (code 1)")
    assert keeper.failure.endswith("broken")
    assert len([line for line in said if "starting it again" in line]) == restarts


def test_the_last_started_is_stopped_first(keeper: Keeper, script: Script, tmp_path: Path) -> None:
    order = tmp_path / "order"
    for name in ("database", "broker", "web"):
        text = f"""
import pathlib, signal, sys, time
def leave(*_):
    with open({str(order)!r}, "a") as order:
        order.write("{name} ")
    sys.exit()
signal.signal(signal.SIGTERM, leave)
pathlib.Path({str(tmp_path / name)!r}).touch()
time.sleep(60)
"""
        service = Service(
            name,
            lambda text=text, name=name: Program(script(text, name=name)),  # type: ignore[misc]
            OnDeath.END_ALL,
            ready=(tmp_path / name).exists,
        )
        keeper.start(service)
    keeper.stop()
    assert order.read_text().split() == ["web", "broker", "database"]


def test_a_second_signal_kills_what_is_slow_to_stop(keeper: Keeper, script: Script) -> None:
    deaf = keeper.start(_service(script, WILL_NOT_STOP, "deaf", OnDeath.END_ALL))
    keeper.kill()
    assert within(10, lambda: not deaf.child.running)
    assert os.getpgrp() != deaf.child.process.pid

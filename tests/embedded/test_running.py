"""The one command, from outside."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from tests.embedded.waiting import gone, within

CHECKOUT = Path(__file__).resolve().parents[2]


def _supervisor(state: Path, **environment: str) -> subprocess.Popen[str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("APPORTION_")}
    return subprocess.Popen(
        [sys.executable, "-m", "portal.supervisor", "--state", str(state)],
        cwd=CHECKOUT,
        env=kept | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_taken_port_is_named_with_the_variable_that_changes_it(open_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with _supervisor(open_folder, APPORTION_WEB_PORT=port) as refused:
            out, error = refused.communicate(timeout=30)
    assert refused.returncode == 2
    assert error == f"Port {port} is taken: set APPORTION_WEB_PORT to another, or to 0.\n"
    assert out == ""


def test_a_port_that_is_none_is_refused(open_folder: Path) -> None:
    with _supervisor(open_folder, APPORTION_WEB_PORT="http") as refused:
        _, error = refused.communicate(timeout=30)
    assert refused.returncode == 2
    assert error.startswith("APPORTION_WEB_PORT is 'http': give a port number")


@pytest.mark.fresh
@pytest.mark.slow  # starts every part of the product from nothing
def test_it_starts_everything_once_and_leaves_nothing(open_folder: Path) -> None:
    state = open_folder / "state"
    with _supervisor(state, APPORTION_WEB_PORT="0") as running:
        assert running.stdout is not None
        lines: list[str] = []
        for line in running.stdout:
            lines.append(line)
            if "runs at" in line:
                break
        assert [line.split()[0] for line in lines[:-1]] == [
            *("PostgreSQL", "Redis", "migrations", "worker", "beat", "web"),
        ], running.stderr and running.stderr.read()
        address = lines[-1].split(" at ")[1].split(". ")[0]
        with urlopen(f"{address}/readyz", timeout=10) as answer:
            assert answer.status == 200
        assert (state / "env").stat().st_mode & 0o077 == 0

        with _supervisor(state) as second:
            _, error = second.communicate(timeout=30)
        assert second.returncode == 2
        assert error == f"Apportion already runs on {state} (process {running.pid}).\n"

        family = [child.pid for child in psutil.Process(running.pid).children(recursive=True)]
        assert len(family) > 6
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0
    assert within(5, lambda: all(gone(pid) for pid in family))
    assert not (state / "env").exists()

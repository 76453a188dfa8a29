"""Start and stop a simulator as a process of its own, for tests and the demo."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_PATIENCE = 30.0


class NotStarted(RuntimeError):
    """The simulator ended, or did not listen in time; the text says why."""


@dataclass(frozen=True, slots=True)
class Running:
    """A simulator that listens."""

    azure: str
    control: str
    ca_bundle: str
    process: subprocess.Popen[bytes]

    def stop(self, *, patience: float = 10.0) -> int:
        """End the process and wait for it; its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(
    *,
    setting: str = "workshop",
    now: str | None = None,
    state: Path | None = None,
    port: int = 0,
    control_port: int = 0,
    options: Sequence[str] = (),
) -> Running:
    """A simulator once both its ports listen; ``options`` such as ``--freeze`` are passed on."""
    with tempfile.TemporaryDirectory(prefix="simulator-start-") as folder:
        ready = Path(folder) / "ready.json"
        command = [sys.executable, "-m", "simulator", "--setting", setting]
        command += ["--port", str(port), "--control-port", str(control_port)]
        command += ["--ready-file", str(ready), *options]
        command += ["--now", now] if now else []
        command += ["--state", str(state)] if state else []
        log = Path(folder) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(command, cwd=_ROOT, stdout=out, stderr=out)
        return _wait(process, ready, log)


def _wait(process: subprocess.Popen[bytes], ready: Path, log: Path) -> Running:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if ready.exists():
            told = json.loads(ready.read_text(encoding="utf-8"))
            return Running(told["azure"], told["control"], told["ca_bundle"], process)
        if process.poll() is not None:
            raise NotStarted(log.read_text(encoding="utf-8", errors="replace").strip())
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise NotStarted(f"The simulator did not listen within {_PATIENCE:.0f} seconds.")

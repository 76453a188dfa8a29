"""How much memory a worker needs for a month: a process of its own loads and rates it, and tells.

``python -m benchmarks.memory TENANT SLUG GATEWAY SUBSCRIPTIONS`` is that process; it takes the
database from the environment of the one that started it.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.database import CHECKOUT
from benchmarks.timing import Goal, Measure, Unit, timed

if TYPE_CHECKING:
    from benchmarks.month import Month

#: What a worker may use at most, in megabytes.
MOST = 300


def measure(month: Month) -> Measure:
    """Loading and rating the month in a process of its own; its goal is one of memory."""
    megabytes = 0

    def run() -> None:
        nonlocal megabytes
        megabytes = _peak(month)

    seconds = timed(run)
    goal = Goal(MOST, f"≤ {MOST} MB", Unit.MEGABYTES)
    return Measure(
        "worker: a month loaded and rated", month.values, seconds, goal=goal, megabytes=megabytes
    )


def _peak(month: Month) -> int:
    asked = (month.ref.id, month.ref.slug, month.gateway, month.subscriptions)
    command = [sys.executable, "-m", "benchmarks.memory", *map(str, asked)]
    done = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True)
    return int(done.stdout)


def _peak_of_this_process() -> int:
    """In megabytes. The figure of `resource` would have what the one that started it used."""
    told = Path("/proc/self/status")
    if told.is_file():
        high = next(line for line in told.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(high.split()[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _load(tenant: int, slug: str, gateway: int, subscriptions: int) -> None:
    import django  # noqa: PLC0415 - in this process nothing has been set up yet

    django.setup()
    from benchmarks import loading_usage, month  # noqa: PLC0415
    from tenancy.scope import TenantRef  # noqa: PLC0415

    ref = TenantRef(tenant, slug)
    loading_usage.replace(ref, gateway, month.windows(subscriptions))
    loading_usage.rate(ref)


if __name__ == "__main__":
    _tenant, _slug, _gateway, _subscriptions = sys.argv[1:]
    _load(int(_tenant), _slug, int(_gateway), int(_subscriptions))
    print(_peak_of_this_process())

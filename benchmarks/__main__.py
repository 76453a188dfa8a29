"""Measures speed as ratios, in one run on one machine: ``python -m benchmarks --size 200k``.

The product's own functions and what they are compared with take turns on the same rows; totals
are checked to be equal before a time counts. See docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import database

if TYPE_CHECKING:
    from benchmarks.measures import Measure

RESULT = Path(__file__).with_name("result.json")
_SCALES = {"k": 1_000, "m": 1_000_000}


def main() -> None:
    """Measure, print a table, keep it in `result.json`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--size", type=_size, default="200k", help="rows of usage: 200k, 1m …")
    size = parser.parse_args().size
    with database.running() as server:
        # Django's models can be loaded only now that there is a database to name.
        from benchmarks import measures, month  # noqa: PLC0415
        from billing import usage  # noqa: PLC0415

        bench = measures.Bench(server, month.make(size, longest=usage.LONGEST_WINDOW))
        found = [bench.replace(), bench.again(), bench.rate(), bench.draft()]
    _show(found)
    _keep(found)


def _size(text: str) -> int:
    scale = _SCALES.get(text[-1:].lower(), 1)
    try:
        return int(text.rstrip("kKmM")) * scale
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 200k or 1m") from None


def _show(found: list[Measure]) -> None:
    print(f"\n{_machine()}\n")
    print(f"{'':42} {'rows':>10} {'seconds':>9} {'rows/s':>11}   beside")
    for one in found:
        speed = f"{one.rows / one.product:,.0f}"
        beside = (
            f"{one.ratio:.2f} × the time of {one.beside} ({one.other:.3f} s)" if one.other else ""
        )
        print(f"{one.name:42} {one.rows:>10,} {one.product:>9.3f} {speed:>11}   {beside}")


def _keep(found: list[Measure]) -> None:
    kept = {
        "machine": _machine(),
        "measures": [asdict(one) | {"ratio": one.ratio} for one in found],
    }
    RESULT.write_text(json.dumps(kept, indent=1) + "\n")
    print(f"\nkept in {RESULT}")


def _machine() -> str:
    """What the figures were measured on."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    return (
        f"{os.cpu_count()} cores, {model}, {platform.system()}, Python {platform.python_version()}"
    )


if __name__ == "__main__":
    main()

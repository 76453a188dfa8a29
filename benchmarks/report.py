"""What was measured: as a table on the screen, in `result.json`, and in docs/performance.md."""

from __future__ import annotations

import json
import os
import platform
import resource
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.timing import Measure

RESULT = Path(__file__).with_name("result.json")
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True)
class Found:
    """The measures of one run, what it ran on, and how busy that was before."""

    size: int
    meters: int
    load: str
    measures: tuple[Measure, ...]


def busyness() -> str:
    """How many processes wanted the machine in the last minute and in the last five."""
    minute, five, _ = os.getloadavg()
    return f"{minute:.1f} and {five:.1f}"


def show(found: Found) -> None:
    """Print the table."""
    print(f"\n{_machine()}\n{_conditions(found)}\n")
    print(f"{'':44} {'rows':>10} {'seconds':>9} {'rows/s':>11}   beside")
    for one in found.measures:
        beside = f"{one.ratio:.2f} × {one.beside} ({one.other:.3f} s)" if one.other else ""
        speed = f"{one.rows / one.product:,.0f}"
        print(f"{one.name:44} {one.rows:>10,} {one.product:>9.3f} {speed:>11}   {beside}")
        for name, seconds in one.parts:
            print(f"    {name:51} {seconds:>9.3f}")


def keep(found: Found) -> None:
    """Write `result.json`."""
    kept = {
        "machine": _machine(),
        "conditions": _conditions(found),
        "measures": [asdict(one) | {"ratio": one.ratio} for one in found.measures],
    }
    RESULT.write_text(json.dumps(kept, indent=1) + "\n")
    print(f"\nkept in {RESULT}")


def document(found: Found) -> None:
    """Put the table in the place of the one in docs/performance.md."""
    before, _, rest = DOCUMENT.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    lines = [_BEGIN, f"{_machine()}. {_conditions(found)}", "", *_table(found.measures), _END]
    DOCUMENT.write_text(before + "\n".join(lines) + after)
    print(f"written into {DOCUMENT}")


def _table(measures: Sequence[Measure]) -> list[str]:
    lines = ["| Measure | Rows | Seconds | Rows a second | Ratio |", "|---|---|---|---|---|"]
    for one in measures:
        beside = f"{one.ratio:.2g} × {one.beside}" if one.ratio else "–"
        speed = f"{one.rows / one.product:,.0f}"
        lines.append(f"| {one.name} | {one.rows:,} | {one.product:.3g} | {speed} | {beside} |")
    for one in measures:
        if one.parts:
            lines += ["", f"Where the time goes: {one.name}, one run.", ""]
            lines += ["| Part | Seconds |", "|---|---|"]
            lines += [f"| {name} | {seconds:.2f} |" for name, seconds in one.parts]
    return lines


def _conditions(found: Found) -> str:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return (
        f"{found.size:,} rows of usage, {found.meters:,} meters; before the run {found.load}"
        f" processes wanted the machine; the benchmark's process used at most {peak:,} MB."
    )


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

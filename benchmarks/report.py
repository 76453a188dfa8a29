"""What was measured: as a table on the screen, in `result.json`, and in docs/performance.md."""

from __future__ import annotations

import json
import os
import platform
import resource
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import plot
from benchmarks.timing import Measure

RESULT = Path(__file__).with_name("result.json")
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
PLOT = DOCUMENT.with_suffix(".svg")
#: By size, what was measured on what: the JSON of `result.json`.
Kept = dict[str, dict[str, Any]]
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
    print(f"{'':48} {'rows':>10} {'seconds':>9} {'rows/s':>11}   beside")
    for one in found.measures:
        beside = f"{one.ratio:.2f} × {one.beside} ({one.other:.3f} s)" if one.other else ""
        speed = f"{one.rows / one.product:,.0f}"
        goal = f"   [{one.goal.says}: {'yes' if one.holds else 'NO'}]" if one.goal else ""
        more = f" {one.megabytes} MB" if one.megabytes else ""
        row = f"{one.name:48} {one.rows:>10,} {one.product:>9.3f} {speed:>11}"
        print(f"{row}   {beside}{more}{goal}")
        for name, seconds in one.parts:
            print(f"    {name:55} {seconds:>9.3f}")


def keep(found: Found) -> Kept:
    """Write `result.json`: by size, the newest of each measure. All that it then holds."""
    kept: Kept = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    of_size = kept.setdefault(str(found.size), {"measures": {}})
    of_size |= {"machine": _machine(), "conditions": _conditions(found)}
    of_size["measures"] |= {
        one.name: asdict(one) | {"ratio": one.ratio, "holds": one.holds} for one in found.measures
    }
    RESULT.write_text(json.dumps(kept, indent=1) + "\n")
    print(f"\nkept in {RESULT}")
    return kept


def document(kept: Kept) -> None:
    """Put tables and plot in the place of those in docs/performance.md."""
    before, _, rest = DOCUMENT.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    lines = [_BEGIN]
    sizes = sorted(kept, key=int)
    for size in sizes:
        lines += ["", f"### {int(size):,} values", ""]
        lines += [f"{kept[size]['machine']}. {kept[size]['conditions']}", ""]
        lines += _table(kept[size]["measures"].values())
    lines += _growth(kept, sizes)
    PLOT.write_text(plot.drawn({int(size): kept[size]["measures"] for size in sizes}))
    lines += ["", f"![How far from each goal]({PLOT.name})", "", _END]
    DOCUMENT.write_text(before + "\n".join(lines) + after)
    print(f"written into {DOCUMENT}")


def _table(measures: Iterable[dict[str, Any]]) -> list[str]:
    lines = [
        "| Measure | Rows | Seconds | Rows a second | Time | Goal | |",
        "|---|---|---|---|---|---|---|",
    ]
    parts: list[str] = []
    for one in measures:
        beside = f"{one['ratio']:.2g} × {one['beside']}" if one["ratio"] else "–"
        beside = f"{one['megabytes']} MB" if one["megabytes"] else beside
        goal = one["goal"]["says"] if one["goal"] else "–"
        holds = {None: "", True: "yes", False: "**no**"}[one["holds"]]
        speed = f"{one['rows'] / one['product']:,.0f}"
        cells = (one["name"], f"{one['rows']:,}", f"{one['product']:.3g}", speed, beside, goal)
        lines.append(f"| {' | '.join(cells)} | {holds} |")
        if one["parts"]:
            parts += ["", f"Where the time goes: {one['name']}, one run.", ""]
            parts += ["| Part | Seconds |", "|---|---|"]
            parts += [f"| {name} | {seconds:.2f} |" for name, seconds in one["parts"]]
    return lines + parts


def _growth(kept: Kept, sizes: Sequence[str]) -> list[str]:
    """What a row costs at the largest size beside the one before; a page, what it takes."""
    if len(sizes) < 2:
        return []
    small, large = (kept[size]["measures"] for size in sizes[-2:])
    lines = ["", f"### From {int(sizes[-2]):,} to {int(sizes[-1]):,} values", ""]
    lines += ["| Measure | Time of a row, times as long |", "|---|---|"]
    for name in [name for name in small if name in large]:
        before, after = (one[name]["product"] / one[name]["rows"] for one in (small, large))
        lines.append(f"| {name} | {after / before:.2f} |")
    return lines


def _conditions(found: Found) -> str:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return (
        f"{found.size:,} values of token classes, {found.meters:,} meters;"
        f" before the run {found.load} processes wanted the machine;"
        f" the benchmark's process used at most {peak:,} MB."
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

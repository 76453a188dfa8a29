"""The plot of what was measured, as SVG: how far each measure is from its goal, at each size."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from benchmarks.timing import Unit

_WIDTH, _LABELS, _ROW, _BAR = 900, 380, 18, 14
#: A bar that is longer than this many times its goal is cut off there.
_LONGEST = 2
_COLOURS = ("#2563a8", "#7aa7d6", "#b9c9dc")


def drawn(measures: Mapping[int, Mapping[str, Mapping[str, Any]]]) -> str:
    """A bar for each goal and size; the line is the goal, what is left of it holds."""
    names = [
        name
        for name in dict.fromkeys(name for found in measures.values() for name in found)
        if any(found.get(name, {}).get("goal") for found in measures.values())
    ]
    scale = (_WIDTH - _LABELS - 60) / _LONGEST
    step = _ROW * len(measures) + 8
    height = 50 + step * len(names)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}"'
        ' font-family="sans-serif" font-size="12" role="img">',
        "<title>Each measure as a share of its goal: less is better</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
    ]
    for number, size in enumerate(measures):
        left = _LABELS + number * 160
        colour = _COLOURS[number % len(_COLOURS)]
        lines.append(f'<rect x="{left}" y="10" width="12" height="12" fill="{colour}"/>')
        lines.append(f'<text x="{left + 18}" y="20">{size:,} values</text>')
    for row, name in enumerate(names):
        top = 36 + row * step
        lines.append(
            f'<text x="{_LABELS - 8}" y="{top + 11}" text-anchor="end">{escape(name)}</text>'
        )
        for number, found in enumerate(measures.values()):
            if name in found:
                lines += _bar(found[name], top + number * _ROW, _COLOURS[number % 3], scale)
    goal = _LABELS + scale
    lines.append(
        f'<line x1="{goal:.0f}" y1="30" x2="{goal:.0f}" y2="{height - 8}" stroke="#a33"'
        ' stroke-dasharray="4 3"/>'
    )
    return "\n".join([*lines, "</svg>", ""])


def _bar(one: Mapping[str, Any], top: int, colour: str, scale: float) -> list[str]:
    found = {
        Unit.TIMES.value: one["ratio"],
        Unit.SECONDS.value: one["product"],
        Unit.MEGABYTES.value: one["megabytes"],
    }[one["goal"]["unit"]]
    share = found / one["goal"]["most"]
    width = min(share, _LONGEST) * scale
    return [
        f'<rect x="{_LABELS}" y="{top}" width="{width:.0f}" height="{_BAR}" fill="{colour}"/>',
        f'<text x="{_LABELS + width + 4:.0f}" y="{top + 11}">{share:.2f}</text>',
    ]

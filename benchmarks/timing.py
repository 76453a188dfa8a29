"""How a time is taken: both sides in turns, the median counts, and only where totals agree."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

TURNS, FEW_TURNS = 5, 3
#: Sides that take longer than this, in seconds, have fewer turns.
LONG = 20


class Unequal(AssertionError):
    """Two ways to the same figures did not come to the same figures."""


@dataclass(frozen=True)
class Side:
    """One of those that take turns.

    ``run`` gives the seconds that count; ``ready`` goes before it and ``check`` after, untimed.
    """

    name: str
    run: Callable[[], float]
    ready: Callable[[], object] = lambda: None
    check: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Measure:
    """Median seconds of the product and of what it is compared with, for the same rows.

    ``parts`` say where the time of one run went, in seconds.
    """

    name: str
    rows: int
    product: float
    other: float | None = None
    beside: str = ""
    parts: tuple[tuple[str, float], ...] = ()

    @property
    def ratio(self) -> float | None:
        """How many times the other's time the product takes."""
        return self.product / self.other if self.other else None


def in_turns(*sides: Side, turns: int = TURNS) -> tuple[float, ...]:
    """Each side's median, the sides taking turns."""
    found: list[list[float]] = [[] for _ in sides]
    while len(found[0]) < turns:
        for side, seconds in zip(sides, found, strict=True):
            side.ready()
            seconds.append(side.run())
            side.check()
            print(f"  {side.name}: {seconds[-1]:.3f} s", file=sys.stderr, flush=True)
        if max(seconds[-1] for seconds in found) > LONG:
            turns = min(turns, FEW_TURNS)
    return tuple(statistics.median(seconds) for seconds in found)


def timed(act: Callable[[], object]) -> float:
    """The seconds that an act takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def same(what: str, found: object, expected: object) -> None:
    """Refuse a time whose outcome is another than was expected."""
    if found != expected:
        raise Unequal(f"{what}: {found}, not {expected}")

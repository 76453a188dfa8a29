"""How a time is taken: both sides in turns, the median counts, and only where totals agree."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

TURNS, FEW_TURNS = 5, 3
#: Sides that take longer than this, in seconds, have fewer turns.
LONG = 120


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


class Unit(StrEnum):
    """What a goal is about."""

    TIMES = "times the other's time"
    SECONDS = "seconds"
    MEGABYTES = "megabytes"


@dataclass(frozen=True)
class Goal:
    """The most that a measure may come to."""

    most: float
    says: str
    unit: Unit = Unit.TIMES

    @classmethod
    def of_speed(cls, share: str) -> Goal:
        """At least this share of the other's speed."""
        return cls(1 / float(share), f"speed ≥ {share}")

    @classmethod
    def of_time(cls, times: str) -> Goal:
        """At most so many times the other's time."""
        return cls(float(times), f"time ≤ {times}")

    @classmethod
    def of_seconds(cls, seconds: str) -> Goal:
        """At most so many seconds."""
        return cls(float(seconds), f"≤ {float(seconds) * 1000:g} ms", Unit.SECONDS)


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
    goal: Goal | None = None
    megabytes: int | None = None

    @property
    def ratio(self) -> float | None:
        """How many times the other's time the product takes."""
        return self.product / self.other if self.other else None

    @property
    def holds(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        if self.goal is None:
            return None
        found = {
            Unit.TIMES: self.ratio,
            Unit.SECONDS: self.product,
            Unit.MEGABYTES: self.megabytes,
        }[self.goal.unit]
        return found is not None and found <= self.goal.most


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

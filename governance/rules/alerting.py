"""Which alerts begin and which end: an alert is a state, not a message. Pure.

Whatever is watched has a key, a period's first instant among it, and thresholds that it has
reached. An alert begins where a threshold is reached and none is open, ends where it is reached no
longer, and may begin anew. What is watched no more, as a period that is over, ends.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

Key = TypeVar("Key")
#: The threshold of a forecast: all of the limit or the budget.
ALL = 100
#: Use that has come this many percent as fast as the period passes may yet reach the limit.
_BRISK = 50


@dataclass(frozen=True, slots=True)
class Watched(Generic[Key]):
    """What is known of one key. ``stale``: nothing new may be told of it."""

    key: Key
    reached: frozenset[int]
    stale: bool
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Begins(Generic[Key]):
    """An alert to begin; of several of one key only that of the highest threshold is told.

    ``told_with`` is that threshold in the others.
    """

    key: Key
    threshold: int
    told_with: int | None
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Moves(Generic[Key]):
    """What has to change, so that alerts are as things are."""

    begin: tuple[Begins[Key], ...]
    end: tuple[tuple[Key, int], ...]


def moves(watched: Iterable[Watched[Key]], open_now: Collection[tuple[Key, int]]) -> Moves[Key]:
    """From what is watched, each key once, and the alerts that are open."""
    found = {one.key: one for one in watched}
    there = frozenset(open_now)
    return Moves(
        begin=tuple(row for one in found.values() for row in _begins(one, there)),
        end=tuple(
            (key, threshold)
            for key, threshold in open_now
            if key not in found or threshold not in found[key].reached
        ),
    )


def reached(used: Decimal, limit: Decimal, thresholds: Iterable[int]) -> frozenset[int]:
    """The thresholds, in percent, that are reached; of a limit of nothing all are."""
    return frozenset(one for one in thresholds if used * 100 >= limit * one)


def worth_forecasting(
    used: Decimal, limit: Decimal, *, start: datetime, end: datetime, at: datetime
) -> bool:
    """Whether use is at least half as fast as would use a limit up: a forecast costs time."""
    if not used or used >= limit:
        return False
    past = max(at - start, (end - start) / 1000)
    return used * 100 * Decimal((end - start) / past) >= limit * _BRISK


def _begins(one: Watched[Key], there: frozenset[tuple[Key, int]]) -> Iterable[Begins[Key]]:
    if one.stale:
        return
    new = sorted(mark for mark in one.reached if (one.key, mark) not in there)
    for mark in new:
        with_it = None if mark == new[-1] else new[-1]
        yield Begins(one.key, mark, with_it, one.evidence)

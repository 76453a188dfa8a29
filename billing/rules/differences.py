"""What a difference between a source and what is stored of it consists of. Pure.

The parts of a difference sum to it, always: what nothing explains is a part like the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby
from typing import Any, NamedTuple


class Sums(NamedTuple):
    """Calls and tokens of a span; or by how much they differ."""

    calls: int = 0
    tokens: int = 0

    def plus(self, other: Sums) -> Sums:
        """Both together."""
        return Sums(self.calls + other.calls, self.tokens + other.tokens)

    def minus(self, other: Sums) -> Sums:
        """By how much this is more."""
        return Sums(self.calls - other.calls, self.tokens - other.tokens)


class Why(StrEnum):
    """What explains a part of a difference, in the order in which it is told."""

    UNREAD = "unread"
    FAILED = "failed"
    SET_ASIDE = "set_aside"
    OTHER_SOURCE = "other_source"
    LATE = "late"
    UNCLASSIFIED = "unclassified"
    LET_GO = "let_go"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Part:
    """What one cause makes of a difference, in hours in a row from ``start`` on.

    ``about`` is what else is to be said of the cause: an error, an instant, a source.
    """

    why: Why
    start: datetime
    hours: int
    sums: Sums
    about: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """All that one cause makes of a day's difference, with numbers, in words."""

    why: Why
    hours: int
    first: datetime
    sums: Sums
    says: str

    def plain(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "kind": self.why.value,
            "hours": self.hours,
            "first": self.first.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "calls": self.sums.calls,
            "tokens": self.sums.tokens,
            "says": self.says,
        }


_SAYS = {
    Why.UNREAD: "{hours} not read yet",
    Why.FAILED: "{hours} could not be read ({about})",
    Why.SET_ASIDE: "{hours} set aside, waiting for a person ({about})",
    Why.OTHER_SOURCE: "{hours} read when the source was another: {about}",
    Why.LATE: "{hours} changed at the source since read last, at {about}",
    Why.LET_GO: "{hours} of detail let go, as the retention has it",
    Why.UNEXPLAINED: "{hours} unexplained: {about}",
}


def told(parts: Iterable[Part], *, unclassified: int, first: datetime) -> tuple[Reason, ...]:
    """The reasons for a day's difference, in order; their sums are the difference.

    ``unclassified`` are tokens of the day, which begins at ``first``, that are stored in no class
    of the source: they make no difference to the total, but are told.
    """
    order = list(Why)
    ranked = sorted(parts, key=lambda part: (order.index(part.why), part.start))
    reasons = list(_reasons(ranked))
    if unclassified:
        says = (
            f"of what is stored, {unclassified:,} tokens are in no class of the source: counted,"
            " not priced"
        )
        reasons.append(Reason(Why.UNCLASSIFIED, 0, first, Sums(), says))
    return tuple(sorted(reasons, key=lambda reason: order.index(reason.why)))


def parts_of_hour(
    start: datetime, *, source: Sums, reread: Sums | None, read: Sums, stored: Sums, read_at: str
) -> Iterator[Part]:
    """What an hour's difference consists of, whose reading succeeded.

    ``source`` is the source's own sum, ``reread`` what reading the hour would bring now (None: no
    whole answer), ``read`` what its last reading brought, and ``stored`` what is held today.
    """
    lost = read.minus(stored)
    late = reread.minus(read) if reread is not None else Sums()
    rest = source.minus(stored).minus(lost).minus(late)
    if lost != Sums():
        says = "what is stored is not what was read and stored"
        yield Part(Why.UNEXPLAINED, start, 1, lost, says)
    if late != Sums():
        yield Part(Why.LATE, start, 1, late, read_at)
    if rest != Sums():
        says = "the source's own sum is not what its hours add up to"
        if reread is None:
            says = "the source gave no whole answer to look closer"
        yield Part(Why.UNEXPLAINED, start, 1, rest, says)


def _reasons(ranked: Iterable[Part]) -> Iterator[Reason]:
    for why, group in groupby(ranked, key=lambda part: part.why):
        parts = list(group)
        hours = sum(part.hours for part in parts)
        sums = Sums()
        for part in parts:
            sums = sums.plus(part.sums)
        about = ", ".join(dict.fromkeys(part.about for part in parts if part.about))
        counted = f"{hours:,} hour{'' if hours == 1 else 's'}"
        says = _SAYS[why].format(hours=counted, about=about)
        yield Reason(why, hours, parts[0].start, sums, f"{says}: {amount(sums)}")


def amount(sums: Sums) -> str:
    """``+3 calls, −330 tokens``: by how much the source has more."""
    return f"{signed(sums.calls)} calls, {signed(sums.tokens)} tokens"


def signed(count: int) -> str:
    """``+1,320``, ``−7``, ``0``."""
    return f"{count:+,}".replace("-", "−") if count else "0"

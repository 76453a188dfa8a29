"""Usage that the gateway's log does not bring: lines read from text, or refused cell by cell.

Pure. Pictures, seconds of audio, calls of tools, tokens of training, writes to a cache: counted
elsewhere, and given by the bucket of time, APIM subscription, deployment and class.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from billing.rules.token_classes import COMMON, LONG, NOT_TOKENS, TokenClass

#: How many lines a file may have.
MOST_LINES = 100_000
_LARGEST = 10**15
_WHOLE = re.compile(r"\A[0-9]{1,16}\Z")
#: What the log counts: given once more they would be charged twice.
LOGGED = frozenset(
    {*COMMON, *LONG.values(), TokenClass.UNCLASSIFIED} - {TokenClass.LONG_CACHE_WRITE}
)
#: What can be given without a look at the log: no tokens of a call's prompt or answer.
APART = frozenset(
    {
        *map(TokenClass, NOT_TOKENS),
        TokenClass.TRAINING,
        TokenClass.CACHE_WRITE,
        TokenClass.LONG_CACHE_WRITE,
    }
)


class Column(StrEnum):
    """The cells of a line."""

    START = "Start"
    GATEWAY = "Gateway"
    SUBSCRIPTION = "Subscription"
    DEPLOYMENT = "Deployment"
    CLASS = "Class"
    QUANTITY = "Quantity"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a cell, and the fix. ``row`` counts from 1, the header's."""

    row: int
    column: str
    says: str

    def __str__(self) -> str:
        where = f", {self.column}" if self.column else ""
        return f"row {self.row}{where}: {self.says}"


@dataclass(frozen=True, slots=True)
class Line:
    """One quantity. ``deployment`` is a name, or ``host/name`` where several accounts have it."""

    row: int
    start: datetime
    gateway: str
    subscription: str
    deployment: str
    token_class: TokenClass
    quantity: int

    @property
    def key(self) -> tuple[object, ...]:
        """What may be given once."""
        names = (self.gateway, self.subscription.lower(), self.deployment.lower())
        return (self.start, *names, self.token_class)


@dataclass(frozen=True, slots=True)
class Draft:
    """A file as read: its lines, and every fault that can be seen in it alone."""

    lines: tuple[Line, ...]
    faults: tuple[Fault, ...]


def read(cells: Mapping[Column, str], *, row: int) -> Line | tuple[Fault, ...]:
    """A line from its cells, or everything that is wrong with it."""
    start, token_class = _instant(cells[Column.START]), _class(cells[Column.CLASS])
    quantity = _quantity(cells[Column.QUANTITY])
    faults = [
        Fault(row, column, says)
        for column, says in (
            (Column.START, start),
            (Column.CLASS, token_class),
            (Column.QUANTITY, quantity),
        )
        if isinstance(says, str) and not isinstance(says, TokenClass)
    ]
    faults += [
        Fault(row, column, "is empty.")
        for column in (Column.GATEWAY, Column.DEPLOYMENT)
        if not cells[column]
    ]
    if faults or not isinstance(start, datetime) or not isinstance(token_class, TokenClass):
        return tuple(sorted(faults, key=lambda fault: list(Column).index(Column(fault.column))))
    return Line(
        row=row,
        start=start,
        gateway=cells[Column.GATEWAY],
        subscription=cells[Column.SUBSCRIPTION],
        deployment=cells[Column.DEPLOYMENT],
        token_class=token_class,
        quantity=int(quantity),
    )


def repeated(lines: Iterable[Line]) -> Iterator[Fault]:
    """A fault for each line that gives once more what an earlier one gives."""
    first: dict[tuple[object, ...], int] = {}
    for line in lines:
        if line.key in first:
            yield Fault(line.row, "", f"gives the same as row {first[line.key]}. Give it once.")
        first.setdefault(line.key, line.row)


def _instant(text: str) -> datetime | str:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return f"{text!r} is no instant. Write it as 2026-11-01T09:00:00Z."
    if found.tzinfo is None:
        return f"{text!r} has no time zone. Write it as 2026-11-01T09:00:00Z."
    return found.astimezone(UTC)


def _class(text: str) -> TokenClass | str:
    name = re.sub(r"[\s-]+", "_", text.lower())
    if name not in set(TokenClass):
        known = ", ".join(sorted(set(TokenClass) - LOGGED))
        return f"{text!r} is no class of usage. There are: {known}."
    if name in LOGGED:
        return f"{name} is counted by the gateway's log, and would be charged twice. Leave it out."
    return TokenClass(name)


def _quantity(text: str) -> int | str:
    if not _WHOLE.match(text) or int(text) > _LARGEST:
        return f"{text!r} is no quantity. Give whole units, from 0 to {_LARGEST:,}."
    return int(text)

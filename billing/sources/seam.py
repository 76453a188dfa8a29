"""What every source of usage gives: the hourly rows of a span, and what it cannot tell.

A source says of each row what it totals the tokens to; the classes it tells are disjoint and sum
to that, always. What a total has beyond them is `TokenClass.UNCLASSIFIED`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from billing.rules.histograms import BINS
from billing.rules.token_classes import TokenClass, Unit
from billing.series import NOTHING_TOLD, Values
from connectors.failures import BadQuery, Service
from inventory.gateways import GatewayRef
from inventory.models import UsageSource
from inventory.rules.dimensions import Dimension
from tenancy import periods
from tenancy.scope import TenantRef

#: What is counted of calls, in the order of `Hour.counts`; the names of the usage table's columns.
#: Every call is successful (2xx, 3xx), throttled (429), refused (401, 403), or an error; a
#: successful one without tokens that no cache answered is uncovered: a gap, never free.
COUNTS = (
    "requests",
    "successful_requests",
    "throttled_requests",
    "refused_requests",
    "client_errors",
    "server_errors",
    "cache_hits",
    "uncovered_requests",
    "retries",
    "agent_steps",
    "tool_calls",
)
#: No call of any kind.
NO_CALLS = (0,) * len(COUNTS)


class Hour(NamedTuple):
    """What one subscription had of one deployment, one way, in one bucket of time.

    ``tokens`` are of the classes with a column in their order, ``further`` of any other;
    ``total`` is the source's own. Histograms are counts by bin, with commas, or empty.
    ``left_out`` are tokens of a part that the source told beyond the whole it is part of.
    """

    start: datetime
    subscription: str
    host: str
    deployment: str
    tokens: tuple[int, ...]
    counts: tuple[int, ...]
    total: int
    values: Values = NOTHING_TOLD
    further: tuple[tuple[TokenClass, int], ...] = ()
    latency: str = ""
    prompts: str = ""
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Totals:
    """What a source counts of a span altogether."""

    calls: int
    tokens: int


class Source(Protocol):
    """One way of reading usage."""

    @property
    def kind(self) -> UsageSource:
        """Which one it is."""

    @property
    def tells(self) -> frozenset[Dimension]:
        """The dimensions that it can tell."""

    @property
    def counts(self) -> frozenset[str]:
        """Which of `COUNTS` it can tell; the others stay 0."""

    @property
    def classes(self) -> frozenset[TokenClass]:
        """The classes without a column that it may bring: a window replaces them whole."""

    def read(
        self,
        tenant: TenantRef,
        gateway: GatewayRef,
        *,
        start: datetime,
        end: datetime,
        bucket: timedelta,
    ) -> Sequence[Hour]:
        """The rows of calls from ``start`` to before ``end``. Outside any transaction.

        Raises:
            Partial: it was not the whole answer; nothing of it may be used.
            ConnectorError: the source refused, was unreachable or answered nonsense.
        """

    def totals(
        self, tenant: TenantRef, gateway: GatewayRef, *, start: datetime, end: datetime
    ) -> Totals:
        """What the source counts of that span now, by a query of its own.

        Raises:
            Partial, ConnectorError: as `read`.
        """


def require_inside(
    hours: Iterable[Hour], *, start: datetime, end: datetime, bucket: timedelta
) -> None:
    """Let only rows pass that lie in the span that Log Analytics was asked for.

    Raises:
        BadQuery: one begins before the bucket of ``start``, at ``end`` or later, or at no instant.
    """
    first = periods.floor(start, bucket)
    for hour in hours:
        told: object = hour.start  # a datetime, unless the answer has another shape
        if not isinstance(told, datetime) or not first <= told < end:
            says = f"Log Analytics told of {told}, when asked for {start} to {end}."
            raise BadQuery(says, service=Service.LOG_ANALYTICS)


def bins(told: object) -> str:
    """A histogram as `Hour` has it, from the array that a query answers: a text of JSON."""
    counts = str(told).strip("[]").replace(" ", "").split(",")
    if len(counts) != BINS or not all(count.isdecimal() for count in counts):
        says = f"Log Analytics answered {told!r} as a histogram of {BINS} bins."
        raise BadQuery(says, service=Service.LOG_ANALYTICS)
    return ",".join(counts)


def disjoint(tokens: Sequence[int], further: Sequence[tuple[TokenClass, int]], total: int) -> Split:
    """The classes with what the total has beyond them; the classes count where they exceed it."""
    told = sum(tokens) + sum(count for one, count in further if one.unit is Unit.TOKEN)
    rest = max(0, total - told)
    beyond = ((TokenClass.UNCLASSIFIED, rest),) if rest else ()
    kept = tuple((one, count) for one, count in further if count)
    return Split((*kept, *beyond), max(total, told))


class Split(NamedTuple):
    """The further classes of a row, and the total that all its classes sum to."""

    further: tuple[tuple[TokenClass, int], ...]
    total: int


def within(whole: int, part: int) -> Share:
    """A whole without a part of it, and the part: it is never more than its whole."""
    told = min(whole, part)
    return Share(whole - told, told, part - told)


class Share(NamedTuple):
    """A whole as its two disjoint classes, and what the part was told to be beyond the whole."""

    rest: int
    part: int
    beyond: int

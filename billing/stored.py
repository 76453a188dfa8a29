"""Storing hourly rows: a span of one gateway's usage becomes what a source said of it.

The rows are merged by bucket and series, copied into a stage and compared with what is held by
one statement: what does not differ is not touched, so that reading the same again writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any  # what a statement takes

from django.db import connection

from billing import kept, marking, staging
from billing.rules.token_classes import NOT_TOKENS, TokenClass
from billing.rules.windows import HOUR
from billing.sources.seam import Hour
from billing.staging import BIN_COLUMNS, NUMBERS
from tenancy import scope, tenants

_ALL = (*NUMBERS, *BIN_COLUMNS)
_REPLACE = (
    Path(__file__)
    .with_name("replace_window.sql")
    .read_text()
    .format(
        columns=", ".join(_ALL),
        # A number of 0 is staged as null, as a bin is held.
        told=", ".join(f"coalesce({name}, 0) AS {name}" for name in NUMBERS),
        bins=", ".join(BIN_COLUMNS),
        staged=", ".join(f"staged.{name}" for name in _ALL),
        held=", ".join(f"held.{name}" for name in _ALL),
        differing=", ".join(f"differing.{name}" for name in _ALL),
    )
)
_HELD = Path(__file__).with_name("held_usage.sql").read_text()


@dataclass(frozen=True, slots=True)
class Held:
    """What is stored of a bucket of time: calls, tokens, and those of them that are in no class."""

    calls: int
    tokens: int
    unclassified: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Control totals of one hour."""

    rows: int
    changed: int
    calls_read: int
    calls_stored: int
    tokens_read: int
    tokens_stored: int


def replace(
    gateway_id: int,
    hours: Sequence[Hour],
    *,
    start: datetime,
    end: datetime,
    classes: Iterable[TokenClass],
    at: datetime,
) -> dict[datetime, Tally]:
    """Make usage from ``start`` to before ``end`` what the rows say; by hour, what that did.

    Whole hours of one gateway of the tenant in scope; the result has every one, by `hour_of`.
    ``classes`` are those without a column that the source may bring: what is held of them and
    does not occur any more is removed. Subscriptions and deployments that nobody knows are kept
    as found in usage. The same rows again write nothing.

    Raises:
        LetGo: ``start`` lies in an hour that is not kept any more.
    """
    further = frozenset(classes)
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_usage_months(%s, %s)", [start, end])
        staging.lay_out(gateway_id, hours, at=at)
        marking.begin()
        kept.require(start)
        values: dict[str, Any] = {
            "tenant": scope.tenant_id(),
            "gateway": gateway_id,
            "start": start,
            "end": end,
            "zone": tenants.billing().zone,
            "kept_since": kept.since(),
            "classes": sorted(one.value for one in further),
        }
        cursor.execute(_REPLACE, values)
        changed = dict(cursor.fetchall())
    stored = held(gateway_id, start=start, end=end, classes=further)
    return _tallies(hours, changed, stored, start=start, end=end)


def held(
    gateway_id: int, *, start: datetime, end: datetime, classes: Iterable[TokenClass]
) -> dict[datetime, Held]:
    """What is stored of the buckets that begin from ``start`` to before ``end``.

    Of a gateway of the tenant in scope, by the UTC instant at which a bucket begins; one of which
    nothing is stored is left out. Beside the classes with a column those of ``classes`` count that
    are tokens: what else is stored, a source did not bring.
    """
    values: dict[str, Any] = {
        "tenant": scope.tenant_id(),
        "gateway": gateway_id,
        "start": start,
        "end": end,
        "classes": sorted(one.value for one in classes),
        "not_tokens": list(NOT_TOKENS),
    }
    with connection.cursor() as cursor:
        cursor.execute(_HELD, values)
        return {row[0]: Held(*row[1:]) for row in cursor.fetchall()}


def hour_of(at: datetime) -> datetime:
    """The UTC hour that an aware instant lies in."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _tallies(
    hours: Iterable[Hour],
    changed: Mapping[datetime, int],
    stored: Mapping[datetime, Held],
    *,
    start: datetime,
    end: datetime,
) -> dict[datetime, Tally]:
    """Every hour has one, also that of which nothing came."""
    read, by_hour = _read(hours), dict[datetime, list[Held]]()
    for bucket, one in stored.items():
        by_hour.setdefault(hour_of(bucket), []).append(one)
    found: dict[datetime, Tally] = {}
    at = hour_of(start)
    while at < end:
        rows, calls, tokens = read.get(at, (0, 0, 0))
        inside = by_hour.get(at, [])
        found[at] = Tally(
            rows=rows,
            changed=changed.get(at, 0),
            calls_read=calls,
            calls_stored=sum(one.calls for one in inside),
            tokens_read=tokens,
            tokens_stored=sum(one.tokens for one in inside),
        )
        at += HOUR
    return found


def _read(hours: Iterable[Hour]) -> dict[datetime, tuple[int, int, int]]:
    """By hour, how many rows, calls and tokens came."""
    buckets: dict[datetime, list[int]] = {}
    for hour in hours:
        sums = buckets.get(hour.start)
        if sums is None:
            sums = buckets[hour.start] = [0, 0, 0]
        sums[0] += 1
        sums[1] += hour.counts[0]
        sums[2] += hour.total
    found: dict[datetime, tuple[int, int, int]] = {}
    for bucket, (rows, calls, tokens) in buckets.items():
        before = found.get(hour_of(bucket), (0, 0, 0))
        found[hour_of(bucket)] = (before[0] + rows, before[1] + calls, before[2] + tokens)
    return found

"""Storing hourly rows: a span of one gateway's usage becomes what a source said of it.

The rows are merged by bucket and series, copied into a stage and compared with what is held by
one statement: what does not differ is not touched, so that reading the same again writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any  # what a statement takes

from django.db import connection

from billing import kept, marking, staging
from billing.rules.token_classes import NOT_TOKENS, TokenClass
from billing.sources.seam import Hour
from billing.staging import BIN_COLUMNS, NUMBERS
from tenancy import scope, tenants

HOUR = timedelta(hours=1)
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
_HELD = """
SELECT date_bin('1 hour', bucket_start, 'epoch') AS start, sum(calls)::bigint, sum(tokens)::bigint
  FROM (SELECT bucket_start, requests AS calls,
               input_tokens + cached_input_tokens + output_tokens + reasoning_tokens AS tokens
          FROM billing_usage
         WHERE tenant_id = %(tenant)s AND gateway_id = %(gateway)s
           AND bucket_start >= %(start)s AND bucket_start < %(end)s
         UNION ALL
        SELECT bucket_start, 0, quantity
          FROM billing_classusage
         WHERE tenant_id = %(tenant)s AND gateway_id = %(gateway)s
           AND bucket_start >= %(start)s AND bucket_start < %(end)s
           AND token_class = ANY(%(classes)s) AND token_class <> ALL(%(not_tokens)s)) held
 GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """Control totals of one hour."""

    rows: int = 0
    changed: int = 0
    calls_read: int = 0
    calls_stored: int = 0
    tokens_read: int = 0
    tokens_stored: int = 0


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

    Whole hours of one gateway of the tenant in scope; the result is by `hour_of` each.
    ``classes`` are those without a column that the source may bring: what is held of them and
    does not occur any more is removed. Subscriptions and deployments that nobody knows are kept
    as found in usage. The same rows again write nothing.

    Raises:
        LetGo: ``start`` lies in an hour that is not kept any more.
    """
    bearing = sorted(one.value for one in classes)
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
            "classes": bearing,
            "not_tokens": list(NOT_TOKENS),
        }
        cursor.execute(_REPLACE, values)
        changed = dict(cursor.fetchall())
        cursor.execute(_HELD, values)
        held = {row[0]: (row[1], row[2]) for row in cursor.fetchall()}
    return _tallies(hours, changed, held, start=start, end=end)


def hour_of(at: datetime) -> datetime:
    """The UTC hour that an aware instant lies in."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _tallies(
    hours: Iterable[Hour],
    changed: Mapping[datetime, int],
    held: Mapping[datetime, tuple[int, int]],
    *,
    start: datetime,
    end: datetime,
) -> dict[datetime, Tally]:
    told: dict[datetime, list[int]] = {}
    for hour in hours:
        sums = told.get(hour.start)
        if sums is None:
            sums = told[hour.start] = [0, 0, 0]
        sums[0] += 1
        sums[1] += hour.counts[0]
        sums[2] += hour.total
    rows: Counter[datetime] = Counter()
    calls: Counter[datetime] = Counter()
    tokens: Counter[datetime] = Counter()
    for bucket, sums in told.items():
        at = hour_of(bucket)
        rows[at] += sums[0]
        calls[at] += sums[1]
        tokens[at] += sums[2]
    found: dict[datetime, Tally] = {}
    at = hour_of(start)
    while at < end:
        stored = held.get(at, (0, 0))
        found[at] = Tally(rows[at], changed.get(at, 0), calls[at], stored[0], tokens[at], stored[1])
        at += HOUR
    return found

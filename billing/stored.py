"""Storing hourly rows: a span of one gateway's usage becomes what a source said of it.

The rows are merged by bucket and series, copied into a stage and compared with what is held by
one statement: what does not differ is not touched, so that reading the same again writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any  # what a statement takes

from django.db import connection

from billing import marking, series
from billing.rules.histograms import BINS, LATENCY, PROMPTS
from billing.rules.token_classes import COMMON, NOT_TOKENS, TokenClass
from billing.series import Key
from billing.sources.seam import COUNTS, Hour
from inventory import deployments, subscriptions
from tenancy import scope, tenants

HOUR = timedelta(hours=1)
_NUMBERS = (*(one.column for one in COMMON), *COUNTS)
_BINS = (*LATENCY.columns, *PROMPTS.columns)
_ALL = (*_NUMBERS, *_BINS)
_REPLACE = (
    Path(__file__)
    .with_name("replace_window.sql")
    .read_text()
    .format(
        columns=", ".join(_ALL),
        staged=", ".join(f"staged.{name}" for name in _ALL),
        held=", ".join(f"held.{name}" for name in _ALL),
        differing=", ".join(f"differing.{name}" for name in _ALL),
    )
)
_STAGED = ("bucket_start", "series_id", "subscription_id", "deployment_id", *_ALL)
_STAGE = f"""
DROP TABLE IF EXISTS pg_temp.usage_stage;
DROP TABLE IF EXISTS pg_temp.class_stage;
CREATE TEMP TABLE usage_stage ON COMMIT DROP AS
SELECT {", ".join(_STAGED)} FROM billing_usage WITH NO DATA;
CREATE TEMP TABLE class_stage ON COMMIT DROP AS
SELECT bucket_start, series_id, subscription_id, deployment_id, token_class, quantity
  FROM billing_classusage WITH NO DATA
"""  # noqa: S608 - names of our own
_COPY = f"COPY usage_stage ({', '.join(_STAGED)}) FROM STDIN"
_COPY_CLASSES = (
    "COPY class_stage (bucket_start, series_id, subscription_id, deployment_id, token_class,"
    " quantity) FROM STDIN"
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


@dataclass(slots=True)
class _Merged:
    """What has come of one bucket and series; rows that fall together are added."""

    numbers: list[int]
    latency: list[str]
    prompts: list[str]
    further: Counter[TokenClass] = field(default_factory=Counter)

    def add(self, hour: Hour) -> None:
        self.numbers = [a + b for a, b in zip(self.numbers, _numbers(hour), strict=True)]
        self.latency.append(hour.latency)
        self.prompts.append(hour.prompts)
        self.further.update(dict(hour.further))


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
    """
    bearing = sorted(one.value for one in classes)
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_usage_months(%s, %s)", [start, end])
        cursor.execute(_STAGE)
        _stage(_merge(gateway_id, hours, at=at))
        marking.begin()
        values: dict[str, Any] = {
            "tenant": scope.tenant_id(),
            "gateway": gateway_id,
            "start": start,
            "end": end,
            "zone": tenants.billing().zone,
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


def _merge(
    gateway_id: int, hours: Sequence[Hour], *, at: datetime
) -> Mapping[tuple[datetime, int], tuple[Key, _Merged]]:
    """The rows by bucket and series: two spellings of one name are one."""
    named = subscriptions.ids_by_name(gateway_id, {hour.subscription for hour in hours}, at=at)
    places = {(hour.host, hour.deployment) for hour in hours}
    deployed = deployments.ids_by_key(gateway_id, places, at=at)
    keys = [
        Key(named[hour.subscription], deployed[hour.host, hour.deployment], hour.values)
        for hour in hours
    ]
    ids = series.ids(gateway_id, set(keys))
    merged: dict[tuple[datetime, int], tuple[Key, _Merged]] = {}
    for key, hour in zip(keys, hours, strict=True):
        place = (hour.start, ids[key])
        if place in merged:
            merged[place][1].add(hour)
        else:
            further = Counter(dict(hour.further))
            first = _Merged(list(_numbers(hour)), [hour.latency], [hour.prompts], further)
            merged[place] = (key, first)
    return merged


def _numbers(hour: Hour) -> tuple[int, ...]:
    return (*hour.tokens, *hour.counts)


def _stage(merged: Mapping[tuple[datetime, int], tuple[Key, _Merged]]) -> None:
    """Copy the rows as text: nothing but instants, numbers and class names can be in it."""
    with connection.cursor() as cursor:
        with cursor.copy(_COPY) as copy:
            for (start, series_id), (key, one) in merged.items():
                cells = chain(
                    (_text(start), series_id, key.subscription, key.deployment),
                    one.numbers,
                    _bins(one.latency),
                    _bins(one.prompts),
                )
                copy.write("\t".join(map(str, cells)) + "\n")
        with cursor.copy(_COPY_CLASSES) as copy:
            for (start, series_id), (key, one) in merged.items():
                for token_class, quantity in one.further.items():
                    place = (_text(start), series_id, key.subscription, key.deployment)
                    cells = chain(place, (token_class.value, quantity))
                    copy.write("\t".join(map(str, cells)) + "\n")


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


_NO_BINS = (r"\N",) * BINS


def _bins(told: Sequence[str]) -> Sequence[str]:
    """The bins of histograms that fall together; a bin with nothing in it is null, and costs
    nothing to hold."""
    given = [one for one in told if one]
    if not given:
        return _NO_BINS
    if len(given) == 1:
        bins = given[0].split(",")
    else:
        columns = zip(*(one.split(",") for one in given), strict=True)
        bins = [str(sum(map(int, column))) for column in columns]
    return [r"\N" if bin == "0" else bin for bin in bins]


def _tallies(
    hours: Iterable[Hour],
    changed: Mapping[datetime, int],
    held: Mapping[datetime, tuple[int, int]],
    *,
    start: datetime,
    end: datetime,
) -> dict[datetime, Tally]:
    rows: Counter[datetime] = Counter()
    calls: Counter[datetime] = Counter()
    tokens: Counter[datetime] = Counter()
    for hour in hours:
        at = hour_of(hour.start)
        rows[at] += 1
        calls[at] += hour.counts[0]
        tokens[at] += hour.total
    found: dict[datetime, Tally] = {}
    at = hour_of(start)
    while at < end:
        stored = held.get(at, (0, 0))
        found[at] = Tally(rows[at], changed.get(at, 0), calls[at], stored[0], tokens[at], stored[1])
        at += HOUR
    return found

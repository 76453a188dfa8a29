"""Laying hourly rows out in the database: merged by bucket and series, then copied as text.

Names are looked up once for each way of calling, not for each row; nothing but instants, numbers
and class names is copied. It is most of what storing costs in Python, hence the short paths.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

from django.db import connection

from billing import series
from billing.rules import histograms
from billing.rules.histograms import BINS, LATENCY, PROMPTS
from billing.rules.token_classes import COMMON, TokenClass
from billing.series import Key, Values
from billing.sources.seam import COUNTS, Hour
from inventory import deployments, subscriptions

NUMBERS = (*(one.column for one in COMMON), *COUNTS)
BIN_COLUMNS = (*LATENCY.columns, *PROMPTS.columns)
#: The columns of the usage table, without tenant and gateway.
COLUMNS = (
    "bucket_start",
    "series_id",
    "subscription_id",
    "deployment_id",
    *NUMBERS,
    *BIN_COLUMNS,
)
_STAGE = f"""
DROP TABLE IF EXISTS pg_temp.usage_stage;
DROP TABLE IF EXISTS pg_temp.class_stage;
CREATE TEMP TABLE usage_stage ON COMMIT DROP AS
SELECT {", ".join(COLUMNS)} FROM billing_usage WITH NO DATA;
CREATE TEMP TABLE class_stage ON COMMIT DROP AS
SELECT bucket_start, series_id, subscription_id, deployment_id, token_class, quantity
  FROM billing_classusage WITH NO DATA
"""  # noqa: S608 - names of our own
# Most numbers of a row are 0: as null they cost nothing to lay out, and a bin is held so.
_COPY = f"COPY usage_stage ({', '.join(COLUMNS)}) FROM STDIN (DELIMITER ',', NULL '0')"
_COPY_CLASSES = (
    "COPY class_stage (bucket_start, series_id, subscription_id, deployment_id, token_class,"
    " quantity) FROM STDIN (DELIMITER ',')"
)
_CELLS = ",".join(["%d"] * len(NUMBERS))
_NO_BINS = ",".join(["0"] * BINS)
#: How many rows go to the server at once.
_BLOCK = 2_000

#: What a row's series is found by: subscription, host, deployment, and the dimensions' values.
_Way = tuple[str, str, str, Values]
_Rows = dict[tuple[datetime, int], Hour]


class _Series(NamedTuple):
    id: int
    cells: str


def lay_out(gateway_id: int, hours: Sequence[Hour], *, at: datetime) -> None:
    """Make usage_stage and class_stage, until the transaction ends, and copy the rows into them.

    Rows of one bucket and series are added. In usage_stage a number of 0 is null. Subscriptions
    and deployments that nobody knows are kept as found in usage at ``at``.
    """
    known = _known(gateway_id, hours, at=at)
    rows = _merged(hours, known)
    cells = {one.id: one.cells for one in known.values()}
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.copy(_COPY) as copy:
            for block in _blocks(_lines(rows, cells)):
                copy.write(block)
        with cursor.copy(_COPY_CLASSES) as copy:
            for block in _blocks(_class_lines(rows, cells)):
                copy.write(block)


def _known(gateway_id: int, hours: Iterable[Hour], *, at: datetime) -> dict[_Way, _Series]:
    """The series of every way in which the rows' calls were made: two spellings of a name are
    one."""
    ways = {(hour.subscription, hour.host, hour.deployment, hour.values) for hour in hours}
    named = subscriptions.ids_by_name(gateway_id, {way[0] for way in ways}, at=at)
    deployed = deployments.ids_by_key(gateway_id, {way[1:3] for way in ways}, at=at)
    keys = {way: Key(named[way[0]], deployed[way[1:3]], way[3]) for way in ways}
    ids = series.ids(gateway_id, set(keys.values()))
    return {
        way: _Series(ids[key], f"{ids[key]},{key.subscription},{key.deployment}")
        for way, key in keys.items()
    }


def _merged(hours: Iterable[Hour], known: Mapping[_Way, _Series]) -> _Rows:
    rows: _Rows = {}
    for hour in hours:
        way = (hour.subscription, hour.host, hour.deployment, hour.values)
        place = (hour.start, known[way].id)
        held = rows.get(place)
        rows[place] = hour if held is None else _sum(held, hour)
    return rows


def _sum(one: Hour, other: Hour) -> Hour:
    """One row of two; only what is stored counts."""
    return one._replace(
        tokens=tuple(a + b for a, b in zip(one.tokens, other.tokens, strict=True)),
        counts=tuple(a + b for a, b in zip(one.counts, other.counts, strict=True)),
        further=(*one.further, *other.further),
        latency=_added(one.latency, other.latency),
        prompts=_added(one.prompts, other.prompts),
    )


def _added(one: str, other: str) -> str:
    if not one or not other:
        return one or other
    bins = histograms.added([int(count) for count in told.split(",")] for told in (one, other))
    return ",".join(map(str, bins))


def _blocks(lines: Iterator[str]) -> Iterator[str]:
    while block := "".join(islice(lines, _BLOCK)):
        yield block


def _lines(rows: _Rows, cells: Mapping[int, str]) -> Iterator[str]:
    instants = _instants(rows)
    for (start, series_id), hour in rows.items():
        numbers = _CELLS % (hour.tokens + hour.counts)
        latency, prompts = hour.latency or _NO_BINS, hour.prompts or _NO_BINS
        yield f"{instants[start]},{cells[series_id]},{numbers},{latency},{prompts}\n"


def _class_lines(rows: _Rows, cells: Mapping[int, str]) -> Iterator[str]:
    instants = _instants(rows)
    for (start, series_id), hour in rows.items():
        if hour.further:
            told: Counter[TokenClass] = Counter()
            for token_class, quantity in hour.further:
                told[token_class] += quantity
            for token_class, quantity in told.items():
                yield f"{instants[start]},{cells[series_id]},{token_class.value},{quantity}\n"


def _instants(rows: _Rows) -> dict[datetime, str]:
    return {start: start.astimezone(UTC).isoformat() for start in {place[0] for place in rows}}

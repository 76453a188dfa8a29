"""Usage events that another gateway pushed, summed by the hour.

The events are the record, kept as they came (`billing.events`); a window reads them as it would
read a log, so that late ones, repeats and crashes need nothing of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection

from billing.rules.histograms import BINS, LATENCY, PROMPTS, Scale
from billing.rules.token_classes import COMMON, NOT_TOKENS, TokenClass
from billing.sources.seam import COUNTS, Hour, Totals
from inventory.gateways import GatewayRef
from inventory.models import UsageSource
from inventory.rules.dimensions import Dimension
from tenancy import scope
from tenancy.scope import TenantRef

_FURTHER = tuple(one for one in TokenClass if one not in COMMON)
_CLASSES = (*COMMON, *_FURTHER)
_UNITS = frozenset(NOT_TOKENS)
_HERE = Path(__file__)


def _bins(scale: Scale) -> str:
    bin = f"{scale.name}_bin"
    counts = (f"count(*) FILTER (WHERE {bin} = {place})" for place in range(BINS))
    return f"ARRAY[{', '.join(counts)}]"


_READ = (
    _HERE.with_name("pushed.sql")
    .read_text()
    .format(
        dimensions=", ".join(f"coalesce(dimensions->>'{one.value}', '')" for one in Dimension),
        sums=", ".join(
            f"coalesce(sum((quantities->>'{one.value}')::bigint), 0)::bigint" for one in _CLASSES
        ),
        latency=_bins(LATENCY),
        prompts=_bins(PROMPTS),
    )
)
_TOTALS = _HERE.with_name("pushed_totals.sql").read_text()
_KEYS, _TOLD, _SUMS = 4, len(Dimension), len(_CLASSES)


class PushedEvents:
    """See the module's text."""

    kind = UsageSource.EVENTS
    tells = frozenset(Dimension)
    counts = frozenset(COUNTS)
    classes = frozenset(_FURTHER)

    def read(
        self,
        tenant: TenantRef,
        gateway: GatewayRef,
        *,
        start: datetime,
        end: datetime,
        bucket: timedelta,
    ) -> Sequence[Hour]:
        """The rows of the gateway's events; they are whole and of the span, always."""
        values = _span(tenant, gateway, start, end) | {
            "bucket": bucket,
            "latency": list(LATENCY.bounds),
            "prompts": list(PROMPTS.bounds),
        }
        with scope.of(tenant), connection.cursor() as cursor:
            cursor.execute(_READ, values)
            return [_hour(row) for row in cursor.fetchall()]

    def totals(
        self, tenant: TenantRef, gateway: GatewayRef, *, start: datetime, end: datetime
    ) -> Totals:
        """Events and their tokens, counted one by one."""
        with scope.of(tenant), connection.cursor() as cursor:
            cursor.execute(_TOTALS, _span(tenant, gateway, start, end))
            return Totals(*cursor.fetchone())


def _span(tenant: TenantRef, gateway: GatewayRef, start: datetime, end: datetime) -> dict[str, Any]:
    return {
        "tenant": tenant.id,
        "gateway": gateway.id,
        "start": start,
        "end": end,
        "not_tokens": list(NOT_TOKENS),
    }


def _hour(row: tuple[Any, ...]) -> Hour:
    start, subscription, host, deployment = row[:_KEYS]
    values, rest = row[_KEYS : _KEYS + _TOLD], row[_KEYS + _TOLD :]
    sums, counts = rest[:_SUMS], rest[_SUMS:-2]
    latency, prompts = rest[-2:]
    told = tuple(zip(_CLASSES, sums, strict=True))
    return Hour(
        start=start,
        subscription=subscription,
        host=host,
        deployment=deployment,
        tokens=tuple(sums[: len(COMMON)]),
        counts=tuple(counts),
        total=sum(count for one, count in told if one.value not in _UNITS),
        values=tuple(values),
        further=tuple((one, count) for one, count in told[len(COMMON) :] if count),
        latency=",".join(map(str, latency)),
        prompts=",".join(map(str, prompts)),
    )

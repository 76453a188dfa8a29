"""The ORM's way to the same figures: `bulk_create`, and prices looked up for one row after another.

A sample is enough: each row costs the same, however many there are.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from benchmarks.loading_usage import LoadingUsage
from benchmarks.month import END, ZONE, Month
from benchmarks.timing import FEW_TURNS, Goal, Measure, Side, in_turns, same
from billing import price_terms
from billing.models import MeterMapping, PeriodToDate, Series, Usage
from billing.price_terms import Term
from billing.rules.token_classes import COMMON
from billing.sources.seam import COUNTS, Hour
from tenancy import scope

#: How many rows the sample has.
SAMPLE = 20_000
_BATCH = 1_000


def measure(loaded: LoadingUsage, month: Month) -> Measure:
    """The seconds of the whole month either way: the ORM's from its sample."""
    sample = _sample(month)
    ours, theirs = in_turns(
        Side("usage, stored and rated", loaded.replace_and_rate),
        Side("ORM", lambda: _way(month, sample), loaded.empty),
        turns=FEW_TURNS,
    )
    whole = theirs * month.rows / len(sample)
    name = "usage: new hours, stored, rated; beside the ORM"
    goal = Goal.of_speed("20")
    return Measure(name, month.values, ours, whole, "bulk_create and Python", goal=goal)


def _sample(month: Month) -> list[Hour]:
    found: list[Hour] = []
    for window in month.windows:
        found += window.hours()
        if len(found) >= SAMPLE:
            break
    return found[:SAMPLE]


def _way(month: Month, sample: list[Hour]) -> float:
    with scope.of(month.ref):
        known = {
            (one.subscription.name, one.deployment.name): one
            for one in Series.objects.select_related("subscription", "deployment")
        }
        terms = price_terms.at(MeterMapping.objects.values_list("meter_id", flat=True), END)
        started = time.perf_counter()
        for at in range(0, len(sample), _BATCH):
            Usage.objects.bulk_create(_rows(sample[at : at + _BATCH], known, month))
        costs = _rated(terms)
        PeriodToDate.objects.bulk_create(
            PeriodToDate(
                first_day=date(2026, 11, 1),
                subscription_id=subscription,
                cost=round(cost, 18),
                tokens=0,
                unpriced_tokens=0,
            )
            for subscription, cost in costs.items()
        )
        seconds = time.perf_counter() - started
        same("the ORM's rows", Usage.objects.count(), len(sample))
    return seconds


def _rows(hours: list[Hour], known: dict[tuple[str, str], Series], month: Month) -> Iterator[Usage]:
    for hour in hours:
        series = known[hour.subscription, hour.deployment]
        yield Usage(
            tenant_id=month.ref.id,
            bucket_start=hour.start,
            series_id=series.pk,
            gateway_id=month.gateway,
            subscription_id=series.subscription_id,
            deployment_id=series.deployment_id,
            **{one.column: count for one, count in zip(COMMON, hour.tokens, strict=True)},
            **dict(zip(COUNTS, hour.counts, strict=True)),
        )


def _rated(terms: dict[int, Term]) -> dict[int, Decimal]:
    """By subscription, what the rows cost, each by the price of its deployment's class."""
    meters = {
        (one.deployment_id, one.token_class): one.meter_id for one in MeterMapping.objects.all()
    }
    days: dict[tuple[date, int, str], Decimal] = defaultdict(Decimal)
    zone = ZoneInfo(ZONE)
    for row in Usage.objects.iterator():
        for one in COMMON:
            price = terms[meters[row.deployment_id, one.value] or 0].unit_price or Decimal(0)
            key = (_day(row.bucket_start, zone), row.subscription_id, one.value)
            days[key] += getattr(row, one.column) * price
    costs: dict[int, Decimal] = defaultdict(Decimal)
    for (_, subscription, _), cost in days.items():
        costs[subscription] += cost
    return costs


def _day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()

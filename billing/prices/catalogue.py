"""The catalogue: Azure's public price list, effective-dated, per single unit.

A load is a whole snapshot. All pages are read first, outside any transaction; then one
transaction stages them, looks for prices to doubt, and makes them the list in force, or nothing
changes. Prices that were listed earlier stay: the price in force at an hour of usage is the one
that was listed for it. A price that is doubted is held back: it is stored, and counts where a
person accepts it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal, localcontext
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from billing.models import Meter, Price, PriceType
from billing.price_terms import LIST_CURRENCY
from billing.rules import sanity
from billing.rules.sanity import Former, Listed
from billing.rules.units import units_in
from connectors import retail_prices
from connectors.records import RetailPrice
from connectors.retail_prices import PriceFilter
from inventory import azure
from tenancy import runs
from tenancy.money import EXACT
from tenancy.refusals import Refused
from tenancy.runs import Contention, Recorded

STEP = "sync_prices"
#: A list that lost more than this share of its meters since the last load is not believed.
MOST_LOST = Decimal("0.1")
_STAGE = """
CREATE TEMP TABLE price_stage (
    number bigint, azure_id text, meter_name text, product_name text, sku_name text,
    service_name text, region text, price_type text, reservation_term text,
    tier_minimum_units numeric, effective_from timestamptz, currency text, listed_price numeric,
    unit_of_measure text, unit_price numeric
) ON COMMIT DROP
"""
_DOUBTS = "CREATE TEMP TABLE price_doubts (number bigint, doubts jsonb) ON COMMIT DROP"
_HERE = Path(__file__)
_LIST_METERS = _HERE.with_name("list_meters.sql").read_text()
_NEW_PRICES = _HERE.with_name("new_prices.sql").read_text()
_ACTIVATE = _HERE.with_name("activate_list.sql").read_text()
#: Decimal places that are kept of a price as listed and per single unit; a finer one is left out.
_LISTED_PLACES, _PLACES = 12, 15

_Value = int | str | datetime | list[str]


class Shrunken(Refused):
    code = "price-list-shrunken"
    text = (
        "The price list came with {now} meters, after {before} the last time. The old one stays"
        " in force; load again, or look at what the API answers."
    )


class Unreadable(Refused):
    code = "price-unit-unknown"
    text = (
        "The price list came with no readable price for {services} in {regions}. The old one stays"
        " in force."
    )


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load brought.

    ``items`` are the prices of the list that could be used, in its own currency. ``left_out`` are
    those that could not: an unknown unit, below zero, or two unlike prices for the same.
    ``suspects`` are new prices that are doubted, ``references`` new ones in other currencies.
    ``changes`` counts what was recorded, by kind: nothing of the first load, the baseline.
    """

    items: int
    meters: int
    new_prices: int
    left_out: int
    suspects: int = 0
    references: int = 0
    changes: Mapping[str, int] = field(default_factory=dict, hash=False)


class _Row(NamedTuple):
    """A price as it is staged, in the columns' order."""

    number: int
    azure_id: str
    meter_name: str
    product_name: str
    sku_name: str
    service_name: str
    region: str
    price_type: str
    reservation_term: str
    tier_minimum_units: Decimal
    effective_from: datetime
    currency: str
    listed_price: Decimal
    unit_of_measure: str
    unit_price: Decimal

    @property
    def is_judged(self) -> bool:
        """Whether it is a price of the kind that usage is charged by."""
        return self.currency == LIST_CURRENCY and self.price_type == PriceType.CONSUMPTION


def sync(*, contention: Contention) -> Loaded:
    """Load the list of the configured services and regions, all pages; twice is once.

    In its own currency, and in those of the settings for reference. What is not asked for stays
    as it is, neither vanished nor missed.

    Raises:
        Busy, Superseded: another load is under way.
        Shrunken, Unreadable: the list is not believable; the old one stays in force.
        ConnectorError: the API was unreachable or answered wrongly; nothing changed.
    """
    asked = _asked()
    with runs.of_installation(STEP, contention=contention) as run:
        items = tuple(_read(asked))
        run.count(read=len(items))
        held = [item for item in items if item.price_type in PriceType.values]
        rows = tuple(_rows(held))
        if not any(row.currency == LIST_CURRENCY for row in rows):
            raise Unreadable(
                services=", ".join(asked.services),
                regions=", ".join(asked.regions) or "any region",
            )
        with transaction.atomic():
            run.hold()
            loaded = _activate(rows, run, asked, unusable=len(held) - len(rows))
        run.count(written=loaded.new_prices + loaded.references)
        run.note(**_notes(loaded, other_kinds=len(items) - len(held)))
        if without := sorted(set(asked.regions) - {row.region for row in rows}):
            run.note(regions_without_prices=", ".join(without))
    return loaded


def version() -> int:
    """The number of the newest load that changed a price; 0 before the first."""
    return int(Price.objects.aggregate(newest=Max("run_id"))["newest"] or 0)


def _asked() -> PriceFilter:
    """The part of the list that the settings name."""
    chosen = settings.APPORTION
    return PriceFilter(
        services=chosen.azure_price_services,
        regions=chosen.price_regions,
        currency=LIST_CURRENCY,
    )


def _read(asked: PriceFilter) -> Iterator[RetailPrice]:
    for currency in dict.fromkeys((LIST_CURRENCY, *settings.APPORTION.price_currencies)):
        wanted = replace(asked, currency=currency)
        for page in retail_prices.pages(azure.endpoints(), filter=wanted):
            yield from page


def _rows(items: Iterable[RetailPrice]) -> Iterator[_Row]:
    """One row for each price that can be held, per single unit."""
    for number, item in enumerate(items):
        unit_price = _unit_price(item)
        if unit_price is not None:
            yield _Row(
                number=number,
                azure_id=item.meter_id,
                meter_name=item.meter_name,
                product_name=item.product_name,
                sku_name=item.sku_name,
                service_name=item.service_name,
                region=item.region,
                price_type=item.price_type,
                reservation_term=item.reservation_term,
                tier_minimum_units=item.tier_minimum_units,
                effective_from=item.effective_start,
                currency=item.currency,
                listed_price=item.retail_price,
                unit_of_measure=item.unit_of_measure,
                unit_price=unit_price,
            )


def _unit_price(item: RetailPrice) -> Decimal | None:
    """What a single unit costs; None where the listed price cannot be held as it is."""
    units = units_in(item.unit_of_measure)
    if units is None or item.retail_price < 0:
        return None
    with localcontext(EXACT):
        unit_price = item.retail_price / units
        if item.currency != LIST_CURRENCY:  # for reference: an estimate at some rate
            return round(unit_price, _PLACES)
        is_kept = unit_price == round(unit_price, _PLACES)
        return unit_price if is_kept and _is_listed_exactly(item.retail_price) else None


def _is_listed_exactly(price: Decimal) -> bool:
    return price == round(price, _LISTED_PLACES)


def _activate(rows: Sequence[_Row], run: Recorded, asked: PriceFilter, *, unusable: int) -> Loaded:
    listed = [row for row in rows if row.currency == LIST_CURRENCY]
    meters = len({row.azure_id for row in listed})
    known = _known(asked)
    if meters < known * (1 - MOST_LOST):
        raise Shrunken(now=meters, before=known)
    values: dict[str, _Value] = {
        "run": run.row.pk,
        "at": run.row.started_at,
        "services": list(asked.services),
        "regions": list(asked.regions),
        "list_currency": LIST_CURRENCY,
        "newest_meter": Meter.objects.aggregate(newest=Max("id"))["newest"] or 0,
    }
    if not values["newest_meter"]:
        run.note(baseline="yes")  # the record of changes begins here
    _stage(rows)
    counts = _counted(_LIST_METERS, values)
    with connection.cursor() as cursor:
        cursor.execute(_NEW_PRICES)
        cursor.execute("ANALYZE price_new")
    _stage_doubts(_doubts([row for row in listed if row.is_judged]))
    counts |= _counted(_ACTIVATE, values)
    return Loaded(
        items=len(listed),
        meters=meters,
        new_prices=counts.pop("prices", 0),
        left_out=unusable + _unlike(listed),
        suspects=counts.pop("suspects", 0),
        references=counts.pop("reference prices", 0),
        changes=counts,
    )


def _known(asked: PriceFilter) -> int:
    """How many meters of what is asked for are known and have not vanished."""
    known = Meter.objects.filter(vanished_at=None, service_name__in=asked.services)
    return (known.filter(region__in=asked.regions) if asked.regions else known).count()


def _stage(rows: Iterable[_Row]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.copy("COPY price_stage FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute("ANALYZE price_stage")


def _counted(statement: str, values: Mapping[str, _Value]) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return dict(cursor.fetchall())


def _doubts(rows: Sequence[_Row]) -> dict[int, str]:
    """By number, the doubts about those of the prices listed that are not held yet, as JSON."""
    former: dict[int, Former | None] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT number, former_unit_price, former_unit_of_measure FROM price_new"
            " WHERE currency = %s AND price_type = %s",
            [LIST_CURRENCY, PriceType.CONSUMPTION.value],
        )
        for number, price, unit in cursor.fetchall():
            former[number] = None if price is None else Former(price, LIST_CURRENCY, unit)
    if not former:
        return {}
    found = sanity.doubts(
        [_listed(row) for row in rows if row.number in former],
        among=[_listed(row) for row in _newest(rows)],
        former={str(number): before for number, before in former.items() if before},
        factor=settings.APPORTION.price_jump_factor,
    )
    first_tier = {str(row.number) for row in rows if not row.tier_minimum_units}
    return {
        int(key): json.dumps([{"rule": one.rule.value, "says": one.says} for one in why])
        for key, why in found.items()
        if key in first_tier  # further tiers are never charged by
    }


def _newest(rows: Iterable[_Row]) -> Iterable[_Row]:
    """Of each meter and tier the price that starts last."""
    newest: dict[tuple[str, Decimal], _Row] = {}
    for row in rows:
        known = newest.setdefault((row.azure_id, row.tier_minimum_units), row)
        if row.effective_from > known.effective_from:
            newest[row.azure_id, row.tier_minimum_units] = row
    return newest.values()


def _listed(row: _Row) -> Listed:
    return Listed(
        key=str(row.number),
        product_name=row.product_name,
        meter_name=row.meter_name,
        region=row.region,
        unit_of_measure=row.unit_of_measure,
        unit_price=row.unit_price,
        effective_from=row.effective_from,
        currency=row.currency,
        from_units=row.tier_minimum_units,
    )


def _stage_doubts(doubts: Mapping[int, str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_DOUBTS)
        with cursor.copy("COPY price_doubts FROM STDIN") as copy:
            for row in doubts.items():
                copy.write_row(row)


def _unlike(rows: Iterable[_Row]) -> int:
    """How many keys are listed more than once with unlike prices."""
    prices: dict[tuple[object, ...], set[tuple[Decimal, str]]] = {}
    for row in rows:
        key = (row.azure_id, row.effective_from, *row[7:10])
        prices.setdefault(key, set()).add((row.unit_price, row.unit_of_measure))
    return sum(len(found) > 1 for found in prices.values())


def _notes(loaded: Loaded, *, other_kinds: int) -> dict[str, object]:
    """What the ledger says of a load; what there was none of is left away."""
    counts = {
        "suspects": loaded.suspects,
        "left_out": loaded.left_out,
        "other_kinds": other_kinds,
        "reference_prices": loaded.references,
        **{kind.replace("-", "_"): count for kind, count in sorted(loaded.changes.items())},
    }
    return {"meters": loaded.meters, **{name: count for name, count in counts.items() if count}}

"""What meters cost over time, for the tenant in scope: list price, sheets, precedence.

The one place where a price is chosen. Rating joins what `stage` lays out; pages and the API tell
it with `of_meters`: why this price, and until when.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from django.db import connection

from billing.models import MeterMapping
from tenancy import scope

#: The price list's own currency; its prices in others are for reference only.
LIST_CURRENCY = "USD"
_HERE = Path(__file__)
_MATCHES = f"WITH {_HERE.with_name('sheet_matches.sql').read_text()}"
_TERMS = f"{_MATCHES}, {_HERE.with_name('price_terms.sql').read_text()}"
_MATCHES_IN_ORDER = f"{_MATCHES} SELECT meter_id, id, place FROM agreed ORDER BY meter_id, place"  # noqa: S608 - a file of our own
_TERMS_IN_ORDER = f"{_TERMS} ORDER BY spans.meter_id, spans.starts"
_STAGE_TERMS = f"CREATE TEMP TABLE price_terms ON COMMIT DROP AS {_TERMS}"


@dataclass(frozen=True, slots=True)
class Term:
    """A meter's price in a half-open span of time (aware UTC; ``ends`` None: to this day).

    Prices are per single unit of the meter. ``list_unit_price`` is in the list's currency and None
    where the list has no price that is believed; ``unit_price`` is in ``currency``. The ids are of
    the `Price` and of the `SheetLine` rows that made it; None: no such part.
    """

    meter_id: int
    starts: datetime
    ends: datetime | None
    price_id: int | None
    list_unit_price: Decimal | None
    sheet_line_id: int | None
    markup_line_id: int | None
    currency: str | None
    unit_price: Decimal | None

    def holds(self, at: datetime) -> bool:
        """Whether an instant lies in the span."""
        return self.starts <= at and (self.ends is None or at < self.ends)


@dataclass(frozen=True, slots=True)
class Match:
    """A line of a price sheet that a meter falls under, by id; ``place`` 1 comes first."""

    meter_id: int
    line_id: int
    place: int


def stage(meters: Iterable[int] | None = None) -> None:
    """Lay the terms out in the temporary table ``price_terms``, until the transaction ends.

    Of the given meters, or of all that the tenant's mappings name. Staging again replaces it.
    """
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.price_terms")
        cursor.execute(_STAGE_TERMS, _asked(meters))
        cursor.execute("ANALYZE price_terms")


def of_meters(meters: Iterable[int] | None = None) -> dict[int, tuple[Term, ...]]:
    """By meter id, its terms in order of time; a meter without any price is absent.

    Of the given meters, or of all that the tenant's mappings name.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TERMS_IN_ORDER, _asked(meters))
        names = [column.name for column in cursor.description]
        terms = [Term(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]
    found: dict[int, tuple[Term, ...]] = {}
    for term in terms:
        found[term.meter_id] = (*found.get(term.meter_id, ()), term)
    return found


def matches(meters: Iterable[int]) -> tuple[Match, ...]:
    """The sheet lines that meters fall under, at any time, in the order in which they count."""
    with connection.cursor() as cursor:
        cursor.execute(_MATCHES_IN_ORDER, _asked(meters))
        return tuple(Match(*row) for row in cursor.fetchall())


def at(meters: Iterable[int] | None, instant: datetime) -> dict[int, Term]:
    """By meter id, the term that holds at an instant; a meter without one is absent.

    Of the given meters; None: of all that the tenant's mappings name.
    """
    return {
        meter: term
        for meter, terms in of_meters(meters).items()
        for term in terms
        if term.holds(instant)
    }


def _asked(meters: Iterable[int] | None) -> dict[str, int | str | list[int]]:
    if meters is None:
        named = MeterMapping.objects.exclude(meter=None).order_by("meter_id")
        meters = named.values_list("meter_id", flat=True).distinct()
    return {
        "tenant": scope.tenant_id(),
        "meters": sorted(set(meters)),
        "list_currency": LIST_CURRENCY,
    }

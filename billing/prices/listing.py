"""The list as it is held: meters by name, and what each has cost over time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from billing import price_terms
from billing.models import Meter, Price, PriceDecision, PriceType, SheetLine
from billing.price_terms import LIST_CURRENCY, Term
from billing.prices import changes, in_use
from billing.prices.changes import Meters
from tenancy.refusals import NotFound

#: An order to walk the meters by, in which no row moves.
ORDER = ("azure_id",)


@dataclass(frozen=True, slots=True)
class Stated:
    """A price as a load stated it. ``decision`` is the tenant's, where the price is suspect."""

    price: Price
    decision: PriceDecision | None

    @property
    def standing(self) -> str:
        """Whether it is believed in the tenant in scope, in a word or two."""
        if self.decision:
            return str(self.decision.get_verdict_display())
        return "held back" if self.price.doubts else "believed"


@dataclass(frozen=True, slots=True)
class Charged:
    """A span of time with what the tenant is charged in it, and by which lines of its sheets."""

    term: Term
    line: SheetLine | None
    markup: SheetLine | None


@dataclass(frozen=True, slots=True)
class History:
    """A meter's prices, the newest start first: those that are charged by, and what is beside.

    ``reservations`` are prices of a whole term, ``bands`` those of further volume, and
    ``references`` the newest in each other currency.
    """

    stated: tuple[Stated, ...]
    reservations: tuple[Price, ...]
    bands: tuple[Price, ...]
    references: tuple[Price, ...]


def meters(
    *, text: str = "", region: str = "", product: str = "", which: Meters = Meters.ALL
) -> QuerySet[Meter]:
    """The meters that fit, by product, name and region; ``used``: a mapping here names it."""
    rows = Meter.objects.annotate(used=in_use.mapped("id"))
    for word in text.split():
        rows = rows.filter(changes.says(word))
    if region:
        rows = rows.filter(region=region)
    if product:
        rows = rows.filter(product_name=product)
    if which is Meters.USED:
        rows = rows.filter(used=True)
    return rows.order_by("product_name", "meter_name", "region", "azure_id")


def regions() -> tuple[str, ...]:
    """The regions of the list, by name."""
    return tuple(Meter.objects.order_by("region").values_list("region", flat=True).distinct())


def meter(azure_id: str) -> Meter:
    """The meter of this id of Azure's.

    Raises:
        NotFound: the list has never named it.
    """
    found = Meter.objects.filter(azure_id=azure_id).annotate(used=in_use.mapped("id")).first()
    if found is None:
        raise NotFound(kind="meter")
    return found


def charging() -> QuerySet[Price]:
    """The prices of the kind that usage is charged by: pay-as-you-go, from the first unit on."""
    return Price.objects.filter(
        price_type=PriceType.CONSUMPTION, tier_minimum_units=0, currency=LIST_CURRENCY
    )


def history(of: Meter) -> History:
    """What a meter has cost, as far as it was loaded."""
    rows = list(of.prices.select_related("run").order_by("-effective_from", "-run_id", "-id"))
    used = [row for row in rows if _is_charged_by(row)]
    decided = {row.price_id: row for row in PriceDecision.objects.filter(price__in=used)}
    plain = [row for row in rows if row.currency == LIST_CURRENCY]
    return History(
        stated=tuple(Stated(row, decided.get(row.pk)) for row in used),
        reservations=tuple(row for row in plain if row.price_type == PriceType.RESERVATION),
        bands=tuple(row for row in plain if row.tier_minimum_units > 0),
        references=tuple(_newest_by_currency(row for row in rows if row not in plain)),
    )


def newest(rows: Iterable[Meter], at: datetime) -> dict[int, Term]:
    """By meter's id, the terms on which it is charged at an instant in the tenant in scope."""
    return price_terms.at([row.pk for row in rows], at)


def charged(of: Meter) -> tuple[Charged, ...]:
    """On which terms a meter is charged in the tenant in scope, the newest first."""
    terms = price_terms.of_meters([of.pk]).get(of.pk, ())
    ids = {line for term in terms for line in (term.sheet_line_id, term.markup_line_id) if line}
    lines = SheetLine.objects.select_related("sheet").in_bulk(ids)
    return tuple(
        Charged(term, lines.get(term.sheet_line_id), lines.get(term.markup_line_id))
        for term in reversed(terms)
    )


def _is_charged_by(row: Price) -> bool:
    return (
        row.currency == LIST_CURRENCY
        and row.price_type == PriceType.CONSUMPTION
        and row.tier_minimum_units == Decimal(0)
    )


def _newest_by_currency(rows: Iterable[Price]) -> Iterable[Price]:
    """The first of each currency: a pay-as-you-go price, of what is given newest first."""
    found: dict[str, Price] = {}
    for row in rows:
        if row.price_type == PriceType.CONSUMPTION and not row.tier_minimum_units:
            found.setdefault(row.currency, row)
    return [found[currency] for currency in sorted(found)]

"""Why does a meter cost what it costs: the chain from the list's price to the one that counts.

Told of the tenant in scope and an instant, in words and numbers: the list price and the load that
stated it, what the list says but is not believed, every line of a price sheet that the meter falls
under, in order, with what became of it, and the markup. `price_terms` chooses; this tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from billing import price_terms
from billing.models import Meter, Price, PriceDecision, PriceSheet, SheetLine
from billing.price_terms import Term
from billing.prices import listing
from billing.rules.sheet_lines import plain
from billing.rules.units import units_in
from tenancy.refusals import NotFound


class Outcome(StrEnum):
    """What became of a line at the instant."""

    COUNTS = "counts"
    BEATEN = "gives way"
    IDLE = "has nothing to work on"
    NOT_YET = "not yet in force"
    OVER = "no longer in force"


@dataclass(frozen=True, slots=True)
class Doubted:
    """A price of the list that is held back: what it says, and why it is not believed."""

    listed_price: Decimal
    unit_of_measure: str
    since: datetime
    doubts: tuple[str, ...]
    rejected_by: str


@dataclass(frozen=True, slots=True)
class Listed:
    """The list price in force. ``accepted_by``: who believed it in spite of its doubts."""

    price_id: int
    listed_price: Decimal
    unit_of_measure: str
    currency: str
    unit_price: Decimal
    since: datetime
    load: int
    loaded_at: datetime
    accepted_by: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A line of a sheet that the meter falls under, and what became of it, in words."""

    line_id: int
    sheet_id: int
    sheet: str
    number: int
    kind: SheetLine.Kind
    says: str
    since: datetime
    until: datetime | None
    outcome: Outcome
    because: str


@dataclass(frozen=True, slots=True)
class Why:
    """The chain. ``unit_price`` is per single unit in ``currency``; None: there is no price.

    ``next_price`` holds from ``changes_at`` on; None: no change is known.
    """

    meter_id: str
    meter: str
    product: str
    region: str
    unit_of_measure: str
    at: datetime
    listed: Listed | None
    held_back: tuple[Doubted, ...]
    candidates: tuple[Candidate, ...]
    markups: tuple[Candidate, ...]
    currency: str | None
    unit_price: Decimal | None
    changes_at: datetime | None
    next_price: Decimal | None
    next_currency: str | None

    @property
    def per_measure(self) -> Decimal | None:
        """The price of what the list's price is for."""
        count = units_in(self.unit_of_measure)
        return None if self.unit_price is None or count is None else self.unit_price * count

    @property
    def says(self) -> str:
        """The result in one sentence."""
        if self.unit_price is None:
            return "No price is in force: usage is unpriced."
        counting = [one for one in (*self.candidates, *self.markups) if one.outcome == "counts"]
        return "; then ".join(one.says for one in counting) or "The list price, as it is."


def explain(meter: Meter, at: datetime) -> Why:
    """The chain of one meter's price at an instant, for the tenant in scope."""
    terms = price_terms.of_meters([meter.pk]).get(meter.pk, ())
    term = next((term for term in terms if term.holds(at)), None)
    following = next((term for term in terms if term.starts > at), None)
    listed, held_back = _list_prices(meter, term, at)
    own, markups = _lines(meter, term, at)
    return Why(
        meter_id=meter.azure_id,
        meter=meter.meter_name,
        product=meter.product_name,
        region=meter.region,
        unit_of_measure=meter.unit_of_measure,
        at=at,
        listed=listed,
        held_back=held_back,
        candidates=own,
        markups=markups,
        currency=term.currency if term else None,
        unit_price=term.unit_price if term else None,
        changes_at=following.starts if following else None,
        next_price=following.unit_price if following else None,
        next_currency=following.currency if following else None,
    )


def of(azure_id: str, at: datetime) -> Why:
    """The chain of the meter with this id of Azure's.

    Raises:
        NotFound: the price list has no such meter.
    """
    meter = Meter.objects.filter(azure_id=azure_id).first()
    if meter is None:
        raise NotFound(kind="meter")
    return explain(meter, at)


def _list_prices(
    meter: Meter, term: Term | None, at: datetime
) -> tuple[Listed | None, tuple[Doubted, ...]]:
    """The price that is believed, and the newer ones that are not."""
    rows = listing.charging().filter(meter=meter, effective_from__lte=at).select_related("run")
    stated = list(rows.order_by("-effective_from", "-run_id", "-id"))
    verdicts = {one.price_id: one for one in PriceDecision.objects.filter(price__in=stated)}
    chosen = next((row for row in stated if term and row.pk == term.price_id), None)
    newer = stated[: stated.index(chosen)] if chosen else stated
    held_back = tuple(_doubted(row, verdicts.get(row.pk)) for row in newer)
    return _listed(chosen, verdicts.get(chosen.pk)) if chosen else None, held_back


def _listed(row: Price, decided: PriceDecision | None) -> Listed:
    return Listed(
        price_id=row.pk,
        listed_price=row.listed_price,
        unit_of_measure=row.unit_of_measure,
        currency=row.currency,
        unit_price=row.unit_price,
        since=row.effective_from,
        load=row.run_id,
        loaded_at=row.run.finished_at or row.run.started_at,
        accepted_by=decided.decided_by if decided and row.doubts else "",
    )


def _doubted(row: Price, decided: PriceDecision | None) -> Doubted:
    return Doubted(
        listed_price=row.listed_price,
        unit_of_measure=row.unit_of_measure,
        since=row.effective_from,
        doubts=tuple(str(doubt["says"]) for doubt in row.doubts),
        rejected_by=decided.decided_by if decided else "",
    )


def _lines(
    meter: Meter, term: Term | None, at: datetime
) -> tuple[tuple[Candidate, ...], tuple[Candidate, ...]]:
    """The prices and discounts, and the markups, each in the order in which they count."""
    order = [match.line_id for match in price_terms.matches([meter.pk])]
    rows = SheetLine.objects.select_related("sheet").in_bulk(order)
    lines = [rows[number] for number in order]
    own = [line for line in lines if line.kind != SheetLine.Kind.MARKUP]
    markups = [line for line in lines if line.kind == SheetLine.Kind.MARKUP]
    nothing = term is None or term.unit_price is None
    return (
        _judged(own, term.sheet_line_id if term else None, at, nothing=nothing),
        _judged(markups, term.markup_line_id if term else None, at, nothing=nothing),
    )


def _judged(
    lines: Sequence[SheetLine], counts: int | None, at: datetime, *, nothing: bool
) -> tuple[Candidate, ...]:
    first = next((line for line in lines if line.pk == counts), None)
    return tuple(_candidate(line, first, at, nothing=nothing) for line in lines)


def _candidate(
    line: SheetLine, first: SheetLine | None, at: datetime, *, nothing: bool
) -> Candidate:
    outcome, because = _outcome(line, first, at, nothing=nothing)
    return Candidate(
        line_id=line.pk,
        sheet_id=line.sheet_id,
        sheet=line.sheet.name,
        number=line.number,
        kind=SheetLine.Kind(line.kind),
        says=said(line),
        since=line.sheet.effective_from,
        until=line.sheet.effective_until,
        outcome=outcome,
        because=because,
    )


def said(line: SheetLine) -> str:
    """A line in words: ``10 % off product “Azure OpenAI*”``."""
    if line.kind == SheetLine.Kind.EXACT:
        return f"{_text(line.listed_price)} {line.currency} per {line.unit_of_measure}"
    way = "off" if line.kind == SheetLine.Kind.DISCOUNT else "on top of"
    named = [
        f"{what} “{wanted}”"
        for what, wanted in (
            ("meter", line.meter_filter),
            ("product", line.product_filter),
            ("region", line.region_filter),
        )
        if wanted
    ]
    return f"{_text(line.percent)} % {way} {', '.join(named) or 'every meter'}"


def _text(number: Decimal | None) -> str:
    return "" if number is None else plain(number)


def _outcome(
    line: SheetLine, first: SheetLine | None, at: datetime, *, nothing: bool
) -> tuple[Outcome, str]:
    sheet: PriceSheet = line.sheet
    if at < sheet.effective_from:
        return Outcome.NOT_YET, "Its sheet begins later."
    if sheet.effective_until is not None and sheet.effective_until <= at:
        return Outcome.OVER, "Its sheet has ended."
    if first is None or line.pk != first.pk:
        return Outcome.BEATEN, _reason(line, first)
    if nothing:
        return Outcome.IDLE, "It would count, but there is no list price that it could change."
    return Outcome.COUNTS, "It is the first in order that is in force."


def _reason(line: SheetLine, first: SheetLine | None) -> str:
    """Why a line gives way to the one that counts."""
    if first is None:
        return "Another one counts."
    if first.kind == SheetLine.Kind.EXACT and line.kind != SheetLine.Kind.EXACT:
        return "The meter has an exact price, which comes before any discount."
    for what in _named_by(first, line):
        return f"“{first.sheet}” names the {what}, which is more specific."
    if first.sheet_id == line.sheet_id:
        return "A later line of the same sheet says it too, and comes first."
    if first.sheet.effective_from > line.sheet.effective_from:
        return f"“{first.sheet}” is as specific and begins later."
    return f"“{first.sheet}” is as specific, begins at the same time and was applied later."


def _named_by(first: SheetLine, line: SheetLine) -> Iterable[str]:
    """What the first names by filter and the other does not, the weightiest alone."""
    for what, of_first, of_other in (
        ("meter", first.meter_filter, line.meter_filter),
        ("product", first.product_filter, line.product_filter),
        ("region", first.region_filter, line.region_filter),
    ):
        if bool(of_first) != bool(of_other):
            return (what,)
    return ()

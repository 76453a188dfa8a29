"""Price sheets: what was agreed with the seller, or is charged on to teams, for a time.

A sheet is applied whole, and its lines never change, since amounts were computed with them: a
correction is a newer sheet, and a sheet that no longer holds gets an end. Each change marks the
days that it prices otherwise, and no others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.db.models import Count, Q

from billing import price_terms
from billing.models import ExchangeRate, Meter, PriceSheet, SheetLine
from billing.prices import shifts
from billing.rules import sheet_lines
from billing.rules.sheet_lines import AgreedLine, Draft, Fault, Form, Kind
from tenancy import access, audit, tenants
from tenancy.refusals import Invalid, NotFound, Refused

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from tenancy.access import Actor

#: How many faults are told one by one.
MOST_FAULTS = 200
_LONGEST_NAME, _LONGEST_SOURCE = 120, 200
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class FaultySheet(Refused):
    """Lines that cannot be taken; ``faults`` has all of them."""

    code = "price-sheet-faulty"
    status = 400
    field = "lines"
    text = "{count} of the sheet's cells cannot be taken. First: {first}"

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(count=len(faults), first=faults[0])


class TooLarge(Refused):
    code = "price-sheet-too-large"
    status = 400
    field = "lines"
    text = (
        "The document has {size:,} bytes; at most {most:,} are taken. Leave out the meters that"
        " are not of AI services, or make two sheets of it."
    )


class OtherSheet(Refused):
    code = "price-sheet-exists"
    field = "name"
    text = (
        "There is a sheet “{name}” from {start} on already, with other {what}. A sheet's lines"
        " never change: end that one and give this one a later start, or another name."
    )


class EndsBeforeStart(Refused):
    code = "price-sheet-ends-before-start"
    status = 400
    field = "effective_until"
    text = "The sheet begins at {start}. Give that instant or a later one as its end."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A sheet to be applied. Half-open; ``effective_until`` None: until it is ended."""

    name: str
    source: str
    effective_from: datetime
    effective_until: datetime | None
    lines: tuple[AgreedLine, ...]


def check(draft: Draft) -> Draft:
    """What was read, held against the price list and the tenant's currencies.

    Every fault is told; of Azure's own sheet, meters the list does not have are left out.
    """
    ids = {line.meter_id for line in draft.lines if line.meter_id}
    known = Meter.objects.filter(azure_id__in=ids).values_list("azure_id", flat=True)
    billing = tenants.billing()
    rates = ExchangeRate.objects.filter(to_currency=billing.currency)
    convertible = {
        billing.currency,
        price_terms.LIST_CURRENCY,
        *rates.values_list("from_currency", flat=True),
    }
    found = sheet_lines.only_known(sheet_lines.unrepeated(draft), known)
    found = sheet_lines.only_convertible(found, convertible, into=billing.currency)
    return replace(found, faults=tuple(sorted((*found.faults, *_size(found)), key=_place)))


def read(draft: Draft) -> tuple[AgreedLine, ...]:
    """The lines of a draft in which nothing is wrong.

    Raises:
        FaultySheet: something is.
    """
    checked = check(draft)
    if checked.faults:
        raise FaultySheet(checked.faults)
    return checked.lines


def apply(wanted: Wanted, *, by: str, at: datetime) -> PriceSheet:
    """Put a sheet in force and mark the days it prices; the same sheet again changes nothing.

    Raises:
        Invalid: the name, the source or a date is not of its form.
        FaultySheet: a line cannot be taken.
        OtherSheet: there is one of this name and start with other lines or another end.
    """
    wanted = _checked(wanted)
    with shifts.marked():
        sheet, created = PriceSheet.objects.get_or_create(
            name=wanted.name,
            effective_from=wanted.effective_from,
            defaults={
                "effective_until": wanted.effective_until,
                "source": wanted.source,
                "applied_by": by,
                "applied_at": at,
            },
        )
        if not created:
            _must_be_the_same(sheet, wanted)
            return sheet
        SheetLine.objects.bulk_create(_rows(sheet, wanted.lines), batch_size=2000)
    audit.record(
        "price-sheet.apply",
        wanted.name,
        by=by,
        at=at,
        after={
            "from": wanted.effective_from,
            "until": wanted.effective_until,
            "source": wanted.source,
            "lines": dict(Counter(line.kind.value for line in wanted.lines)),
        },
        reason=wanted.source,
    )
    return sheet


def end(
    sheet: PriceSheet, *, until: datetime | None, by: str, at: datetime, reason: str
) -> PriceSheet:
    """Let a sheet hold until an instant, earlier or later than so far; None: without end.

    The days between the old end and the new are marked. The same end again changes nothing.

    Raises:
        EndsBeforeStart: it would end before it begins; at its very start means never in force.
        Invalid: no reason, or an instant that is none of usage's.
    """
    if not reason.strip():
        raise Invalid(field="reason", fix="Say why the sheet ends then.")
    if until is not None:
        _check_instant("effective_until", until)
        if until < sheet.effective_from:
            raise EndsBeforeStart(start=_said(sheet.effective_from))
    held = PriceSheet.objects.select_for_update(no_key=True).get(
        name=sheet.name, effective_from=sheet.effective_from
    )
    before = held.effective_until
    if before == until:
        return held
    with shifts.marked():
        held.effective_until = until
        held.save(update_fields=["effective_until"])
    audit.record(
        "price-sheet.end",
        held.name,
        by=by,
        at=at,
        before={"until": before},
        after={"from": held.effective_from, "until": until},
        reason=reason.strip(),
    )
    return held


def all_of(actor: Actor) -> QuerySet[PriceSheet]:
    """The sheets the actor may see, newest start first."""
    return access.many(PriceSheet, actor).order_by("-effective_from", "-id")


def line_counts(actor: Actor) -> dict[int, int]:
    """By sheet, how many lines it has."""
    rows = access.many(SheetLine, actor).order_by().values("sheet_id")
    return dict(rows.annotate(count=Count("pk")).values_list("sheet_id", "count"))


def one(actor: Actor, number: int) -> PriceSheet:
    """The sheet of this number.

    Raises:
        NotFound: there is none, or it is not the actor's to see.
    """
    return access.one(PriceSheet, actor, pk=number)


def of_tenant() -> tuple[PriceSheet, ...]:
    """Every sheet of the tenant in scope, newest start first."""
    return tuple(PriceSheet.objects.all())


def numbered(number: int) -> PriceSheet:
    """The sheet of this number of the tenant in scope.

    Raises:
        NotFound: there is none.
    """
    found = PriceSheet.objects.in_bulk([number]).get(number)
    if found is None:
        raise NotFound(kind="price sheet")
    return found


def lines_of(sheet: PriceSheet, *, text: str = "", kind: str = "") -> QuerySet[SheetLine]:
    """A sheet's lines in order; those that name a text, or are of a kind."""
    rows = sheet.lines.select_related("meter").order_by("number")
    if kind:
        rows = rows.filter(kind=kind)
    for word in text.split():
        rows = rows.filter(
            Q(product_filter__icontains=word)
            | Q(meter_filter__icontains=word)
            | Q(region_filter__icontains=word)
            | Q(meter__azure_id__icontains=word)
            | Q(meter__meter_name__icontains=word)
            | Q(meter__product_name__icontains=word)
            | Q(meter__region__icontains=word)
        )
    return rows


def as_agreed(rows: Sequence[SheetLine] | QuerySet[SheetLine]) -> tuple[AgreedLine, ...]:
    """Lines as they were given, for documents and comparison."""
    return tuple(
        AgreedLine(
            row=row.number,
            kind=Kind(row.kind),
            meter_id=row.meter.azure_id if row.meter else "",
            product_filter=row.product_filter,
            meter_filter=row.meter_filter,
            region=row.region_filter,
            price=row.listed_price,
            unit_of_measure=row.unit_of_measure,
            currency=row.currency,
            percent=row.percent,
        )
        for row in rows
    )


def _checked(wanted: Wanted) -> Wanted:
    """The sheet with its texts trimmed and everything about it looked at."""
    name, source = wanted.name.strip(), wanted.source.strip()
    for field, text, longest in (
        ("name", name, _LONGEST_NAME),
        ("source", source, _LONGEST_SOURCE),
    ):
        if not text or len(text) > longest or _CONTROL.search(text):
            raise Invalid(field=field, fix=f"Give 1 to {longest} characters, no line breaks.")
    _check_instant("effective_from", wanted.effective_from)
    if wanted.effective_until is not None:
        _check_instant("effective_until", wanted.effective_until)
        if wanted.effective_until <= wanted.effective_from:
            raise Invalid(field="effective_until", fix="Give an end after the start, or none.")
    lines = read(Draft(Form.OWN, wanted.lines))
    return replace(wanted, name=name, source=source, lines=lines)


def _check_instant(field: str, instant: datetime) -> None:
    """Refuse what no price can begin or end at: it would cut an hour of usage."""
    if not _EARLIEST <= instant < _LATEST:
        raise Invalid(field=field, fix="Give a date from 2000 to 2199.")
    bucket = tenants.billing().bucket(around=instant)
    if (instant - _EARLIEST) % bucket:
        minutes = int(bucket.total_seconds()) // 60
        raise Invalid(
            field=field,
            fix=f"Give an instant on whole {minutes} minutes, such as {_said(_EARLIEST)}.",
        )


def _must_be_the_same(sheet: PriceSheet, wanted: Wanted) -> None:
    held = as_agreed(lines_of(sheet))
    unlike = None
    if held != wanted.lines:
        unlike = "lines"
    elif sheet.effective_until != wanted.effective_until:
        unlike = "dates"
    if unlike:
        raise OtherSheet(name=sheet.name, start=_said(sheet.effective_from), what=unlike)


def _rows(sheet: PriceSheet, lines: Sequence[AgreedLine]) -> list[SheetLine]:
    ids = {line.meter_id for line in lines if line.meter_id}
    meters = dict(Meter.objects.filter(azure_id__in=ids).values_list("azure_id", "id"))
    return [
        SheetLine(
            sheet=sheet,
            number=number,
            kind=line.kind.value,
            meter_id=meters.get(line.meter_id),
            product_filter=line.product_filter,
            meter_filter=line.meter_filter,
            region_filter=line.region,
            currency=line.currency,
            listed_price=line.price,
            unit_of_measure=line.unit_of_measure,
            unit_price=line.unit_price,
            percent=line.percent,
        )
        for number, line in enumerate(lines, 1)
    ]


def _size(draft: Draft) -> tuple[Fault, ...]:
    if len(draft.lines) > sheet_lines.MOST_LINES:
        says = (
            f"A sheet has at most {sheet_lines.MOST_LINES:,} lines; this has {len(draft.lines):,}."
        )
        return (Fault(1, "", f"{says} Make two sheets of it."),)
    if not draft.lines and not draft.faults:
        return (Fault(1, "", "The sheet has no line. Give at least one."),)
    return ()


def _place(fault: Fault) -> tuple[int, str]:
    return fault.row, fault.column


def _said(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")

"""Price sheets: those in force, coming and over; one with its lines; a new one; an end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from billing.documents import price_sheet_csv
from billing.prices import sheet_preview, sheets, why
from billing.prices.sheets import MOST_FAULTS, Wanted
from billing.rules.sheet_lines import Column, Draft, Fault, Kind
from portal import instants, rights
from portal.tenant_scope import TenantRequest
from portal.views import asked, planned
from portal.views.planned import Step
from tenancy import clock
from tenancy.refusals import Invalid, Refused

if TYPE_CHECKING:
    from billing.models import PriceSheet, SheetLine

APPLY, END = "price-sheet.apply", "price-sheet.end"
ON_A_PAGE = 100
#: What a new sheet is made from, as it is posted.
FIELDS = ("name", "source", "effective_from", "effective_until", "lines")


@dataclass(frozen=True, slots=True)
class Shown:
    """A sheet in the list."""

    sheet: PriceSheet
    lines: int


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a sheet, in words."""

    line: SheetLine
    says: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """What keeps a new sheet from being taken: at the form's fields, and by row."""

    fields: Mapping[str, str]
    rows: tuple[Fault, ...] = ()
    count: int = 0


@require_safe
def sheet_list(request: TenantRequest) -> HttpResponse:
    """Every sheet of the tenant, by whether it holds now."""
    rights.see_prices(request.actor)
    now = clock.now()
    lines = sheets.line_counts(request.actor)
    found = [Shown(sheet, lines.get(sheet.pk, 0)) for sheet in sheets.all_of(request.actor)]
    return render(
        request,
        "prices/sheets.html",
        {
            "may_change": rights.may_change_prices(request.actor),
            "groups": [
                ("In force", [one for one in found if _in_force(one.sheet, now)]),
                ("Coming", [one for one in found if _coming(one.sheet, now)]),
                ("Ended", [one for one in found if _ended(one.sheet, now)]),
            ],
            "total": len(found),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def new_sheet(request: TenantRequest) -> HttpResponse:
    """The form of a new sheet; a POST shows its faults or its effect, and with the plan applies."""
    rights.see_prices(request.actor)
    if request.method != "POST":
        return _form(request, {}, Wrong({}))
    rights.change_prices(request.actor)
    given = {name: request.POST.get(name, "").strip() for name in FIELDS}
    try:
        draft = _read(request, given)
        if draft.faults:
            return _form(request, given, _by_row(draft.faults))
        return _planned(request, given, draft)
    except sheets.FaultySheet as refused:
        return _form(request, given, _by_row(refused.faults))
    except Refused as refused:
        name = str(refused.field or refused.values.get("field") or "")
        if name not in FIELDS:
            raise
        says = str(refused.values.get("fix") or refused)
        return _form(request, given, Wrong({name: says}))


@require_http_methods(["GET", "HEAD", "POST"])
def sheet(request: TenantRequest, sheet: int) -> HttpResponse:
    """One sheet with its lines; a POST gives it an end, its effect shown first."""
    rights.see_prices(request.actor)
    found = sheets.one(request.actor, sheet)
    if request.method == "POST":
        return _end(request, found)
    number = asked.page(request)
    kind, text = request.GET.get("kind", ""), request.GET.get("text", "").strip()
    if kind and kind not in tuple(Kind):
        raise Invalid(field="kind", fix="Choose exact, discount or markup.")
    lines = sheets.lines_of(found, text=text, kind=kind)
    total = lines.count()
    first = (number - 1) * ON_A_PAGE
    return render(
        request,
        "prices/sheet.html",
        {
            "may_change": rights.may_change_prices(request.actor),
            "sheet": found,
            "standing": _standing(found, clock.now()),
            "rows": [Row(line, why.said(line)) for line in lines[first : first + ON_A_PAGE]],
            "kinds": tuple(Kind),
            "kind": kind,
            "text": text,
            "total": total,
            "number": number,
            "pages": max(1, -(-total // ON_A_PAGE)),
            "filters": urlencode({"kind": kind, "text": text}),
        },
    )


@require_safe
def sheet_csv(request: TenantRequest, sheet: int) -> HttpResponse:
    """A sheet's lines as the CSV that a new one can be made from."""
    rights.see_prices(request.actor)
    found = sheets.one(request.actor, sheet)
    lines = sheets.as_agreed(sheets.lines_of(found))
    response = HttpResponse(
        price_sheet_csv.render(lines), content_type=price_sheet_csv.CONTENT_TYPE
    )
    response["Content-Disposition"] = f'attachment; filename="price-sheet-{found.pk}.csv"'
    return response


@require_safe
def why_page(request: TenantRequest, azure_id: str) -> HttpResponse:
    """Why a meter costs what it costs, now or at ``?at=2026-11-01T00:00:00Z``."""
    rights.see_prices(request.actor)
    now = clock.now()
    told = why.of(azure_id, instants.read("at", request.GET.get("at", "")) or now)
    return render(request, "prices/why.html", {"why": told, "is_now": "at" not in request.GET})


def _planned(request: TenantRequest, given: dict[str, str], draft: Draft) -> HttpResponse:
    wanted = Wanted(
        name=given["name"],
        source=given["source"],
        effective_from=instants.required("effective_from", given["effective_from"]),
        effective_until=instants.read("effective_until", given["effective_until"]),
        lines=draft.lines,
    )
    actor, now = request.actor, clock.now()

    def change() -> object:
        return sheets.apply(wanted, by=actor.email, at=now)

    # The lines go on in one form, whatever they came in, so that the plan fits them again.
    lines = price_sheet_csv.render(draft.lines).decode("utf-8-sig")
    step = Step(
        verb=APPLY,
        title=f"Apply the price sheet “{given['name']}”",
        button="Apply the sheet",
        inputs={**given, "lines": lines.strip()},
        change=change,
        done=f"“{given['name']}” is applied. The days it prices are rated again within a minute.",
        back=reverse("sheets"),
    )
    told: list[str] = []
    if "plan" not in request.POST:
        told = [f"{count:,} rows left out: {reason}." for reason, count in draft.left_out]
        told += sheet_preview.says(change, at=max(now, wanted.effective_from))
    return planned.step(request, step, context={"told": told})


def _end(request: TenantRequest, found: PriceSheet) -> HttpResponse:
    rights.change_prices(request.actor)
    given = {name: request.POST.get(name, "").strip() for name in ("effective_until", "reason")}
    until = instants.read("effective_until", given["effective_until"])
    actor, now = request.actor, clock.now()
    when = f"ends on {given['effective_until']}" if until else "has no end"
    step = Step(
        verb=END,
        title=f"The price sheet “{found.name}” {when}",
        button="Set the end" if until else "Take the end away",
        inputs=given,
        change=lambda: sheets.end(
            found, until=until, by=actor.email, at=now, reason=given["reason"]
        ),
        done=f"“{found.name}” {when}. The days that changes are rated again within a minute.",
        back=reverse("sheet", args=[found.pk]),
    )
    return planned.step(request, step)


def _read(request: TenantRequest, given: dict[str, str]) -> Draft:
    """The lines of the file, or else of the text field."""
    data = given["lines"].encode()
    if upload := request.FILES.get("file"):
        if (upload.size or 0) > price_sheet_csv.LARGEST:
            raise sheets.TooLarge(size=upload.size, most=price_sheet_csv.LARGEST)
        data = upload.read()
    if len(data) > price_sheet_csv.LARGEST:
        raise sheets.TooLarge(size=len(data), most=price_sheet_csv.LARGEST)
    return sheets.check(price_sheet_csv.parse(data))


def _form(request: TenantRequest, given: Mapping[str, str], wrong: Wrong) -> HttpResponse:
    status = 400 if wrong.fields or wrong.rows else 200
    return render(
        request,
        "prices/sheet_new.html",
        {
            "may_change": rights.may_change_prices(request.actor),
            "given": given,
            "wrong": wrong,
            "columns": tuple(Column),
            "megabytes": price_sheet_csv.LARGEST // 1_000_000,
        },
        status=status,
    )


def _by_row(faults: tuple[Fault, ...]) -> Wrong:
    return Wrong({}, faults[:MOST_FAULTS], len(faults))


def _standing(sheet: PriceSheet, now: datetime) -> str:
    if _in_force(sheet, now):
        return "in force"
    return "coming" if _coming(sheet, now) else "ended"


def _in_force(sheet: PriceSheet, now: datetime) -> bool:
    return sheet.effective_from <= now and not _ended(sheet, now)


def _coming(sheet: PriceSheet, now: datetime) -> bool:
    return now < sheet.effective_from and sheet.effective_from != sheet.effective_until


def _ended(sheet: PriceSheet, now: datetime) -> bool:
    until = sheet.effective_until
    return until is not None and (until <= now or until == sheet.effective_from)

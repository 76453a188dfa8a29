from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from billing.documents import price_sheet_csv
from billing.models import PriceSheet, SheetLine
from billing.prices import sheets
from billing.prices.sheets import MOST_FAULTS, FaultySheet, TooLarge, Wanted
from billing.rules import sheet_lines
from billing.rules.sheet_lines import AgreedLine, Column, Draft, Fault, Form
from portal import rights
from portal.api import examples, paging
from portal.api.answers import page_of
from portal.api.fields import Exact, Instant
from portal.api.plans import Known, Planned, PlannedItem, planned
from portal.api.queries import ListQuery, Query
from portal.api.schema import operation
from portal.api.statements import ByParameter, Csv
from portal.api.strict_json import StrictJson
from portal.api.views import ScopedView
from tenancy import access, clock

APPLY, END = "price-sheet.apply", "price-sheet.end"
_FIELDS = {
    Column.KIND: "kind",
    Column.METER_ID: "meter_id",
    Column.PRODUCT_FILTER: "product_filter",
    Column.METER_FILTER: "meter_filter",
    Column.REGION: "region",
    Column.PRICE: "price",
    Column.UNIT_OF_MEASURE: "unit_of_measure",
    Column.CURRENCY: "currency",
    Column.PERCENT: "percent",
}
_FILTER = "`*` stands for anything; empty lets every one pass."


class SheetItem(serializers.Serializer[Any]):
    """A price sheet. Half-open in time; its lines never change."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    effective_from = serializers.DateTimeField()
    effective_until = serializers.DateTimeField(allow_null=True, help_text="Null: without end.")
    source = serializers.CharField(  # type: ignore[assignment]  # a field of its own
        help_text="What it is taken from."
    )
    applied_by = serializers.CharField()
    applied_at = serializers.DateTimeField()
    url = serializers.SerializerMethodField()
    lines_url = serializers.SerializerMethodField(help_text="Its lines, as JSON or CSV.")

    def get_url(self, row: PriceSheet) -> str:
        return str(reverse("api:price-sheet", [row.pk], request=self.context["request"]))

    def get_lines_url(self, row: PriceSheet) -> str:
        return str(reverse("api:price-sheet-lines", [row.pk], request=self.context["request"]))


class SheetLineItem(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="Its place in the sheet.")
    kind = serializers.ChoiceField(list(sheet_lines.Kind))
    meter_id = serializers.CharField(
        source="meter.azure_id", default="", help_text="Of an exact price."
    )
    product_filter = serializers.CharField(help_text=_FILTER)
    meter_filter = serializers.CharField(help_text=_FILTER)
    region = serializers.CharField(source="region_filter", help_text=_FILTER)
    price = Exact(source="listed_price", allow_null=True, help_text="Per `unit_of_measure`.")
    unit_of_measure = serializers.CharField()
    unit_price = Exact(allow_null=True, help_text="Per single unit.")
    currency = serializers.CharField()
    percent = Exact(allow_null=True, help_text="Off, or on top.")


class NumberText(serializers.CharField):
    """A number as text: what JSON calls a number may have lost digits on its way."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError('Give it as text, such as "12.5".')
        return super().to_internal_value(data)


class LineBody(Known):
    """One line: an exact price has the meter's id, price, unit and currency; the others percent
    and filters. Numbers as text, with a point before decimals."""

    kind = serializers.CharField(max_length=20, help_text="exact, discount or markup.")
    meter_id = serializers.CharField(default="", allow_blank=True, max_length=300)
    product_filter = serializers.CharField(
        default="", allow_blank=True, max_length=300, help_text=_FILTER
    )
    meter_filter = serializers.CharField(
        default="", allow_blank=True, max_length=300, help_text=_FILTER
    )
    region = serializers.CharField(default="", allow_blank=True, max_length=300, help_text=_FILTER)
    price = NumberText(default="", allow_blank=True, max_length=40)
    unit_of_measure = serializers.CharField(default="", allow_blank=True, max_length=60)
    currency = serializers.CharField(default="", allow_blank=True, max_length=10)
    percent = NumberText(default="", allow_blank=True, max_length=40)


class SheetBody(Planned):
    name = serializers.CharField(max_length=120)
    source = serializers.CharField(  # type: ignore[assignment]  # a field of its own
        max_length=200, help_text="What it is taken from: a contract, an offer, a decision."
    )
    effective_from = Instant(help_text="Such as 2026-11-01T00:00:00Z.")
    effective_until = Instant(
        required=False, allow_null=True, default=None, help_text="Null: until it is ended."
    )
    lines = serializers.ListField(
        child=LineBody(),
        allow_empty=False,
        max_length=sheet_lines.MOST_LINES,
        help_text=f"At most {sheet_lines.MOST_LINES:,}.",
    )


class CsvQuery(Query):
    """With a CSV body the rest is said in the address."""

    name = serializers.CharField(required=False, max_length=120, help_text="With a CSV body.")
    source = serializers.CharField(  # type: ignore[assignment]  # a field of its own
        required=False, max_length=200, help_text="With a CSV body: what it is taken from."
    )
    effective_from = Instant(required=False, help_text="With a CSV body: its start.")
    effective_until = Instant(required=False, help_text="With a CSV body: its end, if it has one.")
    plan = serializers.CharField(
        required=False, max_length=500, help_text="With a CSV body: the plan's token, to apply it."
    )


class EndBody(Planned):
    effective_until = Instant(
        allow_null=True,
        help_text="The instant before which it holds. Its start: never; null: without end.",
    )
    reason = serializers.CharField(max_length=500)


class SheetJson(StrictJson):
    """As large as a sheet of the most lines is."""

    most_bytes = price_sheet_csv.LARGEST


class CsvParser(BaseParser):
    """The body as bytes: `billing.documents.price_sheet_csv` reads it."""

    media_type = "text/csv"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return bytes(stream.read(price_sheet_csv.LARGEST + 1))


class LinesQuery(ListQuery):
    format = serializers.ChoiceField(
        ["json", "csv"], required=False, help_text="Instead of the header `Accept`."
    )


class PriceSheets(ScopedView):
    needs = "read:prices"
    writes = "write:prices"
    http_method_names = ["get", "head", "post"]
    parser_classes = [SheetJson, CsvParser]

    @operation(
        "listPriceSheets",
        tag="prices",
        summary="Price sheets: negotiated prices, discounts and markups",
        description="Ordered by start.",
        scope=needs,
        query=ListQuery,
        answer=page_of(SheetItem),
        example=examples.page(examples.PRICE_SHEET),
    )
    def get(self, request: Request) -> Response:
        query = ListQuery.of(request)
        rights.see_prices(self.actor)
        found = access.many(PriceSheet, self.actor)
        rows, link = paging.rows(request, query, found, ("effective_from", "id"))
        items = SheetItem(rows, many=True, context={"request": request}).data
        return Response({"next": link, "results": items})

    @operation(
        "applyPriceSheet",
        tag="prices",
        summary="Put a price sheet in force",
        description=(
            "For finance and administrators. Without `plan` it tells the effect and changes "
            "nothing. As JSON, or as CSV with the rest in the address. Every line at fault is "
            f"named, {MOST_FAULTS} at most. The same sheet again changes nothing; its lines never "
            "change."
        ),
        scope=writes,
        query=CsvQuery,
        body={"application/json": SheetBody, "text/csv": str},
        answer=PlannedItem,
        example=examples.one(examples.PLANNED),
    )
    def post(self, request: Request) -> Response:
        rights.change_prices(self.actor)
        _small_enough(request)
        data: Any = request.data
        given, draft = _of_csv(request, data) if isinstance(data, bytes) else _of_json(request)
        lines = _taken(draft)
        wanted = Wanted(
            name=given["name"],
            source=given["source"],
            effective_from=given["effective_from"],
            effective_until=given.get("effective_until"),
            lines=lines,
        )
        inputs = {
            **{name: str(value) for name, value in given.items() if name not in ("plan", "lines")},
            "lines": price_sheet_csv.render(lines).decode(),
        }
        at = clock.now()
        return planned(
            APPLY,
            inputs,
            given.get("plan"),
            lambda: sheets.apply(wanted, by=self.actor.email, at=at),
        )


class OnePriceSheet(ScopedView):
    needs = "read:prices"

    @operation(
        "getPriceSheet",
        tag="prices",
        summary="One price sheet",
        scope=needs,
        path={"sheet": "Its id."},
        answer=SheetItem,
        example=examples.one(examples.PRICE_SHEET),
    )
    def get(self, request: Request, sheet: int) -> Response:
        Query.of(request)
        rights.see_prices(self.actor)
        found = sheets.one(self.actor, sheet)
        return Response(SheetItem(found, context={"request": request}).data)


class PriceSheetLines(ScopedView):
    needs = "read:prices"
    renderer_classes = [JSONRenderer, Csv]
    content_negotiation_class = ByParameter

    @operation(
        "listPriceSheetLines",
        tag="prices",
        summary="The lines of a price sheet",
        description=(
            "As JSON a page at a time; as CSV, with `Accept: text/csv` or `format=csv`, all of "
            "them, in the form that a sheet is made from."
        ),
        scope=needs,
        query=LinesQuery,
        path={"sheet": "The sheet's id."},
        answer={(200, "application/json"): page_of(SheetLineItem), (200, "text/csv"): str},
        example=examples.page(examples.SHEET_LINE),
    )
    def get(self, request: Request, sheet: int) -> Response | HttpResponse:
        query = LinesQuery.of(request)
        rights.see_prices(self.actor)
        found = sheets.one(self.actor, sheet)
        if request.accepted_renderer.format == Csv.format:
            return _csv(found)
        lines = access.many(SheetLine, self.actor).filter(sheet=found).select_related("meter")
        rows, link = paging.rows(request, query, lines, ("number", "id"))
        return Response({"next": link, "results": SheetLineItem(rows, many=True).data})


class PriceSheetEnd(ScopedView):
    writes = "write:prices"
    http_method_names = ["post"]

    @operation(
        "endPriceSheet",
        tag="prices",
        summary="Give a price sheet another end",
        description="For finance and administrators. Without `plan` it tells the effect alone.",
        scope=writes,
        path={"sheet": "Its id."},
        body=EndBody,
        answer=PlannedItem,
        example=examples.one(examples.PLANNED),
    )
    def post(self, request: Request, sheet: int) -> Response:
        Query.of(request)
        rights.change_prices(self.actor)
        found = sheets.one(self.actor, sheet)
        body = EndBody(data=request.data)
        body.is_valid(raise_exception=True)
        until: datetime | None = body.validated_data["effective_until"]
        reason, at = body.validated_data["reason"], clock.now()
        return planned(
            END,
            {"sheet": sheet, "until": until, "reason": reason},
            body.validated_data.get("plan"),
            lambda: sheets.end(found, until=until, by=self.actor.email, at=at, reason=reason),
        )


def _small_enough(request: Request) -> None:
    said = request.headers.get("Content-Length", "0")
    size = int(said) if said.isdigit() else 0
    if size > price_sheet_csv.LARGEST:
        raise TooLarge(size=size, most=price_sheet_csv.LARGEST)


def _of_csv(request: Request, data: bytes) -> tuple[dict[str, Any], Draft]:
    given = CsvQuery.of(request)
    missing = [name for name in ("name", "source", "effective_from") if name not in given]
    if missing:
        raise serializers.ValidationError({name: ["Give it in the address."] for name in missing})
    return given, price_sheet_csv.parse(data)


def _of_json(request: Request) -> tuple[dict[str, Any], Draft]:
    Query.of(request)
    body = SheetBody(data=request.data)
    body.is_valid(raise_exception=True)
    lines: list[AgreedLine] = []
    faults: list[Fault] = []
    for row, one in enumerate(body.validated_data["lines"]):
        read = sheet_lines.read({column: one[name] for column, name in _FIELDS.items()}, row=row)
        if isinstance(read, AgreedLine):
            lines.append(read)
        else:
            faults.extend(read)
    return body.validated_data, Draft(Form.OWN, tuple(lines), tuple(faults))


def _taken(draft: Draft) -> tuple[AgreedLine, ...]:
    """The lines of a draft; each fault is named as ``lines.<row>.<field>``."""
    try:
        return sheets.read(draft)
    except FaultySheet as refused:
        raise serializers.ValidationError(
            {_place(fault): [fault.says] for fault in refused.faults[:MOST_FAULTS]}
        ) from None


def _place(fault: Fault) -> str:
    named = _FIELDS.get(Column(fault.column)) if fault.column in tuple(Column) else fault.column
    return f"lines.{fault.row}.{named}" if named else f"lines.{fault.row}"


def _csv(sheet: PriceSheet) -> HttpResponse:
    lines = sheets.as_agreed(sheets.lines_of(sheet))
    response = HttpResponse(
        price_sheet_csv.render(lines), content_type=price_sheet_csv.CONTENT_TYPE
    )
    response["Content-Disposition"] = f'attachment; filename="price-sheet-{sheet.pk}.csv"'
    return response

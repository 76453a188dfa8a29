from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from billing import statements, team_months
from billing.documents import csv
from billing.moves import Way
from billing.rules.token_classes import TokenClass
from billing.statements import StatementView
from billing.team_months import TeamMonth
from inventory.models import Team
from portal.api import examples, paging
from portal.api.answers import Month, RoundedMoney, estimated, page_of
from portal.api.fields import Exact, Rounded
from portal.api.fields import Month as MonthField
from portal.api.fields import month as month_of
from portal.api.queries import ListQuery, Name, Query
from portal.api.schema import operation
from portal.api.views import ScopedView
from tenancy import access, periods, tenants
from tenancy.refusals import NotFound

MONTHS_SHOWN = 13


class StatementListItem(serializers.Serializer[Any]):
    team = serializers.CharField(help_text="The team's slug.")
    period = Month()
    status = serializers.ChoiceField(["draft"], help_text="A draft still changes.")
    total = RoundedMoney()
    tokens = serializers.IntegerField()
    unpriced_tokens = serializers.IntegerField(help_text="Tokens without a price: not in `total`.")
    url = serializers.URLField()


class ListMoney(serializers.Serializer[Any]):
    """An unrounded amount on the list basis, in the list's currency."""

    amount = Exact()
    currency = serializers.CharField(help_text="ISO 4217.")


class LineItem(serializers.Serializer[Any]):
    """One price of one token class of one deployment of one subscription."""

    number = serializers.IntegerField()
    subscription = serializers.CharField()
    gateway = serializers.CharField()
    product = serializers.CharField(allow_blank=True)
    cost_center = serializers.CharField(
        help_text="Code and name of the one in force on these days: the team's own, or another."
    )
    deployment = serializers.CharField()
    model = serializers.CharField(allow_blank=True)
    token_class = serializers.CharField()
    quantity = serializers.IntegerField(help_text="In the class's unit: tokens for most.")
    unit = serializers.SerializerMethodField(help_text="What one of the quantity is.")
    unit_price = Exact(
        allow_null=True,
        help_text="For `units_per_price` of the quantity, in `price_currency`. Null: not charged "
        "by use, the deployment's capacity is paid for.",
    )
    units_per_price = serializers.IntegerField(help_text="1 for most; 3600 seconds of an hour.")
    price_currency = serializers.CharField(allow_blank=True, help_text="ISO 4217.")
    price_from = serializers.DateTimeField(
        allow_null=True, help_text="Since when: the sheet's start, else the list price's."
    )
    sheet = serializers.CharField(
        allow_blank=True, help_text="The price sheet that made the price; empty: the list's."
    )
    markup_percent = Exact(source="markup", allow_null=True, help_text="Put on top by a sheet.")
    meter_id = serializers.CharField(allow_blank=True)
    meter_name = serializers.CharField(source="meter", allow_blank=True)
    list_cost = ListMoney(allow_null=True, help_text="What the list would charge, unrounded.")
    exchange_rate = Exact(allow_null=True)
    exact = Exact(source="exact.amount", help_text="The unrounded amount.")
    amount = Rounded(source="amount.amount", help_text="Its share of the rounded total.")

    def get_unit(self, line: statements.Line) -> str:
        return TokenClass(line.token_class).unit


class StatementGap(serializers.Serializer[Any]):
    """Usage without a price in force: counted, in no amount."""

    subscription = serializers.CharField()
    deployment = serializers.CharField()
    token_class = serializers.CharField()
    quantity = serializers.IntegerField()


class RateUsedItem(serializers.Serializer[Any]):
    from_currency = serializers.CharField()
    to_currency = serializers.CharField()
    rate = Exact()
    effective_from = serializers.DateTimeField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field of its own


class CostCenterSum(serializers.Serializer[Any]):
    """What a cost center bears of the total."""

    cost_center = serializers.CharField()
    amount = Rounded()


class MoveItem(serializers.Serializer[Any]):
    """Days of a subscription that were moved when they were over; its amount is in the lines."""

    way = serializers.ChoiceField(
        [way.value for way in Way],
        help_text="Seen from the team: `in`, `out`, or `within` it, to another cost center.",
    )
    subscription = serializers.CharField()
    gateway = serializers.CharField()
    from_team = serializers.CharField(allow_blank=True, help_text="Empty: nobody.")
    from_cost_center = serializers.CharField(allow_blank=True)
    to_team = serializers.CharField(allow_blank=True, help_text="Empty: nobody.")
    to_cost_center = serializers.CharField(allow_blank=True)
    from_day = serializers.DateField(help_text="From which day on it was moved.")
    first_day = serializers.DateField(help_text="The first day moved in this month.")
    last_day = serializers.DateField(help_text="The last day moved in this month.")
    recorded_at = serializers.DateTimeField()
    recorded_by = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)
    exact = Exact(source="exact.amount", help_text="Cost of these days as rated now, estimated.")
    amount = Rounded(source="amount.amount", help_text="The same, rounded.")
    unpriced_tokens = serializers.IntegerField(help_text="Without a price: in neither.")


class StatementItem(serializers.Serializer[Any]):
    """What a team is shown for a month. `total` is exactly the sum of the lines' amounts."""

    tenant = serializers.CharField()
    team = serializers.CharField(source="team_slug", help_text="The team's slug.")
    team_name = serializers.CharField(source="team")
    cost_center = serializers.CharField()
    period = Month()
    status = serializers.CharField(help_text="A draft still changes.")
    basis = serializers.CharField()
    currency = serializers.CharField(help_text="ISO 4217, of `amount`, `exact` and `total`.")
    total = Rounded(source="total.amount")
    lines = LineItem(many=True)
    unpriced = StatementGap(many=True)
    unpriced_tokens = serializers.IntegerField()
    cost_centers = serializers.SerializerMethodField()
    exchange_rates = RateUsedItem(source="rates", many=True)
    moves = MoveItem(many=True, help_text="What was moved afterwards. Nothing to add.")
    usage_through = serializers.DateTimeField(
        allow_null=True, help_text="Usage before this instant is in; null: not all gateways read."
    )
    showback_only = serializers.CharField(
        allow_blank=True, help_text="Why the team cannot be charged back for it; empty: it can."
    )
    calls_without_tokens = serializers.IntegerField(
        help_text="Successful calls that the log gave no tokens for: a gap."
    )

    @extend_schema_field(CostCenterSum(many=True))
    def get_cost_centers(self, view: StatementView) -> list[dict[str, Any]]:
        sums = [{"cost_center": name, "amount": cost.amount} for name, cost in view.cost_centers]
        return list(CostCenterSum(sums, many=True).data)


class StatementListQuery(ListQuery):
    team = Name("Only the statements of the team of this slug.")
    month = MonthField(
        required=False,
        help_text=f"Only this month's. If not said, the running month and the "
        f"{MONTHS_SHOWN - 1} before.",
    )


class StatementQuery(Query):
    format = serializers.ChoiceField(
        ["json", "csv"], required=False, help_text="Instead of the header `Accept`."
    )


class Csv(BaseRenderer):
    """Named for the negotiation; the document itself is `billing.documents.csv`'s."""

    media_type = "text/csv"
    format = "csv"
    charset = None
    render_style = "binary"

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        return bytes(data)


class ByParameter(DefaultContentNegotiation):
    """A format asked for by parameter comes before the header; what it may be, the query says."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        asked = request.query_params.get("format")
        for renderer in renderers:
            if renderer.format == asked:
                return renderer, renderer.media_type
        return super().select_renderer(request, renderers, format_suffix)


class Statements(ScopedView):
    needs = "read:statements"

    @operation(
        "listStatements",
        tag="statements",
        summary="The months of teams that have a statement, with totals",
        description="Ordered by month and team. Months without usage have none.",
        scope=needs,
        query=StatementListQuery,
        answer=page_of(StatementListItem),
        example=examples.page(examples.MONTH_OF_TEAM),
        missing="The team to filter by is none, or it is not yours to see.",
    )
    def get(self, request: Request) -> Response:
        query = StatementListQuery.of(request)
        first, end = self._span(query.get("month"))
        part = paging.asked(request, query)
        found = team_months.of_teams(
            self._teams(query.get("team")),
            first_day=first,
            end_day=end,
            most=part.most,
            after=(date.fromisoformat(part.after[0]), part.after[1]) if part.after else None,
        )
        shown, link = paging.page(request, part, found, _key)
        items = [_item(month, request) for month in shown]
        return Response({"next": link, "results": StatementListItem(items, many=True).data})

    def _teams(self, slug: str | None) -> list[int]:
        if slug is not None:
            return [access.one(Team, self.actor, slug=slug).pk]
        return list(access.many(Team, self.actor).values_list("id", flat=True))

    def _span(self, month: date | None) -> tuple[date, date]:
        if month is not None:
            return month, periods.month_of_day(month, "UTC").end_day
        last = self.this_month()
        earliest = last
        for _ in range(MONTHS_SHOWN - 1):
            earliest = earliest.previous()
        return earliest.first_day, last.end_day


class OneStatement(ScopedView):
    needs = "read:statements"
    renderer_classes = [JSONRenderer, Csv]
    content_negotiation_class = ByParameter

    @operation(
        "getStatement",
        tag="statements",
        summary="A team's statement of a month",
        description="As JSON, or as CSV with `Accept: text/csv` or `format=csv`.",
        scope=needs,
        query=StatementQuery,
        path={"slug": "The team's slug.", "month": "A billing month, such as 2026-11."},
        answer={(200, "application/json"): StatementItem, (200, "text/csv"): str},
        example=examples.one(examples.STATEMENT),
    )
    def get(self, request: Request, slug: str, month: str) -> Response | HttpResponse:
        StatementQuery.of(request)
        team = access.one(Team, self.actor, slug=slug)
        period = month_of(month, tenants.billing().zone)
        if period is None:
            raise NotFound(kind="month")
        statement = statements.draft(team, period)
        if request.accepted_renderer.format == Csv.format:
            return _csv(statement)
        return Response(StatementItem(statement).data)


def _csv(statement: StatementView) -> HttpResponse:
    response = HttpResponse(csv.render(statement), content_type=csv.CONTENT_TYPE)
    response["Content-Disposition"] = f'attachment; filename="{csv.file_name(statement)}"'
    return response


def _key(month: TeamMonth) -> paging.Key:
    return month.period.first_day.isoformat(), month.team_slug


def _item(month: TeamMonth, request: Request) -> dict[str, Any]:
    return {
        "team": month.team_slug,
        "period": month.period,
        "status": statements.Status.DRAFT,
        "total": estimated(month.total),
        "tokens": month.tokens,
        "unpriced_tokens": month.unpriced_tokens,
        "url": reverse("api:statement", [month.team_slug, month.period.key], request=request),
    }

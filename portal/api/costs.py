from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import details
from billing.models import RatedDay
from billing.rules.sheet_lines import Kind
from billing.rules.token_classes import TokenClass
from portal.api import examples, paging
from portal.api.answers import page_of
from portal.api.fields import Day, Exact, Month
from portal.api.queries import ListQuery, Name
from portal.api.schema import operation
from portal.api.usage import DimensionsItem, by_series, filtered
from portal.api.views import ScopedView
from tenancy import periods, tenants
from tenancy.money import Basis

LONGEST = timedelta(days=366)


class PriceItem(serializers.Serializer[Any]):
    """The list price that was in force, whatever was charged."""

    unit_price = Exact(help_text="Per single unit of the meter.")
    currency = serializers.CharField(help_text="ISO 4217: the list's.")
    effective_from = serializers.DateTimeField()
    meter_id = serializers.CharField(source="meter.azure_id", help_text="Azure's id of the meter.")
    meter_name = serializers.CharField(source="meter.meter_name")
    region = serializers.CharField(source="meter.region", allow_blank=True)


class SheetUsed(serializers.Serializer[Any]):
    """A line of a price sheet that the price was made with."""

    sheet = serializers.IntegerField(source="sheet_id", help_text="The sheet's id.")
    name = serializers.CharField(source="sheet.name")
    line = serializers.IntegerField(source="number")
    kind = serializers.ChoiceField(list(Kind))
    percent = Exact(allow_null=True, help_text="Off, or on top; null of an exact price.")
    effective_from = serializers.DateTimeField(source="sheet.effective_from")


class RateItem(serializers.Serializer[Any]):
    """The exchange rate that was in force."""

    rate = Exact()
    from_currency = serializers.CharField()
    to_currency = serializers.CharField()
    effective_from = serializers.DateTimeField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field of its own


class CostItem(serializers.Serializer[Any]):
    """What a day's use of one class cost at one price, by the dimensions of its calls.

    `cost` is `quantity` × `unit_price` ÷ `units_per_price` × the exchange rate.
    """

    day = serializers.DateField(help_text="Calendar day of the tenant's time zone.")
    gateway = serializers.CharField(source="subscription.gateway.name")
    subscription = serializers.CharField(source="subscription.name", allow_blank=True)
    team = serializers.CharField(
        source="team_slug", allow_null=True, help_text="Slug of its owner that day; null: nobody."
    )
    deployment = serializers.CharField(source="deployment.name", allow_blank=True)
    host = serializers.CharField(source="deployment.host", allow_blank=True)
    model = serializers.CharField(source="deployment.model", allow_blank=True)
    dimensions = DimensionsItem(source="series")
    token_class = serializers.ChoiceField([one.value for one in TokenClass])
    quantity = serializers.IntegerField(help_text="In `unit`.")
    unit = serializers.SerializerMethodField(help_text="What one of the quantity is.")
    unit_price = Exact(
        allow_null=True,
        help_text="What was charged by, in `price_currency`: the list's price, or what `sheet` and "
        "`markup` made of it. Null: unpriced, or the capacity is paid for and `cost` is 0.",
    )
    price_currency = serializers.CharField(allow_blank=True, help_text="ISO 4217; may be empty.")
    units_per_price = serializers.IntegerField(help_text="1 for most; 3600 seconds of an hour.")
    price = PriceItem(
        allow_null=True, help_text="Null: the list has none, or what was used is not mapped."
    )
    sheet = SheetUsed(
        source="sheet_line", allow_null=True, help_text="An exact price or a discount; null: none."
    )
    markup = SheetUsed(source="markup_line", allow_null=True, help_text="Null: none.")
    exchange_rate = RateItem(
        allow_null=True, help_text="Null where the price's currency is the tenant's, or unpriced."
    )
    list_cost = Exact(
        allow_null=True,
        help_text="What the list would charge: unrounded, in the currency of `price`.",
    )
    cost = Exact(allow_null=True, help_text="Unrounded, in `currency`. Null: unpriced, not zero.")
    currency = serializers.SerializerMethodField(help_text="ISO 4217: the tenant's.")
    basis = serializers.SerializerMethodField()

    def get_unit(self, row: RatedDay) -> str:
        return TokenClass(row.token_class).unit

    def get_currency(self, row: RatedDay) -> str:
        return str(self.context["currency"])

    def get_basis(self, row: RatedDay) -> str:
        return Basis.ESTIMATED


class CostQuery(ListQuery):
    month = Month(required=False, help_text="A billing month, such as 2026-11.")
    from_day = Day(required=False, help_text="Instead of `month`: the first local day.")
    to_day = Day(
        required=False, help_text="With `from_day`: the local day after the last, at most 366 on."
    )
    gateway = Name("Only costs at this gateway.")
    subscription = Name("Only costs of APIM subscriptions of this name.")
    team = Name("Only costs of days on which the team of this slug owned the subscription.")
    deployment = Name("Only costs of deployments of this name.")

    def get_fields(self) -> dict[str, Any]:
        return {**by_series("costs"), **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "month" in attrs:
            if surplus := [name for name in ("from_day", "to_day") if name in attrs]:
                raise serializers.ValidationError({surplus[0]: "Give either this or `month`."})
            after = periods.month_of_day(attrs["month"], "UTC").end_day
            return attrs | {"from_day": attrs["month"], "to_day": after}
        for name in ("from_day", "to_day"):
            if name not in attrs:
                raise serializers.ValidationError({name: "Give this, or `month`."})
        return attrs | _checked(attrs["from_day"], attrs["to_day"])


def _checked(first: date, end: date) -> dict[str, date]:
    if end <= first:
        raise serializers.ValidationError({"to_day": "Give a day after `from_day`."})
    if end - first > LONGEST:
        raise serializers.ValidationError(
            {"to_day": f"Give a day at most {LONGEST.days} days after `from_day`."}
        )
    return {"from_day": first, "to_day": end}


class Costs(ScopedView):
    needs = "read:costs"

    @operation(
        "listCosts",
        tag="costs",
        summary="Costs, day by day",
        description=(
            "Day × subscription × deployment × dimensions × token class × price × sheet × rate, "
            "ordered by day. Of a team and a month, the sum of `cost`, rounded once, is the total "
            "of that team's statement."
        ),
        scope=needs,
        query=CostQuery,
        answer=page_of(CostItem),
        example=examples.page(examples.COST),
        missing="The team to filter by is none, or it is not yours to see.",
    )
    def get(self, request: Request) -> Response:
        query = CostQuery.of(request)
        days = details.costs(self.actor).filter(day__gte=query["from_day"], day__lt=query["to_day"])
        found = filtered(days, query, self)
        rows, link = paging.rows(request, query, found, details.COSTS_ORDER)
        context = {"currency": tenants.billing().currency}
        return Response({"next": link, "results": CostItem(rows, many=True, context=context).data})

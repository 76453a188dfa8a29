from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import details
from billing.models import RatedDay
from billing.rules.token_classes import TokenClass
from portal.api import examples, paging
from portal.api.answers import page_of
from portal.api.fields import Day, Exact, Month
from portal.api.queries import ListQuery, Name
from portal.api.schema import operation
from portal.api.usage import filtered
from portal.api.views import ScopedView
from tenancy import periods, tenants
from tenancy.money import Basis

LONGEST = timedelta(days=366)


class PriceItem(serializers.Serializer[Any]):
    """The list price that was in force."""

    unit_price = Exact(help_text="Per single token.")
    currency = serializers.CharField(help_text="ISO 4217: the list's.")
    effective_from = serializers.DateTimeField()
    meter_id = serializers.CharField(source="meter.azure_id", help_text="Azure's id of the meter.")
    meter_name = serializers.CharField(source="meter.meter_name")
    region = serializers.CharField(source="meter.region", allow_blank=True)


class RateItem(serializers.Serializer[Any]):
    """The exchange rate that was in force."""

    rate = Exact()
    from_currency = serializers.CharField()
    to_currency = serializers.CharField()
    effective_from = serializers.DateTimeField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field of its own


class CostItem(serializers.Serializer[Any]):
    """What a day's tokens of one class cost at one price: quantity × unit price × rate."""

    day = serializers.DateField(help_text="Calendar day of the tenant's time zone.")
    gateway = serializers.CharField(source="subscription.gateway.name")
    subscription = serializers.CharField(source="subscription.name", allow_blank=True)
    team = serializers.CharField(
        source="team_slug", allow_null=True, help_text="Slug of its owner that day; null: nobody."
    )
    deployment = serializers.CharField(source="deployment.name", allow_blank=True)
    host = serializers.CharField(source="deployment.host", allow_blank=True)
    model = serializers.CharField(source="deployment.model", allow_blank=True)
    token_class = serializers.ChoiceField([one.value for one in TokenClass])
    quantity = serializers.IntegerField(help_text="Tokens.")
    price = PriceItem(allow_null=True, help_text="Null: unpriced.")
    exchange_rate = RateItem(
        allow_null=True, help_text="Null where the list's currency is the tenant's, or unpriced."
    )
    list_cost = Exact(allow_null=True, help_text="Unrounded, in the price's currency.")
    cost = Exact(allow_null=True, help_text="Unrounded, in `currency`. Null: unpriced, not zero.")
    currency = serializers.SerializerMethodField(help_text="ISO 4217: the tenant's.")
    basis = serializers.SerializerMethodField()

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
            "Day × subscription × deployment × token class × price × exchange rate, ordered by "
            "day. Of a team and a month, the sum of `cost`, rounded once, is the total of that "
            "team's statement."
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

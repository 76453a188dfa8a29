from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.prices import estimates
from billing.prices.estimates import MOST_MODELS, Answer, Asked, Estimate
from billing.prices.throughput import Way
from billing.rules import estimating as rules
from billing.rules.estimating import BreakEven
from billing.rules.offers import DeploymentType
from billing.rules.token_classes import TokenClass
from portal import estimating
from portal.api import examples
from portal.api.estimate_example import ESTIMATE
from portal.api.fields import Exact
from portal.api.queries import Name, Query
from portal.api.schema import operation
from portal.api.views import ScopedView
from portal.estimating import NUMBERS, Number
from tenancy import clock, tenants


class EstimatePriceItem(serializers.Serializer[Any]):
    """A call's tokens of one class, and the meter that prices them."""

    token_class = serializers.ChoiceField([one.value for one in TokenClass])
    tokens = serializers.IntegerField(help_text="Of a call.")
    meter_id = serializers.CharField(source="azure_id", help_text="Azure's id of the meter.")
    meter_name = serializers.CharField()
    product = serializers.CharField()
    region = serializers.CharField()
    unit_price = Exact(help_text="Per token, on your terms.")
    list_unit_price = Exact(allow_null=True, help_text="Per token, as listed. Null: not known.")
    since = serializers.DateTimeField(help_text="Since when this price is in force.")
    sheet = serializers.CharField(allow_blank=True, help_text="The price sheet that made it.")


class EstimatePartItem(serializers.Serializer[Any]):
    token_class = serializers.ChoiceField([one.value for one in TokenClass])
    quantity = Exact(help_text="Tokens of the month; with growth not always whole.")
    cost = Exact(help_text="Unrounded.")


class EstimateMonthItem(serializers.Serializer[Any]):
    """One calendar month."""

    month = serializers.CharField(help_text="Such as 2026-12.")
    calls = Exact(help_text="With growth not always whole.")
    cost = Exact(help_text="Unrounded: the sum of its classes.")
    classes = EstimatePartItem(many=True, source="parts")


class BreakEvenItem(serializers.Serializer[Any]):
    """The fewest calls a month from which PTUs cost no more than paying by use."""

    calls = serializers.IntegerField()
    units = serializers.IntegerField(help_text="PTUs that serve them.")
    most_calls = serializers.IntegerField(
        source="most", allow_null=True, help_text="Calls that these PTUs serve; null: any number."
    )
    used = serializers.SerializerMethodField(
        help_text="Share of the PTUs used at the peak, 0 to 1, to six places."
    )

    def get_used(self, one: BreakEven) -> str:
        return Exact().to_representation(
            round(Decimal(one.used.numerator) / one.used.denominator, 6)
        )


class WayItem(serializers.Serializer[Any]):
    """One way to pay for PTUs."""

    paid = serializers.CharField(source="price.label")
    unit_price = Exact(
        source="price.amount", allow_null=True, help_text="Of a PTU, per hour, month or year."
    )
    per = serializers.CharField(source="price.per")
    absent = serializers.CharField(
        source="price.absent", allow_blank=True, help_text="Why there is no price."
    )
    meter_id = serializers.CharField(source="price.azure_id", allow_blank=True)
    meter_name = serializers.CharField(source="price.meter_name", allow_blank=True)
    since = serializers.DateTimeField(source="price.since", allow_null=True)
    sheet = serializers.CharField(source="price.sheet", allow_blank=True)
    units = serializers.ListField(child=serializers.IntegerField(), help_text="PTUs of each month.")
    months = serializers.ListField(
        child=cast(Any, Exact()), help_text="Cost of each month; empty without a price."
    )
    total = serializers.SerializerMethodField(help_text="All months; null without a price.")
    break_even = BreakEvenItem(allow_null=True, help_text="Null: never, or no price.")

    def get_total(self, way: Way) -> str | None:
        return None if way.whole is None else Exact().to_representation(way.whole)


class ProvisionedItem(serializers.Serializer[Any]):
    """What provisioned throughput for the load would cost."""

    missing = serializers.CharField(
        allow_blank=True, help_text="Why no size can be told, and what to give."
    )
    figures_from = serializers.CharField(source="stated", allow_blank=True)
    input_tpm = Exact(source="capacity.input_tpm", allow_null=True, help_text="Of one PTU.")
    output_weight = Exact(source="capacity.output_weight", allow_null=True)
    minimum_units = serializers.IntegerField(source="capacity.minimum", allow_null=True)
    unit_increment = serializers.IntegerField(source="capacity.increment", allow_null=True)
    ways = WayItem(many=True)


class EstimateDetail(serializers.Serializer[Any]):
    """What the load costs with one model."""

    currency = serializers.CharField(help_text="ISO 4217: of every amount in here.")
    converted = serializers.BooleanField(
        help_text="False: there is no exchange rate to your currency, amounts are as listed."
    )
    prices = EstimatePriceItem(many=True)
    months = serializers.SerializerMethodField(help_text="Each month, in order.")
    total = Exact(source="whole.cost", help_text="All months, unrounded.")
    list_total = serializers.SerializerMethodField(
        help_text="The same at list price; null where one is not known."
    )
    notes = serializers.ListField(child=serializers.CharField())
    provisioned = ProvisionedItem()

    @extend_schema_field(EstimateMonthItem(many=True))
    def get_months(self, one: Estimate) -> Any:
        days = self.context["asked"].load.first_days
        rows = [
            {
                "month": f"{day:%Y-%m}",
                "calls": month.calls,
                "cost": month.cost,
                "parts": month.parts,
            }
            for day, month in zip(days, one.months, strict=True)
        ]
        return EstimateMonthItem(rows, many=True).data

    def get_list_total(self, one: Estimate) -> str | None:
        if one.at_list is None:
            return None
        return Exact().to_representation(rules.whole(one.at_list).cost)


class RefusedItem(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField(source="*", help_text="What is missing, and what to do.")


class EstimateAnswerItem(serializers.Serializer[Any]):
    """One model: its estimate, or why there is none."""

    model = serializers.CharField(source="asked", help_text="As asked.")
    estimate = EstimateDetail(allow_null=True)
    refused = RefusedItem(allow_null=True)


class EstimateItem(serializers.Serializer[Any]):
    """The models in the order asked."""

    deployment_type = serializers.ChoiceField(
        [one.value for one in DeploymentType], source="asked.deployment_type"
    )
    region = serializers.CharField(source="asked.region")
    results = EstimateAnswerItem(many=True)


def _field(number: Number) -> serializers.CharField:
    usual = f" {number.default} if not said." if number.default else ""
    return serializers.CharField(
        required=False,
        max_length=20,
        help_text=f"{number.label}. {number.hint} {number.says}{usual}",
    )


class EstimateQuery(Query):
    model = serializers.CharField(
        required=False,
        max_length=600,
        help_text=f"Up to {MOST_MODELS} models as the price list has them, with commas between: "
        "gpt-5,gpt-4o@0806.",
    )
    deployment_type = serializers.ChoiceField(
        [one.value for one in DeploymentType],
        required=False,
        help_text="GlobalStandard if not said.",
    )
    region = serializers.CharField(
        required=False, max_length=120, help_text="As Azure names it, such as swedencentral."
    )
    subscription = Name(
        "A gateway and an APIM subscription, as apim-prod/search: what is not said is taken from "
        "its last month."
    )
    team = Name(
        "The slug of a team: what is not said is taken from the last month of what it owns."
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """The choice, and every number that the calculator asks for."""
        return super().get_fields() | {number.name: _field(number) for number in NUMBERS}


class Estimates(ScopedView):
    needs = "read:prices"

    @operation(
        "getEstimate",
        tag="prices",
        summary="What calls would cost",
        description=(
            "Monthly cost of a load with up to four models, at the prices in force now: by use, "
            "class by class with the meters used, and with provisioned throughput (PTUs) by the "
            "hour and reserved, with the break-even. Nothing is stored. A model for which the "
            "price list leaves something open has `refused` in place of `estimate`."
        ),
        scope=needs,
        query=EstimateQuery,
        answer=EstimateItem,
        example=examples.one(ESTIMATE),
        missing="The team or subscription to take the load from is none, or not yours to see.",
    )
    def get(self, request: Request) -> Response:
        query = EstimateQuery.of(request)
        asked = self._asked(query)
        answers = estimates.estimate(asked, at=clock.now(), currency=tenants.billing().currency)
        shown = {"asked": asked, "results": [_shown(one) for one in answers]}
        return Response(EstimateItem(shown, context={"asked": asked}).data)

    def _asked(self, query: dict[str, Any]) -> Asked:
        now = clock.now()
        filled = estimating.filled(
            self.actor,
            subscription=query.get("subscription", ""),
            team=query.get("team", ""),
            at=now,
        )
        mix = filled.mix if filled else None
        choice = estimating.chosen(
            [query.get("model", "")],
            deployment_type=query.get("deployment_type", ""),
            region=query.get("region", ""),
            mix=mix,
        )
        question = estimating.question(choice, estimating.texts(query, mix), at=now)
        if question.asked is None:
            raise serializers.ValidationError(
                {name: [says] for name, says in question.faults.items()}
            )
        return question.asked


def _shown(answer: Answer) -> dict[str, object]:
    return {"asked": answer.asked, "estimate": answer.estimate, "refused": answer.refused}

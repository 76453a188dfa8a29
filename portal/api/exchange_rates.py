from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import exchange
from billing.exchange import Quoted
from billing.models import ExchangeRate, RateOrigin
from portal import rights
from portal.api import examples, paging
from portal.api.answers import page_of
from portal.api.fields import Exact
from portal.api.plans import Planned, PlannedItem, planned
from portal.api.queries import ListQuery, Query
from portal.api.schema import operation
from portal.api.views import ScopedView
from tenancy import access, clock

_MOST = 1000


class ExchangeRateItem(serializers.Serializer[Any]):
    """One unit of a currency in another, from an instant on to the next rate's start."""

    from_currency = serializers.CharField()
    to_currency = serializers.CharField()
    rate = Exact()
    effective_from = serializers.DateTimeField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field of its own
    origin = serializers.ChoiceField(RateOrigin.values)


class QuotedItem(serializers.Serializer[Any]):
    from_currency = serializers.RegexField(r"^[A-Z]{3}$", help_text="ISO 4217.")
    to_currency = serializers.RegexField(r"^[A-Z]{3}$", help_text="ISO 4217.")
    rate = serializers.DecimalField(
        max_digits=18,
        decimal_places=9,
        min_value=Decimal("0.000000001"),
        help_text="What one unit is worth, above 0, at most 9 decimals.",
    )
    effective_from = serializers.DateTimeField(help_text="With its offset from UTC.")
    source = serializers.CharField(  # type: ignore[assignment]  # a field of its own
        max_length=200, help_text="Where it was taken from."
    )


class RatesBody(Planned):
    rates = serializers.ListField(
        child=QuotedItem(), allow_empty=False, max_length=_MOST, help_text=f"At most {_MOST}."
    )
    origin = serializers.ChoiceField(
        RateOrigin.values, default=RateOrigin.FILE, help_text="How they came here."
    )


class ExchangeRates(ScopedView):
    needs = "read:prices"
    writes = "write:prices"
    http_method_names = ["get", "head", "post"]

    @operation(
        "listExchangeRates",
        tag="prices",
        summary="Exchange rates",
        description="By the instant from which they hold.",
        scope=needs,
        query=ListQuery,
        answer=page_of(ExchangeRateItem),
        example=examples.page(examples.EXCHANGE_RATE),
    )
    def get(self, request: Request) -> Response:
        query = ListQuery.of(request)
        rights.see_prices(self.actor)
        found = access.many(ExchangeRate, self.actor)
        rows, link = paging.rows(request, query, found, ("effective_from", "id"))
        return Response({"next": link, "results": ExchangeRateItem(rows, many=True).data})

    @operation(
        "setExchangeRates",
        tag="prices",
        summary="Set exchange rates",
        description="Without `plan` it tells the effect and changes nothing.",
        scope=writes,
        body=RatesBody,
        answer=PlannedItem,
        example=examples.one(examples.PLANNED),
    )
    def post(self, request: Request) -> Response:
        Query.of(request)
        rights.change_prices(self.actor)
        body = RatesBody(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        quoted = tuple(Quoted(**one) for one in said["rates"])
        return planned(
            "exchange-rates.set",
            {"rates": [str(one) for one in quoted], "origin": said["origin"]},
            said.get("plan"),
            lambda: exchange.set_rates(
                quoted,
                origin=RateOrigin(said["origin"]),
                by=self.actor.email,
                at=clock.now(),
            ),
        )

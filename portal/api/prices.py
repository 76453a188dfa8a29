from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.models import Meter, Price, PriceChange
from billing.prices import changes, listing, meters, suspects
from billing.prices.changes import Kind, Meters
from billing.prices.suspects import State, Suspect, Verdict
from billing.rules.meters.reading import Reading
from portal import rights
from portal.api import examples, paging, price_examples
from portal.api.answers import page_of
from portal.api.fields import Exact
from portal.api.plans import Planned, PlannedItem, planned
from portal.api.queries import ListQuery, Name, Query
from portal.api.schema import operation
from portal.api.views import ScopedView
from tenancy import clock

_WHOSE = "`used`: only meters that a mapping of this tenant names."


class MeterItem(serializers.Serializer[Any]):
    """A meter of Azure's price list. Public: the same for every tenant, but for `used`."""

    id = serializers.CharField(source="azure_id", help_text="Azure's own id of the meter.")
    name = serializers.CharField(source="meter_name")
    product = serializers.CharField(source="product_name", allow_blank=True)
    sku = serializers.CharField(source="sku_name", allow_blank=True)
    service = serializers.CharField(source="service_name", allow_blank=True)
    region = serializers.CharField(allow_blank=True)
    unit_of_measure = serializers.CharField(help_text="What a listed price is for, such as 1M.")
    vanished_at = serializers.DateTimeField(
        allow_null=True, help_text="Since when the list has not named it; null: it does."
    )


class MeterRow(MeterItem):
    """The meter, and whether it is used here."""

    used = serializers.BooleanField(help_text="A mapping of this tenant names it.")


class DoubtItem(serializers.Serializer[Any]):
    """Why a price is held back."""

    rule = serializers.CharField(help_text="The rule that it breaks.")
    says = serializers.CharField(help_text="One sentence with the figures.")


class ListedPriceItem(serializers.Serializer[Any]):
    """A price of the list, as one of its loads stated it."""

    id = serializers.IntegerField(source="pk")
    listed_price = Exact(help_text="As published, per `unit_of_measure`.")
    unit_of_measure = serializers.CharField()
    unit_price = Exact(help_text="Per single unit.")
    currency = serializers.CharField(help_text="ISO 4217. Charged is by USD alone.")
    effective_from = serializers.DateTimeField()
    type = serializers.CharField(source="price_type", help_text="Consumption or Reservation.")
    reservation_term = serializers.CharField(
        allow_blank=True, help_text="A reservation's price is for this whole term."
    )
    tier_minimum_units = Exact(help_text="Above 0: never charged by, bands of volume.")
    load = serializers.IntegerField(source="run_id", help_text="The load that stated it.")
    doubts = DoubtItem(many=True, help_text="Not empty: suspect, held back.")


class ChangeItem(serializers.Serializer[Any]):
    """One change that a load of the list brought."""

    id = serializers.IntegerField(source="pk")
    load = serializers.IntegerField(source="run_id")
    loaded_at = serializers.DateTimeField(source="run.started_at")
    kind = serializers.ChoiceField(Kind.choices)
    meter = MeterItem()
    used = serializers.BooleanField(help_text="A mapping of this tenant names the meter.")
    before = ListedPriceItem(allow_null=True, help_text="What was in force or stated before.")
    price = ListedPriceItem(allow_null=True, help_text="What the load stated.")
    ratio = serializers.SerializerMethodField(
        help_text="The price as so many times the one before; null: nothing to compare."
    )
    described = serializers.SerializerMethodField(
        help_text="For `renamed`: what is described anew, `before` and `after`; else null."
    )

    def get_ratio(self, row: PriceChange) -> str | None:
        ratio = row.detail.get("ratio")
        return None if ratio is None else str(ratio)

    def get_described(self, row: PriceChange) -> dict[str, Any] | None:
        return row.detail if row.kind == Kind.RENAMED else None


class ChangesQuery(ListQuery):
    kind = serializers.ChoiceField(Kind.choices, required=False, help_text="Only this kind.")
    after_load = serializers.IntegerField(
        required=False, min_value=0, max_value=2**62, help_text="Only loads after this one."
    )
    product = Name("Only meters of this product.")
    text = Name("Only meters with each of these words in name, product, region or id.")
    meters = serializers.ChoiceField(list(Meters), required=False, help_text=_WHOSE)


class PriceChanges(ScopedView):
    needs = "read:prices"

    @operation(
        "listPriceChanges",
        tag="prices",
        summary="What changed in the price list",
        description="Ordered by load, the oldest first: new rows come at the end.",
        scope=needs,
        query=ChangesQuery,
        answer=page_of(ChangeItem),
        example=examples.page(price_examples.PRICE_CHANGE),
    )
    def get(self, request: Request) -> Response:
        query = ChangesQuery.of(request)
        rights.see_prices(self.actor)
        found = changes.recorded(
            kinds=frozenset({Kind(query["kind"])} if "kind" in query else ()),
            after_load=query.get("after_load"),
            product=query.get("product", ""),
            text=query.get("text", ""),
            meters=Meters(query.get("meters", Meters.ALL)),
        )
        rows, link = paging.rows(request, query, found, changes.ORDER)
        return Response({"next": link, "results": ChangeItem(rows, many=True).data})


class MetersQuery(ListQuery):
    text = Name("Only meters with each of these words in name, product, region or id.")
    product = Name("Only meters of this product.")
    region = Name("Only meters of this region, as Azure writes it.")
    meters = serializers.ChoiceField(list(Meters), required=False, help_text=_WHOSE)


class MeterList(ScopedView):
    needs = "read:prices"

    @operation(
        "listMeters",
        tag="prices",
        summary="The meters of the price list",
        description="Ordered by id.",
        scope=needs,
        query=MetersQuery,
        answer=page_of(MeterRow),
        example=examples.page(price_examples.METER),
    )
    def get(self, request: Request) -> Response:
        query = MetersQuery.of(request)
        rights.see_prices(self.actor)
        found = listing.meters(
            text=query.get("text", ""),
            product=query.get("product", ""),
            region=query.get("region", ""),
            which=Meters(query.get("meters", Meters.ALL)),
        )
        rows, link = paging.rows(request, query, found, listing.ORDER)
        return Response({"next": link, "results": MeterRow(rows, many=True).data})


class WordItem(serializers.Serializer[Any]):
    """A word of a meter's name and what it means."""

    word = serializers.CharField()
    meaning = serializers.CharField()


class LineItem(serializers.Serializer[Any]):
    """A line of a price sheet."""

    sheet = serializers.CharField(source="sheet.name")
    line = serializers.IntegerField(source="number")


class TermItem(serializers.Serializer[Any]):
    """A span of time in which nothing about the price changes, for this tenant."""

    since = serializers.DateTimeField(source="term.starts")
    until = serializers.DateTimeField(
        source="term.ends", allow_null=True, help_text="Its end, not included; null: none known."
    )
    list_unit_price = Exact(
        source="term.list_unit_price",
        allow_null=True,
        help_text="The list's, in USD per single unit; null: none is believed.",
    )
    unit_price = Exact(
        source="term.unit_price",
        allow_null=True,
        help_text="What is charged per single unit, in `currency`; null: unpriced.",
    )
    currency = serializers.CharField(source="term.currency", allow_null=True)
    price = serializers.IntegerField(
        source="term.price_id", allow_null=True, help_text="Id of the list's price."
    )
    sheet_line = LineItem(source="line", allow_null=True, help_text="What made the price.")
    markup_line = LineItem(source="markup", allow_null=True, help_text="What was put on top.")


class MeterDetail(MeterRow):
    """The meter with what its name says, its prices, and what it is charged at here."""

    reading = serializers.SerializerMethodField(
        help_text="What the name says, word by word; null: it cannot be relied on."
    )
    prices = serializers.SerializerMethodField(help_text="All that loads stated, newest first.")
    terms = serializers.SerializerMethodField(help_text="What is charged here, newest first.")

    def get_reading(self, row: Meter) -> list[dict[str, str]] | None:
        says = meters.read(row)
        if not isinstance(says, Reading):
            return None
        return [{"word": one.word, "meaning": one.meaning} for one in says.explanation]

    def get_prices(self, row: Meter) -> Any:
        return ListedPriceItem(
            row.prices.order_by("-effective_from", "-run_id", "-id"), many=True
        ).data

    def get_terms(self, row: Meter) -> Any:
        return TermItem(listing.charged(row), many=True).data


class OneMeter(ScopedView):
    needs = "read:prices"

    @operation(
        "getMeter",
        tag="prices",
        summary="One meter: its prices over time, and what it is charged at here",
        scope=needs,
        path={"azure_id": "Azure's id of the meter."},
        answer=MeterDetail,
        example=examples.one(price_examples.METER_DETAIL),
        missing="The price list has never named such a meter.",
    )
    def get(self, request: Request, azure_id: str) -> Response:
        Query.of(request)
        rights.see_prices(self.actor)
        return Response(MeterDetail(listing.meter(azure_id)).data)


class DecisionItem(serializers.Serializer[Any]):
    """What a person of this tenant said of a suspect price."""

    verdict = serializers.ChoiceField(Verdict.values)
    by = serializers.CharField(source="decided_by")
    at = serializers.DateTimeField(source="decided_at")
    reason = serializers.CharField()


class SuspectItem(serializers.Serializer[Any]):
    """A price that is held back, with what stays in force instead."""

    id = serializers.IntegerField(source="price.pk")
    meter = MeterItem(source="price.meter")
    price = ListedPriceItem()
    former = ListedPriceItem(
        allow_null=True, help_text="What stays in force; null: nothing, unpriced."
    )
    used = serializers.BooleanField(help_text="A mapping of this tenant names the meter.")
    state = serializers.ChoiceField([one.value for one in State])
    decision = DecisionItem(allow_null=True, help_text="Null: nobody has decided here.")


class SuspectsQuery(ListQuery):
    state = serializers.ChoiceField(
        [one.value for one in State], required=False, help_text="What was decided here."
    )
    rule = Name("Only prices that break this rule.")
    text = Name("Only meters with each of these words in name, product, region or id.")
    meters = serializers.ChoiceField(list(Meters), required=False, help_text=_WHOSE)


class SuspectPrices(ScopedView):
    needs = "read:prices"

    @operation(
        "listSuspectPrices",
        tag="prices",
        summary="Prices that are held back as doubtful",
        description="Ordered by id: new ones come at the end. A decision counts in its tenant.",
        scope=needs,
        query=SuspectsQuery,
        answer=page_of(SuspectItem),
        example=examples.page(price_examples.SUSPECT),
    )
    def get(self, request: Request) -> Response:
        query = SuspectsQuery.of(request)
        rights.see_prices(self.actor)
        found = suspects.listed(
            state=State(query["state"]) if "state" in query else None,
            rule=query.get("rule", ""),
            text=query.get("text", ""),
            meters=Meters(query.get("meters", Meters.ALL)),
        )
        rows: list[Price]
        rows, link = paging.rows(request, query, found, suspects.ORDER)
        shown: tuple[Suspect, ...] = suspects.shown(rows)
        return Response({"next": link, "results": SuspectItem(shown, many=True).data})


class OneSuspect(ScopedView):
    needs = "read:prices"

    @operation(
        "getSuspectPrice",
        tag="prices",
        summary="One price that is held back",
        scope=needs,
        path={"price": "Id of the price."},
        answer=SuspectItem,
        example=examples.one(price_examples.SUSPECT),
        missing="There is no such price, or it is not held back.",
    )
    def get(self, request: Request, price: int) -> Response:
        Query.of(request)
        rights.see_prices(self.actor)
        return Response(SuspectItem(suspects.one(price)).data)


class DecisionBody(Planned):
    verdict = serializers.ChoiceField(
        Verdict.values, help_text="Accepted: it is in force here from its start."
    )
    reason = serializers.CharField(max_length=2000, help_text="Why; kept in the audit log.")


class Decision(ScopedView):
    needs = "write:prices"
    http_method_names = ["post"]

    @operation(
        "decideSuspectPrice",
        tag="prices",
        summary="Accept or reject a price that is held back",
        description="For finance and administrators. The same again changes nothing.",
        scope=needs,
        path={"price": "Id of the price."},
        body=DecisionBody,
        answer=PlannedItem,
        example=examples.one(examples.PLANNED),
        missing="There is no such price.",
    )
    def post(self, request: Request, price: int) -> Response:
        Query.of(request)
        rights.change_prices(self.actor)
        body = DecisionBody(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        verdict, reason = Verdict(given["verdict"]), given["reason"]
        return planned(
            "price.decide",
            {"price": price, "verdict": verdict.value, "reason": reason},
            given.get("plan"),
            lambda: suspects.decide(
                price, verdict, by=self.actor.email, at=clock.now(), reason=reason
            ),
        )

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import capacity_month, reservations
from billing.capacity_month import DeploymentMonth, ReservationMonth
from billing.models import Reservation
from billing.price_terms import LIST_CURRENCY
from billing.reservations import Wish
from billing.rules.capacity import Kind, Pool, Term
from billing.rules.meters.meanings import Scope
from portal import rights
from portal.api import examples, paging
from portal.api.answers import ExactMoney, Month, page_of
from portal.api.fields import Exact, Instant
from portal.api.fields import Month as MonthField
from portal.api.plans import Planned, PlannedItem, planned
from portal.api.queries import ListQuery, Query
from portal.api.schema import operation
from portal.api.views import ScopedView
from tenancy import access, clock, periods, tenants
from tenancy.money import Basis, Money

_SCOPES = [one.value for one in (Scope.GLOBAL, Scope.DATA_ZONE, Scope.REGIONAL)]
_TERMS = [term.value for term in Term]
_MINUTES = "Units × minutes; sixty are a unit-hour."


class UsedByItem(serializers.Serializer[Any]):
    team = serializers.CharField(allow_null=True, help_text="Slug; null: nobody owned it.")
    tokens = serializers.IntegerField(help_text="Processed on it; not yet charged.")


class CapacityItem(serializers.Serializer[Any]):
    """One deployment's capacity in a month. Not yet charged to teams."""

    gateway = serializers.CharField()
    host = serializers.CharField(allow_blank=True)
    deployment = serializers.CharField(allow_blank=True)
    model = serializers.CharField(allow_blank=True)
    kind = serializers.ChoiceField([kind.value for kind in Kind])
    region = serializers.CharField(allow_blank=True)
    meters = serializers.ListField(child=serializers.CharField(), help_text="Names.")
    unit_minutes = serializers.IntegerField(help_text=_MINUTES)
    covered_unit_minutes = serializers.IntegerField(help_text="Of them covered by reservations.")
    unpriced_unit_minutes = serializers.IntegerField(help_text="Of them without a price.")
    hourly = ExactMoney(allow_null=True, help_text="Hours beyond reservations; null: unpriced.")
    reserved = ExactMoney(help_text="Its share of reservations.")
    list_cost = ExactMoney(allow_null=True, help_text="All hours at the list's price.")
    tokens = serializers.IntegerField(help_text="Processed on it in the month.")
    by_use = ExactMoney(
        allow_null=True, help_text="The same tokens by use; null: there is nothing to compare."
    )
    used_by = UsedByItem(many=True, help_text="Most tokens first.")


class ReservationMonthItem(serializers.Serializer[Any]):
    """One reservation in a month: its price spread evenly over its term."""

    name = serializers.CharField()
    units = serializers.IntegerField()
    used_unit_minutes = serializers.IntegerField(help_text=_MINUTES)
    unused_unit_minutes = serializers.IntegerField(help_text="Reserved, and used by nobody.")
    used = ExactMoney(allow_null=True, help_text="Null: no exchange rate at the purchase.")
    unused = ExactMoney(allow_null=True, help_text="Null: no exchange rate at the purchase.")


class CapacityMonthItem(serializers.Serializer[Any]):
    period = Month()
    deployments = CapacityItem(many=True)
    reservations = ReservationMonthItem(many=True)


class CapacityQuery(Query):
    month = MonthField(required=False, help_text="Such as 2026-11. Left out: the present one.")


class ReservationItem(serializers.Serializer[Any]):
    """Throughput units bought for a term."""

    name = serializers.CharField()
    units = serializers.IntegerField()
    scope = serializers.ChoiceField(_SCOPES)
    region = serializers.CharField()
    term = serializers.ChoiceField(_TERMS)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    unit_price = Exact(help_text="Per unit, for the whole term.")
    currency = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field of its own
    withdrawn = serializers.SerializerMethodField(help_text="Entered wrongly: it counts nothing.")

    def get_withdrawn(self, row: Reservation) -> bool:
        return row.withdrawn_at is not None


class ReservationBody(Planned):
    name = serializers.CharField(max_length=120)
    units = serializers.IntegerField(min_value=1, max_value=1_000_000)
    scope = serializers.ChoiceField(_SCOPES)
    region = serializers.RegexField(r"^[a-z0-9]{2,64}$", help_text="Such as swedencentral.")
    term = serializers.ChoiceField(_TERMS)
    starts_at = Instant(help_text="With its offset from UTC.")
    unit_price = serializers.DecimalField(
        max_digits=24,
        decimal_places=12,
        min_value=Decimal(0),
        required=False,
        help_text="Per unit, for the whole term. Left out: the price list's.",
    )
    currency = serializers.RegexField(
        r"^[A-Z]{3}$", default=LIST_CURRENCY, help_text="Of the price, ISO 4217."
    )
    source = serializers.CharField(  # type: ignore[assignment]  # a field of its own
        max_length=200, default="", allow_blank=True, help_text="What it is taken from."
    )


class Capacity(ScopedView):
    needs = "read:prices"

    @operation(
        "getCapacity",
        tag="prices",
        summary="What provisioned throughput, hosting and reservations cost in a month",
        description="Paid by the hour, used or not; not yet charged to teams.",
        scope=needs,
        query=CapacityQuery,
        answer=CapacityMonthItem,
        example=examples.one(examples.CAPACITY),
    )
    def get(self, request: Request) -> Response:
        query = CapacityQuery.of(request)
        rights.see_prices(self.actor)
        first: date | None = query.get("month")
        zone = tenants.billing().zone
        period = periods.month_of_day(first, zone) if first else self.this_month()
        found = capacity_month.of(period, at=clock.now())
        return Response(
            CapacityMonthItem(
                {
                    "period": period,
                    "deployments": [_deployment(one) for one in found.deployments],
                    "reservations": [_reservation(one) for one in found.reservations],
                }
            ).data
        )


class Reservations(ScopedView):
    needs = "read:prices"
    writes = "write:prices"
    http_method_names = ["get", "head", "post"]

    @operation(
        "listReservations",
        tag="prices",
        summary="Reservations of throughput units",
        description="By their start.",
        scope=needs,
        query=ListQuery,
        answer=page_of(ReservationItem),
        example=examples.page(examples.RESERVATION),
    )
    def get(self, request: Request) -> Response:
        query = ListQuery.of(request)
        rights.see_prices(self.actor)
        found = access.many(Reservation, self.actor)
        rows, link = paging.rows(request, query, found, ("starts_at", "id"))
        return Response({"next": link, "results": ReservationItem(rows, many=True).data})

    @operation(
        "purchaseReservation",
        tag="prices",
        summary="Enter a reservation that was bought",
        description="Without `plan` it tells the effect and changes nothing.",
        scope=writes,
        body=ReservationBody,
        answer=PlannedItem,
        example=examples.one(examples.PLANNED),
    )
    def post(self, request: Request) -> Response:
        Query.of(request)
        rights.change_prices(self.actor)
        body = ReservationBody(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        wish, now = _wish(said), clock.now()
        return planned(
            "reservation.purchase",
            {"wish": str(wish)},
            said.get("plan"),
            lambda: reservations.purchase(wish, by=self.actor.email, at=now),
        )


def _wish(said: dict[str, Any]) -> Wish:
    return Wish(
        name=said["name"],
        units=said["units"],
        pool=Pool(Scope(said["scope"]), said["region"]),
        term=Term(said["term"]),
        starts_at=said["starts_at"],
        unit_price=said.get("unit_price"),
        currency=said["currency"],
        source=said["source"],
    )


def _deployment(one: DeploymentMonth) -> dict[str, object]:
    deployed = one.deployment
    return {
        "gateway": deployed.gateway.name,
        "host": deployed.host,
        "deployment": deployed.name,
        "model": deployed.model,
        "kind": one.kind.value,
        "region": deployed.region,
        "meters": one.meters,
        "unit_minutes": one.unit_minutes,
        "covered_unit_minutes": one.covered_minutes,
        "unpriced_unit_minutes": one.unpriced_minutes,
        "hourly": _money(one.hourly, Basis.ESTIMATED),
        "reserved": _money(one.covered_cost, Basis.AMORTIZED),
        "list_cost": _money(one.list_cost, Basis.LIST),
        "tokens": one.tokens,
        "by_use": _money(one.compared.cost, Basis.ESTIMATED),
        "used_by": [{"team": use.slug, "tokens": use.tokens} for use in one.used_by],
    }


def _reservation(one: ReservationMonth) -> dict[str, object]:
    return {
        "name": one.reservation.name,
        "units": one.reservation.units,
        "used_unit_minutes": one.used_minutes,
        "unused_unit_minutes": one.unused_minutes,
        "used": _money(one.used, Basis.AMORTIZED),
        "unused": _money(one.unused, Basis.AMORTIZED),
    }


def _money(money: Money | None, basis: Basis) -> dict[str, object] | None:
    if money is None:
        return None
    return {"amount": money.amount, "currency": money.currency, "basis": basis}

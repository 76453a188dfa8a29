from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from inventory.models import GatewayState, Subscription, Team
from portal.api import examples, paging, quota_items, situations
from portal.api.answers import ExactMoney, Month, page_of
from portal.api.fields import Exact
from portal.api.queries import ListQuery, Name, Query
from portal.api.schema import operation
from portal.api.views import ScopedView
from tenancy import access, clock

_OF_OWNERSHIP = ("environment", "application")


class MonthlyItem(serializers.Serializer[Any]):
    """Its own limit of cost in a billing month (or its product's), in force now."""

    amount = Exact(source="limit")
    currency = serializers.CharField(help_text="ISO 4217.")
    hardness = serializers.ChoiceField(
        ["soft", "hard"], help_text="A soft one warns, a hard one suspends."
    )
    source = serializers.CharField(  # type: ignore[assignment]  # a field of its own
        help_text="What sets it: the product, or this subscription."
    )


class ThisMonthItem(serializers.Serializer[Any]):
    period = Month()
    spent = ExactMoney(allow_null=True, help_text="Null: no usage yet.")
    tokens = serializers.IntegerField()
    unpriced_tokens = serializers.IntegerField(help_text="Tokens without a price: not in `spent`.")
    usage_through = serializers.DateTimeField(
        allow_null=True, help_text="Usage of the gateway before this instant is in; null: none yet."
    )


class SuspensionItem(serializers.Serializer[Any]):
    """Why Apportion suspended it, and what that rested on."""

    since = serializers.DateTimeField()
    reason = serializers.CharField()
    evidence = serializers.DictField(
        help_text="What the decision rested on, such as cost, limit, period and usage_through."
    )


class SubscriptionItem(serializers.Serializer[Any]):
    gateway = serializers.CharField()
    name = serializers.CharField(
        allow_blank=True, help_text="Empty for calls that came without a subscription."
    )
    display_name = serializers.CharField(allow_blank=True)
    product = serializers.CharField(allow_null=True)
    team = serializers.CharField(allow_null=True, help_text="Slug of its owner; null: nobody.")
    cost_center = serializers.CharField(
        allow_null=True,
        help_text="Code of the one that bears its cost today: the team's own, or another.",
    )
    environment = serializers.CharField(allow_blank=True, help_text="Such as production.")
    application = serializers.CharField(allow_blank=True, help_text="What it is used for.")
    state = serializers.ChoiceField(GatewayState.choices, help_text="As last seen at the gateway.")
    listed = serializers.BooleanField(help_text="Whether the gateway has it now.")
    seen_at = serializers.DateTimeField()
    limit = MonthlyItem(allow_null=True, help_text="Of cost in a month; null: none is in force.")
    binding = quota_items.LimitItem(
        allow_null=True, help_text="Of all its limits the one that binds; null: nothing limits it."
    )
    this_month = ThisMonthItem()
    suspension = SuspensionItem(
        allow_null=True, help_text="Null unless Apportion itself holds it suspended."
    )
    limits_url = serializers.URLField(
        allow_null=True, help_text="All its limits; null where it has no name."
    )
    url = serializers.URLField(allow_null=True, help_text="Null where it has no name.")
    ownership_url = serializers.URLField(
        allow_null=True, help_text="Whose it was and is; null where it has no name."
    )


class SubscriptionQuery(ListQuery):
    gateway = Name("Only those at this gateway.")
    product = Name("Only those of this product.")
    team = Name("Only those that the team of this slug owns today.")
    environment = Name("Only those of this environment today.")
    application = Name("Only those of this application today.")
    state = serializers.ChoiceField(
        GatewayState.choices, required=False, help_text="Only those in this state at the gateway."
    )


class Subscriptions(ScopedView):
    needs = "read:inventory"

    @operation(
        "listSubscriptions",
        tag="subscriptions",
        summary="APIM subscriptions, with limit, spend and state",
        description="Ordered by gateway and name.",
        scope=needs,
        query=SubscriptionQuery,
        answer=page_of(SubscriptionItem),
        example=examples.page(examples.SUBSCRIPTION),
        missing="The team to filter by is none, or it is not yours to see.",
    )
    def get(self, request: Request) -> Response:
        query = SubscriptionQuery.of(request)
        found = self._filtered(access.many(Subscription, self.actor), query)
        found = found.select_related("gateway", "product")
        rows, link = paging.rows(request, query, found, ("gateway__name", "name"))
        shown = situations.of(rows, self.actor, at=clock.now(), request=request)
        return Response({"next": link, "results": SubscriptionItem(shown, many=True).data})

    def _filtered(
        self, rows: QuerySet[Subscription], query: dict[str, Any]
    ) -> QuerySet[Subscription]:
        columns = {"gateway": "gateway__name", "product": "product__name", "state": "state"}
        given = {column: query[name] for name, column in columns.items() if name in query}
        rows = rows.filter(**given)
        owned = {f"owner__{name}": query[name] for name in _OF_OWNERSHIP if name in query}
        if "team" in query:
            owned["owner__team"] = access.one(Team, self.actor, slug=query["team"])
        if not owned:
            return rows
        today = situations.today(at=clock.now())
        still = Q(owner__until_day=None) | Q(owner__until_day__gt=today)
        return rows.filter(still, owner__from_day__lte=today, **owned)


class OneSubscription(ScopedView):
    needs = "read:inventory"

    @operation(
        "getSubscription",
        tag="subscriptions",
        summary="One APIM subscription, with limit, spend and state",
        scope=needs,
        path={"gateway": "Name of the gateway.", "name": "Name of the APIM subscription."},
        answer=SubscriptionItem,
        example=examples.one(examples.SUBSCRIPTION),
    )
    def get(self, request: Request, gateway: str, name: str) -> Response:
        Query.of(request)
        row = access.one(Subscription, self.actor, gateway__name=gateway, name=name)
        shown = situations.of([row], self.actor, at=clock.now(), request=request)
        return Response(SubscriptionItem(shown[0]).data)

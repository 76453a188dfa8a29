from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import adjustments, effects
from billing.models import ProposedAdjustment
from billing.rules.token_classes import TokenClass
from portal import rights
from portal.api import examples, paging
from portal.api.answers import page_of
from portal.api.fields import Exact
from portal.api.plans import EffectItem, shown
from portal.api.queries import ListQuery, Query
from portal.api.schema import operation
from portal.api.views import ScopedView
from tenancy import tenants
from tenancy.money import Basis


class Rerating(ScopedView):
    needs = "read:prices"

    @operation(
        "getRerating",
        tag="prices",
        summary="What waits to be rated, and what rating it would change",
        description="A dry run: computed as it will be rated, and nothing is changed.",
        scope=needs,
        answer=EffectItem,
        example=examples.one(examples.EFFECT),
    )
    def get(self, request: Request) -> Response:
        Query.of(request)
        rights.see_prices(self.actor)
        return Response(EffectItem(shown(effects.of_marked())).data)


class AdjustmentItem(serializers.Serializer[Any]):
    """By how much a closed month would differ if it were rated today; proposed, not charged."""

    month = serializers.SerializerMethodField(help_text="The closed month, such as 2026-10.")
    gateway = serializers.CharField(source="subscription.gateway.name")
    subscription = serializers.CharField(source="subscription.name", allow_blank=True)
    deployment = serializers.CharField(source="deployment.name", allow_blank=True)
    token_class = serializers.ChoiceField([one.value for one in TokenClass])
    quantity_before = serializers.IntegerField(help_text="As closed.")
    quantity_after = serializers.IntegerField(help_text="As read today.")
    cost_before = Exact(allow_null=True, help_text="As closed, unrounded. Null: unpriced.")
    cost_after = Exact(allow_null=True, help_text="At today's prices, unrounded. Null: unpriced.")
    currency = serializers.SerializerMethodField(help_text="ISO 4217: the tenant's.")
    basis = serializers.SerializerMethodField()

    def get_month(self, row: ProposedAdjustment) -> str:
        return f"{row.first_day:%Y-%m}"

    def get_currency(self, row: ProposedAdjustment) -> str:
        return str(self.context["currency"])

    def get_basis(self, row: ProposedAdjustment) -> str:
        return Basis.ESTIMATED


class ProposedAdjustments(ScopedView):
    needs = "read:prices"

    @operation(
        "listProposedAdjustments",
        tag="prices",
        summary="What closed months would differ by",
        description="Of the subscriptions one may see, by month and subscription.",
        scope=needs,
        query=ListQuery,
        answer=page_of(AdjustmentItem),
        example=examples.page(examples.ADJUSTMENT),
    )
    def get(self, request: Request) -> Response:
        query = ListQuery.of(request)
        found = adjustments.rows(self.actor)
        rows, link = paging.rows(request, query, found, ("first_day", "id"))
        context = {"currency": tenants.billing().currency}
        items = AdjustmentItem(rows, many=True, context=context).data
        return Response({"next": link, "results": items})

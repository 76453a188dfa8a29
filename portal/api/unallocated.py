from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import quality, unallocated
from billing.unallocated import Reason, Row, Sum, UnknownDeployment
from inventory.rules.dimensions import METADATA
from portal import rights
from portal.api import examples, unallocated_examples
from portal.api.answers import ExactMoney, Month, estimated
from portal.api.fields import Exact
from portal.api.fields import Month as MonthField
from portal.api.queries import Query
from portal.api.schema import operation
from portal.api.views import ScopedView
from tenancy import clock, periods, tenants
from tenancy.money import Money

_NO_PRICE = "In the tenant's currency, exact; null: nothing of it has a price."
_GAP = "Tokens and other units without a price: in no amount."


class _Counted(serializers.Serializer[Any]):
    cost = ExactMoney(allow_null=True, help_text=_NO_PRICE)
    tokens = serializers.IntegerField()
    unpriced_tokens = serializers.IntegerField(help_text=_GAP)


class UnallocatedReasonItem(_Counted):
    """All that belongs to no team for one reason."""

    reason = serializers.ChoiceField([reason.value for reason in Reason])
    says = serializers.CharField(help_text="The reason in words.")
    fix = serializers.CharField(help_text="What can be done about it.")
    subscriptions = serializers.IntegerField()
    requests = serializers.IntegerField()


class UnallocatedItem(_Counted):
    """A subscription's days that nobody owned, of one reason."""

    gateway = serializers.CharField()
    subscription = serializers.CharField(
        allow_blank=True, help_text="Name; empty: calls without a subscription."
    )
    reason = serializers.ChoiceField([reason.value for reason in Reason])
    said = serializers.CharField(allow_blank=True, help_text="Why it was left unallocated.")
    requests = serializers.IntegerField()
    first_day = serializers.DateField(help_text="A day of the tenant's time zone.")
    last_day = serializers.DateField()


class UnknownDeploymentItem(_Counted):
    """A deployment that calls named and no account lists: no model, hence no price."""

    gateway = serializers.CharField()
    host = serializers.CharField(allow_blank=True)
    deployment = serializers.CharField(allow_blank=True)
    first_day = serializers.DateField()
    last_day = serializers.DateField()


class MissingItem(serializers.Serializer[Any]):
    """A required dimension that calls did not tell."""

    dimension = serializers.ChoiceField([one.value for one in METADATA])
    share = Exact(help_text="Of the cost, or of the tokens where nothing has a price: 0 to 1.")
    subscriptions = serializers.ListField(child=serializers.CharField())


class QualityItem(serializers.Serializer[Any]):
    """How much of what a team bore tells what the tenant requires."""

    team = serializers.CharField(source="team.slug", help_text="Slug.")
    quality = Exact(source="share", help_text="0 to 1, exact.")
    by_cost = serializers.BooleanField(help_text="False: nothing has a price, tokens count.")
    showback_only = serializers.CharField(
        source="says", allow_blank=True, help_text="Why it cannot be charged back; empty: it can."
    )
    missing = MissingItem(many=True)


class UnallocatedMonth(serializers.Serializer[Any]):
    period = Month()
    total = _Counted(help_text="With what the teams bore this is everything.")
    reasons = UnallocatedReasonItem(many=True)
    subscriptions = UnallocatedItem(many=True, help_text="The dearest first.")
    unknown_deployments = UnknownDeploymentItem(
        many=True, help_text="Whoever called them: some of it may be a team's."
    )
    quality = QualityItem(many=True, help_text="By team, the worst first.")


class UnallocatedQuery(Query):
    month = MonthField(required=False, help_text="Such as 2026-11. Left out: the present one.")


class Unallocated(ScopedView):
    needs = "read:usage"

    @operation(
        "getUnallocated",
        tag="usage",
        summary="What belongs to no team, and why",
        description=(
            "For those who see the whole tenant. Each day of a subscription has one reason; the"
            " reasons sum to the total, and with what the teams bore this is everything. Assign a"
            " subscription by its `ownership`, from any day on."
        ),
        scope=needs,
        query=UnallocatedQuery,
        answer=UnallocatedMonth,
        example=examples.one(unallocated_examples.UNALLOCATED),
    )
    def get(self, request: Request) -> Response:
        rights.see_prices(self.actor)
        asked, billing = UnallocatedQuery.of(request), tenants.billing()
        period = (
            periods.month_of_day(asked["month"], billing.zone)
            if "month" in asked
            else billing.month_at(clock.now())
        )
        rows = unallocated.of(period, currency=billing.currency)
        sums = unallocated.by_reason(rows, currency=billing.currency)
        unknown = unallocated.unknown_deployments(period, currency=billing.currency)
        answer = {
            "period": period,
            "total": _counted(unallocated.total(rows, currency=billing.currency)),
            "reasons": [_reason(one) for one in sums],
            "subscriptions": [_row(row) for row in rows],
            "unknown_deployments": [_deployment(one) for one in unknown],
            "quality": quality.of_teams(period),
        }
        return Response(UnallocatedMonth(answer).data)


def _counted(one: Row | Sum | UnknownDeployment) -> dict[str, object]:
    return {
        "cost": _money(one.cost),
        "tokens": one.tokens,
        "unpriced_tokens": one.unpriced_tokens,
    }


def _money(cost: Money | None) -> dict[str, object] | None:
    return None if cost is None else estimated(cost)


def _reason(one: Sum) -> dict[str, object]:
    reason = one.reason or Reason.NOT_OWNED
    return _counted(one) | {
        "reason": reason.value,
        "says": reason.label,
        "fix": reason.fix,
        "subscriptions": one.subscriptions,
        "requests": one.requests,
    }


def _row(row: Row) -> dict[str, object]:
    return _counted(row) | {
        "gateway": row.subscription.gateway.name,
        "subscription": row.subscription.name,
        "reason": row.reason.value,
        "said": row.said,
        "requests": row.requests,
        "first_day": row.first_day,
        "last_day": row.last_day,
    }


def _deployment(one: UnknownDeployment) -> dict[str, object]:
    return _counted(one) | {
        "gateway": one.gateway,
        "host": one.host,
        "deployment": one.name,
        "first_day": one.first_day,
        "last_day": one.last_day,
    }

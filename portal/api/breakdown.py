from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import breakdown
from billing.breakdown import MOST_DIMENSIONS, Breakdown, By, Calls, Row
from portal.api import breakdown_examples, examples, paging
from portal.api.fields import Day, Exact, Month
from portal.api.queries import ListQuery, Name
from portal.api.schema import operation
from portal.api.views import ScopedView
from tenancy import periods, tenants
from tenancy.money import Basis

LONGEST = timedelta(days=366)
_PLACES = Decimal("0.000001")
_NAMES = ", ".join(By)
_LABELS = {one: f"Only usage of this {one.label}; empty: of none told." for one in By} | {
    By.TEAM: "Only days on which the team of this slug owned the subscription; empty: nobody's.",
    By.COST_CENTER: "Only what this cost center's code bears; empty: none does.",
    By.SUBSCRIPTION: "Only this APIM subscription, as gateway/name; empty: calls without one.",
    By.DEPLOYMENT: "Only this deployment, as host/name; empty: of none told.",
}


class QuantilesItem(serializers.Serializer[Any]):
    """Half of what was counted, and 95 of 100, did not exceed these; null: nothing was counted."""

    p50 = serializers.IntegerField(allow_null=True)
    p95 = serializers.IntegerField(allow_null=True)


class BrokenDownCalls(serializers.Serializer[Any]):
    """Calls by what came of them. Cache hits and those without tokens are successful ones."""

    total = serializers.IntegerField(source="requests")
    successful = serializers.IntegerField()
    throttled = serializers.IntegerField(help_text="Answered 429.")
    refused = serializers.IntegerField(help_text="Answered 401 or 403.")
    client_errors = serializers.IntegerField(help_text="Any other answer of 3xx or 4xx.")
    server_errors = serializers.IntegerField(help_text="Answered 5xx.")
    cache_hits = serializers.IntegerField()
    without_tokens = serializers.IntegerField(
        source="uncovered", help_text="Successful, but the source gave no tokens: a gap."
    )
    retries = serializers.IntegerField(help_text="Further attempts at a backend.")
    agent_steps = serializers.IntegerField(help_text="Steps that agents reported.")
    tool_calls = serializers.IntegerField(help_text="Calls of tools that were reported.")
    latency_ms = serializers.SerializerMethodField(help_text="How long calls took.")
    prompt_tokens = serializers.SerializerMethodField(help_text="How long their prompts were.")

    @extend_schema_field(QuantilesItem)
    def get_latency_ms(self, calls: Calls) -> dict[str, int | None]:
        return {"p50": calls.latency_p50, "p95": calls.latency_p95}

    @extend_schema_field(QuantilesItem)
    def get_prompt_tokens(self, calls: Calls) -> dict[str, int | None]:
        return {"p50": calls.prompt_p50, "p95": calls.prompt_p95}


class BreakdownItem(serializers.Serializer[Any]):
    """What has these values in common."""

    values = serializers.SerializerMethodField(
        help_text="By dimension. Empty: not told, or nobody's; `(more)`: beyond what is told apart."
    )
    cost = serializers.SerializerMethodField(
        help_text="Unrounded, in `currency`. Null: nothing of it has a price, which is not zero."
    )
    share = serializers.SerializerMethodField(
        help_text="Of the total's cost, 0 to 1; of its tokens where nothing has a price."
    )
    tokens = serializers.IntegerField(help_text="Of all classes that are tokens.")
    classes = serializers.SerializerMethodField(
        help_text="By class, each in its own unit. They are disjoint."
    )
    unpriced_tokens = serializers.IntegerField(help_text="Tokens that are in no cost.")
    unpriced_other_units = serializers.IntegerField(
        source="unpriced_others", help_text="What is not tokens and in no cost."
    )
    requests = BrokenDownCalls(
        source="calls", allow_null=True, help_text="Null where it is asked for token classes."
    )

    @extend_schema_field(serializers.DictField(child=serializers.CharField(allow_blank=True)))
    def get_values(self, row: Row) -> dict[str, str]:
        return {value.by.value: value.key for value in row.values}

    @extend_schema_field(Exact(allow_null=True))
    def get_cost(self, row: Row) -> str | None:
        return Exact().to_representation(row.cost.amount) if row.cost else None

    @extend_schema_field(Exact())
    def get_share(self, row: Row) -> str:
        return f"{row.share.quantize(_PLACES, rounding=ROUND_HALF_EVEN):f}"

    @extend_schema_field(serializers.DictField(child=serializers.IntegerField()))
    def get_classes(self, row: Row) -> dict[str, int]:
        return {one.value: count for one, count in row.classes.items()}


class BreakdownPage(serializers.Serializer[Any]):
    """A page of it, dearest first. The total is of all pages, and exactly their sum."""

    time_zone = serializers.CharField(help_text="Whose days these are.")
    currency = serializers.CharField(help_text="ISO 4217: the tenant's.")
    basis = serializers.ChoiceField([basis.value for basis in Basis])
    found = serializers.IntegerField(help_text="How many rows there are.")
    total = BreakdownItem()
    next = serializers.URLField(allow_null=True, help_text="Address of the next page; null: none.")
    results = BreakdownItem(many=True)


class BreakdownQuery(ListQuery):
    by = serializers.CharField(
        help_text=f"One to {MOST_DIMENSIONS} of these, with commas: {_NAMES}."
    )
    month = Month(required=False, help_text="A billing month, such as 2026-11.")

    def get_fields(self) -> dict[str, Any]:
        return {
            "from": Day(required=False, help_text="Instead of `month`: the first local day."),
            "to": Day(
                required=False,
                help_text="With `from`: the local day after the last, at most 366 on.",
            ),
            **{one.value: Name(_LABELS[one], allow_blank=True) for one in By if one is not By.DAY},
            **super().get_fields(),
        }

    def validate_by(self, text: str) -> tuple[By, ...]:
        names = text.split(",")
        if unknown := [name for name in names if name not in set(By)]:
            raise serializers.ValidationError(f"There is no '{unknown[0]}'. There are: {_NAMES}.")
        if len(set(names)) != len(names) or len(names) > MOST_DIMENSIONS:
            raise serializers.ValidationError(f"Give one to {MOST_DIMENSIONS}, each once.")
        return tuple(By(name) for name in names)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "month" in attrs:
            if surplus := [name for name in ("from", "to") if name in attrs]:
                raise serializers.ValidationError({surplus[0]: "Give either this or `month`."})
            after = periods.month_of_day(attrs["month"], "UTC").end_day
            return attrs | {"from": attrs["month"], "to": after}
        for name in ("from", "to"):
            if name not in attrs:
                raise serializers.ValidationError({name: "Give this, or `month`."})
        _check(attrs["from"], attrs["to"])
        return attrs


def _check(first: date, end: date) -> None:
    if end <= first:
        raise serializers.ValidationError({"to": "Give a day after `from`."})
    if end - first > LONGEST:
        raise serializers.ValidationError(
            {"to": f"Give a day at most {LONGEST.days} days after `from`."}
        )


class UsageBreakdown(ScopedView):
    needs = "read:costs"

    @operation(
        "breakDownUsage",
        tag="usage",
        summary="Usage and cost by any dimension",
        description=(
            "Of a month or of days: tokens, cost, calls and quantiles by one to "
            f"{MOST_DIMENSIONS} dimensions, narrowed by any. Each day is of whom the subscription "
            "was on it. `application`, `environment` and `cost_center` are what is recorded of the "
            "subscription; those with `caller_` are what came with the calls."
        ),
        scope=needs,
        query=BreakdownQuery,
        answer=BreakdownPage,
        example=examples.one(breakdown_examples.BREAKDOWN),
        missing="The team to filter by is none, or it is not yours to see.",
    )
    def get(self, request: Request) -> Response:
        query = BreakdownQuery.of(request)
        billing = tenants.billing()
        part = paging.asked(request, query)
        found = breakdown.by(
            self.actor,
            query["by"],
            first_day=query["from"],
            end_day=query["to"],
            currency=billing.currency,
            only={one: query[one.value] for one in By if one.value in query},
            after=int(part.after[0]) if part.after else 0,
            most=part.most,
        )
        rows, link = paging.page(request, part, found.rows, lambda row: (str(row.rank),))
        return Response(
            {
                "time_zone": billing.zone,
                "currency": billing.currency,
                "basis": Basis.ESTIMATED,
                **_shown(found),
                "next": link,
                "results": BreakdownItem(rows, many=True).data,
            }
        )


def _shown(found: Breakdown) -> dict[str, Any]:
    return {"found": found.found, "total": BreakdownItem(found.total).data}

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import details
from billing.models import ClassUsage, Usage
from billing.rules.token_classes import COMMON, TokenClass, Unit
from inventory.models import Team
from inventory.rules.dimensions import METADATA, Dimension
from portal.api import examples, paging
from portal.api.answers import page_of
from portal.api.fields import Instant
from portal.api.queries import ListQuery, Name
from portal.api.schema import operation
from portal.api.views import ScopedView
from tenancy import access, tenants

LONGEST = timedelta(days=31)


class TokensItem(serializers.Serializer[Any]):
    """Tokens by class. The classes are disjoint; `total` is their sum."""

    def get_fields(self) -> dict[str, Any]:
        classes = {
            one.value: serializers.IntegerField(source=one.column, min_value=0) for one in COMMON
        }
        further = serializers.DictField(
            child=serializers.IntegerField(min_value=0),
            help_text="Tokens of classes that occur rarely, such as cache_write, by class.",
        )
        return {**classes, "further": further, "total": serializers.SerializerMethodField()}

    def get_total(self, row: Any) -> int:
        further: dict[str, int] = row.further
        return sum(int(getattr(row, one.column)) for one in COMMON) + sum(further.values())


class RequestsItem(serializers.Serializer[Any]):
    """Calls by what came of them: successful (2xx), throttled, refused, or an error. Cache hits
    and those without tokens are among the successful ones. What a source cannot tell stays 0.
    """

    total = serializers.IntegerField(source="requests")
    successful = serializers.IntegerField(source="successful_requests")
    throttled = serializers.IntegerField(source="throttled_requests", help_text="Answered 429.")
    refused = serializers.IntegerField(source="refused_requests", help_text="Answered 401 or 403.")
    client_errors = serializers.IntegerField(help_text="Any other answer of 3xx or 4xx.")
    server_errors = serializers.IntegerField(help_text="Answered 5xx.")
    cache_hits = serializers.IntegerField()
    without_tokens = serializers.IntegerField(
        source="uncovered_requests", help_text="Successful, but the source gave no tokens: a gap."
    )
    retries = serializers.IntegerField(help_text="Further attempts at a backend.")
    agent_steps = serializers.IntegerField(help_text="Steps that agents reported.")
    tool_calls = serializers.IntegerField(help_text="Calls of tools that were reported.")


class DimensionsItem(serializers.Serializer[Any]):
    """What the source told of the calls. Empty: it did not; `(more)`: beyond what is told apart."""

    def get_fields(self) -> dict[str, Any]:
        return {
            one.value: serializers.CharField(allow_blank=True, help_text=_about(one))
            for one in Dimension
        }


def _about(one: Dimension) -> str:
    return f"As the caller says: {one.label}." if one in METADATA else f"The {one.label}."


class UsageItem(serializers.Serializer[Any]):
    """One bucket of time of one subscription, one deployment and one set of dimensions."""

    start = serializers.DateTimeField(source="bucket_start", help_text="When the bucket begins.")
    minutes = serializers.IntegerField(help_text="How long it is: 60, 30 or 15.")
    gateway = serializers.CharField(source="subscription.gateway.name")
    subscription = serializers.CharField(source="subscription.name", allow_blank=True)
    team = serializers.CharField(
        source="team_slug", allow_null=True, help_text="Slug of its owner that day; null: nobody."
    )
    deployment = serializers.CharField(source="deployment.name", allow_blank=True)
    host = serializers.CharField(
        source="deployment.host",
        allow_blank=True,
        help_text="Host of the deployment's account: names repeat between accounts.",
    )
    model = serializers.CharField(source="deployment.model", allow_blank=True)
    dimensions = DimensionsItem(source="series")
    tokens = TokensItem(source="*")
    requests = RequestsItem(source="*")


class UsageQuery(ListQuery):
    gateway = Name("Only usage at this gateway.")
    subscription = Name("Only usage of APIM subscriptions of this name.")
    team = Name("Only usage on days on which the team of this slug owned the subscription.")
    deployment = Name("Only usage of deployments of this name.")

    def get_fields(self) -> dict[str, Any]:
        return {
            **by_series("usage"),
            "from": Instant(help_text="Buckets that begin at this instant or later."),
            "to": Instant(help_text="Buckets that begin before this instant; at most 31 days on."),
            **super().get_fields(),
        }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["to"] <= attrs["from"]:
            raise serializers.ValidationError({"to": "Give an instant after `from`."})
        if attrs["to"] - attrs["from"] > LONGEST:
            raise serializers.ValidationError(
                {"to": f"Give an instant at most {LONGEST.days} days after `from`."}
            )
        return attrs


class UsageList(ScopedView):
    needs = "read:usage"

    @operation(
        "listUsage",
        tag="usage",
        summary="Observed usage, bucket by bucket",
        description="Ordered by start. A bucket lies wholly in one local day and one UTC day.",
        scope=needs,
        query=UsageQuery,
        answer=page_of(UsageItem),
        example=examples.page(examples.USAGE),
        missing="The team to filter by is none, or it is not yours to see.",
    )
    def get(self, request: Request) -> Response:
        query = UsageQuery.of(request)
        billing = tenants.billing()
        found = self._filtered(details.usage(self.actor, zone=billing.zone), query)
        rows, link = paging.rows(request, query, found, details.USAGE_ORDER)
        minutes = billing.bucket(around=query["from"]) // timedelta(minutes=1)
        classes = details.further_classes(rows)
        for row in rows:
            row.minutes = minutes  # type: ignore[attr-defined]  # shown beside the row's own
            found_of_row = classes.get((row.bucket_start, row.series_id), {})
            row.further = {  # type: ignore[attr-defined]  # the same
                name: count
                for name, count in found_of_row.items()
                if TokenClass(name).unit is Unit.TOKEN
            }
        return Response({"next": link, "results": UsageItem(rows, many=True).data})

    def _filtered(self, rows: QuerySet[Usage], query: dict[str, Any]) -> QuerySet[Usage]:
        rows = rows.filter(bucket_start__gte=query["from"], bucket_start__lt=query["to"])
        return filtered(rows, query, self)


class FurtherUsageItem(serializers.Serializer[Any]):
    """One class without a column of its own, in one bucket of one subscription and deployment."""

    start = serializers.DateTimeField(source="bucket_start", help_text="When the bucket begins.")
    gateway = serializers.CharField(source="subscription.gateway.name")
    subscription = serializers.CharField(source="subscription.name", allow_blank=True)
    team = serializers.CharField(
        source="team_slug", allow_null=True, help_text="Slug of its owner that day; null: nobody."
    )
    deployment = serializers.CharField(source="deployment.name", allow_blank=True)
    host = serializers.CharField(source="deployment.host", allow_blank=True)
    model = serializers.CharField(source="deployment.model", allow_blank=True)
    dimensions = DimensionsItem(source="series")
    token_class = serializers.ChoiceField(
        [one.value for one in TokenClass], help_text="What is counted."
    )
    unit = serializers.SerializerMethodField(help_text="What one of it is.")
    quantity = serializers.IntegerField(min_value=1)

    def get_unit(self, row: ClassUsage) -> str:
        return TokenClass(row.token_class).unit


class FurtherUsageList(ScopedView):
    needs = "read:usage"

    @operation(
        "listFurtherUsage",
        tag="usage",
        summary="Usage of rare classes and of other units than tokens",
        description=(
            "Cache writes, long calls, audio, pictures, tool calls: a row each where they occur, "
            "with or without a call in the log. Ordered by start."
        ),
        scope=needs,
        query=UsageQuery,
        answer=page_of(FurtherUsageItem),
        example=examples.page(examples.FURTHER_USAGE),
        missing="The team to filter by is none, or it is not yours to see.",
    )
    def get(self, request: Request) -> Response:
        query = UsageQuery.of(request)
        found = details.further_usage(self.actor, zone=tenants.billing().zone)
        within = found.filter(bucket_start__gte=query["from"], bucket_start__lt=query["to"])
        rows, link = paging.rows(
            request, query, filtered(within, query, self), details.FURTHER_ORDER
        )
        return Response({"next": link, "results": FurtherUsageItem(rows, many=True).data})


def by_series(what: str) -> dict[str, Name]:
    """The parameters that narrow a list to a value of a dimension; empty: what was not told."""
    return {
        one.value: Name(f"Only {what} of this {one.label}; empty: of none told.", allow_blank=True)
        for one in Dimension
    }


def filtered(rows: QuerySet[Any], query: dict[str, Any], view: ScopedView) -> QuerySet[Any]:
    """Rows of usage or cost, narrowed to what the common parameters name.

    Raises:
        NotFound: there is no such team, or it is not the actor's to see.
    """
    columns = {
        "gateway": "subscription__gateway__name",
        "subscription": "subscription__name",
        "deployment": "deployment__name",
    }
    columns |= {one.value: f"series__{one.value}" for one in Dimension}
    given = {column: query[name] for name, column in columns.items() if name in query}
    rows = rows.filter(**given)
    if "team" in query:
        team = access.one(Team, view.actor, slug=query["team"])
        rows = rows.filter(bearer_team=team.pk)
    return rows

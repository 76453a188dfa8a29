from __future__ import annotations

from datetime import date
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing import comparing, reading
from billing.models import SourceComparison, WindowState
from billing.reading import MOST_AGAIN, Asked, Which
from billing.rules.differences import Why
from inventory.models import UsageSource
from portal import rights, worker
from portal.api import examples, paging
from portal.api import reading_examples as shown
from portal.api.answers import page_of
from portal.api.fields import Day, Instant
from portal.api.plans import Known
from portal.api.queries import ListQuery, Name, Query
from portal.api.schema import Problem, operation
from portal.api.views import ScopedView
from tenancy import clock

_PROBLEM = "application/problem+json"


class WindowItem(serializers.Serializer[Any]):
    """One hour of a gateway's usage: whether and how it was read."""

    id = serializers.IntegerField(help_text="To have it read again.")
    gateway = serializers.CharField(source="gateway.name")
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    state = serializers.ChoiceField(WindowState.values, help_text="Of the newest try.")
    source = serializers.ChoiceField(  # type: ignore[assignment]  # a field of its own
        UsageSource.values, allow_blank=True, help_text="Read from; empty: not read yet."
    )
    through = serializers.DateTimeField(
        allow_null=True, help_text="How far it has been read; null: not yet."
    )
    read_at = serializers.DateTimeField(allow_null=True, help_text="Its newest reading.")
    due_at = serializers.DateTimeField(
        allow_null=True, help_text="When it is read next; null: not again by itself."
    )
    reads = serializers.IntegerField(help_text="How often it was read.")
    failures = serializers.IntegerField(help_text="In a row, since it was last complete.")
    rows_read = serializers.IntegerField(help_text="By the newest reading.")
    rows_changed = serializers.IntegerField(help_text="By the newest reading.")
    late_rows = serializers.IntegerField(help_text="Changed after the first whole reading.")
    calls = serializers.IntegerField(source="calls_stored")
    tokens = serializers.IntegerField(source="tokens_stored")
    error_code = serializers.CharField(allow_blank=True)
    error = serializers.CharField(allow_blank=True, help_text="Of the newest failure.")


class SpanQuery(ListQuery):
    """A span that may be open on both sides."""

    gateway = Name("Only hours of this gateway.")
    state = serializers.ChoiceField(
        WindowState.values, required=False, help_text="Only hours in this state."
    )

    def get_fields(self) -> dict[str, Any]:
        return {
            "from": Instant(required=False, help_text="Hours that begin at this instant or later."),
            "to": Instant(required=False, help_text="Hours that begin before this instant."),
            **super().get_fields(),
        }


class AgainBody(Known):
    """Hours by their number, or all of a gateway's that begin in a span."""

    windows = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        allow_empty=False,
        max_length=MOST_AGAIN,
        help_text=f"Numbers of hours, as the list has them; at most {MOST_AGAIN}.",
    )
    gateway = serializers.CharField(
        max_length=62, required=False, help_text="With `from` and `to`, in place of `windows`."
    )

    def get_fields(self) -> dict[str, Any]:
        return {
            **super().get_fields(),
            "from": Instant(required=False, help_text="Hours that begin at this instant or later."),
            "to": Instant(required=False, help_text="Hours that begin before this instant."),
        }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        span = {"gateway", "from", "to"}
        if "windows" in attrs:
            if given := sorted(span & attrs.keys()):
                raise serializers.ValidationError({given[0]: "Give `windows` or a span, not both."})
        elif missing := sorted(span - attrs.keys()):
            says = "Give it with the others of a span, or give `windows`."
            raise serializers.ValidationError(dict.fromkeys(missing, says))
        elif attrs["to"] <= attrs["from"]:
            raise serializers.ValidationError({"to": "Give an instant after `from`."})
        return attrs


class AgainItem(serializers.Serializer[Any]):
    windows = serializers.IntegerField(help_text="How many hours are read again.")


class SideItem(serializers.Serializer[Any]):
    """A count of the source beside what is stored."""

    source = serializers.IntegerField()  # type: ignore[assignment]  # a field of its own
    stored = serializers.IntegerField()
    difference = serializers.IntegerField(help_text="By how much the source has more.")


class ReasonItem(serializers.Serializer[Any]):
    """What one cause makes of the difference."""

    kind = serializers.ChoiceField([why.value for why in Why])
    hours = serializers.IntegerField()
    first = serializers.CharField(help_text="When the first of these hours begins, UTC.")
    calls = serializers.IntegerField()
    tokens = serializers.IntegerField()
    says = serializers.CharField(help_text="The same in words.")


class ComparisonItem(serializers.Serializer[Any]):
    """A local day of a gateway: what its source says, and what is stored."""

    gateway = serializers.CharField(source="gateway.name")
    day = serializers.DateField(help_text="In the tenant's time zone.")
    compared_at = serializers.DateTimeField()
    source = serializers.ChoiceField(UsageSource.values)  # type: ignore[assignment]  # a field of its own
    calls = serializers.SerializerMethodField()
    tokens = serializers.SerializerMethodField()
    explained = serializers.SerializerMethodField(help_text="False: a part has no explanation.")
    reasons = ReasonItem(many=True)

    @extend_schema_field(SideItem)
    def get_calls(self, row: SourceComparison) -> dict[str, int]:
        return _side(row.calls_source, row.calls_stored)

    @extend_schema_field(SideItem)
    def get_tokens(self, row: SourceComparison) -> dict[str, int]:
        return _side(row.tokens_source, row.tokens_stored)

    def get_explained(self, row: SourceComparison) -> bool:
        return not comparing.of(row).unexplained


class ComparisonQuery(ListQuery):
    gateway = Name("Only days of this gateway.")

    def get_fields(self) -> dict[str, Any]:
        return {
            "from": Day(required=False, help_text="This day and later ones."),
            "to": Day(required=False, help_text="This day and earlier ones."),
            **super().get_fields(),
        }


class CompareBody(Known):
    gateway = serializers.CharField(
        max_length=62, required=False, help_text="Left out: every gateway."
    )

    def get_fields(self) -> dict[str, Any]:
        return {
            **super().get_fields(),
            "from": Day(help_text="The first day, in the tenant's time zone."),
            "to": Day(help_text=f"The last; at most {comparing.MOST_DAYS} days in all."),
        }


class AskedItem(serializers.Serializer[Any]):
    """What the worker was asked for; the list has it within minutes."""

    gateways = serializers.ListField(child=serializers.CharField())

    def get_fields(self) -> dict[str, Any]:
        days = {"from": serializers.DateField(), "to": serializers.DateField()}
        return {**super().get_fields(), **days}


class Windows(ScopedView):
    needs = "read:usage"

    @operation(
        "listUsageWindows",
        tag="usage",
        summary="The hours of each gateway's usage, and how they were read",
        description="For those who see the whole tenant. Ordered by start.",
        scope=needs,
        query=SpanQuery,
        answer=page_of(WindowItem),
        example=examples.page(shown.WINDOW),
    )
    def get(self, request: Request) -> Response:
        query = SpanQuery.of(request)
        rights.see_reading(self.actor)
        asked = Asked(
            gateway=query.get("gateway", ""),
            which=WindowState(query["state"]) if "state" in query else Which.ALL,
            since=query.get("from"),
            until=query.get("to"),
        )
        rows, link = paging.rows(
            request, query, reading.hours(self.actor, asked), ("start", "gateway_id")
        )
        return Response({"next": link, "results": WindowItem(rows, many=True).data})


class ReadAgain(ScopedView):
    needs = "read:usage"
    writes = "write:usage"
    http_method_names = ["post"]

    @operation(
        "readUsageAgain",
        tag="usage",
        summary="Have hours read again",
        description=(
            "For finance and administrators. They are read at the next cycle, set aside or not,"
            " and stored as their source tells of them then: also that rows are gone."
        ),
        scope=writes,
        body=AgainBody,
        answer=AgainItem,
        example=examples.one(shown.AGAIN),
    )
    def post(self, request: Request) -> Response:
        Query.of(request)
        rights.read_again(self.actor)
        body = AgainBody(data=request.data)
        body.is_valid(raise_exception=True)
        said, by, now = body.validated_data, self.actor.email, clock.now()
        if "windows" in said:
            count = reading.read_these_again(self.actor, said["windows"], by=by, at=now)
        else:
            asked = Asked(said["gateway"], since=said["from"], until=said["to"])
            count = reading.read_again(self.actor, asked, by=by, at=now)
        return Response(AgainItem({"windows": count}).data)


class Comparisons(ScopedView):
    needs = "read:usage"
    writes = "write:usage"
    http_method_names = ["get", "head", "post"]

    @operation(
        "listUsageComparisons",
        tag="usage",
        summary="Days of usage beside what their source says",
        description="For those who see the whole tenant. By day.",
        scope=needs,
        query=ComparisonQuery,
        answer=page_of(ComparisonItem),
        example=examples.page(shown.COMPARISON),
    )
    def get(self, request: Request) -> Response:
        query = ComparisonQuery.of(request)
        rights.see_reading(self.actor)
        found = comparing.listed(
            self.actor,
            gateway=query.get("gateway", ""),
            first=query.get("from"),
            last=query.get("to"),
        )
        rows, link = paging.rows(request, query, found, ("day", "gateway_id"))
        return Response({"next": link, "results": ComparisonItem(rows, many=True).data})

    @operation(
        "compareUsage",
        tag="usage",
        summary="Have days compared with their source",
        description=(
            "For finance and administrators. A worker does it, and nothing of the usage changes;"
            " days that are being compared already are not compared twice."
        ),
        scope=writes,
        body=CompareBody,
        answer={200: AskedItem, (503, _PROBLEM): Problem},
        example=examples.one(shown.ASKED),
    )
    def post(self, request: Request) -> Response:
        Query.of(request)
        rights.read_again(self.actor)
        body = CompareBody(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        first, last = said["from"], said["to"]
        comparing.require(first, last)
        names = reading.named(self.actor, said.get("gateway", ""))
        for name in names:
            self._ask(name, first, last)
        return Response(AskedItem({"gateways": names, "from": first, "to": last}).data)

    def _ask(self, name: str, first: date, last: date) -> None:
        worker.ask(comparing.TASK, self.actor.tenant.id, name, first.isoformat(), last.isoformat())


def _side(source: int, stored: int) -> dict[str, int]:
    return {"source": source, "stored": stored, "difference": source - stored}

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.models import Endpoint
from governance.notifications import endpoints
from governance.notifications.endpoints import Kind, Wanted
from governance.rules.addresses import LONGEST
from governance.rules.topics import FOR_ENDPOINTS
from inventory import teams
from inventory.models import Team
from portal.api import examples, paging
from portal.api import notifications_examples as shown
from portal.api.answers import page_of
from portal.api.plans import Known
from portal.api.queries import ListQuery, Query
from portal.api.schema import operation
from portal.api.views import ScopedView
from tenancy import clock
from tenancy.refusals import Invalid, NotFound

_PATH = {"endpoint": "Id of the endpoint."}
_TOPICS = [topic.value for topic in FOR_ENDPOINTS]


class EndpointItem(serializers.Serializer[Any]):
    """An address that notices are posted to: a team's, or the tenant's."""

    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    kind = serializers.ChoiceField(Kind.values)
    team = serializers.CharField(
        source="team.slug", default=None, allow_null=True, help_text="Slug; null: the tenant's."
    )
    address = serializers.SerializerMethodField(
        help_text="Its host; the rest may be a secret and is not told."
    )
    topics = serializers.ListField(child=serializers.CharField(), help_text="What it is told of.")
    active = serializers.BooleanField()
    set_by = serializers.CharField()
    set_at = serializers.DateTimeField()

    def get_address(self, row: Endpoint) -> str:
        return endpoints.shown_address(row)


class AddedItem(EndpointItem):
    secret = serializers.CharField(
        allow_null=True, help_text="What its notices are signed with; null: it is no webhook."
    )


class _EndpointBody(Known):
    name = serializers.CharField(max_length=80)
    topics = serializers.ListField(
        child=serializers.ChoiceField(_TOPICS), allow_empty=False, help_text="What it is told of."
    )
    active = serializers.BooleanField(default=True, help_text="Whether it is told anything.")


class AddBody(_EndpointBody):
    kind = serializers.ChoiceField(Kind.values)
    team = serializers.CharField(
        max_length=62, default=None, allow_null=True, help_text="Slug; null: the tenant's own."
    )
    url = serializers.CharField(max_length=LONGEST, help_text="Public, and over https.")


class ChangeBody(_EndpointBody):
    url = serializers.CharField(
        max_length=LONGEST, default=None, allow_null=True, help_text="Left out: as it is."
    )


class ActBody(Known):
    act = serializers.ChoiceField(
        ["test", "rotate", "remove"],
        help_text="test: send it a test. rotate: a new secret; both are good for a day.",
    )


class ActItem(serializers.Serializer[Any]):
    act = serializers.CharField()
    secret = serializers.CharField(allow_null=True, help_text="The new one, told once.")


class Endpoints(ScopedView):
    needs = "read:notifications"
    writes = "write:notifications"
    http_method_names = ["get", "head", "post"]

    @operation(
        "listNotificationEndpoints",
        tag="notifications",
        summary="Where teams and the tenant are told",
        description="Teams, Slack and signed webhooks that the token's person may see.",
        scope=needs,
        query=ListQuery,
        answer=page_of(EndpointItem),
        example=examples.page(shown.ENDPOINT),
    )
    def get(self, request: Request) -> Response:
        query = ListQuery.of(request)
        rows, link = paging.rows(request, query, endpoints.seen_by(self.actor), ("id",))
        return Response({"next": link, "results": EndpointItem(rows, many=True).data})

    @operation(
        "addNotificationEndpoint",
        tag="notifications",
        summary="Add an endpoint",
        description="A team's: for its owners and administrators. The tenant's: administrators.",
        scope=writes,
        body=AddBody,
        answer=AddedItem,
        example=examples.one(shown.ADDED),
    )
    def post(self, request: Request) -> Response:
        Query.of(request)
        body = AddBody(data=request.data)
        body.is_valid(raise_exception=True)
        said, now = body.validated_data, clock.now()
        row = endpoints.add(
            self.actor, self._team(said["team"]), _wanted(said, Kind(said["kind"])), at=now
        )
        signed = row.kind == Kind.WEBHOOK
        secret = endpoints.show_secret(self.actor, row, at=now) if signed else None
        return Response({**EndpointItem(row).data, "secret": secret})

    def _team(self, slug: str | None) -> Team | None:
        try:
            return teams.one(self.actor, slug) if slug is not None else None
        except NotFound:
            raise Invalid(field="team", fix="There is none like it.") from None


class ChangeEndpoint(ScopedView):
    needs = "read:notifications"
    writes = "write:notifications"
    http_method_names = ["post"]

    @operation(
        "changeNotificationEndpoint",
        tag="notifications",
        summary="Change an endpoint",
        scope=writes,
        path=_PATH,
        body=ChangeBody,
        answer=EndpointItem,
        example=examples.one(shown.ENDPOINT),
    )
    def post(self, request: Request, endpoint: int) -> Response:
        Query.of(request)
        row = endpoints.one(self.actor, endpoint)
        body = ChangeBody(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = _wanted(body.validated_data, Kind(row.kind))
        changed = endpoints.change(self.actor, row, wanted, at=clock.now())
        return Response(EndpointItem(changed).data)


class ActOnEndpoint(ScopedView):
    needs = "read:notifications"
    writes = "write:notifications"
    http_method_names = ["post"]

    @operation(
        "actOnNotificationEndpoint",
        tag="notifications",
        summary="Test an endpoint, change its secret, or remove it",
        scope=writes,
        path=_PATH,
        body=ActBody,
        answer=ActItem,
        example=examples.one(shown.DONE),
    )
    def post(self, request: Request, endpoint: int) -> Response:
        Query.of(request)
        row = endpoints.one(self.actor, endpoint)
        body = ActBody(data=request.data)
        body.is_valid(raise_exception=True)
        act, secret, now = body.validated_data["act"], None, clock.now()
        match act:
            case "test":
                endpoints.try_out(self.actor, row, at=now)
            case "remove":
                endpoints.remove(self.actor, row, at=now)
            case _:
                secret = endpoints.rotate(self.actor, row, at=now)
        return Response(ActItem({"act": act, "secret": secret}).data)


def _wanted(said: dict[str, Any], kind: Kind) -> Wanted:
    return Wanted(
        name=said["name"],
        kind=kind,
        url=said["url"],
        topics=endpoints.topics_of(said["topics"]),
        active=said["active"],
    )

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.approvers import deciders, routing
from governance.consequences import asked, whatif
from governance.front_door import keys, requests
from governance.front_door.keys import Came
from governance.models import (
    UNDECIDED,
    QuotaRequest,
    RequestEvent,
    RequestKind,
    RequestState,
)
from inventory import teams
from portal.api import examples, idempotency, paging, request_items
from portal.api import request_examples as shown
from portal.api.answers import page_of
from portal.api.consequence_items import WhatIfItem, way
from portal.api.queries import ListQuery, Name, Query
from portal.api.request_acts import SentView
from portal.api.request_bodies import NewBody, WhatIfBody, asked_of, team_of
from portal.api.request_items import EventItem, OneRequestItem, RequestItem, Shower, StandingItem
from portal.api.schema import operation
from portal.api.views import ScopedView
from tenancy import access, clock

_NUMBER = {"number": "The request's number."}
_LATEST = "9999-12-31"


class RequestsQuery(ListQuery):
    state = serializers.ChoiceField(
        RequestState.choices, required=False, help_text="Only those in this."
    )
    kind = serializers.ChoiceField(
        RequestKind.choices, required=False, help_text="Only those of this kind."
    )
    team = Name("Only those of the team of this slug.")
    gateway = Name("Only those about this gateway.")
    subscription = Name("Only those about the APIM subscription of this name.")
    waiting_for_me = serializers.ChoiceField(
        ["true"], required=False, help_text="Only those that you may decide on now."
    )


class Requests(SentView):
    needs = "read:requests"
    writes = "write:requests"
    http_method_names = ["get", "head", "post"]

    @operation(
        "listRequests",
        tag="requests",
        summary="Requests for limits, tiers and subscriptions",
        description="The newest first; those that wait for you by the day their limit runs out.",
        scope=needs,
        query=RequestsQuery,
        answer=page_of(RequestItem),
        example=examples.page(shown.REQUEST),
        missing="The team to filter by is none, or it is not yours to see.",
    )
    def get(self, request: Request) -> Response:
        query = RequestsQuery.of(request)
        found = self._filtered(query)
        if "waiting_for_me" in query:
            rows, link = self._waiting(request, query, found)
        else:
            rows, link = _newest_first(request, query, found)
        return Response({"next": link, "results": Shower.of(request).listed(rows)})

    @operation(
        "createRequest",
        tag="requests",
        summary="Ask for something",
        description=(
            "For members of the team and administrators. It stays a draft unless `submit` is true;"
            " then its approvers are asked at once, or it is in force at once where no policy asks"
            " anybody. `POST /requests/what-if/` with the same body tells what it would do."
        ),
        scope=writes,
        body=NewBody,
        headers=(idempotency.PARAMETER,),
        answer={201: StandingItem, 200: StandingItem},
        further=(413,),
        example=examples.one(shown.STANDING),
    )
    def post(self, request: Request) -> Response:
        said = self.said(request, NewBody)
        key, at = idempotency.key_of(request), clock.now()

        def make() -> QuotaRequest:
            wanted = asked_of(said, team_of(said, self.actor), self.actor)
            made = requests.draft(wanted, by=self.actor, at=at)
            return requests.submit(made, by=self.actor, at=at) if said["submit"] else made

        made, came = keys.once(key, make, by=self.actor)
        return self.answer(made.number, at=at, status=201 if came is Came.NOW else 200)

    def _filtered(self, query: dict[str, Any]) -> QuerySet[QuotaRequest]:
        columns = {"state": "state", "kind": "kind", "subscription": "subscription__name"}
        given: dict[str, Any] = {
            column: query[name] for name, column in columns.items() if name in query
        }
        if "team" in query:
            given["team"] = teams.one(self.actor, query["team"])
        rows = requests.seen_by(self.actor).filter(**given)
        if "gateway" in query:
            here = query["gateway"]
            rows = rows.filter(Q(gateway__name=here) | Q(subscription__gateway__name=here))
        return rows

    def _waiting(
        self, request: Request, query: dict[str, Any], found: QuerySet[QuotaRequest]
    ) -> tuple[Sequence[QuotaRequest], str | None]:
        """Those of the found that wait for the actor, the most urgent first."""
        part = paging.asked(request, query)
        mine = {row.pk for row in deciders.waiting_for(self.actor, at=clock.now())}
        rows = sorted((row for row in found if row.pk in mine), key=_urgency)
        later = [row for row in rows if part.after is None or _urgency(row) > part.after]
        return paging.page(request, part, later[: part.most], _urgency)


class OneRequest(ScopedView):
    needs = "read:requests"

    @operation(
        "getRequest",
        tag="requests",
        summary="One request: who approved it, who has to, and what it would do",
        scope=needs,
        path=_NUMBER,
        answer=OneRequestItem,
        example=examples.one(shown.ONE),
    )
    def get(self, request: Request, number: int) -> Response:
        Query.of(request)
        row, at = requests.one(self.actor, number), clock.now()
        told = Shower.of(request).standing(row, self.actor, at=at)
        return Response(OneRequestItem({**told, **_ahead(row, at=at)}).data)


class RequestTimeline(ScopedView):
    needs = "read:requests"

    @operation(
        "listRequestEvents",
        tag="requests",
        summary="All that happened to a request",
        description="The oldest first.",
        scope=needs,
        query=ListQuery,
        path=_NUMBER,
        answer=page_of(EventItem),
        example=examples.page(shown.EVENT),
    )
    def get(self, request: Request, number: int) -> Response:
        query = ListQuery.of(request)
        row = requests.one(self.actor, number)
        found = access.many(RequestEvent, self.actor).filter(request=row)
        rows, link = paging.rows(request, query, found, ("id",))
        return Response({"next": link, "results": [request_items.event(one) for one in rows]})


class WhatIf(SentView):
    needs = "read:requests"
    http_method_names = ["post"]

    @operation(
        "whatIf",
        tag="requests",
        summary="What something would do, and who would have to approve it",
        description="Nothing of it is kept, and nobody is asked.",
        scope=needs,
        body=WhatIfBody,
        answer=WhatIfItem,
        further=(413,),
        example=examples.one(shown.WHAT_IF),
    )
    def post(self, request: Request) -> Response:
        said, at = self.said(request, WhatIfBody), clock.now()
        wanted = asked_of(said, team_of(said, self.actor), self.actor)
        number = said["amends"]
        amends = None if number is None else requests.one(self.actor, number)
        asked.check(wanted, at=at)
        found = whatif.of(wanted, at=at)
        route = routing.of(
            wanted,
            found,
            at=at,
            request_id=amends.pk if amends else None,
            asks=self.actor.person_id,
        )
        return Response(WhatIfItem({"consequences": found, "route": way(route)}).data)


def _ahead(row: QuotaRequest, *, at: datetime) -> dict[str, Any]:
    """What a request would do now, and of a draft, whose approval it would need."""
    if row.state not in (RequestState.DRAFT, *UNDECIDED):
        return {"consequences": None, "route": None}
    wanted = asked.of_request(row)
    found = whatif.of(wanted, at=at)
    if row.state != RequestState.DRAFT:
        return {"consequences": found, "route": None}
    route = routing.of(wanted, found, at=at, asks=row.requested_by_id)
    return {"consequences": found, "route": way(route)}


def _newest_first(
    request: Request, query: dict[str, Any], found: QuerySet[QuotaRequest]
) -> tuple[Sequence[QuotaRequest], str | None]:
    part = paging.asked(request, query)
    if part.after is not None:
        found = found.filter(number__lt=int(part.after[0]))
    rows = list(found.order_by("-number")[: part.most])
    return paging.page(request, part, rows, lambda row: (str(row.number),))


def _urgency(row: QuotaRequest) -> paging.Key:
    """What runs out first, then what was asked first."""
    return (row.runs_out_on.isoformat() if row.runs_out_on else _LATEST, f"{row.number:010}")

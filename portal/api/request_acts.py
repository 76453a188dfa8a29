from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from governance.front_door import applying, approvals, overrides, requests
from governance.models import QuotaRequest
from portal.api import examples
from portal.api import request_examples as shown
from portal.api.plans import Known
from portal.api.queries import Query
from portal.api.request_bodies import (
    NOTHING,
    AmendBody,
    ApproveBody,
    AskedBody,
    EndGrantBody,
    QuestionBody,
    RejectBody,
    SaidBody,
    WithdrawBody,
    asked_of,
)
from portal.api.request_items import Shower, StandingItem
from portal.api.schema import Handler, operation
from portal.api.views import ScopedView
from tenancy import clock

_NUMBER = {"number": "The request's number."}
_WRITE, _DECIDE = "write:requests", "decide:requests"
_AGAIN = "Doing it again changes nothing."
_VERSION = (
    "It names the version that was looked at: of another one it is refused (409), and nothing is"
    " decided."
)


class SentView(ScopedView):
    """A resource that something is sent to as JSON; of a request it answers with that."""

    def said(self, request: Request, body: type[Known]) -> dict[str, Any]:
        """What was sent, in the shape of a body.

        Raises:
            ValidationError: names whatever is unknown, missing or unreadable.
        """
        Query.of(request)
        if "If-Match" in request.headers:
            fix = "Name the version you looked at in the body, as `version`; leave this out."
            raise serializers.ValidationError({"If-Match": [fix]})
        read = body(data=request.data)
        read.is_valid(raise_exception=True)
        said: dict[str, Any] = read.validated_data
        return said

    def answer(self, number: int, *, at: datetime, status: int = 200) -> Response:
        """The request as it stands now.

        Raises:
            NotFound: it is not the actor's to see any more.
        """
        row = requests.one(self.actor, number)
        told = Shower.of(self.request).standing(row, self.actor, at=at)
        return Response(StandingItem(told).data, status=status)


class Act(SentView):
    """One thing that can be done to a request."""

    writes = _WRITE
    http_method_names = ["post"]

    def one(self, number: int) -> QuotaRequest:
        return requests.one(self.actor, number)


def _act(
    name: str, summary: str, *, body: Any, description: str, scope: str = _WRITE
) -> Callable[[Handler], Handler]:
    return operation(
        name,
        tag="requests",
        summary=summary,
        description=description,
        scope=scope,
        path=_NUMBER,
        body=body,
        answer=StandingItem,
        further=(413,),
        example=examples.one(shown.STANDING),
    )


class Change(Act):
    @_act(
        "changeDraft",
        "Let a draft ask for something else",
        body=AskedBody,
        description="By its author. What was sent already is amended instead.",
    )
    def post(self, request: Request, number: int) -> Response:
        said, row, at = self.said(request, AskedBody), self.one(number), clock.now()
        wanted = asked_of(said, row.team, self.actor)
        requests.change(row, wanted, by=self.actor, at=at)
        return self.answer(number, at=at)


class Submit(Act):
    @_act(
        "submitRequest",
        "Send a draft to its approvers",
        body=NOTHING,
        description=f"By its author. Where no policy asks anybody it is approved at once. {_AGAIN}",
    )
    def post(self, request: Request, number: int) -> Response:
        self.said(request, Known)
        at = clock.now()
        requests.submit(self.one(number), by=self.actor, at=at)
        return self.answer(number, at=at)


class Amend(Act):
    @_act(
        "amendRequest",
        "Let an open request ask for something else",
        body=AmendBody,
        description=f"By its author. It is a new version, and its approval begins anew. {_VERSION}",
    )
    def post(self, request: Request, number: int) -> Response:
        said, row, at = self.said(request, AmendBody), self.one(number), clock.now()
        wanted = asked_of(said, row.team, self.actor)
        requests.amend(row, wanted, seen=said["version"], by=self.actor, at=at, text=said["text"])
        return self.answer(number, at=at)


class Comment(Act):
    @_act(
        "commentOnRequest",
        "Say something to a request",
        body=SaidBody,
        description="By whoever sees it. Each time it is sent it is said again.",
    )
    def post(self, request: Request, number: int) -> Response:
        said, at = self.said(request, SaidBody), clock.now()
        requests.comment(self.one(number), said["text"], by=self.actor, at=at)
        return self.answer(number, at=at)


class Answer(Act):
    @_act(
        "answerRequest",
        "Answer an approver's question",
        body=SaidBody,
        description="For members of the team and administrators. It waits for its approvers again.",
    )
    def post(self, request: Request, number: int) -> Response:
        said, at = self.said(request, SaidBody), clock.now()
        requests.answer(self.one(number), said["text"], by=self.actor, at=at)
        return self.answer(number, at=at)


class Withdraw(Act):
    @_act(
        "withdrawRequest",
        "Take a request back before it is decided",
        body=WithdrawBody,
        description=f"By its author or an owner of the team. {_AGAIN}",
    )
    def post(self, request: Request, number: int) -> Response:
        said, at = self.said(request, WithdrawBody), clock.now()
        requests.withdraw(self.one(number), by=self.actor, at=at, text=said["text"])
        return self.answer(number, at=at)


class Approve(Act):
    writes = _DECIDE

    @_act(
        "approveRequest",
        "Say yes to a version of a request",
        body=ApproveBody,
        scope=_DECIDE,
        description=f"The last yes that is needed puts it in force. {_VERSION} {_AGAIN}",
    )
    def post(self, request: Request, number: int) -> Response:
        said, at = self.said(request, ApproveBody), clock.now()
        row = self.one(number)
        approvals.approve(row, seen=said["version"], by=self.actor, at=at, text=said["text"])
        return self.answer(number, at=at)


class Reject(Act):
    writes = _DECIDE

    @_act(
        "rejectRequest",
        "Say no to a version of a request, and why",
        body=RejectBody,
        scope=_DECIDE,
        description=f"One no is enough. {_VERSION} {_AGAIN}",
    )
    def post(self, request: Request, number: int) -> Response:
        said, at = self.said(request, RejectBody), clock.now()
        row = self.one(number)
        approvals.reject(row, seen=said["version"], by=self.actor, at=at, reason=said["reason"])
        return self.answer(number, at=at)


class Question(Act):
    writes = _DECIDE

    @_act(
        "askAboutRequest",
        "Ask the team something before deciding",
        body=QuestionBody,
        scope=_DECIDE,
        description=f"It waits for the answer and keeps the approvals it has. {_VERSION}",
    )
    def post(self, request: Request, number: int) -> Response:
        said, at = self.said(request, QuestionBody), clock.now()
        row = self.one(number)
        approvals.ask(row, seen=said["version"], by=self.actor, at=at, text=said["text"])
        return self.answer(number, at=at)


class End(Act):
    @_act(
        "endOverride",
        "Let what a request put in force end now",
        body=EndGrantBody,
        description="What was added the team gives up, or an approver takes back; what was taken"
        " away comes back by an approver who did not ask for it. The limit below stays.",
    )
    def post(self, request: Request, number: int) -> Response:
        said, at = self.said(request, EndGrantBody), clock.now()
        overrides.end(self.one(number), by=self.actor, at=at, reason=said["reason"])
        return self.answer(number, at=at)


class Again(Act):
    writes = _DECIDE

    @_act(
        "applyAgain",
        "Have a request that failed carried out again",
        body=NOTHING,
        scope=_DECIDE,
        description="By an approver or administrator, within a minute. Its approval stands.",
    )
    def post(self, request: Request, number: int) -> Response:
        self.said(request, Known)
        at = clock.now()
        applying.again(self.actor, self.one(number), at=at)
        return self.answer(number, at=at)

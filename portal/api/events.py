from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import unquote

from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from billing import events
from billing.rules.event_bodies import MOST_BYTES, MOST_EVENTS, Form
from portal import rights
from portal.api.event_bodies import BODIES, SENT, TAKEN
from portal.api.queries import Query
from portal.api.schema import operation
from portal.api.views import ScopedView
from tenancy import clock
from tenancy.refusals import Refused

_PREFIX = "ce-"
_BODY = "body"


class TooLarge(Refused):
    code = "too-large"
    status = 413
    text = "Send at most {most} bytes at once, in several requests if need be."


class _Bytes(BaseParser):
    """The body as it came: it is read strictly, and not by Python's habits."""

    form: ClassVar[Form]

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Mapping[str, bytes]:
        body: bytes = stream.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise TooLarge(most=MOST_BYTES)
        return {_BODY: body}


class _Plain(_Bytes):
    media_type = Form.PLAIN.value


class _Structured(_Bytes):
    media_type = Form.STRUCTURED.value


class _Batch(_Bytes):
    media_type = Form.BATCH.value


class PushedItem(serializers.Serializer[Any]):
    """What became of the events: all of them were taken."""

    accepted = serializers.IntegerField(help_text="New ones, stored now.")
    repeated = serializers.IntegerField(help_text="Known already as they are; nothing changed.")


class UsageEvents(ScopedView):
    needs = "write:usage"
    writes = "write:usage"
    http_method_names = ["post"]
    parser_classes = [_Plain, _Structured, _Batch]

    @operation(
        "pushUsageEvents",
        tag="usage",
        summary="Push usage events of another gateway",
        description=(
            f"For finance and administrators. At most {MOST_EVENTS} events and {MOST_BYTES} bytes"
            ' at once: one event, an array, `{"events": [...]}`, or CloudEvents, structured, in'
            " a batch or in binary mode. All are taken or none; each fault is named by the"
            " event's index and field. An event counts once, by `source` and `id`: the same again"
            " changes nothing, another under the same id is refused (409). So are events of a"
            " gateway whose usage is read from its logs or metrics."
        ),
        scope=writes,
        body=BODIES,
        answer={202: PushedItem},
        further=(413,),
        example=TAKEN,
        sent=SENT,
    )
    def post(self, request: Request) -> Response:
        Query.of(request)
        rights.push_usage(self.actor)
        body = dict(request.data).get(_BODY, b"")  # without one, nothing is parsed
        try:
            pushed = events.push(body, _form(request), _attributes(request), at=clock.now())
        except events.Faulty as error:
            raise _named(error) from error
        return Response(PushedItem(pushed).data, status=202)


def _form(request: Request) -> Form:
    kind = request.content_type.partition(";")[0].strip().lower()
    return next((form for form in Form if form.value == kind), Form.PLAIN)


def _attributes(request: Request) -> dict[str, str]:
    """The attributes of a CloudEvent in binary mode; in headers they are percent-encoded."""
    return {
        name.lower().removeprefix(_PREFIX): unquote(value)
        for name, value in request.headers.items()
        if name.lower().startswith(_PREFIX)
    }


def _named(error: events.Faulty) -> serializers.ValidationError:
    faults: dict[str, list[str]] = {}
    for fault in error.faults[: events.MOST_FAULTS]:
        faults.setdefault(fault.place, []).append(fault.fix)
    if (more := len(error.faults) - events.MOST_FAULTS) > 0:
        faults["events"] = [*faults.get("events", ()), f"There are {more} more faults."]
    return serializers.ValidationError(faults)

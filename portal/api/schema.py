"""The API described: OpenAPI 3, the page to try it on, and what every operation has in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework import serializers

Handler = TypeVar("Handler", bound=Callable[..., Any])

_PROBLEM = "application/problem+json"
_WHEN = {
    400: "A parameter is unknown, repeated or unreadable; `errors` names each.",
    401: "There is no token, or it is unknown, expired or revoked.",
    403: "The token lacks the scope this needs, or its person does not do this; `detail` says so.",
    404: "There is no such thing, or it is not yours to see: the answer is the same.",
    409: "Not as things stand: the plan is of another change, or something is in the way.",
    413: "The body is too large; `detail` says how much can be sent at once.",
    415: "The body's media type is none that can be read.",
    406: "None of the media types asked for can be given.",
    429: "The token asked too often. `Retry-After` says in how many seconds to ask again.",
}


class FieldFault(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="The parameter at fault.")
    detail = serializers.CharField(help_text="What is wrong with it, and what to give instead.")


class Problem(serializers.Serializer[Any]):
    """RFC 9457 problem details."""

    type = serializers.CharField(help_text="A stable name of this kind of problem.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="What happened and what to do.")
    instance = serializers.CharField(help_text="The address asked for.")
    code = serializers.CharField(help_text="The last part of `type`.")
    errors = FieldFault(many=True, required=False)  # type: ignore[assignment]  # a field of its own


class Schema(SpectacularAPIView):
    """The schema itself; public, and the same for everybody."""

    throttle_classes = []


class Documentation(SpectacularSwaggerSplitView):
    """Swagger UI from the product's own files, its script apart, as the strict CSP needs it."""

    throttle_classes = []
    template_name = "api/documentation.html"
    url_name = "api:schema"


def operation(
    name: str,
    *,
    tag: str,
    summary: str,
    answer: Any,
    example: OpenApiExample,
    scope: str | None = None,
    query: type[serializers.Serializer[Any]] | None = None,
    body: Any = None,
    path: dict[str, str] | None = None,
    description: str = "",
    missing: str = "",
    further: tuple[int, ...] = (),
    sent: tuple[OpenApiExample, ...] = (),
    headers: tuple[OpenApiParameter, ...] = (),
) -> Callable[[Handler], Handler]:
    """Describes one operation: its name, what it asks for, and every answer it can give."""
    when = dict(_WHEN) | ({404: missing} if missing else {})
    possible = {400, 401, 406, 429} | ({403} if scope else set())
    possible |= {404} if path or missing else set()
    possible |= {409, 415} if body else set()
    possible |= set(further)
    problems = {
        (status, _PROBLEM): OpenApiResponse(Problem, description=when[status])
        for status in sorted(possible)
    }
    known = answer if isinstance(answer, dict) else {200: answer}
    answers = {key: OpenApiResponse(one, description="As asked for.") for key, one in known.items()}
    described: Callable[[Handler], Handler] = extend_schema(
        operation_id=name,
        tags=[tag],
        summary=summary,
        description=_description(description, scope),
        parameters=[*([query] if query else []), *_path(path or {}), *headers],
        request=body,
        responses=answers | problems,
        examples=[example, *sent],
    )
    return described


def _description(text: str, scope: str | None) -> str:
    needs = f"Needs the scope `{scope}`." if scope else "Any token will do."
    return f"{text}\n\n{needs}".strip()


def _path(names: dict[str, str]) -> list[OpenApiParameter]:
    return [
        OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.PATH, description=about)
        for name, about in names.items()
    ]


def version() -> str:
    """The version of the API, as its schema has it."""
    return str(settings.SPECTACULAR_SETTINGS["VERSION"])

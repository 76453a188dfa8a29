"""The one place where a refusal or a failed call to Azure becomes an answer.

Pages get a page in the frame, the API gets RFC 9457 problem details, the admin a message and a
command its exit line; all four say the same words.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.template import loader
from rest_framework import exceptions as rest

from connectors.failures import ConnectorError, Transient
from portal.tenant_scope import entered
from tenancy.refusals import Refused

CONTENT_TYPE = "application/problem+json"
API = "/api/"
TITLES = {
    400: "That cannot be read",
    401: "Sign in first",
    403: "Not yours to do",
    404: "Nothing here",
    405: "Not this way",
    406: "Not in that form",
    409: "Not as things stand",
    415: "Not in that form",
    429: "Too many requests",
    500: "Something broke here",
    502: "Azure gave no usable answer",
    503: "Azure does not answer now",
}
_NOT_FOUND = "There is no such page, or it is not yours to see."
_BROKE = "The fault is ours, and it is in the log with the time of this request. Try again later."
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FieldFault:
    """What is wrong with one field of the input."""

    field: str
    says: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, in one shape for every kind of answer."""

    status: int
    code: str
    says: str
    faults: tuple[FieldFault, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return TITLES.get(self.status) or HTTPStatus(self.status).phrase

    def document(self, instance: str) -> dict[str, Any]:
        """The problem as RFC 9457 has it; ``errors`` names the fields at fault."""
        document: dict[str, Any] = {
            "type": f"urn:apportion:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.says,
            "instance": instance,
            "code": self.code,
        }
        if self.faults:
            document["errors"] = [
                {"field": fault.field, "detail": fault.says} for fault in self.faults
            ]
        return document


class ProblemMiddleware:
    """Turns what a page's verbs refuse into a page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A page for a refusal or a failed call; anything else is a fault and goes on up."""
        problem = of(error)
        return None if problem is None else _answer(request, problem)


def of(error: Exception) -> Problem | None:
    """What an error says to whoever asked; None for a fault of the product itself."""
    match error:
        case Refused():
            return _refused(error)
        case ConnectorError():
            status = 503 if isinstance(error, Transient) else 502
            return Problem(status, f"azure-{type(error).__name__.lower()}", str(error))
        case rest.APIException():
            return _rest(error)
        case ValidationError():
            return Problem(400, "invalid", _first(error), tuple(_validation_faults(error)))
        case PermissionDenied():
            return Problem(403, "not-allowed", str(error) or "Your role does not allow this.")
        case Http404():
            return Problem(404, "not-found", _NOT_FOUND)
        case _:
            return None


def exit_line(error: Exception) -> str:
    """What a command says before it ends because of this error."""
    if isinstance(error, OperationalError):
        says = " ".join(str(error).split())
        return f"database-unavailable: {says} Check APPORTION_DATABASE_URL."
    problem = of(error)
    if problem is None:
        return f"fault: {type(error).__name__}: {error}"
    return f"{problem.code}: {problem.says}"


def admin_message(error: Exception) -> str:
    """What the admin shows above a form because of this error."""
    problem = of(error)
    return _BROKE if problem is None else problem.says


def api_problem(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """The API's exception handler: problem details, whatever was asked for in ``Accept``."""
    problem = of(error)
    if problem is None:
        return None
    request = context.get("request")
    return _document(request.path if request is not None else "", problem)


def csrf_failure(request: HttpRequest, **_reason: str) -> HttpResponse:
    """Answers a form that did not come from a page of this site, or came too late."""
    says = "This form was open too long, or came from another site. Go back, reload it, send again."
    return _answer(request, Problem(403, "form-not-trusted", says))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    """Django's handler400."""
    return _answer(request, Problem(400, "invalid", "The request is not well-formed."))


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return _answer(request, of(exception) or Problem(403, "not-allowed", "Not allowed."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    """Django's handler404."""
    return _answer(request, Problem(404, "not-found", _NOT_FOUND))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: asks nothing of the database, which may be what broke."""
    problem = Problem(500, "fault", _BROKE)
    if request.path.startswith(API):
        return _document(request.path, problem)
    page = loader.render_to_string("problem_plain.html", {"problem": problem})
    return HttpResponse(page, status=500)


def _answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    if problem.status >= 500:
        _log.error("%s %s: %s: %s", request.method, request.path, problem.code, problem.says)
    if request.path.startswith(API):
        return _document(request.path, problem)
    with entered(request):
        return render(request, "problem.html", {"problem": problem}, status=problem.status)


def _document(instance: str, problem: Problem) -> HttpResponse:
    document = problem.document(instance)
    response = JsonResponse(document, status=problem.status, content_type=CONTENT_TYPE)
    for name, value in problem.headers.items():
        response[name] = value
    return response


def _refused(error: Refused) -> Problem:
    name = error.field or error.values.get("field")
    faults = (FieldFault(str(name), str(error.values.get("fix") or error)),) if name else ()
    return Problem(error.status, error.code, str(error), faults)


def _rest(error: rest.APIException) -> Problem:
    headers = {}
    if scheme := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = scheme
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = f"{wait:.0f}"
    if isinstance(error, rest.ValidationError):
        faults = tuple(_rest_faults(error.detail))
        says = "; ".join(f"{fault.field}: {fault.says}" for fault in faults)
        return Problem(400, "invalid", says, faults, headers)
    codes = error.get_codes()
    code = codes.replace("_", "-") if isinstance(codes, str) else "invalid"
    return Problem(error.status_code, code, str(error.detail), headers=headers)


def _rest_faults(detail: Any, place: str = "") -> Iterator[FieldFault]:
    """Each message with the dotted place of its field; ``input`` where it belongs to none."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            under = "input" if name == "non_field_errors" else str(name)
            yield from _rest_faults(inner, f"{place}.{under}" if place else under)
    elif isinstance(detail, list):
        for inner in detail:
            yield from _rest_faults(inner, place)
    else:
        yield FieldFault(place or "input", str(detail))


def _validation_faults(error: ValidationError) -> Iterator[FieldFault]:
    if not hasattr(error, "error_dict"):
        yield from (FieldFault("input", says) for says in error.messages)
        return
    for name, messages in error.message_dict.items():
        yield from (FieldFault(name, says) for says in messages)


def _first(error: ValidationError) -> str:
    faults = tuple(_validation_faults(error))
    return "; ".join(f"{fault.field}: {fault.says}" for fault in faults)

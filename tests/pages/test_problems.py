"""One place says no: the same words as a page, a problem document, a message and an exit line."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from rest_framework import exceptions as rest

from connectors.failures import Forbidden, Service, Unreachable
from portal import problems
from tenancy.access import NotAllowed
from tenancy.refusals import Invalid, NotFound, Refused, Stale
from tests.world import World

REFUSED = [
    (Invalid(field="limit", fix="Give zero or more."), 400, "invalid", "Give zero or more."),
    (NotAllowed(role="viewer", verb="approve"), 403, "not-allowed", "viewer"),
    (NotFound(kind="team"), 404, "not-found", "no such team"),
    (Stale(what="The quota"), 409, "stale", "The quota changed"),
    (Refused(), 409, "refused", "cannot be done"),
    (PermissionDenied(), 403, "not-allowed", "role"),
    (Http404(), 404, "not-found", "not yours"),
    (ValidationError({"slug": ["Use letters."]}), 400, "invalid", "slug: Use letters."),
    (ValidationError("No."), 400, "invalid", "No."),
    (rest.NotAuthenticated(), 401, "not-authenticated", "credentials"),
    (rest.ParseError(), 400, "parse-error", "Malformed"),
    (rest.Throttled(wait=7), 429, "throttled", "7 seconds"),
    (Unreachable("down", service=Service.ENTRA), 503, "azure-unreachable", "down"),
    (Forbidden("no role", service=Service.ENTRA), 502, "azure-forbidden", "no role"),
]


def _request(path: str) -> HttpRequest:
    request = RequestFactory().get(path)
    request.user = AnonymousUser()
    return request


def _page(error: Exception, path: str = "/t/contoso/") -> HttpResponse | None:
    return problems.ProblemMiddleware(lambda _: HttpResponse()).process_exception(
        _request(path), error
    )


@pytest.mark.parametrize(("error", "status", "code", "says"), REFUSED)
def test_every_answer_says_the_same(error: Exception, status: int, code: str, says: str) -> None:
    page = _page(error)
    document = problems.api_problem(error, {"request": _request("/api/v1/teams/")})
    assert page is not None
    assert document is not None
    assert (page.status_code, document.status_code) == (status, status)
    told = json.loads(document.content)
    assert document["Content-Type"] == "application/problem+json"
    assert (told["status"], told["code"], told["instance"]) == (status, code, "/api/v1/teams/")
    assert told["type"] == f"urn:apportion:problem:{code}"
    for text in (page.content.decode(), told["detail"], problems.admin_message(error)):
        assert says in text
    assert problems.exit_line(error).startswith(f"{code}: ")


def test_a_document_names_each_field_at_fault() -> None:
    error = rest.ValidationError(
        {"from": ["Use an instant."], "rows": [{"n": ["Too big."]}], "non_field_errors": ["No."]}
    )
    document = problems.api_problem(error, {})
    assert document is not None
    assert json.loads(document.content)["errors"] == [
        {"field": "from", "detail": "Use an instant."},
        {"field": "rows.n", "detail": "Too big."},
        {"field": "input", "detail": "No."},
    ]


def test_what_a_client_should_do_next_is_in_the_headers() -> None:
    late = problems.api_problem(rest.Throttled(wait=7), {})
    assert late is not None
    assert late["Retry-After"] == "7"
    stranger = rest.NotAuthenticated()
    stranger.auth_header = "Bearer"  # type: ignore[attr-defined]  # as the framework sets it
    answer = problems.api_problem(stranger, {})
    assert answer is not None
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_fault_of_ours_is_not_passed_off_as_a_refusal() -> None:
    assert _page(RuntimeError("secret detail")) is None
    assert problems.api_problem(RuntimeError("secret detail"), {}) is None
    page = problems.server_error(_request("/t/contoso/"))
    document = problems.server_error(_request("/api/v1/teams/"))
    assert (page.status_code, document.status_code) == (500, 500)
    assert json.loads(document.content)["code"] == "fault"
    assert "secret detail" not in page.content.decode()


def test_what_a_refusal_says_is_text_and_never_markup() -> None:
    page = _page(Invalid(field="<b>", fix="<script>alert(1)</script>"))
    assert page is not None
    assert "<script>alert" not in page.content.decode()


def test_unknown_addresses_are_told_in_the_frame_of_whoever_asks(world: World) -> None:
    inside = world.dan.get("/t/contoso/nothing/here/")
    assert inside.status_code == 404
    assert "Contoso" in inside.content.decode()
    outside = Client().get("/nothing/here/")
    assert outside.status_code == 404
    assert "Contoso" not in outside.content.decode()


def test_no_page_lets_scripts_or_styles_in(world: World) -> None:
    for address in ("/t/contoso/", "/t/contoso/nothing/"):
        page = world.dan.get(address)
        policy = page["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        body = page.content.decode()
        assert "<script" not in body
        assert " style=" not in body

"""A failure is one clear line that gives no secret away, and survives the way between workers."""

import json
import pickle

import pytest

from connectors.credentials import Principal
from connectors.failures import (
    BadQuery,
    Changed,
    ConnectorError,
    Forbidden,
    NotFound,
    Permanent,
    Service,
    Transient,
    Unauthenticated,
    one_line,
)
from connectors.settings import AzureEndpoints
from connectors.translation import answered, explained, log_analytics, resource_manager

AZURE = AzureEndpoints()
ARM = resource_manager(AZURE, "contoso", "APIM subscription subscription1")
LOGS = log_analytics(AZURE, "contoso", "workspace w")
DENIED = json.dumps(
    {"error": {"code": "AuthorizationFailed", "message": "The client has no role."}}
)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("Authorization: Bearer abc.def-ghi", "Authorization: ***"),
        ("got eyJhbGciOi.eyJzdWIi.c2ln end", "got *** end"),
        ("client_secret=hunter2&x=1", "client_secret=***&x=1"),
        ('{"access_token": "opaque"}', '{"access_token": "***"}'),
        ("two\nlines\tof  text", "two lines of text"),
    ],
)
def test_no_secret_and_no_second_line(text: str, safe: str) -> None:
    assert one_line(text) == safe


def test_a_principal_does_not_show_its_secret() -> None:
    principal = Principal("contoso", "t", "c", "hunter2")
    assert "hunter2" not in f"{principal} {principal!r}"


def test_a_failure_survives_the_way_between_processes() -> None:
    sent = Transient("busy", service=Service.LOG_ANALYTICS, after=3.0, request_id="r")
    got = pickle.loads(pickle.dumps(sent))
    assert (type(got), str(got), got.after, got.request_id, got.service) == (
        Transient,
        "busy",
        3.0,
        "r",
        Service.LOG_ANALYTICS,
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Permanent),
        (401, Unauthenticated),
        (403, Forbidden),
        (404, NotFound),
        (409, Transient),
        (412, Changed),
        (429, Transient),
        (500, Transient),
        (504, Transient),
        (301, Permanent),
    ],
)
def test_each_status_has_its_kind(status: int, kind: type[ConnectorError]) -> None:
    failure = answered(status, {"x-ms-request-id": "r-1"}, DENIED, ARM)
    assert (type(failure), failure.request_id) == (kind, "r-1")
    assert "The client has no role." in str(failure)


def test_a_missing_role_names_the_resource_and_the_entry() -> None:
    failure = answered(403, {}, DENIED, ARM)
    assert failure.setting == "APPORTION_AZURE_CREDENTIALS_FILE"
    assert str(failure) == (
        "'contoso' lacks a role for this call about APIM subscription subscription1 "
        "(AuthorizationFailed: The client has no role.). Assign the role in Azure. "
        "Check APPORTION_AZURE_CREDENTIALS_FILE, entry 'contoso'."
    )


def test_a_bad_query_carries_the_innermost_reason() -> None:
    inner = {"code": "SEM0100", "message": "Failed to resolve table 'Nope'"}
    middle = {"code": "SemanticError", "message": "A semantic error occurred.", "innererror": inner}
    body = {"error": {"code": "BadArgumentError", "message": "bad", "innererror": middle}}
    failure = answered(400, {}, json.dumps(body), LOGS)
    assert isinstance(failure, BadQuery)
    assert (
        str(failure) == "Log Analytics refused the query: SEM0100: Failed to resolve table 'Nope'"
    )


@pytest.mark.parametrize("body", ["", "<html>", "[1]", '{"error": 5}', '{"error": {"code": 1}}'])
def test_a_body_that_says_nothing_is_no_trouble(body: str) -> None:
    assert explained(body) == ("", "")
    assert "HTTP 502" in str(answered(502, {}, body, ARM))


def test_a_wait_is_passed_on() -> None:
    failure = answered(429, {"Retry-After": "120"}, "", ARM)
    assert isinstance(failure, Transient)
    assert failure.after == 120

"""Time-outs, repeats and tokens on every request.

A request is repeated a bounded number of times, only where sending it twice does no harm, and
never before the moment that Azure names. What would have to wait longer is given back to the
caller, whose next cycle is the better place to wait.
"""

import random
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import urlsplit

from azure.core.exceptions import (
    AzureError,
    DecodeError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import ContentDecodePolicy, HTTPPolicy
from azure.core.rest import HttpRequest, HttpResponse

from connectors.failures import Permanent, Service, Untrusted
from connectors.settings import AzureEndpoints, Setting

READS = frozenset({"GET", "HEAD", "OPTIONS"})
READS_AND_QUERIES = READS | {"POST"}
_BUSY = frozenset({429, 503})
_BROKEN = frozenset({408, 500, 502, 504}) | _BUSY

Request = PipelineRequest[HttpRequest]
Response = PipelineResponse[HttpRequest, HttpResponse]


class Tokens(Protocol):
    """Where a request gets its bearer token, and where a refused one is dropped."""

    def token(self, scope: str) -> str:
        """A token for ``scope`` that has not expired."""

    def forget(self, token: str) -> None:
        """Never hand out ``token`` again."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that Azure asks to wait, or None where it does not say.

    A date is measured against the answer's own ``Date``: the two clocks need not agree.
    """
    for name, scale in (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001)):
        if (text := headers.get(name)) and text.isdecimal():
            return int(text) * scale
    text = headers.get("Retry-After")
    if not text:
        return None
    if text.isdecimal():
        return float(text)
    try:
        until = parsedate_to_datetime(text).timestamp()
        stated = headers.get("Date")
        now = parsedate_to_datetime(stated).timestamp() if stated else time.time()
    except ValueError:
        return None
    return max(0.0, until - now)


def pause(endpoints: AzureEndpoints, attempt: int, asked: float | None) -> float | None:
    """Seconds to wait after failed ``attempt`` (from 1), or None to give up now.

    At least what was asked, with jitter on top so that workers do not return all at once.
    """
    if attempt >= endpoints.tries:
        return None
    wait = asked if asked is not None else endpoints.first_wait * 2 ** (attempt - 1)
    if wait > endpoints.longest_wait:
        return None if asked is not None else endpoints.longest_wait
    return wait + random.uniform(0, max(wait / 4, endpoints.first_wait / 4))  # noqa: S311


def repeatable_status(method: str, status: int, repeatable: frozenset[str]) -> bool:
    """Whether a request of ``method`` may be sent again after ``status``.

    Busy answers (429, 503) came before the work; after the others the work may have been done,
    so that only requests which may happen twice are sent twice.
    """
    return status in _BUSY or (status in _BROKEN and method in repeatable)


def is_trust(error: BaseException | None) -> bool:
    """Whether ``error`` says that the other end's certificate is not trusted."""
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


class Heard:
    """What the envelope of the last answer said, which the SDKs' models leave out.

    To be given to a call as ``raw_response_hook``.
    """

    def __init__(self) -> None:
        self._headers: Mapping[str, str] = {}
        self.count: int | None = None

    def __call__(self, response: PipelineResponse[Any, Any]) -> None:
        # Any: the hook serves both of azure-core's response families.
        self._headers = response.http_response.headers
        with suppress(DecodeError):  # what cannot be read fails a step later, where it is reported
            body = ContentDecodePolicy.deserialize_from_http_generics(response.http_response)
            if isinstance(body, dict) and isinstance(body.get("count"), int):
                self.count = max(self.count or 0, body["count"])

    def header(self, name: str) -> str | None:
        """The header ``name``, however it is spelt, or None."""
        return self._headers.get(name)


class Repeat(HTTPPolicy[HttpRequest, HttpResponse]):
    """Sends a request again as ``pause`` allows."""

    def __init__(self, endpoints: AzureEndpoints, repeatable: frozenset[str]) -> None:
        super().__init__()
        self._endpoints = endpoints
        self._repeatable = repeatable

    def send(self, request: Request) -> Response:
        for option in [name for name in request.context.options if name.startswith("retry_")]:
            # Meant for the SDKs' own policy, which this one replaces; the transport knows none.
            request.context.options.pop(option)
        attempt = 1
        while True:
            response, error = self._attempt(request)
            wait = self._wait(request, response, error, attempt)
            if wait is None:
                if response is not None:
                    return response
                raise error or ServiceRequestError("no answer and no error")
            time.sleep(wait)
            attempt += 1

    def _attempt(self, request: Request) -> tuple[Response | None, AzureError | None]:
        try:
            return self.next.send(request), None
        except (ServiceRequestError, ServiceResponseError, IncompleteReadError) as error:
            return None, error

    def _wait(
        self,
        request: Request,
        response: Response | None,
        error: AzureError | None,
        attempt: int,
    ) -> float | None:
        method = request.http_request.method.upper()
        if response is None:
            again = method in self._repeatable and not is_trust(error)
            return pause(self._endpoints, attempt, None) if again else None
        status = response.http_response.status_code
        if not repeatable_status(method, status, self._repeatable):
            return None
        return pause(self._endpoints, attempt, retry_after(response.http_response.headers))


class Authorize(HTTPPolicy[HttpRequest, HttpResponse]):
    """Puts a bearer token on requests to one host; after a 401, once more with a fresh one.

    A token never leaves for another host, whatever link or redirect an answer gave.
    """

    def __init__(self, tokens: Tokens, *, scope: str, base_url: str, service: Service) -> None:
        super().__init__()
        self._tokens = tokens
        self._scope = scope
        self._origin = origin(base_url)
        self._service = service

    def send(self, request: Request) -> Response:
        if origin(request.http_request.url) != self._origin:
            says = f"{self._service} sent a link to another host ({_host(request)}); not followed."
            raise Permanent(says, service=self._service)
        token = self._tokens.token(self._scope)
        response = self._send_with(token, request)
        if response.http_response.status_code != HTTPStatus.UNAUTHORIZED:
            return response
        self._tokens.forget(token)
        return self._send_with(self._tokens.token(self._scope), request)

    def _send_with(self, token: str, request: Request) -> Response:
        request.http_request.headers["Authorization"] = f"Bearer {token}"
        return self.next.send(request)


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of ``url``, with the port that https implies."""
    parts = urlsplit(url)
    return parts.scheme.lower(), (parts.hostname or "").lower(), parts.port or 443


def trust(endpoints: AzureEndpoints, service: Service) -> ssl.SSLContext | None:
    """The certificates to trust, None for the usual ones; Untrusted when they cannot be read."""
    if endpoints.ca_bundle is None:
        return None
    try:
        return ssl.create_default_context(cafile=endpoints.ca_bundle)
    except OSError as error:
        says = f"No trusted certificates can be read from {endpoints.ca_bundle}."
        says = f"{says} Check {Setting.CA_BUNDLE}."
        raise Untrusted(says, service=service, setting=Setting.CA_BUNDLE) from error


def connection(endpoints: AzureEndpoints, service: Service) -> dict[str, Any]:
    """Time-outs and trust as azure-core's transport takes them.

    Any: the SDKs type their options so.
    """
    trust(endpoints, service)
    return {
        "connection_timeout": endpoints.connect_timeout,
        "read_timeout": endpoints.read_timeout,
        "connection_verify": endpoints.ca_bundle or True,
    }


def _host(request: Request) -> str:
    return urlsplit(request.http_request.url).netloc

"""What the SDKs raise, in the words of ``failures``. The only place that knows both."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)

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
    Unreachable,
    Untrusted,
    one_line,
)
from connectors.settings import DEFAULT_PRINCIPAL, AzureEndpoints, Setting
from connectors.transport import is_trust, retry_after

_AADSTS = re.compile(r"AADSTS(\d+)")
# Entra's own words for "busy, try again".
_ENTRA_BUSY = frozenset({"90024", "90033"})
_AZURES_WORDS = 400
_TRANSIENT = frozenset({408, 409, 425, 429})
_REQUEST_IDS = ("x-ms-request-id", "x-ms-correlation-request-id", "request-id")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call went, and the setting that says so."""

    service: Service
    url: str
    setting: Setting
    endpoints: AzureEndpoints
    principal: str | None = None
    subject: str = ""


def resource_manager(endpoints: AzureEndpoints, principal: str, subject: str) -> Place:
    """Azure Resource Manager, asked about ``subject``."""
    url, setting = endpoints.resource_manager, Setting.RESOURCE_MANAGER
    return Place(Service.RESOURCE_MANAGER, url, setting, endpoints, principal, subject)


def log_analytics(endpoints: AzureEndpoints, principal: str, subject: str) -> Place:
    """Log Analytics, asked about the workspace ``subject``."""
    url, setting = endpoints.log_analytics, Setting.LOG_ANALYTICS
    return Place(Service.LOG_ANALYTICS, url, setting, endpoints, principal, subject)


def retail_prices(endpoints: AzureEndpoints) -> Place:
    """The public price list, which knows no principals."""
    url, setting = endpoints.retail_prices, Setting.RETAIL_PRICES
    return Place(Service.RETAIL_PRICES, url, setting, endpoints, subject="the price list")


def entra(endpoints: AzureEndpoints, principal: str) -> Place:
    """Entra, asked for a token of ``principal``."""
    host, setting = endpoints.authority_host, Setting.AUTHORITY_HOST
    return Place(Service.ENTRA, host, setting, endpoints, principal, f"'{principal}'")


@contextmanager
def translated(place: Place) -> Iterator[None]:
    """Raise what the SDKs raise inside as a ConnectorError about ``place``."""
    try:
        yield
    except ConnectorError:
        raise
    except (AzureError, httpx.HTTPError, OSError) as error:
        raise failure(error, place) from error


@contextmanager
def translated_credentials(endpoints: AzureEndpoints, principal: str) -> Iterator[None]:
    """Raise what asking Entra for a token raises as a ConnectorError about ``principal``."""
    place = entra(endpoints, principal)
    try:
        yield
    except (ClientAuthenticationError, ValueError) as error:
        raise _refused_credentials(error, place) from error
    except (AzureError, OSError) as error:
        raise failure(error, place) from error


def failure(error: Exception, place: Place) -> ConnectorError:
    """The failure that ``error`` stands for."""
    if is_trust(error):
        return _untrusted(error, place)
    match error:
        case IncompleteReadError() | httpx.RemoteProtocolError() | httpx.ReadError():
            return _broken_off(place)
        case HttpResponseError() if error.response is not None:
            return _answer(error.response, place)
        case HttpResponseError() | httpx.DecodingError():
            return _broken_off(place)
        case ServiceResponseError() | httpx.ReadTimeout() | httpx.WriteError():
            return _broken_off(place)
        case ServiceRequestError() | httpx.TransportError() | OSError():
            says = f"Nothing answers at {place.url} ({_cause(error)}). Check {place.setting}."
            return Unreachable(says, service=place.service, setting=place.setting)
        case _:
            return Permanent(f"{place.service}: {error}", service=place.service)


def answered(status: int, headers: Mapping[str, str], body: str, place: Place) -> ConnectorError:
    """The failure that an answer of ``status`` stands for."""
    code, message = explained(body)
    request_id = next((headers[name] for name in _REQUEST_IDS if name in headers), None)
    said = f"{code}: {message}" if code and message else code or message or f"HTTP {status}"
    # Azure's words can be long; the advice behind them must not fall off the line.
    said = one_line(said, longest=_AZURES_WORDS)
    about = f" about {place.subject}" if place.subject else ""
    credentials = f"Check {Setting.CREDENTIALS_FILE}, entry '{place.principal}'."

    def so(kind: type[ConnectorError], says: str, setting: Setting | None = None) -> ConnectorError:
        return kind(says, service=place.service, setting=setting, request_id=request_id)

    match status:
        case HTTPStatus.BAD_REQUEST if place.service is Service.LOG_ANALYTICS:
            return so(BadQuery, f"Log Analytics refused the query: {said}")
        case HTTPStatus.UNAUTHORIZED if place.principal:
            says = f"{place.service} refused the token of '{place.principal}' ({said})."
            return so(Unauthenticated, f"{says} {credentials}", Setting.CREDENTIALS_FILE)
        case HTTPStatus.FORBIDDEN if place.principal:
            says = f"'{place.principal}' lacks a role for this call{about} ({said})."
            says = f"{says} Assign the role in Azure. {credentials}"
            return so(Forbidden, says, Setting.CREDENTIALS_FILE)
        case HTTPStatus.NOT_FOUND:
            return so(NotFound, f"{place.service} knows no {place.subject} ({said}).")
        case HTTPStatus.PRECONDITION_FAILED:
            return so(Changed, f"{place.subject} changed since it was read ({said}).")
        case _ if _passing(status):
            says = f"{place.service} answered {status}{about} ({said})."
            after = retry_after(headers)
            return Transient(says, service=place.service, request_id=request_id, after=after)
        case _:
            return so(Permanent, f"{place.service} answered {status}{about} ({said}).")


def explained(body: str) -> tuple[str, str]:
    """Code and message of an error body; of nested ones, the innermost that say something."""
    try:
        found = json.loads(body)
    except ValueError:
        return "", ""
    error = found.get("error", found) if isinstance(found, dict) else None
    code = message = ""
    while isinstance(error, dict):
        code = _word(error.get("code")) or code
        message = _word(error.get("message")) or message
        error = error.get("innererror")
    return code, message


def _refused_credentials(error: Exception, place: Place) -> ConnectorError:
    cause = error.__cause__
    if isinstance(cause, ConnectorError):
        return cause
    if isinstance(cause, AzureError | OSError) and not isinstance(cause, ClientAuthenticationError):
        return failure(cause, place)
    if is_trust(error):
        return _untrusted(error, place)
    if place.principal == DEFAULT_PRINCIPAL and "AADSTS" not in str(error):
        says = (
            "This machine has no identity in Azure. Give it a managed identity, or name an entry "
            f"of {Setting.CREDENTIALS_FILE} instead of '{place.principal}'."
        )
        return Unauthenticated(says, service=place.service, setting=Setting.CREDENTIALS_FILE)
    response = getattr(error, "response", None)
    found = _AADSTS.search(str(error))
    busy = found is not None and found.group(1) in _ENTRA_BUSY
    if busy or (response is not None and _passing(response.status_code)):
        after = retry_after(response.headers) if response is not None else None
        says = f"{place.service} cannot give a token for '{place.principal}' now: {error}"
        return Transient(says, service=place.service, after=after)
    reason = found.group(0) if found else str(error)
    says = (
        f"Azure refused the credentials '{place.principal}' ({reason}). "
        f"Check {Setting.CREDENTIALS_FILE}, entry '{place.principal}'."
    )
    return Unauthenticated(says, service=place.service, setting=Setting.CREDENTIALS_FILE)


def _passing(status: int) -> bool:
    return status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _untrusted(error: Exception, place: Place) -> Untrusted:
    says = (
        f"The certificate of {place.url} is not trusted ({_verify_reason(error)}). "
        f"Check {Setting.CA_BUNDLE}."
    )
    return Untrusted(says, service=place.service, setting=Setting.CA_BUNDLE)


def _broken_off(place: Place) -> Transient:
    seconds = place.endpoints.read_timeout
    says = (
        f"{place.service} broke off its answer at {place.url}, or took longer than {seconds:g} s."
    )
    return Transient(says, service=place.service)


def _cause(error: Exception) -> str:
    text = str(error).lower()
    for sign, word in (
        ("refused", "connection refused"),
        ("timed out", "timed out"),
        ("name or service", "unknown host"),
        ("resolve", "unknown host"),
        ("name resolution", "unknown host"),
    ):
        if sign in text:
            return word
    return "connection failed"


def _verify_reason(error: Exception) -> str:
    found = re.search(r"certificate verify failed: ([^()\[\]]+)", str(error))
    return found.group(1).strip() if found else "certificate verify failed"


def _answer(response: Any, place: Place) -> ConnectorError:
    # Any: azure-core has two response families with the same face.
    try:
        body = str(response.text())
    except (AzureError, ValueError):
        body = ""
    return answered(response.status_code, response.headers, body, place)


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""

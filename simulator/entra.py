"""The directory: metadata and tokens for client credentials, and the check of a token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from simulator.setting import Tenant
from simulator.state import World
from simulator.wire import Ask, Json, Refusal, Reply, Route, answer, route

RESOURCE_MANAGER = ("https://management.azure.com", "https://management.core.windows.net")
LOG_ANALYTICS = ("https://api.loganalytics.io", "https://api.loganalytics.azure.com")
_AUDIENCES = (*RESOURCE_MANAGER, *LOG_ANALYTICS)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who holds a token: the principal of one tenant."""

    tenant: Tenant


def routes(world: World) -> list[Route]:
    """The directory's endpoints."""

    def configuration(ask: Ask, named: Mapping[str, str]) -> Reply:
        return answer(_configuration(ask, _directory(world, named["tenant"]).entra_tenant_id))

    def token(ask: Ask, named: Mapping[str, str]) -> Reply:
        return _issue(world, ask, named["tenant"])

    def keys(_ask: Ask, _named: Mapping[str, str]) -> Reply:
        return answer({"keys": []})

    return [
        route("GET", "/{tenant}/v2.0/.well-known/openid-configuration", configuration),
        route("POST", "/{tenant}/oauth2/v2.0/token", token),
        route("GET", "/{tenant}/discovery/v2.0/keys", keys),
    ]


def caller(world: World, ask: Ask, audiences: tuple[str, ...]) -> Caller:
    """Who asks, from the bearer token; a missing, foreign or expired one is refused with 401."""
    scheme, _, text = ask.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text:
        message = "Authentication failed. The 'Authorization' header is missing."
        raise _unauthenticated(ask, "AuthenticationFailed", message)
    claims = _read(world, text)
    if claims is None:
        raise _unauthenticated(ask, "InvalidAuthenticationToken", "The access token is invalid.")
    if claims["exp"] <= time.time():
        # Tokens live in real time, as the clients that keep them do, not in the simulated one.
        message = "The access token expiry UTC time is earlier than current UTC time."
        raise _unauthenticated(ask, "ExpiredAuthenticationToken", message)
    if claims["aud"].rstrip("/") not in audiences:
        message = (
            f"The access token has been obtained for wrong audience or resource '{claims['aud']}'. "
            f"It should exactly match with one of the allowed audiences '{audiences[0]}/'."
        )
        raise _unauthenticated(ask, "InvalidAuthenticationTokenAudience", message)
    owner = next(t for t in world.tenants if t.entra_tenant_id == claims["tid"])
    return Caller(owner)


def _configuration(ask: Ask, tenant: str) -> dict[str, Json]:
    here = f"{ask.base}/{tenant}"
    return {
        "token_endpoint": f"{here}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "jwks_uri": f"{here}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "response_types_supported": ["code", "id_token", "token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": f"{here}/v2.0",
        "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{here}/oauth2/v2.0/devicecode",
        "end_session_endpoint": f"{here}/oauth2/v2.0/logout",
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
    }


def _issue(world: World, ask: Ask, tenant: str) -> Reply:
    directory, form = _directory(world, tenant), ask.form()
    if form.get("grant_type") != "client_credentials":
        raise _denied(400, "unsupported_grant_type", 70003, "The grant type is not supported.")
    if form.get("client_id") != directory.client_id:
        message = (
            f"Application with identifier '{form.get('client_id', '')}' was not found in the "
            f"directory '{directory.name}'."
        )
        raise _denied(400, "unauthorized_client", 700016, message)
    if form.get("client_secret") != directory.client_secret and not form.get("client_assertion"):
        message = (
            "Invalid client secret provided. Ensure the secret being sent in the request is the "
            "client secret value, not the client secret ID, for a secret added to app "
            f"'{directory.client_id}'."
        )
        raise _denied(401, "invalid_client", 7000215, message)
    audience = form.get("scope", "").removesuffix("/.default").rstrip("/")
    if audience not in _AUDIENCES:
        message = f"The resource principal named {audience} was not found in the tenant."
        raise _denied(400, "invalid_resource", 500011, message)
    seconds = world.knobs.token_seconds
    claims = {
        "aud": audience,
        "tid": directory.entra_tenant_id,
        "appid": directory.client_id,
        "exp": time.time() + seconds,
        "jti": str(uuid.uuid4()),
    }
    content = {
        "token_type": "Bearer",
        "expires_in": int(seconds),
        "ext_expires_in": int(seconds),
        "access_token": _sign(world, claims),
    }
    return answer(content, headers={"cache-control": "no-store"})


def _directory(world: World, named: str) -> Tenant:
    found = next((t for t in world.tenants if t.entra_tenant_id == named.lower()), None)
    if found is None:
        message = (
            f"Tenant '{named}' not found. Check to make sure you have the correct tenant ID and "
            "are signing into the correct cloud."
        )
        raise _denied(400, "invalid_tenant", 90002, message)
    return found


def _denied(status: int, error: str, number: int, message: str) -> Refusal:
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    content = {
        "error": error,
        "error_description": (
            f"AADSTS{number}: {message} Trace ID: {trace} Correlation ID: {correlation} "
            f"Timestamp: {stamp}"
        ),
        "error_codes": [number],
        "timestamp": stamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={number}",
    }
    return Refusal(status, error, message, body=content)


def _unauthenticated(ask: Ask, code: str, message: str) -> Refusal:
    challenge = f'Bearer authorization_uri="{ask.base}/", error="invalid_token"'
    return Refusal(401, code, message, headers={"WWW-Authenticate": challenge})


def _sign(world: World, claims: dict[str, object]) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
    return f"{body}.{_seal(world, body)}"


def _read(world: World, text: str) -> dict[str, Json] | None:
    body, _, seal = text.partition(".")
    if not hmac.compare_digest(seal.encode(), _seal(world, body).encode()):
        return None
    claims: dict[str, Json] = json.loads(base64.urlsafe_b64decode(body))
    return claims


def _seal(world: World, body: str) -> str:
    return hmac.new(world.signing_key.encode(), body.encode(), hashlib.sha256).hexdigest()

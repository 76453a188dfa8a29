"""Who calls: service principals with a secret, or the identity that Azure gives the machine."""

import os
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock

from azure.core.credentials import AccessToken
from azure.identity import ClientSecretCredential, DefaultAzureCredential

from connectors.failures import Service
from connectors.settings import DEFAULT_PRINCIPAL, AzureEndpoints, Discovery
from connectors.translation import answered, entra, translated_credentials
from connectors.transport import (
    READS_AND_QUERIES,
    Repeat,
    Request,
    Response,
    connection,
    repeatable_status,
)


@dataclass(frozen=True, slots=True)
class Principal:
    """A service principal under the name that the credentials file gives it.

    The name ``default`` stands for the identity of the machine and needs nothing else.
    """

    name: str
    tenant_id: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)


class Credential:
    """Tokens of one principal, in the shape that Microsoft's SDKs and the transport ask for.

    The SDK caches tokens by itself; dropping a refused one means to start with an empty cache.
    """

    def __init__(self, endpoints: AzureEndpoints, principal: Principal) -> None:
        self.principal = principal
        self._endpoints = endpoints
        self._lock = Lock()
        self._inner: ClientSecretCredential | DefaultAzureCredential | None = None
        self._given: set[str] = set()

    def token(self, scope: str) -> str:
        """A token for ``scope``; Unauthenticated when Entra refuses."""
        return self.get_token(scope).token

    def get_token(self, *scopes: str, **_options: object) -> AccessToken:
        """A token with its expiry, as azure-core's TokenCredential protocol asks."""
        with self._lock, translated_credentials(self._endpoints, self.principal.name):
            self._inner = self._inner or _build(self._endpoints, self.principal)
            given = self._inner.get_token(*scopes)
            self._given.add(given.token)
            return given

    def forget(self, token: str) -> None:
        """Start with an empty cache, unless that has happened since ``token`` was given."""
        with self._lock:
            if token in self._given:
                self._given.clear()
                self._inner = None

    def __repr__(self) -> str:
        return f"Credential({self.principal.name!r})"


class _Asking(Repeat):
    """Repeats requests to Entra, and says what ended them, which MSAL would reduce to a number."""

    def __init__(self, endpoints: AzureEndpoints, principal: str) -> None:
        super().__init__(endpoints, READS_AND_QUERIES)
        self._place = entra(endpoints, principal)

    def send(self, request: Request) -> Response:
        response = super().send(request)
        http = response.http_response
        if repeatable_status("POST", http.status_code, READS_AND_QUERIES):
            raise answered(http.status_code, http.headers, http.text(), self._place)
        return response


def credential(endpoints: AzureEndpoints, principal: Principal | None) -> Credential:
    """The one credential of ``principal`` in this process; None is the machine's identity."""
    return _cached(endpoints, principal or Principal(DEFAULT_PRINCIPAL), os.getpid())


@lru_cache(maxsize=256)
def _cached(endpoints: AzureEndpoints, principal: Principal, _process: int) -> Credential:
    return Credential(endpoints, principal)


def _build(
    endpoints: AzureEndpoints, principal: Principal
) -> ClientSecretCredential | DefaultAzureCredential:
    authority = {
        "authority": endpoints.authority_host,
        "disable_instance_discovery": endpoints.instance_discovery is Discovery.OFF,
    }
    wire = connection(endpoints, Service.ENTRA)
    if principal.name == DEFAULT_PRINCIPAL and not principal.client_secret:
        # A server has an identity or none: tools signed in by a developer must never stand in.
        # The machine's own endpoint has time-outs and repeats of its own.
        return DefaultAzureCredential(
            exclude_cli_credential=True,
            exclude_developer_cli_credential=True,
            exclude_powershell_credential=True,
            exclude_visual_studio_code_credential=True,
            exclude_shared_token_cache_credential=True,
            exclude_broker_credential=True,
            connection_verify=wire["connection_verify"],
            **authority,
        )
    return ClientSecretCredential(
        principal.tenant_id,
        principal.client_id,
        principal.client_secret,
        # Asking for a token twice does no harm, so its POST may be repeated.
        retry_policy_class=lambda **_options: _Asking(endpoints, principal.name),
        **authority,
        **wire,
    )

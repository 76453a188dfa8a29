"""One principal at one Azure: its credential, and SDK clients that are made when first used."""

from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from azure.mgmt.apimanagement import ApiManagementClient
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.monitor.query import LogsQueryClient

from connectors.credentials import Principal, credential
from connectors.failures import Service
from connectors.settings import DEFAULT_PRINCIPAL, AzureEndpoints
from connectors.transport import READS, READS_AND_QUERIES, Authorize, Repeat, connection

Client = ApiManagementClient | CognitiveServicesManagementClient | LogsQueryClient


@dataclass(frozen=True, slots=True)
class AzureSession:
    """Calls as ``principal`` (None: the machine's identity). Use it with ``with``, or close it."""

    endpoints: AzureEndpoints
    principal: Principal | None = None
    _clients: dict[tuple[str, str], Client] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def name(self) -> str:
        """The principal's name, for messages."""
        return self.principal.name if self.principal else DEFAULT_PRINCIPAL

    def api_management(self, subscription_id: str) -> ApiManagementClient:
        """Microsoft's client for API Management in one Azure subscription."""
        client = self._clients.get(("apim", subscription_id))
        if not isinstance(client, ApiManagementClient):
            client = ApiManagementClient(
                credential(self.endpoints, self.principal), subscription_id, **self._manager()
            )
            self._clients["apim", subscription_id] = client
        return client

    def cognitive_services(self, subscription_id: str) -> CognitiveServicesManagementClient:
        """Microsoft's client for AI accounts in one Azure subscription."""
        client = self._clients.get(("cognitive", subscription_id))
        if not isinstance(client, CognitiveServicesManagementClient):
            client = CognitiveServicesManagementClient(
                credential(self.endpoints, self.principal), subscription_id, **self._manager()
            )
            self._clients["cognitive", subscription_id] = client
        return client

    def logs(self) -> LogsQueryClient:
        """Microsoft's client for Log Analytics queries."""
        client = self._clients.get(("logs", ""))
        if not isinstance(client, LogsQueryClient):
            endpoint = self.endpoints.log_analytics
            audience = self.endpoints.log_analytics_audience
            client = LogsQueryClient(
                credential(self.endpoints, self.principal),
                endpoint=endpoint,
                audience=audience,
                # A query reads, so that its POST may be sent twice.
                **self._pipeline(
                    Service.LOG_ANALYTICS, endpoint, audience, repeatable=READS_AND_QUERIES
                ),
            )
            self._clients["logs", ""] = client
        return client

    def close(self) -> None:
        """Close the clients' connections; tokens stay cached."""
        while self._clients:
            self._clients.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _manager(self) -> dict[str, Any]:
        url = self.endpoints.resource_manager.rstrip("/")
        audience = self.endpoints.resource_manager_audience
        options = self._pipeline(Service.RESOURCE_MANAGER, url, audience, repeatable=READS)
        return options | {"base_url": url, "credential_scopes": [_scope(audience)]}

    def _pipeline(
        self, service: Service, url: str, audience: str, *, repeatable: frozenset[str]
    ) -> dict[str, Any]:
        # Any: the SDKs take their options untyped.
        tokens = credential(self.endpoints, self.principal)
        return connection(self.endpoints, service) | {
            "retry_policy": Repeat(self.endpoints, repeatable),
            "authentication_policy": Authorize(
                tokens, scope=_scope(audience), base_url=url, service=service
            ),
        }


def _scope(audience: str) -> str:
    return f"{audience.rstrip('/')}/.default"

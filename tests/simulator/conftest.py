"""A started simulator, and Microsoft's own SDKs pointed at it. Nothing of Django."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx
import pytest
from azure.identity import ClientSecretCredential
from azure.mgmt.apimanagement import ApiManagementClient
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient
from azure.monitor.query import LogsQueryClient, LogsQueryResult

from simulator import launch
from simulator.launch import Running
from simulator.setting import CONTOSO, Tenant

NOW = "2026-11-20T14:20:00Z"
MANAGEMENT = "https://management.azure.com/.default"


@dataclass(frozen=True)
class Azure:
    """A running simulator seen as one tenant's principal sees it."""

    running: Running
    tenant: Tenant = CONTOSO

    @cached_property
    def control(self) -> httpx.Client:
        return httpx.Client(base_url=self.running.control, timeout=30)

    @cached_property
    def wire(self) -> httpx.Client:
        return httpx.Client(base_url=self.running.azure, verify=_trust(self.running), timeout=30)

    @cached_property
    def credential(self) -> ClientSecretCredential:
        return ClientSecretCredential(
            self.tenant.entra_tenant_id,
            self.tenant.client_id,
            self.tenant.client_secret,
            authority=self.running.azure,
            disable_instance_discovery=True,
            connection_verify=self.running.ca_bundle,
        )

    @cached_property
    def apim(self) -> ApiManagementClient:
        return ApiManagementClient(
            self.credential, self.tenant.azure_subscription_id, **self._management
        )

    @cached_property
    def cognitive(self) -> CognitiveServicesManagementClient:
        return CognitiveServicesManagementClient(
            self.credential, self.tenant.azure_subscription_id, **self._management
        )

    @cached_property
    def logs(self) -> LogsQueryClient:
        return LogsQueryClient(
            self.credential,
            endpoint=self.running.azure,
            audience="https://api.loganalytics.io",
            connection_verify=self.running.ca_bundle,
            retry_total=0,
        )

    @property
    def gateway(self) -> tuple[str, str]:
        return self.tenant.resource_group, self.tenant.service

    def etag(self, subscription: str) -> str:
        headers: Any = self.apim.subscription.get(
            *self.gateway, subscription, cls=lambda _response, _model, headers: headers
        )
        return str(headers["ETag"])

    def key(self, subscription: str) -> str:
        return next(s.key for s in self.tenant.subscriptions if s.name == subscription)

    def query(self, kql: str, **more: Any) -> list[list[Any]]:
        more.setdefault("timespan", None)
        found = self.logs.query_workspace(self.tenant.workspace_id, kql, **more)
        assert isinstance(found, LogsQueryResult), found
        return [list(row) for row in found.tables[0].rows]

    def chat(self, subscription: str, **more: Any) -> httpx.Response:
        return self.chat_with(self.key(subscription), **more)

    def chat_with(self, key: str, **more: Any) -> httpx.Response:
        body = {"messages": [{"role": "user", "content": "How are you?"}], "max_tokens": 50} | more
        path = (
            f"/gateways/{self.tenant.service}/inference/openai/deployments/"
            f"{self.tenant.account.deployments[0].name}/chat/completions"
        )
        headers = {"api-key": key}
        version = {"api-version": "2024-10-21"}
        return self.wire.post(path, params=version, headers=headers, json=body)

    def fault(self, kind: str, path: str, **more: Any) -> None:
        order = {"kind": kind, "match": {"path_prefix": path}, **more}
        assert self.control.post("/faults", json=order).status_code == 200

    def tell(self, path: str, **body: Any) -> Any:
        answer = self.control.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def close(self) -> None:
        for client in (self.control, self.wire):
            client.close()
        for opened in ("apim", "cognitive", "logs", "credential"):
            if opened in self.__dict__:
                getattr(self, opened).close()

    @property
    def _management(self) -> dict[str, Any]:
        return {
            "base_url": self.running.azure,
            "credential_scopes": [MANAGEMENT],
            "connection_verify": self.running.ca_bundle,
            "retry_total": 0,
        }


def _trust(running: Running) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=running.ca_bundle)


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    """One process for all tests, its time standing still."""
    with launch.start(setting="small", now=NOW, options=("--freeze",)) as started:
        yield started


@pytest.fixture
def azure(running: Running) -> Iterator[Azure]:
    """Contoso's view, everything as at the start."""
    seen = Azure(running)
    seen.tell("/reset")
    yield seen
    seen.close()

"""Azure on loopback as its own process, and sessions of the people who call it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import httpx
import pytest

from connectors.credentials import Principal
from connectors.records import ApimService, CognitiveAccount
from connectors.session import AzureSession
from connectors.settings import AzureEndpoints, Discovery
from simulator import launch
from simulator.setting import CONTOSO, FABRIKAM, Tenant

NOW = "2026-11-20T14:20:00Z"
PRINCIPALS = {
    name: Principal(name, tenant.entra_tenant_id, tenant.client_id, tenant.client_secret)
    for name, tenant in (("contoso", CONTOSO), ("fabrikam", FABRIKAM))
}


def service(tenant: Tenant) -> ApimService:
    return ApimService(
        subscription_id=tenant.azure_subscription_id,
        resource_group=tenant.resource_group,
        service=tenant.service,
    )


def account(tenant: Tenant) -> CognitiveAccount:
    return CognitiveAccount(
        subscription_id=tenant.azure_subscription_id,
        resource_group=tenant.resource_group,
        account=tenant.account.name,
    )


@dataclass(frozen=True)
class Azure:
    """The simulated Azure: its addresses, its control port and its request log."""

    endpoints: AzureEndpoints
    control: httpx.Client

    def fault(self, kind: str, path: str, *, method: str = "", times: int = 1, **more: Any) -> None:
        """The next ``times`` requests of ``path`` go wrong in the way ``kind``."""
        match = {"path_prefix": path} | ({"method": method} if method else {})
        self.post("/faults", {"match": match, "kind": kind, "times": times} | more)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.control.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def requests(self, path: str = "", method: str = "") -> list[dict[str, Any]]:
        """The logged requests whose path holds ``path``, oldest first."""
        found = self.control.get("/requests").json()
        rows = found["requests"]
        return [row for row in rows if path in row["path"] and method in ("", row["method"])]


_PAGES = count(10_000)

Sign = Callable[..., AzureSession]


@pytest.fixture(scope="session")
def running() -> Iterator[Azure]:
    """One simulator for all tests of this folder."""
    process = launch.start(now=NOW, setting="small")
    try:
        with httpx.Client(base_url=process.control, timeout=30) as control:
            endpoints = AzureEndpoints(
                authority_host=process.azure,
                resource_manager=process.azure,
                log_analytics=process.azure,
                retail_prices=f"{process.azure}/api/retail/prices",
                instance_discovery=Discovery.OFF,
                ca_bundle=process.ca_bundle,
                first_wait=0.01,
                longest_wait=2.0,
            )
            yield Azure(endpoints, control)
    finally:
        process.stop()


@pytest.fixture
def azure(running: Azure) -> Iterator[Azure]:
    """The simulator as it was at the start, without faults and with an empty log."""
    running.control.delete("/faults")
    running.control.delete("/requests")
    yield running
    running.control.delete("/faults")


@pytest.fixture
def sign(azure: Azure) -> Iterator[Sign]:
    """Opens sessions; each has endpoints of its own, and so a token cache of its own."""
    with ExitStack() as stack:

        def opened(name: str = "contoso", **changed: Any) -> AzureSession:
            principal = replace(PRINCIPALS[name], **changed.pop("principal", {}))
            # A limit that no other session has, for tokens are cached by endpoints.
            endpoints = replace(azure.endpoints, most_pages=next(_PAGES), **changed)
            return stack.enter_context(AzureSession(endpoints, principal))

        yield opened


@pytest.fixture
def contoso(sign: Sign) -> AzureSession:
    return sign("contoso")

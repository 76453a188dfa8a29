"""The simulated Azure of a test run: its addresses, its control port, and the product's view."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from pydantic import HttpUrl

from simulator import launch
from simulator.setting import CONTOSO, FABRIKAM, Tenant

NOW = "2026-11-20T14:20:00Z"
AT = datetime.fromisoformat(NOW)


@dataclass(frozen=True)
class Azure:
    """A running simulator and how to reach its control port."""

    url: str
    ca_bundle: str
    credentials_file: Path
    control: httpx.Client

    def get(self, path: str, **query: str) -> Any:
        """What the control port answers."""
        return _answered(self.control.get(path, params=query))

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """What the control port answers to an order."""
        return _answered(self.control.post(path, json=body or {}))

    def fault(self, kind: str, path: str, *, method: str = "", times: int = 1, **more: Any) -> None:
        """The next ``times`` requests of ``path`` go wrong in the way ``kind``."""
        match = {"path_prefix": path} | ({"method": method} if method else {})
        self.post("/faults", {"match": match, "kind": kind, "times": times, **more})

    def requests(self, path: str = "", method: str = "") -> list[dict[str, Any]]:
        """The logged requests whose path holds ``path``, oldest first."""
        rows = self.get("/requests")["requests"]
        return [row for row in rows if path in row["path"] and method in ("", row["method"])]

    def start_again(self) -> None:
        """Put state, clock and log back to the start, and take faults out."""
        self.post("/reset")
        self.forgive()
        _answered(self.control.delete("/requests"))

    def forgive(self) -> None:
        """Take out all faults."""
        _answered(self.control.delete("/faults"))

    def settings(self) -> dict[str, Any]:
        """The product's settings that point at this Azure."""
        return {
            "azure_authority_host": HttpUrl(self.url),
            "azure_resource_manager_url": HttpUrl(self.url),
            "azure_log_analytics_url": HttpUrl(self.url),
            "azure_retail_prices_url": HttpUrl(f"{self.url}/api/retail/prices"),
            "azure_ca_bundle": self.ca_bundle,
            "azure_instance_discovery": False,
            "azure_credentials_file": str(self.credentials_file),
            "simulator_control_url": str(self.control.base_url),
            "clock_offset_seconds": int((AT - datetime.now(UTC)).total_seconds()),
        }


@contextmanager
def opened(folder: Path) -> Iterator[Azure]:
    """A simulator with the small setting, its clock standing at `NOW`."""
    credentials = folder / "credentials.json"
    known = {"contoso": _principal(CONTOSO), "fabrikam": _principal(FABRIKAM)}
    credentials.write_text(json.dumps(known))
    with (
        launch.start(setting="small", now=NOW, options=["--freeze"]) as process,
        httpx.Client(base_url=process.control, timeout=60) as control,
    ):
        yield Azure(process.azure, process.ca_bundle, credentials, control)


def _principal(tenant: Tenant) -> dict[str, str]:
    return {
        "tenant_id": tenant.entra_tenant_id,
        "client_id": tenant.client_id,
        "client_secret": tenant.client_secret,
    }


def _answered(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None

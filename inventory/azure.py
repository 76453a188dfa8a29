"""From the settings and a gateway's row to a session with Azure."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from connectors.credentials import Principal
from connectors.session import AzureSession
from connectors.settings import AzureEndpoints, Discovery
from tenancy.refusals import Refused

OWN_IDENTITY = "default"


class NoCredential(Refused):
    code = "no-credential"
    status = 500
    text = (
        "The credential '{name}' is not in APPORTION_AZURE_CREDENTIALS_FILE ({file}). Add an"
        " entry '{name}' with tenant_id, client_id and client_secret, or name another in the"
        " gateway's settings."
    )


def endpoints() -> AzureEndpoints:
    """Where Azure is, by the settings."""
    chosen = settings.APPORTION
    return AzureEndpoints(
        authority_host=_plain(chosen.azure_authority_host),
        resource_manager=_plain(chosen.azure_resource_manager_url),
        resource_manager_audience=chosen.azure_resource_manager_audience,
        log_analytics=_plain(chosen.azure_log_analytics_url),
        log_analytics_audience=chosen.azure_log_analytics_audience,
        retail_prices=_plain(chosen.azure_retail_prices_url),
        ca_bundle=chosen.azure_ca_bundle or None,
        instance_discovery=Discovery.ON if chosen.azure_instance_discovery else Discovery.OFF,
    )


def session_as(credential: str) -> AzureSession:
    """A session as the named credential; use it with ``with``.

    Raises:
        NoCredential: the credentials file has no such entry, or an incomplete one.
    """
    if credential == OWN_IDENTITY:
        return AzureSession(endpoints())
    return AzureSession(endpoints(), _principal(credential))


def _principal(name: str) -> Principal:
    file = settings.APPORTION.azure_credentials_file
    entries = _entries(file, Path(file).stat().st_mtime_ns) if file else {}
    try:
        entry = entries[name]
        fields = {key: entry[key] for key in ("tenant_id", "client_id", "client_secret")}
    except (KeyError, TypeError):
        raise NoCredential(name=name, file=file or "not set") from None
    return Principal(name=name, **fields)


@lru_cache(maxsize=2)
def _entries(file: str, _changed: int) -> dict[str, dict[str, str]]:
    try:
        entries = json.loads(Path(file).read_text())
    except ValueError as error:
        raise NoCredential(name=f"(unreadable: {error})", file=file) from None
    return entries if isinstance(entries, dict) else {}


def _plain(url: object) -> str:
    return str(url).rstrip("/")

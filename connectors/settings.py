"""Where Azure is, whom to trust and how patient to be. Azure's values are the defaults."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from connectors.failures import Permanent, Service

DEFAULT_PRINCIPAL = "default"
"""The name that stands for the identity of the machine itself."""


class Discovery(StrEnum):
    """Whether the authority is checked against Microsoft's list of known ones.

    Clouds that the list does not know, and loopback, need ``OFF``.
    """

    ON = "on"
    OFF = "off"


class Setting(StrEnum):
    """The product's settings that a failed call can point to."""

    AUTHORITY_HOST = "APPORTION_AZURE_AUTHORITY_HOST"
    RESOURCE_MANAGER = "APPORTION_AZURE_RESOURCE_MANAGER_URL"
    LOG_ANALYTICS = "APPORTION_AZURE_LOG_ANALYTICS_URL"
    RETAIL_PRICES = "APPORTION_AZURE_RETAIL_PRICES_URL"
    CA_BUNDLE = "APPORTION_AZURE_CA_BUNDLE"
    CREDENTIALS_FILE = "APPORTION_AZURE_CREDENTIALS_FILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureEndpoints:
    """Addresses, trust and patience of all calls. Durations are in seconds."""

    authority_host: str = "https://login.microsoftonline.com"
    resource_manager: str = "https://management.azure.com"
    resource_manager_audience: str = "https://management.azure.com/"
    log_analytics: str = "https://api.loganalytics.io"
    log_analytics_audience: str = "https://api.loganalytics.io"
    retail_prices: str = "https://prices.azure.com/api/retail/prices"
    ca_bundle: str | None = None
    instance_discovery: Discovery = Discovery.ON
    connect_timeout: float = 5.0
    read_timeout: float = 60.0
    tries: int = 3
    first_wait: float = 0.8
    longest_wait: float = 20.0
    most_pages: int = 2_000
    row_cap: int = 500_000

    def __post_init__(self) -> None:
        """Refuse plain http at once: the SDKs would retry it before they refuse it."""
        for service, setting, url in (
            (Service.ENTRA, Setting.AUTHORITY_HOST, self.authority_host),
            (Service.RESOURCE_MANAGER, Setting.RESOURCE_MANAGER, self.resource_manager),
            (Service.LOG_ANALYTICS, Setting.LOG_ANALYTICS, self.log_analytics),
            (Service.RETAIL_PRICES, Setting.RETAIL_PRICES, self.retail_prices),
        ):
            parts = urlsplit(url)
            if parts.scheme != "https" or not parts.hostname:
                says = f"{service} needs an https:// address, not '{url}'. Check {setting}."
                raise Permanent(says, service=service, setting=setting)

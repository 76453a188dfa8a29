"""No Azure at the address: one line that names the setting, soon."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors import apim, cognitive, log_analytics, retail_prices
from connectors.credentials import Principal
from connectors.failures import Permanent, Unreachable, Untrusted
from connectors.records import ApimService, CognitiveAccount
from connectors.retail_prices import PriceFilter
from connectors.session import AzureSession
from connectors.settings import AzureEndpoints, Discovery

GUID = "11111111-2222-3333-4444-555555555555"
SERVICE = ApimService(subscription_id=GUID, resource_group="rg-ai", service="apim-contoso")
ACCOUNT = CognitiveAccount(subscription_id=GUID, resource_group="rg-ai", account="ai-contoso")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
WANTED = PriceFilter(services=("Foundry Models",))

Call = Callable[[AzureSession], object]
CALLS: dict[str, Call] = {
    "products": lambda azure: apim.products(azure, SERVICE),
    "subscription": lambda azure: apim.subscription(azure, SERVICE, "subscription1"),
    "deployments": lambda azure: cognitive.deployments(azure, ACCOUNT),
    "query": lambda azure: log_analytics.query(azure, GUID, "T", start=NOON, end=NOON),
}


@pytest.fixture
def nowhere() -> str:
    """An address at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"https://localhost:{taken.getsockname()[1]}"


def endpoints(url: str, *, ca_bundle: str | None = None) -> AzureEndpoints:
    return AzureEndpoints(
        authority_host=url,
        resource_manager=url,
        log_analytics=url,
        retail_prices=f"{url}/api/retail/prices",
        instance_discovery=Discovery.OFF,
        ca_bundle=ca_bundle,
        tries=2,
        first_wait=0.01,
    )


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_entra(nowhere: str, call: Call) -> None:
    principal = Principal("contoso", GUID, GUID, "hunter2")
    with AzureSession(endpoints(nowhere), principal) as azure, pytest.raises(Unreachable) as caught:
        call(azure)
    assert str(caught.value) == (
        f"Nothing answers at {nowhere} (connection refused). Check APPORTION_AZURE_AUTHORITY_HOST."
    )
    assert caught.value.setting == "APPORTION_AZURE_AUTHORITY_HOST"


def test_no_price_list(nowhere: str) -> None:
    with pytest.raises(Unreachable, match="connection refused") as caught:
        list(retail_prices.pages(endpoints(nowhere), filter=WANTED))
    assert caught.value.setting == "APPORTION_AZURE_RETAIL_PRICES_URL"


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_bundle_that_cannot_be_read(nowhere: str, tmp_path: Path, content: str | None) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)
    there = endpoints(nowhere, ca_bundle=str(bundle))
    with pytest.raises(Untrusted) as caught:
        list(retail_prices.pages(there, filter=WANTED))
    assert caught.value.setting == "APPORTION_AZURE_CA_BUNDLE"
    principal = Principal("contoso", GUID, GUID, "hunter2")
    with AzureSession(there, principal) as azure, pytest.raises(Untrusted) as caught:
        apim.products(azure, SERVICE)
    assert caught.value.setting == "APPORTION_AZURE_CA_BUNDLE"
    assert str(bundle) in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:1", "localhost", "https://", "ftp://a"])
def test_an_address_without_tls_is_refused_at_once(url: str) -> None:
    with pytest.raises(Permanent, match="Check APPORTION_AZURE_LOG_ANALYTICS_URL"):
        AzureEndpoints(log_analytics=url)


def test_a_price_filter_takes_plain_words_only() -> None:
    assert PriceFilter(services=("A", "B"), regions=("swedencentral",)).expression() == (
        "(serviceName eq 'A' or serviceName eq 'B') and armRegionName eq 'swedencentral'"
    )
    for name in ("x' or '1' eq '1", "", "a\nb", "a%27"):
        with pytest.raises(Permanent, match="cannot stand in a filter"):
            PriceFilter(services=(name,)).expression()

"""Wrong credentials, tokens that expire, and certificates nobody trusts."""

import logging

import pytest

from connectors import apim, retail_prices
from connectors.failures import Transient, Unauthenticated, Untrusted
from connectors.retail_prices import PriceFilter
from connectors.session import AzureSession
from simulator.setting import CONTOSO
from tests.connectors.conftest import Azure, Sign, service

HERE = service(CONTOSO)
TOKEN = f"/{CONTOSO.entra_tenant_id}/oauth2/v2.0/token"
ONE = f"{CONTOSO.service_id}/subscriptions/subscription1"
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"client_secret": "hunter2-is-wrong"}, "AADSTS7000215"),
        ({"client_id": NOBODY}, "AADSTS700016"),
    ],
)
def test_refused_credentials_name_the_entry_and_no_secret(
    sign: Sign, wrong: dict[str, str], code: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(Unauthenticated) as caught:
        apim.products(sign("contoso", principal=wrong), HERE)
    assert str(caught.value) == (
        f"Azure refused the credentials 'contoso' ({code}). "
        "Check APPORTION_AZURE_CREDENTIALS_FILE, entry 'contoso'."
    )
    assert caught.value.setting == "APPORTION_AZURE_CREDENTIALS_FILE"
    for secret in ("hunter2-is-wrong", CONTOSO.client_secret):
        assert secret not in caplog.text


def test_an_unknown_directory(sign: Sign) -> None:
    with pytest.raises(Unauthenticated, match="entry 'contoso'"):
        apim.products(sign("contoso", principal={"tenant_id": NOBODY}), HERE)


def test_tokens_never_reach_the_log(
    contoso: AzureSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    apim.subscription(contoso, HERE, "subscription1")
    assert "Bearer ey" not in caplog.text
    assert CONTOSO.client_secret not in caplog.text
    assert caplog.text


def test_one_token_serves_many_calls(azure: Azure, contoso: AzureSession) -> None:
    apim.products(contoso, HERE)
    apim.subscriptions(contoso, HERE)
    assert len(azure.requests(TOKEN)) == 1


def test_a_refused_token_is_renewed_once(azure: Azure, contoso: AzureSession) -> None:
    apim.subscription(contoso, HERE, "subscription1")
    azure.fault("status", ONE, status=401)
    assert apim.subscription(contoso, HERE, "subscription1").etag
    assert [row["status"] for row in azure.requests(ONE)] == [200, 401, 200]
    assert len(azure.requests(TOKEN)) == 2


def test_a_second_refusal_ends_it(azure: Azure, contoso: AzureSession) -> None:
    azure.fault("status", ONE, status=401, times=99)
    with pytest.raises(Unauthenticated, match="refused the token of 'contoso'"):
        apim.subscription(contoso, HERE, "subscription1")
    assert len(azure.requests(ONE)) == 2
    assert len(azure.requests(TOKEN)) == 2


def test_a_busy_directory_is_outlived_then_passed_on(azure: Azure, sign: Sign) -> None:
    azure.fault("status", TOKEN, status=503)
    assert apim.subscription(sign("contoso"), HERE, "subscription1").etag
    azure.fault("status", TOKEN, status=503, times=99)
    with pytest.raises(Transient):
        apim.subscription(sign("contoso"), HERE, "subscription1")


def test_a_certificate_nobody_vouches_for(azure: Azure, sign: Sign) -> None:
    stranger = sign("contoso", ca_bundle=None)
    with pytest.raises(Untrusted, match="is not trusted") as caught:
        apim.products(stranger, HERE)
    assert caught.value.setting == "APPORTION_AZURE_CA_BUNDLE"
    wanted = PriceFilter(services=("Foundry Models",))
    with pytest.raises(Untrusted, match="APPORTION_AZURE_CA_BUNDLE"):
        list(retail_prices.pages(stranger.endpoints, filter=wanted))
    assert not azure.requests()

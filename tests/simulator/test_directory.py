import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential

from simulator.setting import CONTOSO, FABRIKAM
from tests.simulator.conftest import MANAGEMENT, Azure


@pytest.mark.parametrize(
    ("tenant", "client", "secret", "code"),
    [
        (CONTOSO.entra_tenant_id, CONTOSO.client_id, "wrong", "AADSTS7000215"),
        (CONTOSO.entra_tenant_id, FABRIKAM.client_id, FABRIKAM.client_secret, "AADSTS700016"),
        ("00000000-0000-0000-0000-000000000000", CONTOSO.client_id, "any", "AADSTS90002"),
    ],
)
def test_the_directory_says_why_it_gives_no_token(
    azure: Azure, tenant: str, client: str, secret: str, code: str
) -> None:
    assert azure.credential.get_token(MANAGEMENT).token
    form = {
        "grant_type": "client_credentials",
        "client_id": client,
        "client_secret": secret,
        "scope": MANAGEMENT,
    }
    refused = azure.wire.post(f"/{tenant}/oauth2/v2.0/token", data=form)
    assert refused.status_code in (400, 401)
    assert refused.json()["error_description"].startswith(code)


def test_the_sdk_shows_the_reason_for_a_wrong_secret(azure: Azure) -> None:
    with (
        ClientSecretCredential(
            CONTOSO.entra_tenant_id,
            CONTOSO.client_id,
            "wrong",
            authority=azure.running.azure,
            disable_instance_discovery=True,
            connection_verify=azure.running.ca_bundle,
        ) as wrong,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
    ):
        wrong.get_token(MANAGEMENT)


def _service(azure: Azure, token: str, tenant: str = "") -> httpx.Response:
    path = f"{tenant or CONTOSO.service_id}?api-version=2024-05-01"
    return azure.wire.get(path, headers={"Authorization": f"Bearer {token}"})


def test_a_token_serves_its_audience_and_its_own_tenant_only(azure: Azure) -> None:
    ours = azure.credential.get_token(MANAGEMENT).token
    logs = azure.credential.get_token("https://api.loganalytics.io/.default").token
    assert _service(azure, ours).status_code == 200

    other = _service(azure, logs)
    assert other.status_code == 401
    assert other.json()["error"]["code"] == "InvalidAuthenticationTokenAudience"
    assert other.headers["WWW-Authenticate"].startswith("Bearer ")
    assert _service(azure, ours[:-1]).status_code == 401
    assert azure.wire.get(f"{CONTOSO.service_id}?api-version=2024-05-01").status_code == 401

    foreign = _service(azure, ours, FABRIKAM.service_id)
    assert foreign.status_code == 403
    assert foreign.json()["error"]["code"] == "AuthorizationFailed"


def test_an_expired_token_is_refused(azure: Azure) -> None:
    azure.tell("/knobs", token_seconds=-1)
    form = {
        "grant_type": "client_credentials",
        "client_id": CONTOSO.client_id,
        "client_secret": CONTOSO.client_secret,
        "scope": MANAGEMENT,
    }
    token = azure.wire.post(f"/{CONTOSO.entra_tenant_id}/oauth2/v2.0/token", data=form).json()
    refused = _service(azure, token["access_token"])
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "ExpiredAuthenticationToken"


def test_a_request_without_an_api_version_is_refused(azure: Azure) -> None:
    token = azure.credential.get_token(MANAGEMENT).token
    bare = azure.wire.get(CONTOSO.service_id, headers={"Authorization": f"Bearer {token}"})
    assert bare.status_code == 400
    assert bare.json()["error"]["code"] == "MissingApiVersionParameter"


def test_secrets_and_tokens_are_not_kept_in_the_request_log(azure: Azure) -> None:
    azure.credential.get_token(MANAGEMENT)
    text = azure.control.get("/requests").text
    assert f"/{CONTOSO.entra_tenant_id}/oauth2/v2.0/token" in text
    assert CONTOSO.client_secret not in text

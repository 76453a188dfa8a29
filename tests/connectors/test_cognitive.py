"""What stands behind a deployment's name comes from the account, never from the name."""

from datetime import UTC, datetime

import pytest

from connectors import cognitive
from connectors.failures import Forbidden, NotFound, Transient
from connectors.records import CognitiveAccount
from connectors.session import AzureSession
from simulator.setting import CONTOSO, FABRIKAM
from tests.connectors.conftest import Azure, Sign, account

TUNED = "gpt-4.1-mini-2025-04-14.ft-5b1d0c7a94e24f38a6d2e90b7c3f1a58"


def test_deployments_with_model_version_type_and_region(contoso: AzureSession, sign: Sign) -> None:
    found = cognitive.deployments(contoso, account(CONTOSO))
    assert {(d.name, d.model, d.version, d.sku, d.region) for d in found} == {
        ("gpt-5.2-chat", "gpt-5.2-chat", "2025-12-11", "GlobalStandard", "swedencentral"),
        ("gpt-5-mini", "gpt-5-mini", "2025-08-07", "GlobalStandard", "swedencentral"),
        ("gpt-5-nano", "gpt-5-nano", "2025-08-07", "GlobalStandard", "swedencentral"),
        ("nightly-summaries", "gpt-5-mini", "2025-08-07", "GlobalBatch", "swedencentral"),
        ("assistant-eu", "gpt-5-mini", "2025-08-07", "DataZoneStandard", "swedencentral"),
        ("search-reserved", "gpt-5.2", "2025-12-11", "GlobalProvisionedManaged", "swedencentral"),
        ("catalogue-vectors", "text-embedding-3-large", "1", "GlobalStandard", "swedencentral"),
        ("returns-tuned", TUNED, "1", "GlobalStandard", "swedencentral"),
    }
    assert {(d.account, d.endpoint_host, d.state) for d in found} == {
        ("ai-contoso", "ai-contoso.openai.azure.com", "Succeeded")
    }
    names = {d.name: d.model for d in cognitive.deployments(sign("fabrikam"), account(FABRIKAM))}
    assert names == {"chat": "gpt-5.2-chat", "mini": "gpt-5-mini"}


def test_capacity_creation_and_what_a_tuned_model_was_made_from(contoso: AzureSession) -> None:
    found = {d.name: d for d in cognitive.deployments(contoso, account(CONTOSO))}
    assert found["search-reserved"].capacity == 50
    assert {d.created_at for d in found.values()} == {datetime(2026, 1, 15, 9, 45, tzinfo=UTC)}
    assert {d.name: (d.base_model, d.base_version) for d in found.values() if d.base_model} == {
        "returns-tuned": ("gpt-4.1-mini", "2025-04-14")
    }


@pytest.mark.parametrize(
    ("model", "base"),
    [
        ("gpt-4o-mini-2024-07-18.ft-0c2d5e6f", ("gpt-4o-mini", "2024-07-18")),
        ("gpt-35-turbo-0125.ft-0c2d5e6f-mine", ("gpt-35-turbo", "0125")),
        ("gpt-4o-mini", ("", "")),
        ("gpt-4o-mini.ft-0c2d5e6f", ("", "")),
    ],
)
def test_the_base_is_read_from_azures_model_name_never_from_the_deployments(
    azure: Azure, contoso: AzureSession, model: str, base: tuple[str, str]
) -> None:
    named = {"account": "ai-contoso", "name": "gpt-5-mini-2025-08-07.ft-in-name-only"}
    told = named | {"model": model, "version": "1", "sku": "Standard", "capacity": 10}
    azure.control.put("/deployments", json=told).raise_for_status()
    try:
        found = {d.name: d for d in cognitive.deployments(contoso, account(CONTOSO))}
    finally:
        azure.control.request("DELETE", "/deployments", json=named).raise_for_status()
    assert (found[named["name"]].base_model, found[named["name"]].base_version) == base


def test_no_such_account_and_not_ones_own(contoso: AzureSession) -> None:
    gone = CognitiveAccount(
        subscription_id=CONTOSO.azure_subscription_id, resource_group="rg-ai", account="ai-gone"
    )
    with pytest.raises(NotFound, match="AI account ai-gone"):
        cognitive.deployments(contoso, gone)
    with pytest.raises(Forbidden, match="AI account ai-fabrikam"):
        cognitive.deployments(contoso, account(FABRIKAM))


def test_errors_are_outlived_or_passed_on(azure: Azure, contoso: AzureSession) -> None:
    azure.fault("status", CONTOSO.account_id, status=500)
    assert len(cognitive.deployments(contoso, account(CONTOSO))) == 8
    azure.fault("status", CONTOSO.account_id, status=500, times=99)
    with pytest.raises(Transient, match="answered 500"):
        cognitive.deployments(contoso, account(CONTOSO))

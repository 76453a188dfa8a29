"""What stands behind a deployment's name comes from the account, never from the name."""

import pytest

from connectors import cognitive
from connectors.failures import Forbidden, NotFound, Transient
from connectors.records import CognitiveAccount
from connectors.session import AzureSession
from simulator.setting import CONTOSO, FABRIKAM
from tests.connectors.conftest import Azure, Sign, account


def test_deployments_with_model_version_type_and_region(contoso: AzureSession, sign: Sign) -> None:
    found = cognitive.deployments(contoso, account(CONTOSO))
    assert {(d.name, d.model, d.version, d.sku, d.region) for d in found} == {
        ("gpt-5.2-chat", "gpt-5.2-chat", "2025-12-11", "GlobalStandard", "swedencentral"),
        ("gpt-5-mini", "gpt-5-mini", "2025-08-07", "GlobalStandard", "swedencentral"),
        ("gpt-5-nano", "gpt-5-nano", "2025-08-07", "GlobalStandard", "swedencentral"),
    }
    assert {(d.account, d.endpoint_host, d.state) for d in found} == {
        ("ai-contoso", "ai-contoso.openai.azure.com", "Succeeded")
    }
    names = {d.name: d.model for d in cognitive.deployments(sign("fabrikam"), account(FABRIKAM))}
    assert names == {"chat": "gpt-5.2-chat", "mini": "gpt-5-mini"}


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
    assert len(cognitive.deployments(contoso, account(CONTOSO))) == 3
    azure.fault("status", CONTOSO.account_id, status=500, times=99)
    with pytest.raises(Transient, match="answered 500"):
        cognitive.deployments(contoso, account(CONTOSO))

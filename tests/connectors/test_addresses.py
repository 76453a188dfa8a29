"""A name from outside can never address another resource."""

import pytest

from connectors.failures import Permanent
from connectors.records import ApimService, CognitiveAccount, segment

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
BAD = ["", "..", "a/b", "a%2Fb", "a?b", "a b", "a#b", "a\n", "a;b", "ä", "a..b", "/a", "x" * 300]


@pytest.mark.parametrize("name", BAD)
def test_a_name_that_is_more_than_a_name_is_refused(name: str) -> None:
    with pytest.raises(Permanent, match="not a valid"):
        segment("APIM subscription name", name)
    with pytest.raises(Permanent, match="not a valid"):
        ApimService(subscription_id=SUBSCRIPTION, resource_group="rg-ai", service=name)
    with pytest.raises(Permanent, match="not a valid"):
        CognitiveAccount(subscription_id=SUBSCRIPTION, resource_group="rg-ai", account=name)
    with pytest.raises(Permanent, match="not a valid"):
        ApimService(subscription_id=SUBSCRIPTION, resource_group=name, service="apim-contoso")


@pytest.mark.parametrize("identifier", ["", "1", SUBSCRIPTION + "/x", "{" + SUBSCRIPTION + "}"])
def test_an_azure_subscription_is_a_guid(identifier: str) -> None:
    with pytest.raises(Permanent, match="Azure subscription id"):
        ApimService(subscription_id=identifier, resource_group="rg-ai", service="apim-contoso")


def test_ordinary_names_pass() -> None:
    group = "rg-ai_(north).1"
    service = ApimService(
        subscription_id=SUBSCRIPTION, resource_group=group, service="apim-contoso"
    )
    assert (service.resource_group, segment("name", "subscription1")) == (group, "subscription1")

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.apimanagement.models import (
    SubscriptionCreateParameters,
    SubscriptionUpdateParameters,
)

from tests.simulator.conftest import Azure


def _patch(azure: Azure, name: str, state: str, etag: str) -> Any:
    change = SubscriptionUpdateParameters(state=state, state_comment="over its quota")
    return azure.apim.subscription.update(*azure.gateway, name, etag, change)


def test_lists_come_in_pages_and_whole(azure: Azure) -> None:
    names = [s.name for s in azure.apim.subscription.list(*azure.gateway)]
    assert names == ["subscription1", "subscription2", "subscription3", "subscription4"]
    asked = [
        r for r in azure.control.get("/requests").json()["requests"] if "/providers" in r["path"]
    ]
    assert [r["query"].get("$skip") for r in asked] == [None, "2"]
    products = [p.name for p in azure.apim.product.list_by_service(*azure.gateway)]
    assert products == ["platinum", "gold", "silver"]


def test_a_products_policy_states_its_token_limits(azure: Azure) -> None:
    policy = azure.apim.product_policy.get(*azure.gateway, "gold", "policy", format="rawxml")
    assert policy.format == "rawxml"
    assert policy.value is not None
    assert (
        'tokens-per-minute="1000" token-quota="1000000" token-quota-period="Monthly"'
        in policy.value
    )
    with pytest.raises(ResourceNotFoundError):
        azure.apim.product_policy.get(*azure.gateway, "bronze", "policy")


def test_a_suspended_subscription_is_refused_at_the_gateway_until_it_is_active_again(
    azure: Azure,
) -> None:
    assert azure.chat("subscription4").status_code == 200
    first = azure.etag("subscription4")
    updated = _patch(azure, "subscription4", "suspended", first)
    assert (updated.state, updated.state_comment) == ("suspended", "over its quota")

    refused = azure.chat("subscription4")
    assert refused.status_code == 401
    assert refused.json()["message"].startswith("Access denied due to invalid subscription key.")
    assert azure.chat("subscription1").status_code == 200

    second = azure.etag("subscription4")
    assert second != first
    _patch(azure, "subscription4", "active", second)
    assert azure.chat("subscription4").status_code == 200


def test_a_write_on_an_old_version_changes_nothing(azure: Azure) -> None:
    old = azure.etag("subscription2")
    path = f"/subscriptions/{azure.tenant.service}/subscription2"
    assert azure.control.post(path, json={"state": "cancelled"}).status_code == 200
    with pytest.raises(HttpResponseError) as refused:
        _patch(azure, "subscription2", "active", old)
    assert refused.value.status_code == 412
    assert azure.control.get(path).json()["state"] == "cancelled"
    assert _patch(azure, "subscription2", "active", "*").state == "active"


def test_a_write_needs_a_version_and_a_known_state(azure: Azure) -> None:
    path = f"{azure.tenant.service_id}/subscriptions/subscription2?api-version=2024-05-01"
    token = azure.credential.get_token("https://management.azure.com/.default").token
    headers = {"Authorization": f"Bearer {token}"}
    bare = azure.wire.patch(path, headers=headers, json={"properties": {"state": "suspended"}})
    assert bare.status_code == 400
    odd = {"properties": {"state": "asleep"}}
    headed = azure.wire.patch(path, headers=headers | {"If-Match": "*"}, json=odd)
    assert headed.status_code == 400
    assert azure.apim.subscription.get(*azure.gateway, "subscription2").state == "active"


def test_keys_are_never_handed_out(azure: Azure) -> None:
    listed = azure.apim.subscription.get(*azure.gateway, "subscription1")
    assert listed.primary_key is None
    with pytest.raises(HttpResponseError) as refused:
        azure.apim.subscription.list_secrets(*azure.gateway, "subscription1")
    assert refused.value.status_code == 403
    log = azure.control.get("/requests").json()["requests"]
    assert [r["path"] for r in log if r["path"].endswith("/listSecrets")]


def test_a_new_subscription_waits_until_it_is_made_active(azure: Azure) -> None:
    wanted = SubscriptionCreateParameters(scope="/products/silver", display_name="Shelf search")
    made = azure.apim.subscription.create_or_update(*azure.gateway, "new-one", wanted)
    assert (made.state, made.display_name) == ("submitted", "Shelf search")
    assert made.scope == f"{azure.tenant.service_id}/products/silver"
    assert made.primary_key
    assert len(made.primary_key) == 32
    assert azure.chat_with(made.primary_key).status_code == 401
    _patch(azure, "new-one", "active", azure.etag("new-one"))
    assert azure.chat_with(made.primary_key).status_code == 200
    again = azure.apim.subscription.get(*azure.gateway, "new-one")
    assert again.primary_key is None
    assert len([*azure.apim.subscription.list(*azure.gateway)]) == 5


def test_a_made_subscription_is_changed_by_the_same_call(azure: Azure) -> None:
    def put(**more: Any) -> Any:
        wanted = SubscriptionCreateParameters(scope="/products/silver", display_name="One")
        return azure.apim.subscription.create_or_update(*azure.gateway, "new-one", wanted, **more)

    first = put(cls=lambda response, _model, _headers: response.http_response)
    assert first.status_code == 201
    second = put(cls=lambda response, _model, _headers: response.http_response)
    assert second.status_code == 200
    assert second.headers["ETag"] != first.headers["ETag"]
    with pytest.raises(HttpResponseError) as refused:
        put(if_match=first.headers["ETag"])
    assert refused.value.status_code == 412


def test_another_product_has_other_limits_from_the_next_call_on(azure: Azure) -> None:
    assert int(azure.chat("subscription3", max_tokens=490).headers["remaining-tokens"]) < 10
    change = SubscriptionUpdateParameters(scope="/products/platinum")
    etag = azure.etag("subscription3")
    azure.apim.subscription.update(*azure.gateway, "subscription3", etag, change)
    served = azure.chat("subscription3", max_tokens=400)
    assert served.status_code == 200
    assert 1000 < int(served.headers["remaining-tokens"]) < 2000 - 490 - 400
    unknown = SubscriptionUpdateParameters(scope="/products/bronze")
    with pytest.raises(HttpResponseError, match="does not name a product"):
        azure.apim.subscription.update(*azure.gateway, "subscription3", "*", unknown)


def test_a_set_key_opens_the_gateway_at_once_and_the_old_one_no_longer(azure: Azure) -> None:
    new = "5ec4e75ec4e75ec4e75ec4e75ec4e703"
    assert azure.chat_with(new).status_code == 401
    change = SubscriptionUpdateParameters(primary_key=new)
    etag = azure.etag("subscription1")
    azure.apim.subscription.update(*azure.gateway, "subscription1", etag, change)
    assert azure.chat_with(new).status_code == 200
    assert azure.chat("subscription1").status_code == 401
    assert azure.etag("subscription1") != etag


def test_a_key_opens_one_subscription_only(azure: Azure) -> None:
    taken = SubscriptionUpdateParameters(primary_key=azure.key("subscription2"))
    with pytest.raises(HttpResponseError) as refused:
        azure.apim.subscription.update(*azure.gateway, "subscription1", "*", taken)
    assert refused.value.status_code == 400
    assert azure.chat("subscription1").status_code == 200


def test_a_change_reaches_the_gateway_after_the_propagation_delay(azure: Azure) -> None:
    azure.tell("/knobs", propagation_seconds=30)
    _patch(azure, "subscription1", "suspended", "*")
    assert azure.chat("subscription1").status_code == 200
    azure.tell("/clock", advance_seconds=31)
    assert azure.chat("subscription1").status_code == 401


def test_the_token_rate_answers_429_and_says_when_to_come_back(azure: Azure) -> None:
    first = azure.chat("subscription3", max_tokens=480)
    assert first.status_code == 200
    total = first.json()["usage"]["total_tokens"]
    assert int(first.headers["consumed-tokens"]) == total
    assert int(first.headers["remaining-tokens"]) == 500 - total
    # The limit is checked before a call and counted after it: this one still gets in.
    assert azure.chat("subscription3", max_tokens=480).status_code == 200
    refused = azure.chat("subscription3")
    assert refused.status_code == 429
    wait = int(refused.headers["Retry-After"])
    assert 0 < wait <= 60
    azure.tell("/clock", advance_seconds=wait)
    assert azure.chat("subscription3").status_code == 200


def test_the_token_quota_of_the_month_answers_403(azure: Azure) -> None:
    row = {
        "workspace": azure.tenant.workspace_id,
        "subscription": "subscription3",
        "prompt": 900_000,
        "completion": 100_000,
    }
    assert azure.chat("subscription3").status_code == 200
    azure.tell("/rows", rows=[row])
    refused = azure.chat("subscription3")
    assert refused.status_code == 403
    assert refused.json()["message"].startswith("Token quota is exceeded.")
    azure.tell("/clock", now="2026-12-01T00:00:00Z")
    assert azure.chat("subscription3").status_code == 200


def test_every_call_is_logged_with_what_it_was(azure: Azure) -> None:
    azure.chat("subscription1", max_tokens=123)
    azure.chat("subscription1", stream=True)
    wrong = azure.wire.post(
        f"/gateways/{azure.tenant.service}/inference/openai/deployments/gpt-9/chat/completions",
        headers={"Ocp-Apim-Subscription-Key": azure.key("subscription1")},
        json={"messages": [{"role": "user", "content": "x"}]},
    )
    assert wrong.status_code == 404
    recent = "TimeGenerated >= datetime(2026-11-20T14:20:00Z)"
    codes = azure.query(
        f"ApiManagementGatewayLogs | where {recent} "
        "| project ApimSubscriptionId, ProductId, ResponseCode, IsRequestSuccess"
    )
    assert sorted(codes, key=str) == [
        ["subscription1", "platinum", 200, True],
        ["subscription1", "platinum", 200, True],
        ["subscription1", "platinum", 404, False],
    ]
    tokens = azure.query(
        f"ApiManagementGatewayLlmLog | where {recent} and SequenceNumber == 0 "
        "| project DeploymentName, ModelName, CompletionTokens, IsStreamCompletion "
        "| order by CompletionTokens desc"
    )
    assert tokens == [
        ["gpt-5.2-chat", "gpt-5.2-chat-2025-12-11", 123, False],
        ["gpt-5.2-chat", "gpt-5.2-chat-2025-12-11", 0, True],
    ]
    chunks = azure.query(f"ApiManagementGatewayLlmLog | where {recent} and SequenceNumber > 0")
    assert len(chunks) == 4


def test_deployments_tell_model_version_and_kind(azure: Azure) -> None:
    found = azure.cognitive.deployments.list(azure.tenant.resource_group, "ai-contoso")
    told = [
        (d.name, d.properties.model.name, d.properties.model.version, d.sku.name)
        for d in found
        if d.properties and d.properties.model and d.sku
    ]
    assert told == [
        ("gpt-5.2-chat", "gpt-5.2-chat", "2025-12-11", "GlobalStandard"),
        ("gpt-5-mini", "gpt-5-mini", "2025-08-07", "GlobalStandard"),
        ("gpt-5-nano", "gpt-5-nano", "2025-08-07", "GlobalStandard"),
        ("nightly-summaries", "gpt-5-mini", "2025-08-07", "GlobalBatch"),
        ("assistant-eu", "gpt-5-mini", "2025-08-07", "DataZoneStandard"),
        ("search-reserved", "gpt-5.2", "2025-12-11", "GlobalProvisionedManaged"),
        ("catalogue-vectors", "text-embedding-3-large", "1", "GlobalStandard"),
        (
            "returns-tuned",
            "gpt-4.1-mini-2025-04-14.ft-5b1d0c7a94e24f38a6d2e90b7c3f1a58",
            "1",
            "GlobalStandard",
        ),
    ]
    account = azure.cognitive.accounts.get(azure.tenant.resource_group, "ai-contoso")
    assert account.location == "swedencentral"
    assert account.properties is not None
    assert account.properties.endpoint == "https://ai-contoso.openai.azure.com/"

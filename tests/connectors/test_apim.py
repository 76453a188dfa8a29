"""Products, subscriptions and their state over Azure Resource Manager."""

import time

import pytest

from connectors import apim
from connectors.failures import Changed, Forbidden, NotFound, Partial, Permanent, Transient
from connectors.records import ApimService, SubscriptionState
from connectors.session import AzureSession
from simulator.setting import CONTOSO, FABRIKAM
from tests.connectors.conftest import Azure, Sign, service

CONTOSO_APIM = service(CONTOSO)
ARM = f"/subscriptions/{CONTOSO.azure_subscription_id}"
SUBSCRIPTIONS = f"{CONTOSO.service_id}/subscriptions"
ONE = f"{SUBSCRIPTIONS}/subscription1"


def test_products_come_with_the_limits_of_their_policies(contoso: AzureSession) -> None:
    found = {product.name: product for product in apim.products(contoso, CONTOSO_APIM)}
    assert {
        name: (p.tokens_per_minute, p.token_quota, p.token_quota_period, p.state)
        for name, p in found.items()
    } == {
        "platinum": (2000, 1_000_000, "Monthly", "published"),
        "gold": (1000, 1_000_000, "Monthly", "published"),
        "silver": (500, 1_000_000, "Monthly", "published"),
    }
    assert found["gold"].display_name == "Gold"


def test_subscriptions_come_from_all_pages_without_keys(
    azure: Azure, contoso: AzureSession
) -> None:
    found = apim.subscriptions(contoso, CONTOSO_APIM)
    assert [(one.name, one.product, one.display_name, one.state) for one in found] == [
        ("subscription1", "platinum", "Store assistant", "active"),
        ("subscription2", "gold", "Product search", "active"),
        ("subscription3", "silver", "Returns desk", "active"),
        ("subscription4", "silver", "Marketing copy", "active"),
    ]
    assert len(azure.requests("/subscriptions", "GET")) > 1
    assert not azure.requests("listSecrets")
    assert not any(key.key in repr(found) for key in CONTOSO.subscriptions)


def test_a_state_is_given_to_the_version_it_was_decided_on(
    azure: Azure, contoso: AzureSession
) -> None:
    before = apim.subscription(contoso, CONTOSO_APIM, "subscription3")
    change = apim.set_state(
        contoso,
        CONTOSO_APIM,
        "subscription3",
        state=SubscriptionState.SUSPENDED,
        comment="quota of 5.00 USD reached",
        etag=before.etag,
    )
    after = apim.subscription(contoso, CONTOSO_APIM, "subscription3")
    assert (after.subscription.state, after.subscription.state_comment) == (
        "suspended",
        "quota of 5.00 USD reached",
    )
    assert change.etag == after.etag != before.etag
    assert change.request_id
    assert [row["query"] for row in azure.requests("subscription3", "PATCH")]

    with pytest.raises(Changed, match="changed since it was read"):
        apim.set_state(
            contoso,
            CONTOSO_APIM,
            "subscription3",
            state=SubscriptionState.ACTIVE,
            comment="",
            etag=before.etag,
        )
    apim.set_state(
        contoso,
        CONTOSO_APIM,
        "subscription3",
        state=SubscriptionState.ACTIVE,
        comment="",
        etag=after.etag,
    )
    assert apim.subscription(contoso, CONTOSO_APIM, "subscription3").subscription.state == "active"


@pytest.mark.parametrize("etag", ["", "*"])
def test_a_write_that_names_no_version_is_never_sent(
    azure: Azure, contoso: AzureSession, etag: str
) -> None:
    with pytest.raises(Permanent, match="must name the version"):
        apim.set_state(
            contoso,
            CONTOSO_APIM,
            "subscription1",
            state=SubscriptionState.SUSPENDED,
            comment="",
            etag=etag,
        )
    assert not azure.requests("subscription1")


def test_an_unknown_subscription_and_service(contoso: AzureSession) -> None:
    with pytest.raises(NotFound, match="APIM subscription nobody of apim-contoso"):
        apim.subscription(contoso, CONTOSO_APIM, "nobody")
    other = ApimService(
        subscription_id=CONTOSO.azure_subscription_id, resource_group="rg-ai", service="apim-gone"
    )
    with pytest.raises(NotFound, match="apim-gone"):
        apim.products(contoso, other)


def test_another_tenants_service_is_forbidden(contoso: AzureSession) -> None:
    with pytest.raises(Forbidden, match="AuthorizationFailed") as caught:
        apim.subscriptions(contoso, service(FABRIKAM))
    assert caught.value.setting == "APPORTION_AZURE_CREDENTIALS_FILE"
    assert "entry 'contoso'" in str(caught.value)


def test_waits_as_long_as_asked(azure: Azure, contoso: AzureSession) -> None:
    azure.fault("status", ONE, status=429, retry_after=1)
    begun = time.monotonic()
    assert apim.subscription(contoso, CONTOSO_APIM, "subscription1").etag
    assert time.monotonic() - begun >= 1
    assert [row["status"] for row in azure.requests(ONE)] == [429, 200]


def test_a_long_wait_is_left_to_the_caller(azure: Azure, contoso: AzureSession) -> None:
    azure.fault("status", ONE, status=429, retry_after=300, times=9)
    with pytest.raises(Transient) as caught:
        apim.subscription(contoso, CONTOSO_APIM, "subscription1")
    assert caught.value.after == pytest.approx(300, abs=2)
    assert len(azure.requests(ONE)) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_burst_of_errors_is_outlived(azure: Azure, contoso: AzureSession, status: int) -> None:
    azure.fault("status", ONE, status=status, times=2)
    assert apim.subscription(contoso, CONTOSO_APIM, "subscription1").etag
    assert [row["status"] for row in azure.requests(ONE)] == [status, status, 200]


def test_tries_are_bounded(azure: Azure, contoso: AzureSession) -> None:
    azure.fault("status", ONE, status=503, times=99)
    with pytest.raises(Transient, match="answered 503"):
        apim.subscription(contoso, CONTOSO_APIM, "subscription1")
    assert len(azure.requests(ONE)) == 3


@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_a_broken_answer_is_asked_for_again(azure: Azure, contoso: AzureSession, kind: str) -> None:
    azure.fault(kind, ONE)
    assert apim.subscription(contoso, CONTOSO_APIM, "subscription1").etag
    azure.fault(kind, ONE, times=99)
    with pytest.raises(Transient):
        apim.subscription(contoso, CONTOSO_APIM, "subscription1")


def test_a_write_with_a_broken_answer_is_sent_once(azure: Azure, contoso: AzureSession) -> None:
    etag = apim.subscription(contoso, CONTOSO_APIM, "subscription2").etag
    path = f"{SUBSCRIPTIONS}/subscription2"
    azure.fault("status", path, method="PATCH", status=500)
    with pytest.raises(Transient):
        apim.set_state(
            contoso,
            CONTOSO_APIM,
            "subscription2",
            state=SubscriptionState.ACTIVE,
            comment="",
            etag=etag,
        )
    assert len(azure.requests(path, "PATCH")) == 1


def test_somebody_else_was_faster(azure: Azure, contoso: AzureSession) -> None:
    etag = apim.subscription(contoso, CONTOSO_APIM, "subscription2").etag
    azure.fault("etag_race", f"{SUBSCRIPTIONS}/subscription2", method="PATCH")
    with pytest.raises(Changed):
        apim.set_state(
            contoso,
            CONTOSO_APIM,
            "subscription2",
            state=SubscriptionState.ACTIVE,
            comment="",
            etag=etag,
        )


@pytest.mark.parametrize("kind", ["drop_next_link", "duplicate_page"])
def test_a_lost_link_or_a_page_given_twice_is_no_whole_list(
    azure: Azure, contoso: AzureSession, kind: str
) -> None:
    azure.fault(kind, SUBSCRIPTIONS)
    with pytest.raises(Partial, match="incomplete: 2 of 4"):
        apim.subscriptions(contoso, CONTOSO_APIM)


def test_links_in_a_circle_end(azure: Azure, contoso: AzureSession) -> None:
    azure.fault("link_loop", SUBSCRIPTIONS, times=99)
    with pytest.raises(Permanent, match="has no end"):
        apim.subscriptions(contoso, CONTOSO_APIM)


def test_a_token_never_follows_a_link_to_another_host(azure: Azure, contoso: AzureSession) -> None:
    azure.fault("foreign_next_link", SUBSCRIPTIONS)
    with pytest.raises(Permanent, match="another host"):
        apim.subscriptions(contoso, CONTOSO_APIM)


def test_one_principal_in_trouble_leaves_the_other_alone(azure: Azure, sign: Sign) -> None:
    azure.fault("status", CONTOSO.service_id, status=403, times=99)
    with pytest.raises(Forbidden):
        apim.subscriptions(sign("contoso"), CONTOSO_APIM)
    assert len(apim.subscriptions(sign("fabrikam"), service(FABRIKAM))) == 3

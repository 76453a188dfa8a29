"""API Management over Azure Resource Manager: products, and subscriptions with their state.

Subscription keys are never asked for: the call that lists them is not made anywhere. The one key
that is handed over is made by the product and set, and what Azure answers to a write is read
without the keys it may hold.
"""

import logging
import re
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, ParseError

from azure.mgmt.apimanagement.models import (
    ProductContract,
    SubscriptionContract,
    SubscriptionCreateParameters,
    SubscriptionUpdateParameters,
)
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from connectors.failures import ConnectorError, NotFound, Permanent, Service
from connectors.paging import everything, named
from connectors.records import (
    ApimProduct,
    ApimService,
    ApimSubscription,
    CreatedSubscription,
    ObservedSubscription,
    Secret,
    StateChange,
    SubscriptionState,
    segment,
)
from connectors.session import AzureSession
from connectors.translation import Place, resource_manager, translated
from connectors.transport import Heard

_log = logging.getLogger(__name__)
_PRODUCT_SCOPE = re.compile(r"/products/([^/]+)$")
_LIMITS = frozenset({"llm-token-limit", "azure-openai-token-limit"})


def products(azure: AzureSession, service: ApimService) -> tuple[ApimProduct, ...]:
    """All products of the service with the token limits of their policies."""
    client = azure.api_management(service.subscription_id)
    place = _place(azure, f"API Management service {service.service}")
    with translated(place):
        found = everything(
            client.product.list_by_service,
            service.resource_group,
            service.service,
            what=f"products of {service.service}",
            most_pages=azure.endpoints.most_pages,
        )
    return tuple(_product(azure, service, product) for product in found)


def subscriptions(azure: AzureSession, service: ApimService) -> tuple[ApimSubscription, ...]:
    """All subscriptions of the service, in Azure's order."""
    client = azure.api_management(service.subscription_id)
    with translated(_place(azure, f"API Management service {service.service}")):
        found = everything(
            client.subscription.list,
            service.resource_group,
            service.service,
            what=f"subscriptions of {service.service}",
            most_pages=azure.endpoints.most_pages,
        )
    return tuple(_subscription(contract) for contract in found)


def subscription(azure: AzureSession, service: ApimService, name: str) -> ObservedSubscription:
    """One subscription as it is now, with the version tag that a write must name."""
    segment("APIM subscription name", name)
    client = azure.api_management(service.subscription_id)
    heard = Heard()
    with translated(_place(azure, f"APIM subscription {name} of {service.service}")):
        contract = client.subscription.get(
            service.resource_group, service.service, name, raw_response_hook=heard
        )
    return ObservedSubscription(_subscription(contract), etag=heard.header("ETag") or "")


def create_subscription(
    azure: AzureSession, service: ApimService, name: str, *, display_name: str, product: str
) -> CreatedSubscription:
    """Make an active subscription of ``product``; the gateway makes its keys, nobody is told.

    Azure offers no way to create only what is absent, so that it is read first: one of that name,
    product and display name is what an earlier try made whose answer was lost.

    Raises:
        Permanent: a subscription of that name exists, with another product or display name.
    """
    segment("APIM product name", product)
    if found := _found(azure, service, name):
        return CreatedSubscription(_same(found, display_name, product), request_id=None)
    client = azure.api_management(service.subscription_id)
    heard = Heard()
    wanted = SubscriptionCreateParameters(
        scope=f"/products/{product}",
        display_name=display_name,
        state=SubscriptionState.ACTIVE.value,
    )
    with translated(_place(azure, f"APIM subscription {name} of {service.service}")):
        contract = client.subscription.create_or_update(
            service.resource_group,
            service.service,
            name,
            wanted,
            notify=False,
            raw_response_hook=heard,
        )
    made = ObservedSubscription(_subscription(contract), etag=heard.header("ETag") or "")
    return CreatedSubscription(made, heard.header("x-ms-request-id"))


def set_state(
    azure: AzureSession,
    service: ApimService,
    name: str,
    *,
    state: SubscriptionState,
    comment: str,
    etag: str,
) -> StateChange:
    """Give the subscription ``state``; Changed when it is no longer the version ``etag``.

    Nobody is notified by Azure: telling people is the product's own task.
    """
    wanted = SubscriptionUpdateParameters(
        state=SubscriptionState(state).value, state_comment=comment
    )
    return _update(azure, service, name, wanted, etag=etag)


def set_product(
    azure: AzureSession, service: ApimService, name: str, *, product: str, etag: str
) -> StateChange:
    """Scope the subscription to ``product``; Changed when it is no longer the version ``etag``.

    Its keys and its state stay.
    """
    segment("APIM product name", product)
    wanted = SubscriptionUpdateParameters(scope=f"/products/{product}")
    return _update(azure, service, name, wanted, etag=etag)


def set_primary_key(
    azure: AzureSession, service: ApimService, name: str, *, key: Secret, etag: str
) -> StateChange:
    """Make ``key`` the primary one; Changed when it is no longer the version ``etag``.

    The primary key of before no longer opens the gateway. No error holds the key, nor the error
    that it came from: that one knows the request.
    """
    try:
        return _update(
            azure,
            service,
            name,
            SubscriptionUpdateParameters(primary_key=key.reveal()),
            etag=etag,
        )
    except ConnectorError as error:
        raise type(error)(key.hidden_in(str(error)), **vars(error)) from None


def token_limits(policy: str) -> tuple[int | None, int | None, str | None]:
    """Tokens per minute, quota and quota period that a policy's XML states as plain numbers.

    An expression is not a number and gives None; of several limits the smallest counts.
    """
    try:
        root: Element = ElementTree.fromstring(policy)
    except (ParseError, DefusedXmlException) as error:
        says = f"A product policy is not readable XML ({error})."
        raise Permanent(says, service=Service.RESOURCE_MANAGER) from error
    limits = [element for element in root.iter() if element.tag in _LIMITS]
    rates = [rate for limit in limits if (rate := _number(limit, "tokens-per-minute"))]
    quotas = [
        (quota, limit.get("token-quota-period"))
        for limit in limits
        if (quota := _number(limit, "token-quota"))
    ]
    quota, period = min(quotas, key=lambda found: found[0], default=(None, None))
    return min(rates, default=None), quota, period


def _update(
    azure: AzureSession,
    service: ApimService,
    name: str,
    wanted: SubscriptionUpdateParameters,
    *,
    etag: str,
) -> StateChange:
    """Change what ``wanted`` names, of the version ``etag``."""
    segment("APIM subscription name", name)
    if not etag or etag == "*":
        says = f"A write to APIM subscription {name} must name the version it was decided on."
        raise Permanent(says, service=Service.RESOURCE_MANAGER)
    client = azure.api_management(service.subscription_id)
    heard = Heard()
    with translated(_place(azure, f"APIM subscription {name} of {service.service}")):
        client.subscription.update(
            service.resource_group,
            service.service,
            name,
            etag,
            wanted,
            notify=False,
            raw_response_hook=heard,
        )
    return StateChange(heard.header("ETag"), heard.header("x-ms-request-id"))


def _found(azure: AzureSession, service: ApimService, name: str) -> ObservedSubscription | None:
    try:
        return subscription(azure, service, name)
    except NotFound:  # or there is no such service, as the write will say
        return None


def _same(found: ObservedSubscription, display_name: str, product: str) -> ObservedSubscription:
    """What was found when it is what was asked for."""
    there = found.subscription
    if (there.product or "").lower() == product.lower() and there.display_name == display_name:
        return found
    says = (
        f"An APIM subscription {there.name} exists already, as '{there.display_name}' of"
        f" {there.product or there.scope}. Rename or delete it in Azure."
    )
    raise Permanent(says, service=Service.RESOURCE_MANAGER)


def _product(azure: AzureSession, service: ApimService, product: ProductContract) -> ApimProduct:
    name = named(product)
    rate, quota, period = _limits(azure, service, name)
    return ApimProduct(
        name=name,
        display_name=product.display_name or name,
        state=str(product.state or ""),
        tokens_per_minute=rate,
        token_quota=quota,
        token_quota_period=period,
    )


def _limits(
    azure: AzureSession, service: ApimService, product: str
) -> tuple[int | None, int | None, str | None]:
    policy = _policy(azure, service, product)
    try:
        return token_limits(policy)
    except Permanent as error:
        # One odd policy must not keep all other products from being read.
        _log.warning("Product %s of %s: %s No limits known.", product, service.service, error)
        return None, None, None


def _policy(azure: AzureSession, service: ApimService, product: str) -> str:
    segment("APIM product name", product)
    client = azure.api_management(service.subscription_id)
    try:
        with translated(_place(azure, f"policy of product {product}")):
            contract = client.product_policy.get(
                service.resource_group, service.service, product, "policy", format="xml"
            )
    except NotFound:
        return "<policies />"
    return contract.value or "<policies />"


def _subscription(contract: SubscriptionContract) -> ApimSubscription:
    name, scope = named(contract), contract.scope or ""
    product = _PRODUCT_SCOPE.search(scope)
    return ApimSubscription(
        name=name,
        display_name=contract.display_name or name,
        product=product.group(1) if product else None,
        scope=scope,
        state=str(contract.state or ""),
        state_comment=contract.state_comment or "",
        created_at=_utc(contract.created_date),
    )


def _utc(at: datetime | None) -> datetime | None:
    return at.astimezone(UTC) if at else None


def _number(limit: Element, attribute: str) -> int | None:
    text = (limit.get(attribute) or "").strip()
    return int(text) if text.isascii() and text.isdecimal() else None


def _place(azure: AzureSession, subject: str) -> Place:
    return resource_manager(azure.endpoints, azure.name, subject)

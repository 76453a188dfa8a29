"""What an approved request changes at the gateway: asked twice, it is done once.

Everything is read before it is changed and after: an answer that was lost is found by the next
try. Called outside of any transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from connectors import apim
from connectors.failures import Changed
from connectors.records import ObservedSubscription, StateChange, SubscriptionState
from connectors.session import AzureSession
from governance.models import QuotaRequest
from inventory.gateways import GatewayRef
from tenancy.refusals import Refused
from tenancy.scope import TenantRef


class NotSuspended(Refused):
    code = "not-suspended"
    text = (
        "{name} is {state} at the gateway. Only a suspended subscription is served again; for"
        " another, ask for a new subscription."
    )


class NotAsAsked(Refused):
    """Somebody else changed it between our writing and reading: the next try looks again."""

    code = "not-as-asked"
    text = "{name} was found with {found} right after {wanted} was set; it is looked at again."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request wants of one subscription at the gateway; ``product`` is a product's name."""

    name: str
    product: str
    display_name: str
    because: str


@dataclass(frozen=True, slots=True)
class Carried:
    """What is so at the gateway now. ``request_id`` is Azure's, empty where nothing was to do."""

    says: str
    read: ObservedSubscription
    request_id: str = ""


Allowed = Callable[[], None]


def wanted(tenant: TenantRef, request: QuotaRequest) -> Wanted:
    """What a request wants; a new subscription's name is the same at each try, and no other's."""
    told = f"{tenant.slug}/{request.number}/{request.created_at.isoformat()}"
    new = f"{tenant.slug}-{request.number}-{hashlib.sha256(told.encode()).hexdigest()[:6]}"
    return Wanted(
        name=request.subscription.name if request.subscription else new,
        product=request.product.name if request.product else "",
        display_name=request.display_name or str(request),
        because=f"request {request.number} was approved",
    )


def tier(session: AzureSession, gateway: GatewayRef, to: Wanted) -> Carried:
    """Scope the subscription to the product.

    Raises:
        NotAsAsked, ConnectorError
    """

    def change(seen: ObservedSubscription) -> StateChange | None:
        if _same(seen.subscription.product, to.product):
            return None
        return apim.set_product(
            session, gateway.apim(), to.name, product=to.product, etag=seen.etag
        )

    carried = _changed(session, gateway, to, change, f"It is a subscription of {to.product} now.")
    if not _same(found := carried.read.subscription.product, to.product):
        raise NotAsAsked(name=to.name, found=found or "no product", wanted=to.product)
    return carried


def new_subscription(session: AzureSession, gateway: GatewayRef, to: Wanted) -> Carried:
    """Make the subscription; the gateway makes its keys.

    Raises:
        Permanent: another subscription has its name.
        ConnectorError
    """
    made = apim.create_subscription(
        session, gateway.apim(), to.name, display_name=to.display_name, product=to.product
    )
    says = f"Subscription {to.name} of {to.product} is made."
    return Carried(says, made.observed, made.request_id or "")


def reactivation(
    session: AzureSession, gateway: GatewayRef, to: Wanted, *, allowed: Allowed
) -> Carried:
    """Set the subscription active, if ``allowed`` does not refuse it then.

    Raises:
        NotSuspended: it is neither suspended nor active.
        NotAsAsked, ConnectorError, whatever ``allowed`` raises
    """

    def change(seen: ObservedSubscription) -> StateChange | None:
        state = seen.subscription.state
        if state == SubscriptionState.ACTIVE:
            return None
        if state != SubscriptionState.SUSPENDED:
            raise NotSuspended(name=to.name, state=state or "in no known state")
        allowed()
        return apim.set_state(
            session,
            gateway.apim(),
            to.name,
            state=SubscriptionState.ACTIVE,
            comment=f"Apportion: {to.because}.",
            etag=seen.etag,
        )

    carried = _changed(session, gateway, to, change, "It is served again.")
    if (found := carried.read.subscription.state) != SubscriptionState.ACTIVE:
        raise NotAsAsked(name=to.name, found=found, wanted=SubscriptionState.ACTIVE.value)
    return carried


def _changed(
    session: AzureSession,
    gateway: GatewayRef,
    to: Wanted,
    change: Callable[[ObservedSubscription], StateChange | None],
    says: str,
) -> Carried:
    """Read, change, read back; once more where somebody else's change came between."""
    for attempt in (1, 2):
        seen = apim.subscription(session, gateway.apim(), to.name)
        try:
            done = change(seen)
        except Changed:
            if attempt == 2:
                raise
            continue
        if done is None:
            return Carried(says, seen)
        after = apim.subscription(session, gateway.apim(), to.name)
        return Carried(says, after, done.request_id or "")
    raise AssertionError("the loop returns or raises")


def _same(product: str | None, wanted: str) -> bool:
    """Whether a product is the one that is wanted; API Management compares without case."""
    return (product or "").lower() == wanted.lower()

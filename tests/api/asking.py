"""What programs ask for in the small world: Alice's usual request, and how to send it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from governance.models import QuotaRequest, RequestEvent
from inventory.models import GatewayState, Product, Subscription
from tenancy import scope
from tests.api.conftest import Program
from tests.world import NOW, World

Asking = Callable[..., Program]
LIST, WHAT_IF = "requests/", "requests/what-if/"
NEW: dict[str, Any] = {
    "kind": "increase",
    "team": "search",
    "gateway": "apim-contoso",
    "subscription": "key-search",
    "amount": "2.5",
    "reason": "The campaign begins.",
}


def of_number(number: int, deed: str = "") -> str:
    """The address of a request, or of something that can be done to it."""
    return f"{LIST}{number}/{deed}/" if deed else f"{LIST}{number}/"


def asked(asking: Program, **more: Any) -> dict[str, Any]:
    """A new request, sent to its approvers unless something else is said."""
    answer = asking.send(LIST, NEW | {"submit": True} | more)
    assert answer.status_code == 201, answer.content
    row: dict[str, Any] = answer.json()
    return row


def done(asking: Program, number: int, deed: str, **said: Any) -> dict[str, Any]:
    """What a request is after something was done to it."""
    answer = asking.send(of_number(number, deed), said)
    assert answer.status_code == 200, answer.content
    row: dict[str, Any] = answer.json()
    return row


def kept(world: World) -> tuple[int, int]:
    """How many requests and events there are."""
    with scope.of(world.contoso.ref):
        return QuotaRequest.objects.count(), RequestEvent.objects.count()


def tiered(world: World) -> None:
    """A second tier, and Alice's key suspended."""
    with scope.of(world.contoso.ref):
        Product.objects.create(
            gateway=world.contoso.gateway, name="silver", display_name="Silver", seen_at=NOW
        )
        Subscription.objects.filter(name="key-search").update(state=GatewayState.SUSPENDED)

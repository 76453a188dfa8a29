"""Requests that have been approved and wait to be carried out, as rows."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from governance.models import (
    Approval,
    ApprovalNeed,
    EventKind,
    Override,
    QuotaRequest,
    RequestEvent,
    RequestKind,
    RequestState,
    Whose,
)
from inventory.models import Gateway, Product, Subscription, Team
from tenancy import scope
from tenancy.models import Person
from tests.azure import AT
from tests.flows.steps import Steps, rows

LIMITS = (RequestKind.INCREASE, RequestKind.TEMPORARY, RequestKind.DECREASE)


def approved(
    tenant: Steps,
    number: int,
    kind: RequestKind,
    *,
    subscription: str = "",
    product: str = "",
    team: str = "search",
    more: str = "10",
    **fields: Any,
) -> QuotaRequest:
    """A request that Alice made and Carol approved; of a limit with the override it brings."""
    with scope.of(tenant.ref):
        known = Person.objects
        of_limit = kind in LIMITS
        request: QuotaRequest = QuotaRequest.objects.create(
            number=number,
            kind=kind,
            team=Team.objects.get(slug=team),
            subscription=Subscription.objects.get(name=subscription) if subscription else None,
            gateway=Gateway.objects.get(),
            product=Product.objects.get(name=product) if product else None,
            amount=abs(Decimal(more)) if of_limit else None,
            reason="The campaign begins.",
            requested_by=known.get(email="alice@contoso.example"),
            created_at=AT - timedelta(hours=2),
            **fields,
        )
        _become(request, RequestState.SUBMITTED)
        ApprovalNeed.objects.create(request=request, version=1, position=1, whose=Whose.GROUP)
        Approval.objects.create(
            request=request,
            version=1,
            person=known.get(email="carol@contoso.example"),
            whose=Whose.GROUP,
            at=AT - timedelta(hours=1),
        )
        _become(request, RequestState.APPROVED)
        if of_limit:
            _override(request, Decimal(more))
    return request


def stands(tenant: Steps, number: int) -> tuple[str, str, int]:
    """The state of a request, the error it shows, and how often it was tried."""
    wanted = "SELECT state, error, tries FROM governance_quotarequest"
    found = rows(f"{wanted} WHERE tenant_id = %s AND number = %s", tenant.ref.id, number)
    state, error, tries = found[0]
    return str(state), str(error), int(tries)


def told(tenant: Steps, number: int) -> list[tuple[str, str]]:
    """Kind and text of the events of a request, oldest first."""
    with scope.of(tenant.ref):
        events = RequestEvent.objects.filter(request__number=number)
        return [(str(EventKind(one.kind).value), one.text) for one in events]


def _become(request: QuotaRequest, state: RequestState) -> None:
    request.state = state
    request.save()


def _override(request: QuotaRequest, amount: Decimal) -> None:
    Override.objects.create(
        subscription=request.subscription,
        team=None if request.subscription else request.team,
        unit=request.unit,
        span=request.span,
        amount=amount,
        effective_from=AT - timedelta(hours=1),
        effective_until=request.until,
        request=request,
        recorded_at=AT - timedelta(hours=1),
    )

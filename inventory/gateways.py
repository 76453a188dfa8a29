"""Gateways: the API Management services of a tenant and the accounts behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any  # what an audit record holds

from connectors.records import ApimService, CognitiveAccount
from inventory.models import Gateway, ModelAccount, UsageSource
from inventory.rules.dimensions import METRIC_NAMES
from tenancy import audit, scope
from tenancy.refusals import NotFound, Refused


@dataclass(frozen=True, slots=True)
class GatewayRef:
    """A gateway's addresses, safe to use after the transaction that read them has ended.

    ``service`` is None for a gateway that is no API Management service: its usage is pushed.
    ``metric_names`` are the names of dimensions in emitted metrics.
    """

    id: int
    name: str
    credential: str
    service: ApimService | None
    workspace_id: str
    accounts: tuple[CognitiveAccount, ...]
    usage_from: datetime
    usage_source: UsageSource = UsageSource.LLM_LOG
    metric_names: Mapping[str, str] = field(default_factory=lambda: METRIC_NAMES)

    def apim(self) -> ApimService:
        """The API Management service.

        Raises:
            NoService: the gateway is another one.
        """
        if self.service is None:
            raise NoService(gateway=self.name)
        return self.service


class NoService(Refused):
    code = "gateway-without-service"
    status = 409
    text = "{gateway} is no API Management service: its usage is pushed, nothing is read or set."


def all_of_tenant() -> tuple[GatewayRef, ...]:
    """The gateways of the tenant in scope, by name."""
    rows = Gateway.objects.prefetch_related("accounts")
    return tuple(_ref(row) for row in rows)


def named(name: str) -> GatewayRef:
    """The gateway of this name in the tenant in scope.

    Raises:
        NotFound: there is none.
    """
    found = find(name)
    if found is None:
        raise NotFound(kind="gateway")
    return found


def find(name: str) -> GatewayRef | None:
    """The gateway of this name in the tenant in scope, or None."""
    row = Gateway.objects.filter(name=name).prefetch_related("accounts").first()
    return _ref(row) if row else None


def as_stored(name: str) -> Gateway:
    """A copy of the gateway of this name in the tenant in scope to change, or a new one."""
    return Gateway.objects.filter(name=name).first() or Gateway(name=name)


def connect(row: Gateway, accounts: tuple[CognitiveAccount, ...], *, by: str, at: datetime) -> None:
    """Add a gateway and its accounts to the tenant in scope, or change the one of that name.

    Raises:
        ValidationError: a field is not of its form; names it.
    """
    existing = Gateway.objects.filter(name=row.name).first()
    row.pk = existing.pk if existing else None
    row.full_clean(validate_unique=False, validate_constraints=False)
    before = _told(existing) if existing else None
    row.save()
    for account in accounts:
        ModelAccount.objects.update_or_create(
            tenant_id=scope.tenant_id(),
            gateway=row,
            account=account.account,
            defaults={
                "azure_subscription_id": account.subscription_id,
                "resource_group": account.resource_group,
            },
        )
    audit.record(
        "gateway.connect",
        row.name,
        by=by,
        at=at,
        before=before,
        after=_told(row),
    )


def _told(row: Gateway) -> dict[str, Any]:
    """What the audit log keeps of a gateway."""
    return {
        "service": row.service,
        "accounts": [account.account for account in row.accounts.all()],
        "usage_source": row.usage_source,
        "metric_dimensions": row.metric_dimensions,
    }


def _ref(row: Gateway) -> GatewayRef:
    return GatewayRef(
        id=row.pk,
        name=row.name,
        credential=row.credential,
        service=ApimService(
            subscription_id=row.azure_subscription_id,
            resource_group=row.resource_group,
            service=row.service,
        )
        if row.service
        else None,
        workspace_id=row.workspace_id,
        accounts=tuple(
            CognitiveAccount(
                subscription_id=account.azure_subscription_id,
                resource_group=account.resource_group,
                account=account.account,
            )
            for account in row.accounts.all()
        ),
        usage_from=row.usage_from,
        usage_source=UsageSource(row.usage_source),
        metric_names={**METRIC_NAMES, **row.metric_dimensions},
    )

"""Reads a gateway's products, subscriptions and deployments from Azure.

Read outside any transaction, stored in one: what Azure no longer lists is marked as vanished,
never deleted, since usage may still point to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors import apim, cognitive
from connectors.records import ApimProduct, ApimSubscription, ModelDeployment
from inventory import azure, deployments, gateways
from inventory.deployments import Present
from inventory.gateways import GatewayRef
from inventory.models import Deployment, GatewayState, Origin, Product, Subscription
from tenancy import runs, scope
from tenancy.runs import Contention
from tenancy.scope import TenantRef

STEP = "sync_inventory"


@dataclass(frozen=True, slots=True)
class Listed:
    """What Azure lists for a gateway."""

    products: tuple[ApimProduct, ...]
    subscriptions: tuple[ApimSubscription, ...]
    deployments: tuple[ModelDeployment, ...]

    def __len__(self) -> int:
        return len(self.products) + len(self.subscriptions) + len(self.deployments)


def sync(tenant: TenantRef, gateway: str, *, at: datetime, contention: Contention) -> Listed:
    """Make the stored inventory of one gateway what Azure lists at ``at``; twice is once.

    Raises:
        NotFound: the tenant has no such gateway.
        NoService: it is one that lists nothing.
        Busy, Superseded: another run of this step has the gateway.
        ConnectorError: Azure refused, was unreachable or answered in part; nothing changed.
    """
    with scope.of(tenant):
        ref = gateways.named(gateway)
        ref.apim()  # what lists nothing is refused before a run is recorded
    with runs.of_tenant(tenant, STEP, gateway, contention=contention) as run:
        listed = _read(ref)
        with scope.of(tenant):
            run.hold()
            _store(ref, listed, at=at)
        run.count(read=len(listed), written=len(listed))
    return listed


def _read(ref: GatewayRef) -> Listed:
    service = ref.apim()
    with azure.session_as(ref.credential) as session:
        return Listed(
            products=apim.products(session, service),
            subscriptions=apim.subscriptions(session, service),
            deployments=tuple(
                deployment
                for account in ref.accounts
                for deployment in cognitive.deployments(session, account)
            ),
        )


def _store(ref: GatewayRef, listed: Listed, *, at: datetime) -> None:
    _replace(Product, ref, at, (_product(ref, product) for product in listed.products))
    ids = dict(Product.objects.filter(gateway_id=ref.id).values_list("name", "id"))
    _replace(
        Subscription,
        ref,
        at,
        (_subscription(ref, subscription, ids) for subscription in listed.subscriptions),
    )
    _replace(Deployment, ref, at, (_deployment(ref, row) for row in listed.deployments))
    deployments.record_states(ref.id, map(_present, listed.deployments), at=at)


def _replace(
    kind: type[Product | Subscription | Deployment],
    ref: GatewayRef,
    at: datetime,
    rows: Iterable[Any],
) -> None:
    """Upsert what is listed, and mark as vanished what was listed before and is not now."""
    key = {"tenant", "gateway", *(("host", "name") if kind is Deployment else ("name",))}
    fields = {field.name for field in kind._meta.local_concrete_fields} - key - {"id"}
    listed = []
    for row in rows:
        row.seen_at, row.vanished_at = at, None
        listed.append(row)
    kind.objects.bulk_create(
        listed,
        update_conflicts=True,
        unique_fields=sorted(key),
        update_fields=sorted(fields),
    )
    # What only usage knows is not gone: Azure never listed it.
    of_usage = {} if kind is Product else {"origin": Origin.USAGE}
    gone = kind.objects.filter(gateway_id=ref.id, seen_at__lt=at, vanished_at=None)
    (gone.exclude(**of_usage) if of_usage else gone).update(vanished_at=at)


def _product(ref: GatewayRef, listed: ApimProduct) -> Product:
    return Product(
        gateway_id=ref.id,
        name=listed.name,
        display_name=listed.display_name or listed.name,
        tokens_per_minute=listed.tokens_per_minute,
        token_quota=listed.token_quota,
        token_quota_period=listed.token_quota_period or "",
    )


def _subscription(
    ref: GatewayRef, listed: ApimSubscription, products: dict[str, int]
) -> Subscription:
    known = listed.state in GatewayState.values
    return Subscription(
        gateway_id=ref.id,
        name=listed.name,
        display_name=listed.display_name or "",
        product_id=products.get(listed.product or ""),
        state=listed.state if known else GatewayState.UNKNOWN,
        state_comment=listed.state_comment or "",
        origin=Origin.INVENTORY,
    )


def _deployment(ref: GatewayRef, listed: ModelDeployment) -> Deployment:
    return Deployment(
        gateway_id=ref.id,
        host=listed.endpoint_host.lower(),
        name=listed.name,
        model=listed.model,
        version=listed.version,
        sku=listed.sku,
        region=listed.region.lower(),
        base_model=listed.base_model,
        base_version=listed.base_version,
        origin=Origin.INVENTORY,
    )


def _present(listed: ModelDeployment) -> Present:
    return Present(
        key=(listed.endpoint_host, listed.name),
        sku=listed.sku,
        capacity=listed.capacity,
        created_at=listed.created_at,
    )

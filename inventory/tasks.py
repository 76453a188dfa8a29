"""Doors for the worker."""

from celery import current_app, shared_task

from inventory import gateways, sync
from tenancy import clock, scope, tenants
from tenancy.runs import Busy, Contention, Superseded


@shared_task(name="inventory.sync_inventory")
def sync_inventory() -> None:
    """Ask for every gateway of every tenant to be read."""
    for tenant in tenants.active():
        with scope.of(tenant):
            names = [one.name for one in gateways.all_of_tenant() if one.service]
        for name in names:
            current_app.send_task("inventory.sync_gateway", [tenant.id, name])


@shared_task(name="inventory.sync_gateway")
def sync_gateway(tenant_id: int, gateway: str) -> None:
    """Read one gateway's inventory, unless a run is already under way."""
    try:
        sync.sync(tenants.by_id(tenant_id), gateway, at=clock.now(), contention=Contention.GIVE_WAY)
    except (Busy, Superseded):
        return

"""Doors for the worker."""

from celery import current_app, shared_task

from governance import enforcement
from tenancy import clock, tenants
from tenancy.runs import Busy, Contention, Superseded


@shared_task(name="governance.enforce")
def enforce() -> None:
    """Ask for a cycle of every tenant."""
    for tenant in tenants.active():
        current_app.send_task("governance.enforce_tenant", [tenant.id])


@shared_task(name="governance.enforce_tenant")
def enforce_tenant(tenant_id: int) -> None:
    """One cycle for a tenant, unless one is already under way."""
    tenant = tenants.by_id(tenant_id)
    try:
        enforcement.enforce(tenant, at=clock.now(), contention=Contention.GIVE_WAY)
    except (Busy, Superseded):
        return

"""Doors for the worker."""

from contextlib import suppress

from celery import current_app, shared_task

from governance import alerts, enforcement
from governance.front_door import applying, lapsing
from governance.notifications import collecting, delivering, digests, log
from tenancy import clock, scope, tenants
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


@shared_task(name="governance.apply_requests")
def apply_requests() -> None:
    """Ask for what every tenant's people have approved."""
    for tenant in tenants.active():
        current_app.send_task("governance.apply_tenant_requests", [tenant.id])


@shared_task(name="governance.apply_tenant_requests")
def apply_tenant_requests(tenant_id: int) -> None:
    """Carry out what is approved for one tenant, unless that is already under way."""
    with suppress(Busy, Superseded):
        applying.apply(tenants.by_id(tenant_id), at=clock.now(), contention=Contention.GIVE_WAY)


@shared_task(name="governance.lapse_requests")
def lapse_requests() -> None:
    """Ask for what has waited too long at every tenant."""
    for tenant in tenants.active():
        current_app.send_task("governance.lapse_tenant_requests", [tenant.id])


@shared_task(name="governance.lapse_tenant_requests")
def lapse_tenant_requests(tenant_id: int) -> None:
    """End, escalate and remind of one tenant's requests, unless that is already under way."""
    with suppress(Busy, Superseded):
        lapsing.lapse(tenants.by_id(tenant_id), at=clock.now(), contention=Contention.GIVE_WAY)


@shared_task(name="governance.watch")
def watch() -> None:
    """Ask for every tenant's alerts to be made as things are."""
    for tenant in tenants.active():
        current_app.send_task("governance.watch_tenant", [tenant.id])


@shared_task(name="governance.watch_tenant")
def watch_tenant(tenant_id: int) -> None:
    """Begin and end one tenant's alerts, unless that is already under way."""
    with suppress(Busy, Superseded):
        alerts.watch(tenants.by_id(tenant_id), at=clock.now(), contention=Contention.GIVE_WAY)


@shared_task(name="governance.deliver")
def deliver() -> None:
    """Ask for every tenant's notices to be delivered."""
    for tenant in tenants.active():
        current_app.send_task("governance.deliver_tenant", [tenant.id])


@shared_task(name="governance.deliver_tenant")
def deliver_tenant(tenant_id: int) -> None:
    """Write notices for one tenant and send what is due, unless a run is already under way."""
    tenant, now = tenants.by_id(tenant_id), clock.now()
    collecting.collect(tenant, at=now)
    with suppress(Busy, Superseded):
        delivering.deliver(tenant, at=now, contention=Contention.GIVE_WAY)
    with suppress(Busy, Superseded):
        digests.digest(tenant, at=now, contention=Contention.GIVE_WAY)


@shared_task(name="governance.let_notices_go")
def let_notices_go() -> None:
    """Ask for every tenant's old notices to be deleted."""
    for tenant in tenants.active():
        current_app.send_task("governance.let_tenant_notices_go", [tenant.id])


@shared_task(name="governance.let_tenant_notices_go")
def let_tenant_notices_go(tenant_id: int) -> None:
    """Delete one tenant's old notices."""
    with scope.of(tenants.by_id(tenant_id)):
        log.let_go(at=clock.now())

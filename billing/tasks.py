"""Doors for the worker."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from itertools import chain, zip_longest

from celery import current_app, shared_task

from billing import capacity, comparing, rating, retention, statement_check, usage, windows
from billing.prices import catalogue, mapping, notices
from billing.rules.windows import Lane
from billing.windows import LeaseLost
from inventory import gateways
from tenancy import clock, scope, tenants
from tenancy.runs import Busy, Contention, Superseded
from tenancy.scope import TenantRef

#: Usage that no worker has begun to read by then has been asked for again: the queue cannot grow.
_EXPIRES = timedelta(minutes=10)


@shared_task(name="billing.sync_prices")
def sync_prices() -> None:
    """Load the price list, unless a load is already under way."""
    try:
        loaded = catalogue.sync(contention=Contention.GIVE_WAY)
    except (Busy, Superseded):
        return
    if loaded.changes:  # sooner than the next beat
        current_app.send_task("billing.price_news")


@shared_task(name="billing.price_news")
def price_news() -> None:
    """Ask for every tenant to be told of price changes, where a mail server is named."""
    if notices.can_send():
        for tenant in tenants.active():
            current_app.send_task("billing.tenant_price_news", [tenant.id])


@shared_task(name="billing.tenant_price_news")
def tenant_price_news(tenant_id: int) -> None:
    """Tell one tenant's people of price changes, unless a run is already under way."""
    try:
        notices.send(tenants.by_id(tenant_id), contention=Contention.GIVE_WAY)
    except (Busy, Superseded):
        return


@shared_task(name="billing.sync_usage")
def sync_usage() -> None:
    """Ask for every gateway's fresh hours to be read, and its older ones where some are due.

    Tenants take turns, each with its fresh hours first: who has many gateways, or much to catch up
    with, does not go before the others.
    """
    asked = [_lanes(tenant) for tenant in tenants.active()]
    for wanted in chain.from_iterable(zip_longest(*asked)):
        if wanted is not None:
            current_app.send_task(
                "billing.sync_gateway_usage", list(wanted), expires=_EXPIRES.total_seconds()
            )


def _lanes(tenant: TenantRef) -> Iterator[tuple[int, str, str]]:
    """What is to be read of a tenant: by lane, its gateways."""
    with scope.of(tenant):
        refs = gateways.all_of_tenant()
        due = windows.lanes_due(at=clock.now())
    for lane in Lane:
        for ref in refs:
            if lane is Lane.FRESH or lane in due.get(ref.id, ()):
                yield tenant.id, ref.name, lane.value


@shared_task(name="billing.sync_gateway_usage")
def sync_gateway_usage(tenant_id: int, gateway: str, lane: str = Lane.FRESH.value) -> None:
    """Read what is due of a lane of one gateway's usage, unless another worker does."""
    tenant, wanted = tenants.by_id(tenant_id), Lane(lane)
    try:
        changed = usage.sync(
            tenant, gateway, at=clock.now(), contention=Contention.GIVE_WAY, lane=wanted
        )
    except (Busy, Superseded, LeaseLost):
        return
    if changed:  # sooner than the next beat
        current_app.send_task("billing.rate_tenant", [tenant_id])


@shared_task(name="billing.maintain_usage")
def maintain_usage() -> None:
    """Make months of usage ahead and let old ones go, unless a run is already under way."""
    with suppress(Busy, Superseded):
        retention.maintain(at=clock.now(), contention=Contention.GIVE_WAY)


@shared_task(name="billing.compare_usage")
def compare_usage() -> None:
    """Ask for every gateway's last days to be compared with their source."""
    for tenant in tenants.active():
        with scope.of(tenant):
            names = [ref.name for ref in gateways.all_of_tenant()]
        for name in names:
            current_app.send_task(comparing.TASK, [tenant.id, name])


@shared_task(name=comparing.TASK)
def compare_gateway_usage(tenant_id: int, gateway: str, first: str = "", last: str = "") -> None:
    """Compare one gateway's days, the last ones unless told, unless a run is under way."""
    tenant, now = tenants.by_id(tenant_id), clock.now()
    with scope.of(tenant):
        days = comparing.latest(at=now)
    if first and last:
        days = (date.fromisoformat(first), date.fromisoformat(last))
    try:
        comparing.compare(tenant, gateway, *days, at=now, contention=Contention.GIVE_WAY)
    except (Busy, Superseded):
        return


@shared_task(name="billing.rate")
def rate() -> None:
    """Ask for every tenant's changed days to be rated."""
    for tenant in tenants.active():
        current_app.send_task("billing.rate_tenant", [tenant.id])


@shared_task(name="billing.rate_tenant")
def rate_tenant(tenant_id: int) -> None:
    """Map and rate what changed for one tenant, unless a run is already under way."""
    tenant = tenants.by_id(tenant_id)
    try:
        mapping.sync(tenant, at=clock.now(), contention=Contention.GIVE_WAY)
        rated = rating.rate(tenant, contention=Contention.GIVE_WAY)
    except (Busy, Superseded):
        return
    if rated.days:  # sooner than the next beat
        current_app.send_task("governance.enforce_tenant", [tenant_id])


@shared_task(name="billing.check_statements")
def check_statements() -> None:
    """Ask for the statements of every tenant's open month to be drafted and checked."""
    for tenant in tenants.active():
        current_app.send_task("billing.check_tenant_statements", [tenant.id])


@shared_task(name="billing.check_tenant_statements")
def check_tenant_statements(tenant_id: int) -> None:
    """Draft and check one tenant's statements, unless a run is already under way."""
    tenant = tenants.by_id(tenant_id)
    try:
        statement_check.check(tenant, at=clock.now(), contention=Contention.GIVE_WAY)
    except (Busy, Superseded):
        return


@shared_task(name="billing.rate_capacity")
def rate_capacity() -> None:
    """Ask for every tenant's capacity to be computed."""
    for tenant in tenants.active():
        current_app.send_task("billing.rate_tenant_capacity", [tenant.id])


@shared_task(name="billing.rate_tenant_capacity")
def rate_tenant_capacity(tenant_id: int) -> None:
    """Compute one tenant's capacity up to now, unless a run is already under way."""
    tenant = tenants.by_id(tenant_id)
    try:
        capacity.rate(tenant, at=clock.now(), contention=Contention.GIVE_WAY)
    except (Busy, Superseded):
        return

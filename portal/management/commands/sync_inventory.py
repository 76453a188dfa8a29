from typing import Any

from inventory import sync
from inventory.gateways import GatewayRef
from portal.management.commands._step import GatewayCommand
from tenancy import clock
from tenancy.runs import Contention
from tenancy.scope import TenantRef


class Command(GatewayCommand):
    help = "Reads products, subscriptions and deployments of gateways from Azure."

    def concerns(self, gateway: GatewayRef) -> bool:
        """Whether it is one that Azure lists."""
        return gateway.service is not None

    def work_gateway(self, tenant: TenantRef, gateway: str, options: dict[str, Any]) -> str:
        """Read one gateway's inventory."""
        listed = sync.sync(tenant, gateway, at=clock.now(), contention=Contention.TAKE_OVER)
        return (
            f"{len(listed.products)} products, {len(listed.subscriptions)} subscriptions, "
            f"{len(listed.deployments)} deployments"
        )

from typing import Any

from billing import usage
from portal.management.commands._step import GatewayCommand
from tenancy import clock
from tenancy.runs import Contention
from tenancy.scope import TenantRef


class Command(GatewayCommand):
    help = "Reads the usage of gateways from Log Analytics, up to now."

    def work_gateway(self, tenant: TenantRef, gateway: str, options: dict[str, Any]) -> str:
        """Read one gateway's usage."""
        now = clock.now()
        changed = usage.sync(tenant, gateway, at=now, contention=Contention.TAKE_OVER)
        return f"usage through {now:%d %b %H:%M} UTC, {changed:,} rows new or changed"

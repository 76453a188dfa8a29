from typing import Any

from billing import capacity
from portal.management.commands._step import StepCommand
from tenancy import clock
from tenancy.runs import Contention
from tenancy.scope import TenantRef


class Command(StepCommand):
    help = "Computes what provisioned throughput, hosting and reservations cost, up to now."

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """Compute for one tenant."""
        done = capacity.rate(tenant, at=clock.now(), contention=Contention.TAKE_OVER)
        return (
            f"{done.confirmed} meters confirmed, {done.written} rows written,"
            f" {done.removed} removed"
        )

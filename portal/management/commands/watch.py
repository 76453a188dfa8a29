from typing import Any

from governance import alerts
from portal.management.commands._step import StepCommand
from tenancy import clock
from tenancy.runs import Contention
from tenancy.scope import TenantRef


class Command(StepCommand):
    help = "Begins and ends alerts: thresholds of quotas and budgets, and forecasts of both."

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """One look for one tenant."""
        done = alerts.watch(tenant, at=clock.now(), contention=Contention.TAKE_OVER)
        return f"{done.begun} alerts began, {done.ended} ended"

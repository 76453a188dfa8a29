from typing import Any

from governance.front_door import lapsing
from portal.management.commands._step import StepCommand
from tenancy import clock
from tenancy.runs import Contention
from tenancy.scope import TenantRef


class Command(StepCommand):
    help = "Ends, escalates and reminds of requests that have waited too long."

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """One run for one tenant."""
        done = lapsing.lapse(tenant, at=clock.now(), contention=Contention.TAKE_OVER)
        return f"{done} ended, escalated or reminded of"

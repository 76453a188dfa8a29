from typing import Any

from governance.front_door import applying
from portal.management.commands._step import StepCommand
from tenancy import clock
from tenancy.runs import Contention
from tenancy.scope import TenantRef


class Command(StepCommand):
    help = "Carries out approved requests: tiers, new subscriptions, serving again, limits."

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """One cycle for one tenant."""
        done = applying.apply(tenant, at=clock.now(), contention=Contention.TAKE_OVER)
        lines = [f"request {one.number}: {one.outcome}, {one.says}" for one in done]
        return "; ".join(lines) or "nothing that is approved waits"

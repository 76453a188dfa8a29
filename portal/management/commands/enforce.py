from typing import Any

from governance import enforcement
from portal.management.commands._step import StepCommand
from tenancy import clock
from tenancy.runs import Contention
from tenancy.scope import TenantRef


class Command(StepCommand):
    help = "Makes the gateways agree with the quotas: suspends and reactivates, with evidence."

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """One cycle for one tenant."""
        done = enforcement.enforce(tenant, at=clock.now(), contention=Contention.TAKE_OVER)
        lines = [
            f"{one.decided.name}: {one.decided.decision.desired}, {one.decided.says}, "
            f"{one.outcome.label}{' — ' + one.error if one.error else ''}"
            for one in done
        ]
        return "; ".join(lines) or "every subscription is as it should be"

from typing import Any

from governance.notifications import delivering, digests
from portal.management.commands._step import StepCommand
from tenancy import clock
from tenancy.runs import Contention
from tenancy.scope import TenantRef


class Command(StepCommand):
    help = "Sends the notices that are due: mails, Teams, Slack and signed webhooks."

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """One cycle for one tenant."""
        now = clock.now()
        done = delivering.deliver(tenant, at=now, contention=Contention.TAKE_OVER)
        daily = digests.digest(tenant, at=now, contention=Contention.TAKE_OVER)
        told = {
            "sent": done.sent,
            "to be tried again": done.failed,
            "given up": done.dead,
            "not sent": done.dropped,
            "daily mails": daily,
        }
        said = ", ".join(f"{count} {what}" for what, count in told.items() if count)
        return said or "nothing is due"

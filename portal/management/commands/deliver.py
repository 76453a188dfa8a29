from typing import Any

from governance.notifications import collecting, delivering, digests
from portal.management.commands._step import StepCommand
from tenancy import clock
from tenancy.runs import Contention
from tenancy.scope import TenantRef


class Command(StepCommand):
    help = "Writes notices of what happened and sends what is due: mails, Teams, Slack, webhooks."

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """One cycle for one tenant."""
        now = clock.now()
        new = collecting.collect(tenant, at=now)
        done = delivering.deliver(tenant, at=now, contention=Contention.TAKE_OVER)
        daily = digests.digest(tenant, at=now, contention=Contention.TAKE_OVER)
        told = {
            "new": new,
            "sent": done.sent,
            "to be tried again": done.failed,
            "given up": done.dead,
            "not sent": done.dropped,
            "daily mails": daily,
        }
        said = ", ".join(f"{count} {what}" for what, count in told.items() if count)
        return said or "nothing is due"

from typing import Any

from billing import rating
from billing.prices import mapping
from portal.management.commands._step import StepCommand
from tenancy import clock
from tenancy.runs import Contention
from tenancy.scope import TenantRef


class Command(StepCommand):
    help = "Maps meters as the tenant's rule allows, and rates every day that changed."

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """Map and rate for one tenant."""
        mapped = mapping.sync(tenant, at=clock.now(), contention=Contention.TAKE_OVER)
        rated = rating.rate(tenant, contention=Contention.TAKE_OVER)
        return f"{mapped} meters mapped, {rated.days} days rated in {rated.rows:,} rows"

from argparse import ArgumentParser
from typing import Any

from billing import effects, rating
from billing.prices import mapping
from billing.rating import Rated
from portal.management.commands._plan import report
from portal.management.commands._step import StepCommand
from tenancy import clock, scope
from tenancy.runs import Contention
from tenancy.scope import TenantRef


class Command(StepCommand):
    help = "Maps meters as the tenant's rule allows, and rates every day that changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which tenants, and whether to change anything."""
        super().add_arguments(parser)
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Show what rating the days that wait would change, and change nothing.",
        )

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """Map and rate for one tenant, or tell what rating would do."""
        if options["dry_run"]:
            with scope.of(tenant):
                return report(effects.of_marked(), head="dry run; nothing changed")
        mapped = mapping.sync(tenant, at=clock.now(), contention=Contention.TAKE_OVER)
        rated = rating.rate(tenant, contention=Contention.TAKE_OVER)
        return f"{mapped} meters mapped, {_says(rated)}"


def _says(rated: Rated) -> str:
    proposed = f", {rated.adjustments} adjustments proposed" if rated.adjustments else ""
    return (
        f"{rated.days} days of deployments rated in {rated.rows:,} rows,"
        f" cost {rated.before} → {rated.after}{proposed}"
    )

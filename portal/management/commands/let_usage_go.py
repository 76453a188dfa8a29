from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing import retention
from portal.management.commands._step import FAILURES
from portal.problems import exit_line
from tenancy import clock
from tenancy.runs import Contention


class Command(BaseCommand):
    help = (
        "Makes the coming months of hourly usage, and lets go those that no tenant keeps any"
        " longer. Costs and sums by day stay."
    )

    def handle(self, **options: Any) -> None:
        """Let go what every tenant's own choice lets go now; say what that was."""
        try:
            done = retention.maintain(at=clock.now(), contention=Contention.TAKE_OVER)
        except FAILURES as error:
            raise CommandError(exit_line(error)) from None
        for month in done.months:
            self.stdout.write(f"{month:%Y-%m}: detached as detached_billing_usage_{month:%Y_%m}")
        for slug in done.moved:
            self.stdout.write(f"{slug}: hours are kept from a later day on")
        for slug in done.waiting:
            self.stdout.write(f"{slug}: waits for days to be rated; no month was detached")
        self.stdout.write(f"{done.rows} rows deleted, {len(done.months)} months detached")

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.prices import catalogue
from portal.management.commands._step import FAILURES
from portal.problems import exit_line
from tenancy.runs import Contention


class Command(BaseCommand):
    help = "Loads Azure's price list for the configured services and regions, all pages."

    def handle(self, **options: Any) -> None:
        """Load the list and say what it brought."""
        try:
            loaded = catalogue.sync(contention=Contention.TAKE_OVER)
        except FAILURES as error:
            raise CommandError(exit_line(error)) from None
        self.stdout.write(
            f"{loaded.items:,} prices of {loaded.meters:,} meters read; "
            f"{loaded.new_prices:,} new or changed, {loaded.suspects:,} of them suspect; "
            f"{loaded.left_out:,} left out"
        )

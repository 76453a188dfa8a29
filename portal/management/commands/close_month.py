from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from billing import closing
from billing.closing import Purpose
from portal.management.commands._step import StepCommand
from tenancy import clock, periods, scope, tenants
from tenancy.scope import TenantRef


class Command(StepCommand):
    help = (
        "Closes a month: its rated days stand from then on, and what would differ is proposed as"
        " an adjustment."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which tenants, and which month."""
        super().add_arguments(parser)
        parser.add_argument("--month", required=True, help="Such as 2026-10.")
        parser.add_argument(
            "--chargeback",
            action="store_true",
            help="Teams are charged by it: refused if the metadata quality of one is too low.",
        )

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """Close the month of one tenant."""
        with scope.of(tenant):
            period = periods.month_from_key(options["month"], tenants.billing().zone)
            if period is None:
                raise CommandError(
                    f"--month: '{options['month']}' is not a month. Give one such as 2026-10."
                )
            purpose = Purpose.CHARGEBACK if options["chargeback"] else Purpose.SHOWBACK
            row = closing.close(period, by="manage.py close_month", at=clock.now(), purpose=purpose)
        return f"{period.key} closed at {row.closed_at:%Y-%m-%d %H:%M} UTC by {row.closed_by}"

from argparse import ArgumentParser
from typing import Any

from governance import guards
from governance.models import Mode
from portal.management.commands._step import StepCommand
from tenancy import clock, scope
from tenancy.scope import TenantRef


class Command(StepCommand):
    help = "Switches enforcement off, to a dry run or on. 'off' for all tenants: the kill switch."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which mode, and for whom."""
        super().add_arguments(parser)
        parser.add_argument("mode", choices=Mode.values)

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """Set one tenant's mode."""
        mode = Mode(options["mode"])
        with scope.of(tenant):
            guards.set_mode(mode, by="manage.py enforcement_mode", at=clock.now())
        return f"enforcement {mode.label}"

"""What the commands that run a step by hand have in common."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from connectors.failures import ConnectorError
from inventory import gateways
from inventory.gateways import GatewayRef
from portal.problems import exit_line
from tenancy import scope, tenants
from tenancy.refusals import Refused
from tenancy.scope import TenantRef

FAILURES = (Refused, ConnectorError, DatabaseError)


class StepCommand(BaseCommand):
    """Runs a step for one tenant or all of them; a failure of one does not stop the others."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which tenants."""
        parser.add_argument("--tenant", help="Slug of the one tenant to work for. Default: all.")

    def handle(self, **options: Any) -> None:
        """Work for each tenant; say what was done; end with an error if anything failed."""
        try:
            chosen = [tenants.by_slug(options["tenant"])] if options["tenant"] else tenants.active()
        except FAILURES as error:
            raise CommandError(exit_line(error)) from None
        failed = [tenant for tenant in chosen if not self._try(tenant, options)]
        if failed:
            raise CommandError(
                f"{len(failed)} of {len(chosen)} tenants failed: "
                + ", ".join(tenant.slug for tenant in failed)
            )

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """Do the step for one tenant and say what was done."""
        raise NotImplementedError

    def attempt(self, name: str, act: Callable[[], str]) -> bool:
        """Do one thing and say what came of it on one line; whether it succeeded."""
        try:
            self.stdout.write(f"{name}: {act()}")
        except FAILURES as error:
            self.stderr.write(self.style.ERROR(f"{name}: {exit_line(error)}"))
            return False
        return True

    def _try(self, tenant: TenantRef, options: dict[str, Any]) -> bool:
        return self.attempt(tenant.slug, lambda: self.work(tenant, options))


class GatewayCommand(StepCommand):
    """Runs a step for one gateway or all of a tenant's."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which tenants and gateways."""
        super().add_arguments(parser)
        parser.add_argument("--gateway", help="Name of the one gateway. Default: all.")

    def work_gateway(self, tenant: TenantRef, gateway: str, options: dict[str, Any]) -> str:
        """Do the step for one gateway and say what was done."""
        raise NotImplementedError

    def concerns(self, gateway: GatewayRef) -> bool:
        """Whether the step is for a gateway that was not named."""
        return True

    def _try(self, tenant: TenantRef, options: dict[str, Any]) -> bool:
        chosen = options["gateway"]
        with scope.of(tenant):
            every = gateways.all_of_tenant()
        names = [chosen] if chosen else [ref.name for ref in every if self.concerns(ref)]
        results = [
            self.attempt(
                f"{tenant.slug}/{name}",
                lambda name=name: self.work_gateway(tenant, name, options),  # type: ignore[misc]  # mypy cannot type a lambda's default
            )
            for name in names
        ]
        return all(results)

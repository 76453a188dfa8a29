from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from portal import onboarding
from portal.management.commands._asked import refusing
from portal.onboarding import NewTenant
from tenancy import clock

OPTIONS = {"slug": "slug", "billing_currency": "--currency", "time_zone": "--zone"}


class Command(BaseCommand):
    help = "Makes a tenant with one administrator, and shows that person's first password once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who the tenant is, and who administers it."""
        parser.add_argument("slug", help="Short name in addresses: /t/<slug>/.")
        parser.add_argument("--name", required=True, help="As people call it.")
        parser.add_argument("--currency", required=True, help="Billed in, such as EUR.")
        parser.add_argument(
            "--zone", required=True, help="Time zone of its months, such as Europe/Berlin."
        )
        parser.add_argument("--admin-email", required=True)
        parser.add_argument("--admin-name", required=True)

    def handle(self, **options: Any) -> None:
        """Make the tenant and say how to sign in."""
        wanted = NewTenant(**{name: options[name] for name in NewTenant.__dataclass_fields__})
        with refusing(OPTIONS):
            opened = onboarding.open_tenant(wanted, by="manage.py create_tenant", at=clock.now())
        self.stdout.write(f"Tenant {opened.tenant.slug} is there: /t/{opened.tenant.slug}/")
        if opened.password is None:
            self.stdout.write(f"{opened.admin} administers it and signs in as before.")
        else:
            self.stdout.write(f"{opened.admin} administers it. Password, shown only now:")
            self.stdout.write(f"  {opened.password}")

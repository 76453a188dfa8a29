from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand

from portal import onboarding
from portal.management.commands._asked import refusing
from portal.onboarding import NewGateway
from tenancy import clock, tenants

OPTIONS = {
    "name": "name",
    "azure_subscription_id": "--azure-subscription",
    "workspace_id": "--workspace",
}


class Command(BaseCommand):
    help = "Adds a gateway and its AI accounts to a tenant, or changes the one of that name."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where the gateway is, and as whom it is asked."""
        parser.add_argument("name", help="How the gateway is called here.")
        parser.add_argument("--tenant", required=True, help="Slug.")
        parser.add_argument("--azure-subscription", required=True, help="GUID.")
        parser.add_argument("--resource-group", required=True)
        parser.add_argument("--service", required=True, help="Name of the API Management service.")
        parser.add_argument(
            "--workspace", required=True, help="Workspace ID (GUID) in Log Analytics."
        )
        parser.add_argument(
            "--account",
            action="append",
            required=True,
            help="Azure AI account behind it: a name, or subscription/resource-group/name. "
            "Repeat for each.",
        )
        parser.add_argument(
            "--credential",
            default="default",
            help="Entry of APPORTION_AZURE_CREDENTIALS_FILE. Default: the machine's identity.",
        )
        parser.add_argument("--inference-url", default="", help="For test calls.")
        parser.add_argument(
            "--usage-from",
            type=_day,
            help="First local day to read, such as 2026-10-01. Default: the running month.",
        )

    def handle(self, **options: Any) -> None:
        """Connect it and say what comes next."""
        wanted = NewGateway(
            name=options["name"],
            azure_subscription_id=options["azure_subscription"],
            resource_group=options["resource_group"],
            service=options["service"],
            workspace_id=options["workspace"],
            credential=options["credential"],
            inference_url=options["inference_url"],
            accounts=tuple(options["account"]),
        )
        with refusing(OPTIONS):
            tenant = tenants.by_slug(options["tenant"])
            ref = onboarding.connect_gateway(
                tenant,
                wanted,
                usage_from=options["usage_from"],
                by="manage.py connect_gateway",
                at=clock.now(),
            )
        self.stdout.write(
            f"Gateway {ref.name} of {tenant.slug}: {len(ref.accounts)} accounts, usage from "
            f"{ref.usage_from:%Y-%m-%d %H:%M} UTC.\nNext: manage.py sync_inventory "
            f"--tenant {tenant.slug} --gateway {ref.name}"
        )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"'{text}' is not a day. Give one such as 2026-10-01.") from None

from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand

from inventory.gateways import GatewayRef
from inventory.models import UsageSource
from inventory.rules.dimensions import METRIC_NAMES
from portal import onboarding
from portal.management.commands._asked import refusing
from portal.onboarding import NewGateway
from tenancy import clock, tenants

OPTIONS = {
    "name": "name",
    "azure_subscription_id": "--azure-subscription",
    "workspace_id": "--workspace",
    "metric_dimensions": "--metric-dimension",
}
SOURCES = tuple(one.value for one in UsageSource)


class Command(BaseCommand):
    help = "Adds a gateway and its AI accounts to a tenant, or changes the one of that name."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where the gateway is, and as whom it is asked."""
        parser.add_argument(
            "name",
            help="How it is called here; one of that name is changed.",
        )
        parser.add_argument("--tenant", required=True, help="Slug.")
        parser.add_argument("--azure-subscription", help="GUID.")
        parser.add_argument("--resource-group")
        parser.add_argument("--service", help="Name of the API Management service.")
        parser.add_argument("--workspace", help="Workspace ID (GUID) in Log Analytics.")
        parser.add_argument(
            "--account",
            action="append",
            default=[],
            help="Azure AI account behind it: a name, or subscription/resource-group/name. "
            "Repeat for each.",
        )
        parser.add_argument(
            "--credential",
            help="Entry of APPORTION_AZURE_CREDENTIALS_FILE. Default: the machine's identity.",
        )
        parser.add_argument("--inference-url", help="For test calls.")
        _add_source(parser)
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
            usage_source=UsageSource(given) if (given := options["usage_source"]) else None,
            metric_dimensions=dict(named) if (named := options["metric_dimension"]) else None,
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
            f"{ref.usage_from:%Y-%m-%d %H:%M} UTC, of {ref.usage_source.label}.\n"
            f"Next: {_next(ref, tenant.slug)}"
        )


def _add_source(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--usage-source",
        choices=SOURCES,
        help="Where usage is read from; sources are never added together. Default: llm_log. "
        "'events': another gateway pushes it, and nothing else need be given.",
    )
    parser.add_argument(
        "--metric-dimension",
        action="append",
        type=_dimension,
        metavar="DIMENSION=NAME",
        help='For metrics: the name of a dimension that differs from the usual, such as "'
        'application=App name". Repeat for each; they replace those given before. Dimensions: '
        f"{', '.join(METRIC_NAMES)}.",
    )


def _next(ref: GatewayRef, slug: str) -> str:
    if ref.service is None:
        return "have it push its usage events (docs/pushing-events.md)."
    return f"manage.py sync_inventory --tenant {slug} --gateway {ref.name}"


def _dimension(text: str) -> tuple[str, str]:
    dimension, given, name = text.partition("=")
    if not given:
        raise ArgumentTypeError(f"'{text}' names none. Give one such as 'application=App name'.")
    return dimension.strip(), name.strip()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"'{text}' is not a day. Give one such as 2026-10-01.") from None

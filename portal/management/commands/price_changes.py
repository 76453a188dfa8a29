from argparse import ArgumentParser
from typing import Any

from billing.models import PriceChange
from billing.prices import changes, notices
from billing.prices.changes import Kind, Meters
from portal.management.commands._step import StepCommand
from tenancy import scope
from tenancy.runs import Contention
from tenancy.scope import TenantRef


class Command(StepCommand):
    help = "Lists what the newest loads changed in the price list, or tells it by e-mail."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which changes."""
        super().add_arguments(parser)
        parser.add_argument("--kind", choices=Kind.values, help="Only changes of this kind.")
        parser.add_argument("--load", type=int, help="Only the load of this number.")
        parser.add_argument("--text", default="", help="Words of the meter's name or region.")
        parser.add_argument(
            "--used", action="store_true", help="Only meters that the tenant's mappings name."
        )
        parser.add_argument("--most", type=int, default=50, help="How many. Default: 50.")
        parser.add_argument(
            "--tell", action="store_true", help="Write to whom the tenant names, instead."
        )

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """List the changes for one tenant, or send them."""
        if options["tell"]:
            return _told(tenant)
        with scope.of(tenant):
            rows = changes.recorded(
                kinds=frozenset({Kind(options["kind"])} if options["kind"] else ()),
                load=options["load"],
                text=options["text"],
                meters=Meters.USED if options["used"] else Meters.ALL,
            )
            lines = [_line(row) for row in rows[: max(0, options["most"])]]
            return "\n  ".join([f"{rows.count():,} changes", *lines])


def _told(tenant: TenantRef) -> str:
    if not notices.can_send():
        return "no mail server is named: set APPORTION_EMAIL_URL"
    sent = notices.send(tenant, contention=Contention.TAKE_OVER)
    return f"told {sent} addresses" if sent else "nothing to tell"


def _line(row: PriceChange) -> str:
    before = f"{row.before.listed_price.normalize():f} → " if row.before else ""
    after = row.price
    price = (
        f"  {before}{after.listed_price.normalize():f} {after.currency} per {after.unit_of_measure}"
        f" from {after.effective_from:%Y-%m-%d}"
        if after
        else ""
    )
    held = f"  held back, suspect price {after.pk}" if after and after.doubts else ""
    return f"load {row.run_id}  {row.kind:<10}  {row.meter}{price}{held}"

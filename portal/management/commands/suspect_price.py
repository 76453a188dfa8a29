from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from billing.prices import suspects
from billing.prices.suspects import Suspect, Verdict
from portal.management.commands._plan import PlanCommand
from tenancy import clock, scope
from tenancy.scope import TenantRef


class Command(PlanCommand):
    help = (
        "Lists the suspect prices, or accepts or rejects one: first its effect, then with --apply."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which price, and what is said of it."""
        super().add_arguments(parser)
        said = parser.add_mutually_exclusive_group()
        said.add_argument(
            "--accept", type=int, metavar="PRICE", help="Number of a price to accept."
        )
        said.add_argument(
            "--reject", type=int, metavar="PRICE", help="Number of a price to reject."
        )
        parser.add_argument("--reason", default="", help="Why; kept in the audit log.")
        parser.add_argument("--text", default="", help="Words of the meters to list.")

    def handle(self, **options: Any) -> None:
        """Refuse a decision that does not say for whom and why."""
        if _verdict(options) and not (options["tenant"] and options["reason"].strip()):
            raise CommandError("--accept and --reject need --tenant and --reason.")
        super().handle(**options)

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """List or decide for one tenant."""
        with scope.of(tenant):
            found = _verdict(options)
            if found is None:
                rows = suspects.shown(suspects.listed(text=options["text"]))
                return "\n  ".join([f"{len(rows)} suspect prices", *map(_line, rows)])
            price, verdict = found
            return self.plan(
                lambda: suspects.decide(
                    price,
                    verdict,
                    by="manage.py suspect_price",
                    at=clock.now(),
                    reason=options["reason"],
                ),
                options,
            )


def _verdict(options: dict[str, Any]) -> tuple[int, Verdict] | None:
    if options["accept"] is not None:
        return options["accept"], Verdict.ACCEPTED
    if options["reject"] is not None:
        return options["reject"], Verdict.REJECTED
    return None


def _line(one: Suspect) -> str:
    price = one.price
    former = f"{one.former.listed_price.normalize():f} → " if one.former else "none → "
    used = ", used here" if one.used else ""
    rules = ", ".join(doubt.rule for doubt in one.doubts)
    return (
        f"{price.pk}  {price.meter}  {former}{price.listed_price.normalize():f} {price.currency}"
        f" per {price.unit_of_measure} from {price.effective_from:%Y-%m-%d}"
        f"  {rules}  {one.state}{used}"
    )

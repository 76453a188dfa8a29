from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import CommandError

from billing import reservations
from billing.models import Reservation
from billing.price_terms import LIST_CURRENCY
from billing.reservations import Wish
from billing.rules.capacity import Pool, Term
from billing.rules.meters.meanings import Scope
from portal.management.commands._plan import PlanCommand
from tenancy import clock, scope
from tenancy.scope import TenantRef

BY = "manage.py reservation"
SCOPES = {"global": Scope.GLOBAL, "data-zone": Scope.DATA_ZONE, "regional": Scope.REGIONAL}
TERMS = {"month": Term.MONTH, "year": Term.YEAR}


class Command(PlanCommand):
    help = (
        "Enters a reservation of throughput units that was bought, or withdraws one that was"
        " entered wrongly. Shows what it does to the cost of capacity; --apply makes the change."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One reservation of one tenant."""
        super().add_arguments(parser)
        parser.add_argument("name", help="What it is called.")
        parser.add_argument("--withdraw", action="store_true", help="Have it count for nothing.")
        parser.add_argument("--reason", default="", help="Why it is withdrawn.")
        parser.add_argument("--units", type=int, help="Throughput units (PTUs).")
        parser.add_argument("--scope", choices=sorted(SCOPES), help="Of the deployments covered.")
        parser.add_argument("--region", help="Of the deployments covered, such as swedencentral.")
        parser.add_argument("--term", choices=sorted(TERMS), help="For how long.")
        parser.add_argument("--from", dest="start", help="Such as 2026-11-01T00:00:00Z.")
        parser.add_argument("--price", help="Per unit and term. Default: the price list's.")
        parser.add_argument("--currency", default=LIST_CURRENCY, help="Of --price.")
        parser.add_argument("--source", default="", help="What the price is taken from.")

    def handle(self, **options: Any) -> None:
        """A reservation is one tenant's."""
        if not options["tenant"]:
            raise CommandError("--tenant: name the tenant that bought it.")
        super().handle(**options)

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """Show the effect, and make the change if told to."""
        now = clock.now()
        change = _change(options, now)
        with scope.of(tenant):
            return self.plan(change, options)


def _change(options: dict[str, Any], now: datetime) -> Callable[[], Reservation]:
    if options["withdraw"]:
        if not options["reason"]:
            raise CommandError("--reason: say why it is withdrawn.")
        return lambda: reservations.withdraw(
            options["name"], by=BY, at=now, reason=options["reason"]
        )
    wish = _wish(options)
    return lambda: reservations.purchase(wish, by=BY, at=now)


def _wish(options: dict[str, Any]) -> Wish:
    for name in ("units", "scope", "region", "term", "start"):
        if options[name] is None:
            raise CommandError(f"--{'from' if name == 'start' else name}: is not given.")
    try:
        start = datetime.fromisoformat(options["start"])
        price = None if options["price"] is None else Decimal(options["price"])
    except (ValueError, InvalidOperation):
        raise CommandError(
            "--from, --price: give an instant as 2026-11-01T00:00:00Z, a price as 260.00."
        ) from None
    if start.tzinfo is None:
        raise CommandError("--from: give the instant with its offset: 2026-11-01T00:00:00Z.")
    return Wish(
        name=options["name"],
        units=options["units"],
        pool=Pool(SCOPES[options["scope"]], options["region"]),
        term=TERMS[options["term"]],
        starts_at=start,
        unit_price=price,
        currency=options["currency"],
        source=options["source"],
    )

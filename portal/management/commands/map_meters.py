from argparse import ArgumentParser
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import CommandError

from billing.prices import mapping, meters
from billing.prices.mapping import Choice
from billing.rules.token_classes import TokenClass
from portal.management.commands._asked import refusing
from portal.management.commands._plan import PlanCommand
from tenancy import clock, scope
from tenancy.refusals import Invalid
from tenancy.scope import TenantRef

_BY = "manage.py map_meters"
_ONE = ("deployment", "token_class", "meter")


class Command(PlanCommand):
    help = (
        "Shows what confirming meters would do to cost; with --apply it confirms them. Either all"
        " proposals from a confidence on, or one class of one deployment."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which tenants, what to map, and whether to do it."""
        super().add_arguments(parser)
        parser.add_argument(
            "--confidence", help="Confirm every proposal of at least this, such as 0.9."
        )
        parser.add_argument("--deployment", help="host/name, or the name where there is one such.")
        parser.add_argument(
            "--class", dest="token_class", choices=[one.value for one in TokenClass]
        )
        parser.add_argument("--meter", help="The meter's id in Azure's list; 'capacity' for none.")
        parser.add_argument("--reason", default="Mapped by hand.", help="Stays in the history.")

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """Show or make the mappings for one tenant."""
        given = [name for name in _ONE if options[name] is not None]
        if bool(given) == (options["confidence"] is not None) or len(given) not in (0, len(_ONE)):
            raise CommandError("Give --confidence, or --deployment, --class and --meter together.")
        with scope.of(tenant), refusing({"token_class": "--class"}):
            change = _one(options) if given else _from(options["confidence"])
            return self.plan(change, options)


def _from(text: str) -> Callable[[], object]:
    try:
        confidence = Decimal(text)
    except InvalidOperation:
        raise Invalid(field="confidence", fix="Give a number such as 0.9.") from None
    if not Decimal("0.5") <= confidence <= 1:
        raise Invalid(field="confidence", fix="Give a number from 0.5 to 1.")
    now = clock.now()
    return lambda: mapping.confirm_from(confidence, at=now)


def _one(options: dict[str, Any]) -> Callable[[], object]:
    meter = None
    if options["meter"] != "capacity":
        meter = meters.by_azure_id([options["meter"]]).get(options["meter"])
        if meter is None:
            raise Invalid(field="meter", fix="The list has no meter of this id.")
    choice = Choice(
        deployment=mapping.deployment_named(options["deployment"]),
        token_class=TokenClass(options["token_class"]),
        meter=meter,
        reason=options["reason"],
    )
    now = clock.now()
    return lambda: mapping.confirm_many([choice], by=_BY, at=now)

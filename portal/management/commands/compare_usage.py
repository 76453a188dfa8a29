from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import CommandError

from billing import comparing
from billing.comparing import Compared
from billing.rules import differences
from portal.management.commands._step import GatewayCommand
from tenancy import clock, scope
from tenancy.runs import Contention
from tenancy.scope import TenantRef

_LINE = "{:<11} {:>12} {:>12} {:>12} {:>16} {:>16} {:>16}  {}"
_HEAD = _LINE.format(
    "day", "calls", "stored", "difference", "tokens", "stored", "difference", "why"
)


class Command(GatewayCommand):
    help = (
        "Compares the usage that is stored with what its source says of it, day by day, and says"
        " why they differ. Ends with 1 where a difference has no explanation."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which days."""
        super().add_arguments(parser)
        parser.add_argument("--from", dest="first", help="Local day. Default: seven days ago.")
        parser.add_argument("--to", dest="last", help="Local day. Default: yesterday.")

    def handle(self, **options: Any) -> None:
        """Compare; a difference without an explanation is an error."""
        self.unexplained = 0
        super().handle(**options)
        if self.unexplained:
            many = "day" if self.unexplained == 1 else "days"
            raise CommandError(f"{self.unexplained} {many} with a difference that nothing explains")

    def work_gateway(self, tenant: TenantRef, gateway: str, options: dict[str, Any]) -> str:
        """Compare one gateway's days."""
        now = clock.now()
        with scope.of(tenant):
            first, last = comparing.latest(at=now)
        found = comparing.compare(
            tenant,
            gateway,
            _day("--from", options["first"]) or first,
            _day("--to", options["last"]) or last,
            at=now,
            contention=Contention.TAKE_OVER,
        )
        self.unexplained += sum(one.unexplained for one in found)
        if not found:
            return "no day to compare"
        return "\n".join(["", _HEAD, *(_row(one) for one in found)])


def _row(one: Compared) -> str:
    says = "; ".join(str(reason["says"]) for reason in one.reasons) or "agrees"
    return _LINE.format(
        one.day.isoformat(),
        f"{one.of_source.calls:,}",
        f"{one.of_stored.calls:,}",
        differences.signed(one.difference.calls),
        f"{one.of_source.tokens:,}",
        f"{one.of_stored.tokens:,}",
        differences.signed(one.difference.tokens),
        says,
    )


def _day(option: str, text: str | None) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{option}: '{text}' is no day; give one such as 2026-11-01.") from None

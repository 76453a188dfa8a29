from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from billing import exchange
from billing.exchange import Quoted
from billing.models import RateOrigin
from billing.rules import exchange_lines
from portal.management.commands._asked import refusing
from portal.management.commands._plan import PlanCommand
from tenancy import clock, scope
from tenancy.scope import TenantRef

_MOST_TOLD = 50


class Command(PlanCommand):
    help = "Shows what a file of exchange rates would do to cost; with --apply it takes them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which tenants and file, and whether to take it."""
        super().add_arguments(parser)
        parser.add_argument(
            "--import",
            dest="file",
            type=Path,
            required=True,
            help="CSV with the columns From, To, Rate, EffectiveFrom and, if wanted, Source.",
        )
        parser.add_argument(
            "--origin",
            choices=(RateOrigin.FILE, RateOrigin.BILL),
            default=RateOrigin.FILE,
            help="bill: these are the rates of the provider's bill. Default: file.",
        )

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """Show or take the rates for one tenant."""
        quoted = _read(options["file"])
        with scope.of(tenant), refusing({}):
            return self.plan(
                lambda: exchange.set_rates(
                    quoted,
                    origin=RateOrigin(options["origin"]),
                    by="manage.py exchange_rates",
                    at=clock.now(),
                ),
                options,
            )


def _read(file: Path) -> tuple[Quoted, ...]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"--import: {file} cannot be read: {error}") from None
    lines, faults = exchange_lines.read(text)
    if faults:
        told = [f"row {one.row}, {one.column}: {one.says}" for one in faults[:_MOST_TOLD]]
        more = [f"and {len(faults) - _MOST_TOLD} more"] if len(faults) > _MOST_TOLD else []
        raise CommandError("\n".join(["--import: nothing was taken.", *told, *more]))
    return tuple(
        Quoted(
            line.from_currency,
            line.to_currency,
            line.rate,
            line.effective_from,
            line.source or file.name,
        )
        for line in lines
    )

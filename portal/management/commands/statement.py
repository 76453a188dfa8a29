from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from billing import statement_check, statements
from billing.documents import csv
from billing.statements import StatementView
from inventory import teams
from portal.management.commands._step import StepCommand
from tenancy import clock, periods, scope, tenants
from tenancy.refusals import Refused
from tenancy.runs import Contention
from tenancy.scope import TenantRef


class Disagrees(Refused):
    code = "statement-disagrees"
    text = "A statement disagrees with the figures it rests on: {says}. Rate the month again."


class Command(StepCommand):
    help = "Shows the statements of a tenant's teams for a month, or writes one as CSV."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which team and month, and where to."""
        super().add_arguments(parser)
        parser.add_argument("--team", help="Slug of the one team. Default: all.")
        parser.add_argument("--month", help="Such as 2026-10. Default: the running one.")
        parser.add_argument("--csv", type=Path, help="Folder to write a CSV per team into.")

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """The statements of one tenant."""
        with scope.of(tenant):
            period = self._period(options["month"])
            chosen = [
                team for team in teams.all_of_tenant() if options["team"] in (None, team.slug)
            ]
            views = [statements.draft(team, period) for team in chosen]
        checked = statement_check.check(tenant, at=clock.now(), contention=Contention.TAKE_OVER)
        if checked.differences:
            raise Disagrees(says="; ".join(one.says for one in checked.differences))
        for view in views:
            if options["csv"]:
                options["csv"].mkdir(parents=True, exist_ok=True)
                (options["csv"] / csv.file_name(view)).write_bytes(csv.render(view))
        return "".join(_line(view) for view in views) or "no team"

    def _period(self, key: str | None) -> periods.Period:
        billing = tenants.billing()
        if key is None:
            return billing.month_at(clock.now())
        period = periods.month_from_key(key, billing.zone)
        if period is None:
            raise CommandError(f"--month: '{key}' is not a month. Give one such as 2026-10.")
        return period


def _line(view: StatementView) -> str:
    unpriced = f", {view.unpriced_tokens:,} tokens unpriced" if view.unpriced else ""
    return (
        f"\n  {view.team}, {view.period.key} {view.period.zone}, {view.status}: "
        f"{view.total.amount} {view.currency} {view.basis}, {len(view.lines)} lines{unpriced}"
    )

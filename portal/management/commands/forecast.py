from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import CommandError

from billing import forecasts
from billing.forecasts import Outlook, Percentile, Unit
from inventory import subscriptions, teams
from portal import figures
from portal.management.commands._step import StepCommand
from tenancy import clock, periods, scope, tenants
from tenancy.money import Money
from tenancy.periods import Period
from tenancy.refusals import NotFound
from tenancy.scope import TenantRef


class Command(StepCommand):
    help = "Tells what a team or a subscription will have come to by the end of a month."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose forecast, of what, and the limit that may run out."""
        super().add_arguments(parser)
        parser.add_argument("--team", help="Slug of the team.")
        parser.add_argument("--subscription", help="Name of the subscription at its gateway.")
        parser.add_argument("--month", help="Such as 2026-11. Default: the running one.")
        parser.add_argument(
            "--unit", choices=[one.value for one in Unit], default=Unit.CURRENCY.value
        )
        parser.add_argument("--limit", help="Tells when so much of the unit is reached.")

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """The forecast of one tenant's team or subscription."""
        limit = _amount(options["limit"])
        with scope.of(tenant):
            name, outlook = _outlook(options, _period(options["month"]))
        return "".join(f"\n  {line}" for line in _lines(name, outlook, limit))


def _amount(text: str | None) -> Decimal | None:
    try:
        found = None if text is None else Decimal(text)
    except InvalidOperation:
        found = Decimal("NaN")
    if found is not None and not found.is_finite():
        raise CommandError(f"--limit: '{text}' is no amount. Give one such as 250.")
    return found


def _period(key: str | None) -> Period:
    billing = tenants.billing()
    if key is None:
        return billing.month_at(clock.now())
    period = periods.month_from_key(key, billing.zone)
    if period is None:
        raise CommandError(f"--month: '{key}' is not a month. Give one such as 2026-11.")
    return period


def _outlook(options: dict[str, Any], period: Period) -> tuple[str, Outlook]:
    first_day, end_day, unit = period.first_day, period.end_day, Unit(options["unit"])
    at = clock.now()
    if options["team"] and not options["subscription"]:
        team = next((one for one in teams.all_of_tenant() if one.slug == options["team"]), None)
        if team is None:
            raise NotFound(kind="team")
        return team.name, forecasts.of_team(
            team.pk, first_day=first_day, end_day=end_day, unit=unit, at=at
        )
    if options["subscription"] and not options["team"]:
        row = subscriptions.named(options["subscription"])
        found = forecasts.of_subscriptions(
            [row.pk], first_day=first_day, end_day=end_day, unit=unit, at=at
        )
        return row.name, found[row.pk]
    raise CommandError("Give --team or --subscription: one of the two.")


def _lines(name: str, outlook: Outlook, limit: Decimal | None) -> Iterator[str]:
    ahead = outlook.forecast
    what = "cost" if outlook.unit is Unit.CURRENCY else "tokens"
    yield (
        f"{name}, {what} from {outlook.first_day} to {outlook.last_day} ({outlook.zone}),"
        f" {outlook.basis}"
    )
    yield f"so far {_shown(ahead.so_far, outlook)}, {_through(outlook)}"
    if not ahead.known_days and ahead.days:
        yield "no forecast: not one whole day of usage is known"
        return
    yield "by the end " + ", ".join(
        f"{one.value.upper()} {_shown(ahead.total(one), outlook)}" for one in Percentile
    )
    yield f"rests on {ahead.known_days} days"
    if outlook.unpriced_tokens and outlook.unit is Unit.CURRENCY:
        yield f"{outlook.unpriced_tokens:,} tokens without a price are missing in it"
    if limit is not None:
        out = ahead.runs_out(limit, used=ahead.so_far)
        yield (
            f"{_shown(limit, outlook)} is reached likely {_on(out.likely)};"
            f" earliest (P90) {_on(out.earliest)}, latest (P10) {_on(out.latest)}"
        )


def _through(outlook: Outlook) -> str:
    if outlook.usage_through is None:
        return "usage was never read"
    local = outlook.usage_through.astimezone(ZoneInfo(outlook.zone))
    return f"usage through {local:%Y-%m-%d %H:%M}"


def _on(day: date | None) -> str:
    return f"on {day}" if day else "not in this period"


def _shown(amount: Decimal, outlook: Outlook) -> str:
    if outlook.unit is Unit.TOKENS:
        return f"{round(amount):,} tokens"
    return f"{figures.plain(Money(amount, outlook.currency))} {outlook.currency}"

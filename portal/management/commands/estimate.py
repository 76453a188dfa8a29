from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.core.management.base import CommandError

from billing.prices import estimates
from billing.prices.estimates import MOST_MODELS, Answer, Asked, Estimate
from billing.prices.throughput import Way
from billing.rules.offers import DeploymentType
from portal import crossing, estimating, figures
from portal.management.commands._step import StepCommand
from tenancy import clock, scope, tenants
from tenancy.money import Money
from tenancy.scope import TenantRef


class Command(StepCommand):
    help = "Tells what calls would cost with up to four models, by use and with PTUs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to estimate: the fields of the calculator's page."""
        super().add_arguments(parser)
        parser.add_argument(
            "--model",
            required=True,
            help=f"As the price list has it, such as gpt-5; up to {MOST_MODELS} with commas.",
        )
        parser.add_argument("--region", required=True, help="Such as swedencentral.")
        parser.add_argument(
            "--deployment-type",
            choices=[one.value for one in DeploymentType],
            default=DeploymentType.GLOBAL.value,
        )
        for number in estimating.NUMBERS:
            parser.add_argument(
                f"--{number.name.replace('_', '-')}",
                required=number.required,
                default=number.default or "",
                help=f"{number.label}. {number.hint} {number.says}".replace("%", "%%"),
            )

    def work(self, tenant: TenantRef, options: dict[str, Any]) -> str:
        """The estimate on one tenant's terms."""
        now = clock.now()
        with scope.of(tenant):
            asked = _asked(options)
            answers = estimates.estimate(asked, at=now, currency=tenants.billing().currency)
        return "\n".join(["", *(line for one in answers for line in _lines(one, asked))])


def _asked(options: dict[str, Any]) -> Asked:
    choice = estimating.chosen(
        [options["model"]],
        deployment_type=options["deployment_type"],
        region=options["region"],
        mix=None,
    )
    texts = {number.name: str(options[number.name]) for number in estimating.NUMBERS}
    question = estimating.question(choice, texts, at=clock.now())
    if question.asked is None:
        raise CommandError(
            "; ".join(
                f"--{name.replace('_', '-')}: {says}" for name, says in question.faults.items()
            )
        )
    return question.asked


def _lines(answer: Answer, asked: Asked) -> Iterator[str]:
    estimate = answer.estimate
    if estimate is None:
        yield f"{answer.asked}: {answer.refused}"
        return
    yield f"{estimate.model}, {asked.deployment_type.label} in {asked.region}:"
    for one in estimate.prices:
        price = figures.per_million(one.unit_price, one.currency)
        sheet = f", {one.sheet}" if one.sheet else ""
        yield (
            f"  {one.token_class.label}: {one.tokens:,} a call at {price} {one.currency} a million"
            f" ({one.meter_name}, {one.azure_id}, {one.region},"
            f" since {figures.start(one.since)}{sheet})"
        )
    days = asked.load.first_days
    yield f"  by use: {_amount(estimate, estimate.months[0].cost)} in {days[0]:%B %Y}"
    if len(days) > 1:
        yield (
            f"    {_amount(estimate, estimate.months[-1].cost)} in {days[-1]:%B %Y},"
            f" {_amount(estimate, estimate.whole.cost)} in all {len(days)} months"
        )
    yield from (f"  {note}" for note in estimate.notes)
    yield from _units(estimate)


def _units(estimate: Estimate) -> Iterator[str]:
    if estimate.provisioned.missing:
        yield f"  PTUs: {estimate.provisioned.missing}"
    for way in estimate.provisioned.ways:
        if way.price.absent:
            yield f"  PTUs {way.price.label}: {way.price.absent}"
        else:
            yield (
                f"  PTUs {way.price.label}: {way.units[0]:,} for"
                f" {_amount(estimate, way.months[0])} in the first month, {_pays(way)}"
            )


def _pays(way: Way) -> str:
    if way.break_even is None:
        return "never pays"
    used = crossing.percent(way.break_even.used)
    return f"pays from {way.break_even.calls:,} calls a month ({used} used at the peak)"


def _amount(estimate: Estimate, amount: Decimal) -> str:
    return f"{figures.plain(Money(amount, estimate.currency))} {estimate.currency}"

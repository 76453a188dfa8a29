"""Tells how long, and how dear, it is from crossing a quota to the gateway's refusal."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.request import urlopen

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from billing import rollups
from billing.prices import mapping
from billing.rules.token_classes import TokenClass
from governance.limits import quotas
from governance.models import Hardness
from inventory import subscriptions
from inventory.models import Subscription
from portal.demo.traffic import Answer, Caller
from portal.management.commands._step import FAILURES
from portal.problems import exit_line
from tenancy import clock, scope, tenants
from tenancy.scope import TenantRef


@dataclass
class Meter:
    """What the calls cost so far, and when the limit was crossed."""

    limit: Decimal
    spent: Decimal
    prices: dict[TokenClass, Decimal]
    crossed_at: float | None = None
    after_crossing: Decimal = field(default=Decimal(0))

    def count(self, answer: Answer) -> None:
        """Add one answer's tokens at the prices in force."""
        cost = (
            answer.prompt_tokens * self.prices[TokenClass.INPUT]
            + answer.completion_tokens * self.prices[TokenClass.OUTPUT]
        )
        if self.crossed_at is not None:
            self.after_crossing += cost
        self.spent += cost
        if self.crossed_at is None and self.spent >= self.limit:
            self.crossed_at = time.monotonic()


class Command(BaseCommand):
    help = (
        "Sends chat completions with a subscription's key until the gateway refuses it, and says "
        "how many seconds and how much spend lie between crossing the quota and the refusal. The "
        "subscription gets a quota of what it has spent plus the headroom, for an hour; after "
        "that its own quota counts again and it is reactivated."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose key, and how much there is to spend."""
        parser.add_argument("--tenant", default="contoso")
        parser.add_argument("--subscription", default="subscription3")
        parser.add_argument("--deployment", default="gpt-5.2-chat")
        parser.add_argument("--headroom", type=Decimal, default=Decimal("0.30"))
        parser.add_argument("--tokens", type=int, default=12_000, help="Completion tokens a call.")
        parser.add_argument("--key", help="The key; default: asked of the simulator.")
        parser.add_argument("--patience", type=int, default=900, help="Seconds to go on at most.")

    def handle(self, **options: Any) -> None:
        """Lower the quota, call until refused, report."""
        try:
            self._run(options)
        except FAILURES as error:
            raise CommandError(exit_line(error)) from None

    def _run(self, options: dict[str, Any]) -> None:
        tenant = tenants.by_slug(options["tenant"])
        key = options["key"] or _key(options["subscription"])
        with scope.of(tenant):
            row = subscriptions.named(options["subscription"])
            meter = self._meter(row, options)
            url = row.gateway.inference_url
        currency = _currency(tenant)
        self.stdout.write(
            f"{row.name} has spent {meter.spent:.4f} {currency}; its quota is "
            f"{meter.limit:.4f} {currency} for an hour from now."
        )
        with Caller(url, key) as caller:
            refused = self._until_refused(caller, meter, options)
        if refused is None or meter.crossed_at is None:
            raise CommandError("The gateway did not refuse the key in time. Are workers running?")
        self.stdout.write(
            self.style.SUCCESS(
                f"Refused with HTTP {refused.status} {time.monotonic() - meter.crossed_at:.0f} s "
                f"and {meter.after_crossing:.4f} {currency} after the quota was crossed."
            )
        )

    def _meter(self, row: Subscription, options: dict[str, Any]) -> Meter:
        """The limit set, and what has been spent, in the tenant in scope."""
        now = clock.now()
        billing = tenants.billing()
        so_far = rollups.spent(
            billing.month_at(now), currency=billing.currency, subscriptions=[row.pk]
        ).get(row.pk)
        spent = so_far.cost.amount if so_far else Decimal(0)
        limit = (spent + options["headroom"]).quantize(Decimal("0.0001"))
        prices = mapping.unit_costs(
            row.gateway_id, options["deployment"], at=now, currency=billing.currency
        )
        quotas.set_limit(
            row,
            quotas.Wanted(limit, hardness=Hardness.HARD),
            from_instant=now,
            until=now + timedelta(hours=1),
            by="demo_traffic",
            at=now,
            reason="to see how long enforcement takes",
        )
        return Meter(limit, spent, prices)

    def _until_refused(
        self, caller: Caller, meter: Meter, options: dict[str, Any]
    ) -> Answer | None:
        for _ in _beats(options["patience"]):
            tokens = 20 if meter.crossed_at is not None else options["tokens"]
            answer = caller.ask(options["deployment"], most_tokens=tokens)
            if answer.key_refused:
                return answer
            if answer.status == 403:
                raise CommandError(f"The gateway's token quota came first: {answer.message}")
            before = meter.crossed_at
            meter.count(answer)
            if answer.status == 200:
                self.stdout.write(f"  {meter.spent:.4f} of {meter.limit:.4f}")
            if before is None and meter.crossed_at is not None:
                self.stdout.write("  crossed; waiting for the refusal")
        return None


def _beats(patience: int) -> Iterator[None]:
    """Every two seconds, for as long as patience lasts."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        yield
        time.sleep(2)


def _key(subscription: str) -> str:
    control = settings.APPORTION.simulator_control_url
    if not control:
        raise CommandError("--key is needed: no simulator runs to ask for it.")
    with urlopen(f"{control}/setting", timeout=30) as answer:  # noqa: S310  # the simulator's own
        setting = json.load(answer)
    for tenant in setting["tenants"]:
        for known in tenant["subscriptions"]:
            if known["name"] == subscription:
                return str(known["key"])
    raise CommandError(f"--subscription: the simulator knows no '{subscription}'.")


def _currency(tenant: TenantRef) -> str:
    with scope.of(tenant):
        return tenants.billing().currency

"""What has no price: the usage of open months that no amount holds, and what it may hide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from django.db import connection
from django.db.models import Max, Min

from billing import exchange, price_terms
from billing.models import DayToRate, Meter
from billing.prices import proposals
from billing.prices.proposals import Classes, Proposed
from billing.rules.meters.proposing import Candidate
from billing.rules.token_classes import TokenClass
from inventory.models import Team
from tenancy import periods, scope, tenants
from tenancy.money import EXACT, Money

_USAGE = Path(__file__).with_name("unpriced_usage.sql").read_text()
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Used:
    """Usage of a deployment's class without a price. ``team_ids`` None: nobody owned it."""

    deployment_id: int
    token_class: TokenClass
    quantity: int
    first_day: date
    last_day: date
    team_ids: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """What hides in one class: its usage, its proposal, and an estimate.

    ``low`` and ``high`` are the quantity at the present prices of the meters that fit, in the
    tenant's currency, on the estimated basis; None: unknown. ``teams`` are those whose
    subscriptions used it, None among them for unallocated usage.
    """

    used: Used
    proposed: Proposed
    teams: tuple[str | None, ...]
    low: Money | None
    high: Money | None

    @property
    def why(self) -> str:
        """Why it has no price, in a sentence."""
        if self.proposed.mapping is not None:
            return "Its meter has no price in force then, or its currency no exchange rate."
        if self.proposed.is_proposed:
            return "A meter is proposed and waits to be confirmed."
        says = self.proposed.proposal.says
        return f"Nothing is proposed: {says}."


def queue(*, at: datetime) -> tuple[Gap, ...]:
    """Every class without a price in the tenant in scope, the dearest estimate first."""
    found = usage()
    if not found:
        return ()
    proposed = proposals.of_tenant(at=at, used=classes(found))
    return gaps(found, proposed, at=at)


def gaps(found: Sequence[Used], proposed: Iterable[Proposed], *, at: datetime) -> tuple[Gap, ...]:
    """The same from what `usage` and `proposals` said already."""
    named = {(one.deployment.pk, one.token_class): one for one in proposed}
    pairs = [(one, named[one.deployment_id, one.token_class]) for one in found]
    prices = _prices([each for _, one in pairs for each in _fitting(one)], at=at)
    teams = _teams(found)
    currency = tenants.billing().currency
    made = [_gap(used, one, teams, prices, currency) for used, one in pairs]
    return tuple(sorted(made, key=_dearest_first))


def usage() -> tuple[Used, ...]:
    """What nothing prices in the tenant in scope, by deployment and class."""
    zone = tenants.billing().zone
    waiting = DayToRate.objects.aggregate(first=Min("day"), last=Max("day"))
    first, last = waiting["first"] or date.min, waiting["last"] or date.min
    with connection.cursor() as cursor:
        cursor.execute(
            _USAGE,
            {
                "tenant": scope.tenant_id(),
                "zone": zone,
                "start": periods.midnight(first, zone) if waiting["first"] else "-infinity",
                "end": periods.month_of_day(last, zone).end if waiting["last"] else "-infinity",
            },
        )
        return tuple(
            Used(deployment, TokenClass(name), quantity, first, last, tuple(teams))
            for deployment, name, quantity, first, last, teams in cursor.fetchall()
        )


def classes(found: Iterable[Used]) -> Classes:
    """The classes without a price, by deployment."""
    named: dict[int, set[TokenClass]] = {}
    for one in found:
        named.setdefault(one.deployment_id, set()).add(one.token_class)
    return named


def _fitting(one: Proposed) -> list[Candidate[Meter]]:
    """The proposed meter and those that would fit as well."""
    best = one.proposal.best
    return [best, *(other for other in one.proposal.alternatives if other.fits)] if best else []


def _prices(candidates: Iterable[Candidate[Meter]], *, at: datetime) -> Mapping[int, Decimal]:
    """By meter, its present price per single unit of the meter, in the billing currency."""
    terms = price_terms.at({one.of.pk for one in candidates}, at)
    currency = tenants.billing().currency
    rates = {
        name: exchange.rate_at(name, currency, at=at)
        for name in {term.currency for term in terms.values() if term.currency}
    }
    found = {}
    for meter, term in terms.items():
        rate = rates.get(term.currency or "")
        if term.unit_price is not None and rate is not None:
            found[meter] = EXACT.multiply(term.unit_price, rate)
    return found


def _gap(
    used: Used,
    proposed: Proposed,
    teams: Mapping[int | None, str | None],
    prices: Mapping[int, Decimal],
    currency: str,
) -> Gap:
    if proposed.proposal.covered:
        costs = [_NOTHING]
    else:
        costs = [
            EXACT.divide(EXACT.multiply(prices[one.of.pk], used.quantity), one.units_per_price)
            for one in _fitting(proposed)
            if one.of.pk in prices
        ]
    return Gap(
        used,
        proposed,
        tuple(sorted((teams[one] for one in used.team_ids), key=lambda name: name or "~")),
        Money(min(costs), currency) if costs else None,
        Money(max(costs), currency) if costs else None,
    )


def _teams(found: Iterable[Used]) -> dict[int | None, str | None]:
    ids = {team for one in found for team in one.team_ids if team is not None}
    return {None: None} | {pk: team.name for pk, team in Team.objects.in_bulk(ids).items()}


def _dearest_first(gap: Gap) -> tuple[Decimal, int]:
    return (-(gap.high.amount if gap.high else _NOTHING), -gap.used.quantity)

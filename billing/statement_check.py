"""Checks the statements of a tenant's open period against the figures they rest on.

Drafts every team's statement as `billing.statements` does and compares, subscription by
subscription, what the statements itemise with what enforcement reads. A difference is recorded
with its place, its two figures and the difference; it changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing import rollups, statements
from billing.statements import StatementView
from inventory import teams
from inventory.models import Subscription
from tenancy import money, runs, scope, tenants
from tenancy.money import Money
from tenancy.periods import Period
from tenancy.runs import Contention
from tenancy.scope import TenantRef

STEP = "statement"


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where a statement and the figure it should agree with do not."""

    place: str
    expected: Money
    found: Money

    @property
    def says(self) -> str:
        gap = (self.found - self.expected).amount
        direction = "too much" if gap > 0 else "too little"
        return f"{self.place}: {self.found} itemised, {self.expected} counted, {gap} {direction}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What was drafted, and what did not agree."""

    statements: tuple[StatementView, ...]
    differences: tuple[Difference, ...]


def check(tenant: TenantRef, *, at: datetime, contention: Contention) -> Checked:
    """Draft every team's statement of the month at ``at`` and check it; recorded as a run.

    Raises:
        Busy, Superseded: another run of this step is under way.
    """
    with runs.of_tenant(tenant, STEP, contention=contention) as run:
        with scope.of(tenant):
            run.hold()
            period = tenants.billing().month_at(at)
            drafts = tuple(statements.draft(team, period) for team in teams.all_of_tenant())
            differences = (*_totals(drafts), *_subscriptions(drafts, period))
        run.window(period.start, min(at, period.end))
        run.count(read=sum(len(draft.lines) for draft in drafts), written=0)
        run.note(
            totals={draft.team_slug: str(draft.total) for draft in drafts},
            differences=[difference.says for difference in differences],
        )
    return Checked(drafts, differences)


def _totals(drafts: tuple[StatementView, ...]) -> tuple[Difference, ...]:
    """Statements whose total is not the rounded sum of what they itemise."""
    found = []
    for draft in drafts:
        exact = money.total((line.exact for line in draft.lines), draft.currency)
        if money.rounded(exact) != draft.total:
            place = f"total of {draft.team_slug}, {draft.period.key}"
            found.append(Difference(place, money.rounded(exact), draft.total))
    return tuple(found)


def _subscriptions(drafts: tuple[StatementView, ...], period: Period) -> tuple[Difference, ...]:
    """Subscriptions, owned by teams all period, whose lines are not what enforcement counts."""
    currency = tenants.billing().currency
    itemised: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for draft in drafts:
        for line in draft.lines:
            itemised[line.gateway, line.subscription] += line.exact.amount
    nobodys = set(rollups.unowned(period))
    rows = {
        row.pk: (row.gateway.name, str(row))
        for row in Subscription.objects.select_related("gateway")
        if row.pk not in nobodys
    }
    counted = rollups.spent(period, currency=currency, subscriptions=rows)
    return tuple(
        Difference("/".join(rows[id]), spent.cost, Money(itemised[rows[id]], currency))
        for id, spent in counted.items()
        if spent.cost.amount != itemised[rows[id]]
    )

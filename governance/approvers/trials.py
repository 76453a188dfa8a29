"""What policies would ask for: of something made up, and of what was really asked of late.

Nothing is written, and nobody is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from governance.approvers import routing
from governance.approvers.routing import Need, Route
from governance.consequences import asked_before
from governance.consequences.asked_before import number, told_of
from governance.models import ApprovalPolicy, QuotaRequest, RequestKind, RequestState
from governance.rules import routing as rule
from governance.rules.routing import Earlier, Facts, Owner
from inventory.models import Product, Team
from tenancy import tenants

#: How far back `replay` looks.
REPLAYED_DAYS = 90
_HUNDRED = Decimal(100)
_NO_MORE = frozenset({RequestKind.DECREASE, RequestKind.REACTIVATION})


@dataclass(frozen=True, slots=True)
class Imagined:
    """Something somebody might ask for. What is None is not known and counts as reached.

    ``amount`` is more a month in the billing currency, ``percent`` more of the limit, ``forecast``
    percent of the limit at the period's end; ``days``: for how long, None: for good. What the
    team really asked for in the windows before is counted with it.
    """

    kind: RequestKind
    team: Team
    amount: Decimal | None = None
    percent: Decimal | None = None
    days: int | None = None
    forecast: Decimal | None = None
    product: Product | None = None
    environment: str = ""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A request of late, and what it would need with a policy and without it, as of today's."""

    request: QuotaRequest
    amount: Decimal | None
    without: tuple[Need, ...]
    route: Route

    @property
    def differs(self) -> bool:
        """Whether the policy asks for more than the others, or for less."""
        return _plain(self.without) != _plain(self.route.needs)


@dataclass(frozen=True, slots=True)
class Replay:
    """All requests that a policy would have met, newest first, of how many that were sent."""

    since: datetime
    sent: int
    met: tuple[Replayed, ...]


def preview(
    imagined: Imagined,
    *,
    at: datetime,
    asks: int | None = None,
    policies: Sequence[ApprovalPolicy] | None = None,
) -> Route:
    """Whose approvals it would need if ``asks`` sent it at ``at``; by the policies in force, or
    by these.
    """
    rows = routing.in_force(at=at) if policies is None else list(policies)
    zone = tenants.billing().zone
    days = routing.longest_window(rows)
    before = asked_before.rows(imagined.team, None, days=days, at=at)
    amount = imagined.amount if imagined.kind not in _NO_MORE else Decimal(0)
    facts = Facts(
        kind=imagined.kind.value,
        team=imagined.team.pk,
        at=at,
        amount=amount,
        change=imagined.percent,
        base=_HUNDRED,
        forecast=imagined.forecast,
        days=imagined.days if imagined.kind is RequestKind.TEMPORARY else None,
        products=frozenset({imagined.product.pk}) if imagined.product else frozenset(),
        environments=frozenset({imagined.environment}),
        owner=routing.owner_of(imagined.team, asks=asks),
        before=tuple(asked_before.earlier(row, at=at, zone=zone) for row in before),
    )
    return routing.by(rows, facts)


def replay(policy: ApprovalPolicy, *, at: datetime, days: int = REPLAYED_DAYS) -> Replay:
    """Which requests of the last days a policy would have met, and what they would need today.

    The policy may be one that is not stored, or one in force: then it is told what its absence
    would do. The others are those in force at ``at``. In a constant number of queries.
    """
    others = [one for one in routing.in_force(at=at) if one.pk != policy.pk]
    everything = [*others, policy]
    since = at - timedelta(days=days)
    oldest = since - timedelta(days=routing.longest_window(everything))
    rows = list(
        asked_before.told_rows(
            QuotaRequest.objects.filter(submitted_at__gte=oldest, submitted_at__lte=at)
            .exclude(state=RequestState.DRAFT)
            .select_related("team__cost_center", "subscription", "product")
        )
    )
    log = _Log.of(rows)
    sent = [row for row in rows if row.submitted_at and row.submitted_at >= since]
    met = [_replayed(row, log, policy, others) for row in reversed(sent)]
    return Replay(since, len(sent), tuple(one for one in met if one is not None))


@dataclass(frozen=True, slots=True)
class _Log:
    """What was sent, in order, by what it was about; each with its place in the order."""

    zone: str
    place: dict[int, int]
    about: dict[tuple[str, int], list[QuotaRequest]]

    @classmethod
    def of(cls, rows: Sequence[QuotaRequest]) -> _Log:
        about: dict[tuple[str, int], list[QuotaRequest]] = {}
        for row in rows:
            if asked_before.counts(row):
                for subject in _subjects(row):
                    about.setdefault(subject, []).append(row)
        return cls(tenants.billing().zone, {row.pk: at for at, row in enumerate(rows)}, about)

    def before(self, row: QuotaRequest, at: datetime) -> tuple[Earlier, ...]:
        """What was sent before a request for the same team or subscription."""
        found = {
            one.pk: one
            for subject in _subjects(row)
            for one in self.about.get(subject, ())
            if self.place[one.pk] < self.place[row.pk]
        }
        return tuple(asked_before.earlier(one, at=at, zone=self.zone) for one in found.values())


def _subjects(row: QuotaRequest) -> list[tuple[str, int]]:
    of_subscription = [("subscription", row.subscription_id)] if row.subscription_id else []
    return [("team", row.team_id), *of_subscription]


def _replayed(
    row: QuotaRequest, log: _Log, policy: ApprovalPolicy, others: Sequence[ApprovalPolicy]
) -> Replayed | None:
    facts = _facts(row, log)
    if not rule.meets(routing.as_rule(policy, 0), facts):
        return None
    return Replayed(
        request=row,
        amount=facts.amount,
        without=routing.by(others, facts).needs,
        route=routing.by([*others, policy], facts),
    )


def _facts(row: QuotaRequest, log: _Log) -> Facts:
    """What was so when a request was sent, as far as it was kept."""
    told, at = told_of(row), row.submitted_at or row.created_at
    amount = asked_before.monthly_amount(row)
    here = row.subscription
    products = {one for one in (row.product_id, here.product_id if here else None) if one}
    return Facts(
        kind=row.kind,
        team=row.team_id,
        at=at,
        amount=amount,
        change=amount if row.amount is None else row.amount,
        base=number(told.get("base")),
        forecast=number(told.get("forecast")),
        days=asked_before.days_from(row.until, at, log.zone),
        target=asked_before.target_of_row(row),
        products=frozenset(told.get("products", products)),
        environments=frozenset(told.get("environments", [row.environment])),
        owner=_owner_then(row, told.get("owner")),
        before=log.before(row, at),
    )


def _owner_then(row: QuotaRequest, told: str | None) -> Owner:
    if told is not None:
        return Owner(told)
    owner = row.team.cost_center.owner_id
    return Owner.NONE if owner in (None, row.requested_by_id) else Owner.MAY


def _plain(needs: Sequence[Need]) -> list[tuple[object, ...]]:
    return sorted(
        ((one.whose.value, one.group.pk if one.group else 0, one.people) for one in needs),
    )

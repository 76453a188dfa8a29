"""Approval policies in the reader's words: when each counts, who approves then, and why it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from governance.approvers.routing import Matched, Need, Route
from governance.approvers.trials import Replayed
from governance.models import ApprovalPolicy, Demand, RequestKind
from governance.rules.routing import Condition, Ground
from portal import figures, rights
from tenancy import tenants
from tenancy.access import Actor
from tenancy.money import Money

_LABELS = dict(RequestKind.choices)


@dataclass(frozen=True, slots=True)
class Line:
    """One policy in a list: when it counts, who approves, and what else is to be known."""

    row: ApprovalPolicy
    when: tuple[str, ...]
    who: str
    times: str
    finding: str = ""


@dataclass(frozen=True, slots=True)
class Met:
    """A policy that is met, with why."""

    name: str
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """A route in words."""

    needs: tuple[str, ...]
    met: tuple[Met, ...]
    automatic: bool
    times: str


@dataclass(frozen=True, slots=True)
class Then:
    """A request of late with what it would need: with a policy, and without it."""

    number: int
    what: str
    team: str
    amount: str
    sent: object
    needs: str
    without: str
    differs: bool


def look(actor: Actor) -> None:
    """Let those pass who see the whole tenant: policies name teams and people.

    Raises:
        NotYours: the actor sees own teams only.
    """
    if not actor.sees_whole_tenant:
        who = "approvers, finance, administrators and auditors"
        raise rights.NotYours(what="Who approves what", who=who)


def line(row: ApprovalPolicy, currency: str, finding: str = "") -> Line:
    """A policy as a list shows it."""
    return Line(row, _when(row, currency), _who(row), _times(row), finding)


def route(found: Route) -> Seen:
    """Who would have to approve, and by which policies."""
    currency = tenants.billing().currency
    return Seen(
        needs=tuple(need.says for need in found.needs if need.people),
        met=tuple(Met(one.policy.name, because(one, currency)) for one in found.matched),
        automatic=found.automatic,
        times=(
            f"Reminded after {_hours(found.remind_after.total_seconds())}, escalated after"
            f" {_hours(found.escalate_after.total_seconds())}, given up after"
            f" {found.expires_after.days} days."
        ),
    )


def because(found: Matched, currency: str) -> tuple[str, ...]:
    """Why a policy is met, condition by condition; one without any is met by whatever is asked."""
    told = [_ground(one, found.policy, currency) for one in found.grounds]
    return tuple(told) or ("any request",)


def replayed(found: Sequence[Replayed]) -> list[Then]:
    """The lines of a replay."""
    currency = tenants.billing().currency
    return [
        Then(
            number=one.request.number,
            what=one.request.get_kind_display(),
            team=str(one.request.team),
            amount="not known" if one.amount is None else _money(one.amount, currency),
            sent=one.request.submitted_at,
            needs=needs(one.route.needs),
            without=needs(one.without),
            differs=one.differs,
        )
        for one in found
    ]


def needs(found: Sequence[Need]) -> str:
    """Whose approvals, in one line."""
    return "; then ".join(need.says for need in found)


def _when(row: ApprovalPolicy, currency: str) -> tuple[str, ...]:
    """Every condition that a policy sets."""
    window = _days(row.window_days)
    amount = _money(row.amount_from, currency)
    told = (
        (bool(row.kinds), "asks for " + " or ".join(_LABELS[kind] for kind in row.kinds)),
        (row.team is not None, f"team {row.team}"),
        (row.product is not None, f"tier {row.product}"),
        (bool(row.environment), f"environment {row.environment}, or not said"),
        (
            row.amount_from is not None,
            f"from {amount} more a month for the team in {window} on",
        ),
        (
            row.percent_from is not None,
            f"from {_percent(row.percent_from)} more of the limit in {window} on",
        ),
        (
            row.days_from is not None,
            f"for {_days(row.days_from or 0)} or longer, counted together in {window}",
        ),
        (
            row.forecast_from is not None,
            f"where {_percent(row.forecast_from)} of the limit or more is forecast",
        ),
    )
    return tuple(says for is_set, says in told if is_set)


def _who(row: ApprovalPolicy) -> str:
    group = f"of {row.group}" if row.group else "of the tenant's approvers"
    who = {
        Demand.AUTOMATIC: "nobody: approved at once, if no other policy asks somebody",
        Demand.ONE: f"one {group}",
        Demand.OWNER_FIRST: f"the cost center's owner, then one {group}",
        Demand.TWO: f"two different people {group}",
    }[Demand(row.demand)]
    return f"{who}; also for a team they own" if row.own_teams else who


def _times(row: ApprovalPolicy) -> str:
    to = f" to {row.escalate_to}" if row.escalate_to else ""
    return (
        f"reminded after {row.remind_after_hours} h, escalated{to} after"
        f" {row.escalate_after_hours} h, given up after {_days(row.expires_after_days)}"
    )


def _ground(one: Ground, policy: ApprovalPolicy, currency: str) -> str:
    window, wanted = _days(policy.window_days), one.wanted
    length = "for good" if one.found is None else f"for {_days(int(one.found))}"
    amount, percent = _known(one.found, currency), _known(one.found)
    says = {
        Condition.KIND: "what is asked for",
        Condition.TEAM: f"the team {policy.team}",
        Condition.TIER: f"the tier {policy.product}",
        Condition.ENVIRONMENT: f"the environment is {policy.environment}, or not said",
        Condition.AMOUNT: f"{amount} more a month for the team in {window}, from"
        f" {_money(wanted, currency)} on",
        Condition.PERCENT: f"{percent} more of the limit in {window}, from {_percent(wanted)} on",
        Condition.DAYS: f"{length}, from {_days(policy.days_from or 0)} on",
        Condition.FORECAST: f"{percent} of the limit is forecast, from {_percent(wanted)} on",
    }
    return says[one.condition]


def _known(value: Decimal | None, currency: str = "") -> str:
    if value is None:
        return "not known, so taken as reached:"
    return _money(value, currency) if currency else _percent(value)


def _money(amount: Decimal | None, currency: str) -> str:
    return f"{figures.plain(Money(amount or Decimal(0), currency))} {currency}"


def _percent(value: Decimal | None) -> str:
    return f"{(value or Decimal(0)).quantize(Decimal('0.01')).normalize():f} %"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _hours(seconds: float) -> str:
    return f"{int(seconds // 3600)} h"

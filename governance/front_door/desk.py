"""The approver's desk: what a list of requests must warn of, and approving several of low risk.

Whatever is decided here is decided by `approvals.approve`, one request at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from governance import budgets
from governance.approvers import deciders
from governance.budgets import BudgetStanding, Whose
from governance.consequences import asked, whatif
from governance.consequences.figures import Caution, Consequences
from governance.front_door import approvals
from governance.models import UNDECIDED, QuotaRequest, Unit
from governance.rules import consequences as rule
from governance.rules import low_risk
from governance.rules.consequences import More
from governance.rules.low_risk import Facts
from governance.rules.spans import Every
from inventory import ownership
from tenancy import periods, tenants
from tenancy.access import Actor
from tenancy.refusals import Refused

#: As many are approved together at most: all of them fit on one page of the list.
MOST = 50


class UnlikeRequests(Refused):
    code = "unlike-requests"
    text = (
        "Only requests of one kind, unit and period are approved together; these are {kinds}."
        " Choose fewer, or decide on each."
    )


class TooMany(Refused):
    code = "too-many-requests-chosen"
    text = "At most {most} requests are approved together. Choose fewer."


class NotLowRisk(Refused):
    code = "not-low-risk"
    text = "Request {number} has to be decided by itself. {why}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A request that was chosen, with the figures it is confirmed on.

    ``growth``: by how many percent its limit would have grown since 30 days ago. ``waits``: it
    waits for whoever chose it. ``why_not``: why it has to be looked at by itself.
    """

    request: QuotaRequest
    consequences: Consequences
    growth: Decimal | None
    waits: bool
    why_not: str

    @property
    def key(self) -> str:
        """Its id and the version that is seen, for the confirmation."""
        return f"{self.request.pk}:{self.request.version}"


@dataclass(frozen=True, slots=True)
class Batch:
    """What was chosen: what may be approved together, and what has to be looked at by itself."""

    together: tuple[Candidate, ...]
    alone: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request, in words; ``refused``: why it was not approved."""

    request: QuotaRequest
    says: str
    refused: Refused | None = None


def approve(
    request: QuotaRequest, *, seen: int, by: Actor, at: datetime, text: str = ""
) -> Outcome:
    """As `approvals.approve`, and says what came of it.

    Raises:
        Refused: as `approvals.approve` does.
    """
    was_open = request.state in UNDECIDED
    row = approvals.approve(request, seen=seen, by=by, at=at, text=text)
    missing = sum(one.missing for one in deciders.progress(row))
    if not was_open:
        return Outcome(row, f"Request {row.number} was approved already; nothing changed.")
    if row.state in UNDECIDED:
        more = "one more approval" if missing == 1 else f"{missing} more approvals"
        return Outcome(row, f"You approved request {row.number}. It needs {more}.")
    return Outcome(row, f"Request {row.number} is approved.")


def over_budget(requests: Iterable[QuotaRequest], *, at: datetime) -> frozenset[int]:
    """The ids of the open requests for more that, each by itself, would break a budget.

    However many there are, a constant number of queries. What is asked in tokens has no known cost
    here: `whatif` tells it of one request.
    """
    rows = [row for row in requests if row.state in UNDECIDED and _costs(row)]
    if not rows:
        return frozenset()
    zone = tenants.billing().zone
    return _breaking(rows, {row.pk: [_more(row, zone)] for row in rows}, at=at, together=False)


def look(requests: Iterable[QuotaRequest], *, by: Actor, at: datetime) -> Batch:
    """Which of these may be approved together by somebody, with the figures of each.

    Raises:
        UnlikeRequests: they are not of one kind, unit and period.
        TooMany: more than `MOST` were chosen.
    """
    rows = list(requests)
    if len(rows) > MOST:
        raise TooMany(most=MOST)
    kinds = {_likeness(row) for row in rows}
    if len(kinds) > 1:
        raise UnlikeRequests(kinds="; ".join(sorted(kinds)))
    waiting = {one.pk for one in deciders.waiting_for(by, at=at)}
    found = [_candidate(row, row.pk in waiting, by=by, at=at) for row in rows]
    found = _budgets_hold(_each_limit_once(found), at=at)
    return Batch(
        together=tuple(one for one in found if not one.why_not),
        alone=tuple(one for one in found if one.why_not),
    )


def approve_together(
    wanted: Sequence[tuple[QuotaRequest, int]], *, by: Actor, at: datetime
) -> tuple[Outcome, ...]:
    """Approve each of these in the version that was seen, and say what became of each.

    One that is refused changes nothing for the others; all of it again changes nothing.

    Raises:
        UnlikeRequests: they are not of one kind, unit and period.
        TooMany: more than `MOST` were chosen.
    """
    rows = _in_turn([row for row, _ in wanted])
    alone = {one.request.pk: one for one in look(rows, by=by, at=at).alone}
    outcomes: list[Outcome] = []
    for row, (_, seen) in zip(rows, wanted, strict=True):
        held = alone.get(row.pk)
        try:
            with transaction.atomic():
                if held and held.waits and row.version == seen:
                    raise NotLowRisk(number=row.number, why=held.why_not)
                outcomes.append(approve(row, seen=seen, by=by, at=at))
        except Refused as refusal:
            outcomes.append(Outcome(row, str(refusal), refusal))
    return tuple(outcomes)


def _in_turn(rows: Sequence[QuotaRequest]) -> list[QuotaRequest]:
    """These requests as they are now, held until the transaction ends.

    All of them, in one order, before the first is decided: each decision holds the audit log, and
    who held that while waiting for a request would wait for whoever waits for the log.
    """
    related = ("team__cost_center", "subscription__gateway", "product", "requested_by")
    chosen = QuotaRequest.objects.filter(pk__in=[row.pk for row in rows]).select_related(*related)
    held = {
        row.pk: row for row in chosen.select_for_update(of=("self",), no_key=True).order_by("pk")
    }
    return [held[row.pk] for row in rows]


def _likeness(row: QuotaRequest) -> str:
    """What requests that are approved together have in common, in words."""
    kind = row.get_kind_display()
    return f"{kind}, {row.get_unit_display()} {row.get_span_display()}" if row.amount else kind


def _candidate(row: QuotaRequest, waits: bool, *, by: Actor, at: datetime) -> Candidate:  # noqa: FBT001
    consequences = whatif.of(asked.of_request(row), at=at)
    facts = Facts(
        of_a_limit=row.kind in asked.OF_A_LIMIT,
        missing=sum(one.missing for one in deciders.progress(row)),
        base=consequences.base,
        after=consequences.after.limit if consequences.after else None,
        below_use=Caution.BELOW_USE in consequences.cautions,
        breaks_budget=consequences.breaks_budget,
    )
    refused = "" if waits else deciders.may_decide(by, row, at=at).why_not or "It waits for others."
    return Candidate(
        request=row,
        consequences=consequences,
        growth=low_risk.growth(facts),
        waits=waits,
        why_not=refused or low_risk.why_not(facts),
    )


def _each_limit_once(found: Iterable[Candidate]) -> list[Candidate]:
    """Of several for one limit the first: the figures of the others would be out of date."""
    seen: set[tuple[int | None, int]] = set()
    kept: list[Candidate] = []
    for one in found:
        limit = (one.request.subscription_id, one.request.team_id)
        if one.why_not:
            kept.append(one)
            continue
        why = "Another one that was chosen is for the same limit."
        kept.append(replace(one, why_not=why) if limit in seen else one)
        seen.add(limit)
    return kept


def _budgets_hold(found: list[Candidate], *, at: datetime) -> list[Candidate]:
    """Holds back those that together would break a budget that each by itself would not."""
    rows = [one.request for one in found if not one.why_not]
    if not rows:
        return found
    asks = {
        one.request.pk: [_more(one.request, one.consequences.zone, one.consequences.monthly_change)]
        for one in found
    }
    broken = _breaking(rows, asks, at=at, together=True)
    why = "Together with the others it would break a budget."
    return [replace(one, why_not=why) if one.request.pk in broken else one for one in found]


def _breaking(
    rows: Sequence[QuotaRequest],
    asks: dict[int, list[More]],
    *,
    at: datetime,
    together: bool,
) -> frozenset[int]:
    """The ids of those that would break a budget, by themselves or counted together."""
    today = periods.local_day(at, tenants.billing().zone)
    whose = _bearers(rows, today)
    all_of: dict[Whose, list[More]] = {}
    for row in rows:
        for one in whose[row.pk]:
            all_of.setdefault(one, []).extend(asks[row.pk])
    standings: dict[Whose, list[BudgetStanding]] = {}
    for standing in budgets.standing(at=at, of=all_of):
        standings.setdefault(standing.whose, []).append(standing)
    return frozenset(
        row.pk
        for row in rows
        for one in whose[row.pk]
        for standing in standings.get(one, ())
        if _passed(standing, all_of[one] if together else asks[row.pk], today)
    )


def _bearers(rows: Sequence[QuotaRequest], today: date) -> dict[int, tuple[Whose, ...]]:
    """By request id, whose budgets it counts for."""
    ids = [row.subscription_id for row in rows if row.subscription_id is not None]
    owners = ownership.in_force(ids, today)
    return {
        row.pk: budgets.of_owner(owners[row.subscription_id])
        if row.subscription_id in owners
        else budgets.of_team(row.team)
        for row in rows
    }


def _passed(standing: BudgetStanding, changes: Iterable[More], today: date) -> bool:
    """Whether a budget that holds would be passed with all of these used."""
    added = (rule.adds(one, standing.period, today=today) or Decimal(0) for one in changes)
    return standing.expected + sum(added) > max(standing.amount, standing.expected)


def _costs(row: QuotaRequest) -> bool:
    return row.kind in asked.FOR_MORE and row.unit == Unit.CURRENCY


def _more(row: QuotaRequest, zone: str, monthly: Decimal | None = None) -> More:
    """What a request allows in cost: of its own period, or what is known of a month."""
    until = periods.local_day(row.until, zone) if row.until else None
    if not _costs(row):
        return More(None if monthly is None else max(monthly, Decimal(0)), Every.MONTH, until)
    return More(row.amount, Every(row.span), until)

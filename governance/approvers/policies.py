"""Approval policies and the groups they send requests to: adding, ending, changing, ordering.

A policy in force never changes but for its place in the order: another takes its place at an
instant, so that what counted when can be told. Requests that wait keep what they were sent with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import F, Max, Q, QuerySet

from governance.approvers import groups
from governance.models import ApprovalPolicy, ApproverGroup, Demand, RequestKind
from inventory.models import Product, Team
from tenancy import access, audit, scope
from tenancy.access import Actor
from tenancy.models import Role
from tenancy.refusals import Invalid, Refused

LONGEST_WINDOW, LATEST_EXPIRY, LATEST_HOURS = 366, 365, 24 * 365
_STEP = 10
_LARGEST = Decimal(10) ** 18
_MOST_PERCENT = Decimal(1_000_000)


class PolicyOver(Refused):
    code = "policy-over"
    text = "The policy {name} has ended already."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A policy as somebody wants it. What is None or empty is no condition.

    ``amount_from`` is more a month in the billing currency, for the team in the window;
    ``percent_from`` and ``forecast_from`` are percent of the limit before the window.
    """

    name: str
    demand: Demand
    group: ApproverGroup | None = None
    kinds: tuple[RequestKind, ...] = ()
    team: Team | None = None
    product: Product | None = None
    environment: str = ""
    amount_from: Decimal | None = None
    percent_from: Decimal | None = None
    days_from: int | None = None
    forecast_from: Decimal | None = None
    window_days: int = 30
    own_teams: bool = False
    remind_after_hours: int = 24
    escalate_after_hours: int = 72
    escalate_to: ApproverGroup | None = None
    expires_after_days: int = 30

    def row(self) -> ApprovalPolicy:
        """The same as a row that is not stored."""
        values = {name: getattr(self, name) for name in _COLUMNS}
        return ApprovalPolicy(**values)


_COLUMNS = tuple(field.name for field in fields(Wanted))


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a policy that leaves requests without anybody who can approve them."""

    policy: ApprovalPolicy
    says: str


def add(
    wanted: Wanted, *, by: Actor, at: datetime, from_instant: datetime | None = None
) -> ApprovalPolicy:
    """A policy more, the last in the order, in force from an instant on (None: from now on).

    Raises:
        NotAllowed: the actor is no administrator.
        Invalid: a value is not of its kind, or the start is past; names the field.
    """
    require(by)
    _one_at_a_time()
    last = _not_over(at).aggregate(last=Max("position"))["last"]
    return _store(wanted, (last or 0) + _STEP, from_instant or at, by=by, at=at)


def change(policy: ApprovalPolicy, wanted: Wanted, *, by: Actor, at: datetime) -> ApprovalPolicy:
    """Put another policy in the place of this one from now on; the same again changes nothing.

    Raises:
        NotAllowed, Invalid: as `add`.
        PolicyOver: it has ended.
    """
    require(by)
    _one_at_a_time()
    row = _locked(policy, at=at)
    if wanted_of(row) == wanted:
        return row
    start = max(row.effective_from, at)
    _end(row, start, by=by, at=at, reason="Changed.")
    return _store(wanted, row.position, start, by=by, at=at)


def end(policy: ApprovalPolicy, *, by: Actor, at: datetime, reason: str = "") -> ApprovalPolicy:
    """Let a policy count no more from now on; for requests that are sent it still does.

    Raises:
        NotAllowed: the actor is no administrator.
        PolicyOver: it has ended.
    """
    require(by)
    row = _locked(policy, at=at)
    _end(row, max(row.effective_from, at), by=by, at=at, reason=reason)
    return row


def move(policy: ApprovalPolicy, *, before: ApprovalPolicy | None, by: Actor, at: datetime) -> None:
    """Have a policy read before another one; None: after all. What is needed stays the same.

    Raises:
        NotAllowed: the actor is no administrator.
        PolicyOver: one of them has ended.
    """
    require(by)
    _one_at_a_time()
    row = _locked(policy, at=at)
    others = [one for one in listed(at=at) if one.pk != row.pk]
    places = [one.pk for one in others]
    if before is not None and before.pk != row.pk and before.pk not in places:
        raise PolicyOver(name=before.name)
    if before is not None and before.pk == row.pk:
        return
    others.insert(places.index(before.pk) if before else len(others), row)
    was, moved = row.position, False
    for position, one in enumerate(others, 1):
        if one.position != position * _STEP:
            moved = moved or one.pk == row.pk
            one.position = position * _STEP
            one.save(update_fields=["position"])
    if moved:
        _record("policy.move", row, by, at=at, before={"position": was}, after=_place(row, others))


def listed(*, at: datetime) -> list[ApprovalPolicy]:
    """The policies in force at an instant or later, in their order, with what they name."""
    return list(
        _not_over(at)
        .select_related("group", "escalate_to", "team", "product__gateway")
        .order_by("position", "id")
    )


def seen_by(actor: Actor) -> QuerySet[ApprovalPolicy]:
    """All policies there are and were, in their order: whoever asks may know by what rules."""
    rows: QuerySet[ApprovalPolicy] = access.many(ApprovalPolicy, actor)
    return rows.select_related("group", "escalate_to", "team", "product__gateway")


def one(actor: Actor, number: int) -> ApprovalPolicy:
    """The policy of this number.

    Raises:
        NotFound: there is none, or it is not the actor's to see.
    """
    return access.one(ApprovalPolicy, actor, pk=number)


def wanted_of(row: ApprovalPolicy) -> Wanted:
    """What a policy says, as it would be wanted again."""
    values = {name: getattr(row, name) for name in _COLUMNS}
    values["kinds"] = tuple(RequestKind(kind) for kind in row.kinds)
    values["demand"] = Demand(row.demand)
    return Wanted(**values)


def check(wanted: Wanted) -> None:
    """Refuse a policy that makes no sense.

    Raises:
        Invalid: names the first field at fault, and what to do.
    """
    for field, (fits, fix) in _checks(wanted).items():
        if not fits:
            raise Invalid(field=field, fix=fix)


def findings(rows: list[ApprovalPolicy]) -> Iterator[Finding]:
    """Policies that ask more people than there are, in order."""
    approvers, members = groups.approvers()
    for row in rows:
        asked = {Demand.TWO: 2, Demand.AUTOMATIC: 0}.get(Demand(row.demand), 1)
        there = members.get(row.group_id, frozenset()) if row.group_id else approvers
        if len(there) < asked:
            whom = f"The group {row.group}" if row.group else "The tenant"
            have = "nobody" if not there else "one person"
            yield Finding(
                row, f"{whom} has {have} who may approve; {asked} must. Such requests wait in vain."
            )


def require(actor: Actor) -> None:
    """Let administrators go on.

    Raises:
        NotAllowed: the actor has another role.
    """
    access.require(actor, Role.ADMIN, verb="change approval policies")


def _checks(wanted: Wanted) -> dict[str, tuple[bool, str]]:
    """By field, whether it fits, and what to do if not."""
    hours = f"Give whole hours from 1 to {LATEST_HOURS}."
    return {
        "name": (0 < len(wanted.name.strip()) <= 120, "Give a name of at most 120 characters."),
        "environment": (len(wanted.environment) <= 60, "Give at most 60 characters."),
        "amount_from": (
            _fits(wanted.amount_from, _LARGEST, 4),
            "Give an amount from zero on, with at most four decimals.",
        ),
        "percent_from": (_fits(wanted.percent_from, _MOST_PERCENT, 2), _PERCENT),
        "days_from": (
            wanted.days_from is None or 1 <= wanted.days_from <= 3660,
            "Give whole days from 1 to 3660.",
        ),
        "forecast_from": (_fits(wanted.forecast_from, _MOST_PERCENT, 2), _PERCENT),
        "window_days": (
            1 <= wanted.window_days <= LONGEST_WINDOW,
            f"Give whole days from 1 to {LONGEST_WINDOW}.",
        ),
        "remind_after_hours": (1 <= wanted.remind_after_hours <= LATEST_HOURS, hours),
        "escalate_after_hours": (1 <= wanted.escalate_after_hours <= LATEST_HOURS, hours),
        "expires_after_days": (
            1 <= wanted.expires_after_days <= LATEST_EXPIRY,
            f"Give whole days from 1 to {LATEST_EXPIRY}.",
        ),
        "group": (
            wanted.demand is not Demand.AUTOMATIC or wanted.group is None,
            "Leave it empty: nobody is asked.",
        ),
    }


_PERCENT = "Give a percentage from zero on, with at most two decimals."


def _fits(value: Decimal | None, below: Decimal, decimals: int) -> bool:
    if value is None:
        return True
    if not value.is_finite() or not 0 <= value < below:
        return False
    return value == round(value, decimals)


def _store(
    wanted: Wanted, position: int, start: datetime, *, by: Actor, at: datetime
) -> ApprovalPolicy:
    check(wanted)
    if start < at:
        raise Invalid(field="from", fix="Give a start from now on: what counted does not change.")
    row = wanted.row()
    row.name, row.environment = wanted.name.strip(), wanted.environment.strip()
    row.kinds = [kind.value for kind in RequestKind if kind in wanted.kinds]
    row.position, row.effective_from, row.set_by = position, start, by.email
    row.save(force_insert=True)
    _record("policy.add", row, by, at=at, after=_said(row))
    return row


def _end(row: ApprovalPolicy, instant: datetime, *, by: Actor, at: datetime, reason: str) -> None:
    before, row.effective_until = row.effective_until, instant
    row.save(update_fields=["effective_until"])
    _record(
        "policy.end",
        row,
        by,
        at=at,
        before={"effective_until": before},
        after={"effective_until": instant},
        reason=reason,
    )


def _locked(policy: ApprovalPolicy, *, at: datetime) -> ApprovalPolicy:
    row: ApprovalPolicy = ApprovalPolicy.objects.select_for_update(no_key=True).get(pk=policy.pk)
    if row.effective_until is not None and row.effective_until <= max(at, row.effective_from):
        raise PolicyOver(name=row.name)
    return row


def _not_over(at: datetime) -> QuerySet[ApprovalPolicy]:
    over = Q(effective_until__lte=at) | Q(effective_until__lte=F("effective_from"))
    return ApprovalPolicy.objects.exclude(over)


def _one_at_a_time() -> None:
    """Let whoever orders the tenant's policies wait until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7421, %s)", [scope.tenant_id() % 2**31])


def _place(row: ApprovalPolicy, order: list[ApprovalPolicy]) -> dict[str, object]:
    return {"position": row.position, "order": [one.name for one in order]}


def _said(row: ApprovalPolicy) -> dict[str, Any]:
    """What a policy says, as the audit log has it."""
    named = {"group": row.group, "escalate_to": row.escalate_to, "team": row.team}
    values = {name: getattr(row, name) for name in _COLUMNS if name not in (*named, "product")}
    return {
        **values,
        **{name: str(one) if one else None for name, one in named.items()},
        "product": row.product.name if row.product else None,
        "position": row.position,
        "effective_from": row.effective_from,
    }


def _record(
    action: str,
    row: ApprovalPolicy,
    by: Actor,
    *,
    at: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> None:
    subject = f"policy {row.pk} {row.name}"
    audit.record(action, subject, by=by.email, at=at, before=before, after=after, reason=reason)

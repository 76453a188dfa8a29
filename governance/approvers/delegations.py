"""Delegations: for a time, one person decides in another's place. They are not passed on.

A person delegates for themself, an administrator for anybody. What was decided meanwhile stays
when a delegation ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from governance.models import Delegation
from tenancy import access, audit
from tenancy.access import Actor
from tenancy.models import Membership, Person, Role
from tenancy.refusals import Invalid, Refused

#: Whoever is away for longer needs another role, not a stand-in.
LONGEST = timedelta(days=366)
_MOMENT = timedelta(microseconds=1)


class NotYoursToDelegate(Refused):
    code = "not-yours-to-delegate"
    status = 403
    text = "You name a stand-in for yourself; for {person} an administrator does."


class StandsInAlready(Refused):
    code = "stands-in-already"
    field = "stand_in"
    text = "{stand_in} stands in for {absent} within that time already. End that first."


class DelegationOver(Refused):
    code = "delegation-over"
    text = "{stand_in} has not stood in for {absent} any more since {ended:%Y-%m-%d %H:%M} UTC."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is away, who decides for them, from when to before when, and why."""

    absent: Person
    stand_in: Person
    from_instant: datetime
    until: datetime
    reason: str = ""


def delegate(wanted: Wanted, *, by: Actor, at: datetime) -> Delegation:
    """Let one person decide in another's place for a time.

    Raises:
        NotYoursToDelegate: it is for another person, and the actor is no administrator.
        Invalid: it is for nobody, for no time or over already, or one of them is no member.
        StandsInAlready: within another delegation of the same two.
    """
    if not may_delegate(by, wanted.absent.pk):
        raise NotYoursToDelegate(person=wanted.absent)
    _check(wanted, at=at)
    row: Delegation = Delegation.objects.create(
        absent=wanted.absent,
        stand_in=wanted.stand_in,
        effective_from=wanted.from_instant,
        effective_until=wanted.until,
        reason=wanted.reason.strip(),
        made_by=by.email,
    )
    _record("delegation.add", row, by, at=at, after=_said(row), reason=row.reason)
    return row


def end(delegation: Delegation, *, by: Actor, at: datetime) -> Delegation:
    """Let the absent person decide for themself again from now on.

    Raises:
        NotYoursToDelegate: it is another person's, and the actor is no administrator.
        DelegationOver: it has ended.
    """
    row: Delegation = Delegation.objects.select_for_update(no_key=True).get(pk=delegation.pk)
    if not may_delegate(by, row.absent_id):
        raise NotYoursToDelegate(person=row.absent)
    if row.effective_until <= at:
        raise DelegationOver(stand_in=row.stand_in, absent=row.absent, ended=row.effective_until)
    before = _said(row)
    row.effective_until = at
    row.effective_from = min(row.effective_from, at - _MOMENT)
    row.save(update_fields=["effective_from", "effective_until"])
    _record("delegation.end", row, by, at=at, before=before, after=_said(row))
    return row


def standing_in_for(person_id: int, *, at: datetime) -> tuple[int, ...]:
    """The ids of those in whose place a person may decide at an instant, in order.

    Only of members; whoever they in turn stand in for is not among them.
    """
    rows = Delegation.objects.filter(
        stand_in_id=person_id,
        effective_from__lte=at,
        effective_until__gt=at,
        absent__in=Membership.objects.values("person"),
    )
    return tuple(sorted(set(rows.values_list("absent_id", flat=True))))


def may_delegate(actor: Actor, person_id: int) -> bool:
    """Whether somebody may name a stand-in for a person."""
    return actor.role is Role.ADMIN or actor.person_id == person_id


def seen_by(actor: Actor) -> QuerySet[Delegation]:
    """The delegations that the actor may see, the latest first."""
    rows: QuerySet[Delegation] = access.many(Delegation, actor)
    return rows.select_related("absent", "stand_in").order_by("-effective_from", "-id")


def one(actor: Actor, number: int) -> Delegation:
    """The delegation of this number.

    Raises:
        NotFound: there is none, or it is not the actor's to see.
    """
    return access.one(Delegation, actor, pk=number)


def _check(wanted: Wanted, *, at: datetime) -> None:
    members = set(
        Membership.objects.filter(
            person__in=[wanted.absent.pk, wanted.stand_in.pk], person__is_active=True
        ).values_list("person_id", flat=True)
    )
    if wanted.absent.pk not in members:
        raise Invalid(field="absent", fix="Choose a member of this tenant.")
    if wanted.stand_in.pk not in members:
        raise Invalid(field="stand_in", fix="Choose a member of this tenant.")
    if wanted.absent == wanted.stand_in:
        raise Invalid(field="stand_in", fix="Choose somebody else than who is away.")
    if wanted.until <= max(wanted.from_instant, at):
        raise Invalid(field="until", fix="Give an end after the start and after now.")
    if wanted.until - wanted.from_instant > LONGEST:
        raise Invalid(field="until", fix=f"Give an end within {LONGEST.days} days of the start.")
    if wanted.from_instant < at:
        raise Invalid(field="from", fix="Give a start from now on.")
    same = Delegation.objects.filter(absent=wanted.absent, stand_in=wanted.stand_in)
    if same.filter(
        effective_from__lt=wanted.until, effective_until__gt=wanted.from_instant
    ).exists():
        raise StandsInAlready(stand_in=wanted.stand_in, absent=wanted.absent)


def _said(row: Delegation) -> dict[str, object]:
    return {
        "absent": row.absent.email,
        "stand_in": row.stand_in.email,
        "from": row.effective_from,
        "until": row.effective_until,
    }


def _record(
    action: str,
    row: Delegation,
    by: Actor,
    *,
    at: datetime,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
    reason: str = "",
) -> None:
    subject = f"delegation {row.pk}"
    audit.record(action, subject, by=by.email, at=at, before=before, after=after, reason=reason)

"""Whose a subscription is, and for what, from which local day on.

Assignments are effective-dated and never change: one for a day that has one already takes its
place. One that begins on a day that is over when it is made is *retroactive*: it moves what was
used since, so that it needs a reason and every statement it touches tells of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from django.db.models import Exists, OuterRef, QuerySet, Subquery

from inventory.models import CostCenter, Owner, Ownership, Subscription, Team
from tenancy import access, audit, periods, scope, tenants
from tenancy.access import Actor
from tenancy.refusals import NotFound, Refused


class NeedsReason(Refused):
    code = "retroactive-needs-reason"
    status = 400
    field = "reason"
    text = (
        "{from_day} is over: what was used since then moves too. Give a reason; the statements of"
        " the teams concerned show it."
    )


class MonthClosed(Refused):
    code = "ownership-month-closed"
    status = 409
    field = "from_day"
    text = (
        "{month} is closed and its statements stand. Choose a day from {open_from} on, and settle"
        " what lies before by an adjustment."
    )


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who bears a subscription's cost, and for what.

    ``team`` None: nobody. ``cost_center`` None: the team's own.
    """

    team: Team | None
    cost_center: CostCenter | None = None
    environment: str = ""
    application: str = ""


class Way(StrEnum):
    """What an assignment does: nothing, something from today or later on, or to days over."""

    SAME = "same"
    AHEAD = "ahead"
    RETROACTIVE = "retroactive"


_ACTIONS = {
    Way.AHEAD: "ownership.assign",
    Way.RETROACTIVE: "ownership.assign-retroactively",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """What an assignment would do, and what is in force on its first day, if anything is."""

    way: Way
    before: Owner | None


@dataclass(frozen=True, slots=True)
class Held:
    """A stretch of ownership: from a local day to before another (None: until now).

    ``team`` None: nobody's. ``retroactive``: it was written down after its first day.
    """

    team: Team | None
    cost_center: CostCenter | None
    environment: str
    application: str
    from_day: date
    until_day: date | None
    reason: str
    recorded_at: datetime
    recorded_by: str
    retroactive: bool


def assign(
    subscription: Subscription,
    to: Attribution,
    *,
    from_day: date,
    by: str,
    at: datetime,
    closed: Collection[date],
    reason: str = "",
) -> Ownership:
    """From this local day on, up to the next assignment, the subscription is ``to``'s.

    ``closed`` has the first days of the months whose statements stand: `billing.attribution`
    knows them. What is in force on that day already changes nothing.

    Raises:
        NeedsReason: the day is over in the tenant's time zone, and no reason is given.
        MonthClosed: it would change a day of a closed month.
    """
    _one_at_a_time(subscription)
    checked = check(subscription, to, from_day=from_day, at=at, closed=closed, reason=reason)
    if checked.way is Way.SAME and checked.before:
        return Ownership.objects.get(id=checked.before.pk)
    row = Ownership.objects.create(
        subscription=subscription,
        team=to.team,
        cost_center=to.cost_center,
        environment=to.environment.strip(),
        application=to.application.strip(),
        from_day=from_day,
        reason=reason.strip(),
        recorded_at=at,
        recorded_by=by,
    )
    audit.record(
        _ACTIONS[checked.way],
        f"{subscription.gateway.name}/{subscription.name}",
        by=by,
        at=at,
        before=_said(checked.before),
        after={**_said(row), "from_day": from_day},
        reason=row.reason,
    )
    return row


def check(
    subscription: Subscription,
    to: Attribution,
    *,
    from_day: date,
    at: datetime,
    closed: Collection[date],
    reason: str,
) -> Checked:
    """What an assignment would be; nothing is written.

    Raises:
        NeedsReason, MonthClosed: as `assign` does.
    """
    before = on(subscription, from_day)
    if before and _same(before, to):
        return Checked(Way.SAME, before)
    retroactive = from_day < periods.local_day(at, tenants.billing().zone)
    if retroactive and not reason.strip():
        raise NeedsReason(from_day=from_day)
    _refuse_closed(from_day, _next_start(subscription, from_day), closed)
    return Checked(Way.RETROACTIVE if retroactive else Way.AHEAD, before)


def on(subscription: Subscription, day: date) -> Owner | None:
    """What is in force for a subscription on a local day; None: nothing was ever said."""
    return in_force([subscription.pk], day).get(subscription.pk)


def owner_on(subscription: Subscription, day: date) -> Team | None:
    """The team that owns a subscription on a local day."""
    row = on(subscription, day)
    return row.team if row else None


def in_force(subscription_ids: Iterable[int], day: date) -> dict[int, Owner]:
    """By subscription id, what is in force on a local day; absent: nothing was ever said."""
    rows = Owner.objects.filter(subscription_id__in=list(subscription_ids), from_day__lte=day)
    now = rows.exclude(until_day__lte=day).select_related("team", "cost_center")
    return {row.subscription_id: row for row in now}


def recorded(actor: Actor, subscription: Subscription) -> QuerySet[Ownership]:
    """All that was ever said of a subscription, as far as the actor may see.

    Each with ``until_day``, and ``replaced`` where a later one for the same day counts instead.
    """
    same = Ownership.objects.filter(subscription=subscription)
    later = same.filter(from_day__gt=OuterRef("from_day")).order_by("from_day")
    rows = access.many(Ownership, actor).filter(subscription=subscription)
    return rows.select_related("team", "cost_center").annotate(
        until_day=Subquery(later.values("from_day")[:1]),
        replaced=Exists(same.filter(from_day=OuterRef("from_day"), id__gt=OuterRef("id"))),
    )


def is_retroactive(row: Owner | Ownership) -> bool:
    """Whether it was written down when its first day was over, in the tenant's time zone."""
    return row.from_day < periods.local_day(row.recorded_at, tenants.billing().zone)


def history(actor: Actor, subscription: Subscription) -> tuple[Held, ...]:
    """Whose a subscription was and is, newest first, as far as the actor may see."""
    rows = (
        access.many(Owner, actor)
        .filter(subscription=subscription)
        .select_related("team", "cost_center")
        .order_by("-from_day")
    )
    return tuple(
        Held(
            team=row.team,
            cost_center=row.cost_center,
            environment=row.environment,
            application=row.application,
            from_day=row.from_day,
            until_day=row.until_day,
            reason=row.reason,
            recorded_at=row.recorded_at,
            recorded_by=row.recorded_by,
            retroactive=is_retroactive(row),
        )
        for row in rows
    )


def _one_at_a_time(subscription: Subscription) -> None:
    """Let whoever assigns the same subscription wait until this transaction ends."""
    rows = Subscription.objects.select_for_update(no_key=True).filter(
        tenant_id=scope.tenant_id(), id=subscription.pk
    )
    if not rows.values_list("id", flat=True).first():
        raise NotFound(kind="APIM subscription")


def _same(held: Owner, to: Attribution) -> bool:
    now = (held.team, held.cost_center, held.environment, held.application)
    return now == (to.team, to.cost_center, to.environment.strip(), to.application.strip())


def _next_start(subscription: Subscription, day: date) -> date | None:
    """The first day after this one from which something else is said."""
    rows = Ownership.objects.filter(subscription=subscription, from_day__gt=day)
    return rows.order_by("from_day").values_list("from_day", flat=True).first()


def _refuse_closed(from_day: date, until: date | None, closed: Collection[date]) -> None:
    """Let nothing pass that changes a day of one of the months that begin on ``closed``."""
    touched = [
        first for first in closed if _after(first) > from_day and (until is None or first < until)
    ]
    if touched:
        last = max(touched)
        raise MonthClosed(month=f"{last:%Y-%m}", open_from=_after(last))


def _after(first_day: date) -> date:
    """The first day of the month after the one that begins on this day."""
    return (first_day + timedelta(days=32)).replace(day=1)


def _said(row: Owner | Ownership | None) -> dict[str, object]:
    """What a row says, as the audit log has it."""
    if row is None:
        return {"team": None}
    return {
        "team": row.team.slug if row.team else None,
        "cost_center": row.cost_center.code if row.cost_center else None,
        "environment": row.environment,
        "application": row.application,
    }

"""What is told of an alert: of a quota to who uses it up, of a budget to who answers for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from governance.alerts import TOLD_WITH
from governance.models import Alert, AlertKind, Level, Span
from governance.notifications import about_suspensions, people
from governance.notifications.telling import News, Told
from governance.rules.topics import Topic
from inventory.models import CostCenter, Team
from tenancy.models import Role

LINKS = ("subscription__gateway", "product", "team__cost_center", "cost_center")
_TOPICS = {
    AlertKind.QUOTA_USED: Topic.QUOTA_THRESHOLD,
    AlertKind.QUOTA_FORECAST: Topic.QUOTA_FORECAST,
    AlertKind.BUDGET_USED: Topic.BUDGET_THRESHOLD,
    AlertKind.BUDGET_FORECAST: Topic.BUDGET_FORECAST,
}
_BUDGETS = frozenset({AlertKind.BUDGET_USED, AlertKind.BUDGET_FORECAST})


def news(row: Alert, *, at: datetime, late: timedelta) -> Iterator[Told]:
    """An alert to tell; nothing of one that is over and began long ago.

    Of thresholds that were passed at once only the highest is told.
    """
    if row.resolved_at is not None and row.fired_at <= at - late:
        return
    if TOLD_WITH in row.evidence:
        return
    team = _team(row, at)
    told = News(
        topic=_TOPICS[AlertKind(row.kind)],
        key=f"alert:{row.pk}",
        subject_kind=row.level.value.replace("_", " "),
        subject_key=str(row.subject)[:200],
        title=_title(row),
        lines=tuple(_lines(row)),
        link=_link(row, team),
        happened_at=row.fired_at,
        team=team,
        cost_center=_center(row, team),
    )
    yield Told(told, lambda: _concerned(row, team))


def _title(row: Alert) -> str:
    each, of = Span(row.span).label, _called(row)
    match AlertKind(row.kind):
        case AlertKind.QUOTA_USED:
            return f"{row.threshold} % of the quota of {of} is used ({each})"
        case AlertKind.QUOTA_FORECAST:
            return f"The quota of {of} is likely to run out ({each})"
        case AlertKind.BUDGET_USED:
            return f"{row.threshold} % of the budget of {of} is spent ({each})"
        case AlertKind.BUDGET_FORECAST:
            return f"The budget of {of} is likely to be passed ({each})"


def _called(row: Alert) -> str:
    if row.subscription is not None:
        return about_suspensions.called(row.subscription)
    return str(row.subject)


def _lines(row: Alert) -> Iterator[str]:
    """The figures it rests on, as the alert wrote them down."""
    for name, value in row.evidence.items():
        if isinstance(value, str | int):
            yield f"{name.replace('_', ' ').capitalize()}: {value}"


def _team(row: Alert, at: datetime) -> Team | None:
    if row.level is Level.SUBSCRIPTION and row.subscription is not None:
        return about_suspensions.team_of(row.subscription, at)
    found: Team | None = row.team
    return found


def _center(row: Alert, team: Team | None) -> CostCenter | None:
    """Whose owner it concerns: a cost center's own, and that of a team with a budget."""
    of_team = row.kind in _BUDGETS and team is not None
    found: CostCenter | None = team.cost_center if of_team and team else row.cost_center
    return found


def _link(row: Alert, team: Team | None) -> str:
    if row.subscription is not None:
        return f"subscriptions/{row.subscription.gateway.name}/{row.subscription.name}/"
    return f"teams/{team.slug}/" if team else ""


def _concerned(row: Alert, team: Team | None) -> set[int]:
    """The team's owners; of what is no team's, finance and administrators; budgets' keepers."""
    center = _center(row, team)
    found = people.owners(team.pk if team else None) | people.center_owner(center)
    if row.kind in _BUDGETS:
        found |= people.of_roles(Role.FINANCE)
    if not found:
        found = people.of_roles(Role.ADMIN, Role.FINANCE)
    return found

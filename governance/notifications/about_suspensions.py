"""What is told of a subscription that Apportion suspended, or serves again."""

from __future__ import annotations

from datetime import datetime

from governance.models import Suspension
from governance.notifications import people
from governance.notifications.telling import News, Told
from governance.rules.topics import Topic
from inventory import ownership
from inventory.models import Subscription, Team
from tenancy import periods, tenants
from tenancy.models import Role


def suspended(row: Suspension, *, at: datetime) -> Told:
    """That the gateway refuses its calls, and why."""
    return _told(row, Topic.SUSPENDED, "was suspended", row.reason, row.since, at)


def served(row: Suspension, *, at: datetime) -> Told:
    """That the gateway serves it again, and why."""
    lifted = row.lifted_at or at
    return _told(row, Topic.REACTIVATED, "is served again", row.lifted_because, lifted, at)


def team_of(subscription: Subscription, at: datetime) -> Team | None:
    """Whose a subscription is at an instant."""
    day = periods.local_day(at, tenants.billing().zone)
    return ownership.owner_on(subscription, day)


def called(subscription: Subscription) -> str:
    """How a subscription is called by those who use it."""
    return subscription.display_name or str(subscription)


def _told(
    row: Suspension, topic: Topic, says: str, why: str, happened: datetime, at: datetime
) -> Told:
    team, key = team_of(row.subscription, at), row.subscription
    news = News(
        topic=topic,
        key=f"suspension:{row.pk}:{topic}",
        subject_kind="subscription",
        subject_key=key.name,
        title=f"{called(key)} {says}",
        lines=(why,) if why else (),
        link=f"subscriptions/{key.gateway.name}/{key.name}/",
        happened_at=happened,
        team=team,
    )
    return Told(news, lambda: people.owners(team.pk) if team else people.of_roles(Role.ADMIN))

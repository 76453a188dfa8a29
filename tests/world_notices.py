"""What the people of a tenant were told: one notice of a team, with a delivery of each sort."""

from __future__ import annotations

from datetime import datetime, timedelta

from governance.models import Channel, Delivery, DeliveryState, Endpoint, NewsMark, Notice
from governance.models import Preference as Wish
from governance.rules.topics import Timing, Topic
from inventory.models import Team
from tenancy.models import Person


def told(team: Team, person: Person, *, at: datetime) -> None:
    """In the tenant in scope: an endpoint of the team and one of the tenant, both told."""
    notice = Notice.objects.create(
        topic=Topic.SUSPENDED.value,
        key=f"suspension:{team.slug}",
        subject_kind="subscription",
        subject_key=f"key-{team.slug}",
        team=team,
        cost_center=team.cost_center,
        title=f"Key of {team.slug} was suspended",
        lines=["Spend reached the limit."],
        link=f"teams/{team.slug}/",
        happened_at=at,
        recorded_at=at,
    )
    times = {"recorded_at": at, "first_due_at": at, "due_at": at}
    for owner in (team, None):
        endpoint = Endpoint.objects.create(
            name=f"Channel of {team.slug}" if owner else "Everything",
            kind=Channel.WEBHOOK,
            team=owner,
            url="https://hooks.example.org/apportion",
            topics=[Topic.SUSPENDED.value],
            set_by=person.email,
            set_at=at,
        )
        Delivery.objects.create(
            notice=notice,
            channel=Channel.WEBHOOK,
            endpoint=endpoint,
            state=DeliveryState.SENT,
            tries=1,
            status=204,
            sent_at=at,
            **times,
        )
    for channel in (Channel.INBOX, Channel.EMAIL):
        Delivery.objects.create(
            notice=notice,
            channel=channel,
            person=person,
            state=DeliveryState.SENT,
            sent_at=at,
            **times,
        )
    Wish.objects.create(person=person, topic=Topic.REQUEST_REMINDER, email=Timing.OFF.value)
    NewsMark.objects.create(source="suspensions", through=at - timedelta(minutes=1))

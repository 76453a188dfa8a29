"""What is told of a request: to who asked that it moved, to who may decide that it waits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import models

from governance import roles
from governance.approvers import deciders
from governance.models import (
    ApprovalNeed,
    Delivery,
    EventKind,
    GroupMember,
    QuotaRequest,
    RequestEvent,
    RequestState,
    Whose,
)
from governance.notifications import about_suspensions, people
from governance.notifications.telling import News, Told
from governance.rules.topics import Topic
from tenancy.models import Role

LINKS = ("request__team__cost_center", "request__subscription", "request__requested_by")
#: What moves a request, as its author reads it.
_MOVED = {
    EventKind.COMMENTED: "has a comment",
    EventKind.ASKED: "has a question for you",
    EventKind.APPROVED_PART: "was approved by one of several",
    EventKind.APPROVED: "was approved",
    EventKind.REJECTED: "was rejected",
    EventKind.WITHDRAWN: "was withdrawn",
    EventKind.EXPIRED: "expired: nobody decided in time",
    EventKind.ESCALATED: "was escalated",
    EventKind.APPLIED: "was applied",
    EventKind.FAILED: "was approved but could not be applied",
    EventKind.ENDED: "ended early",
}
#: What makes it wait for others.
_WAITS = {
    EventKind.SUBMITTED: (Topic.REQUEST_WAITING, "waits for a decision"),
    EventKind.AMENDED: (Topic.REQUEST_WAITING, "was amended and waits for a decision"),
    EventKind.ANSWERED: (Topic.REQUEST_WAITING, "was answered and waits for a decision"),
    EventKind.APPROVED_PART: (Topic.REQUEST_WAITING, "waits for another approval"),
    EventKind.REMINDED: (Topic.REQUEST_REMINDER, "still waits for a decision"),
    EventKind.ESCALATED: (Topic.REQUEST_ESCALATED, "was escalated and waits for a decision"),
}


def news(event: RequestEvent, *, at: datetime) -> Iterator[Told]:
    """What one event of a request gives to tell; nothing for most of a draft's."""
    kind, asked = EventKind(event.kind), event.request
    if says := _MOVED.get(kind):
        yield Told(
            _news(event, Topic.REQUEST_MOVED, says), lambda: _concerned(event) - {event.person_id}
        )
    if kind in _WAITS and asked.state == RequestState.SUBMITTED and asked.version == event.version:
        topic, says = _WAITS[kind]
        yield Told(_news(event, topic, says), lambda: _waiting_for(event, at))


def _news(event: RequestEvent, topic: Topic, says: str) -> News:
    asked = event.request
    return News(
        topic=topic,
        key=f"request:{asked.pk}:v{event.version}:{topic}:{event.pk}",
        subject_kind="request",
        subject_key=str(asked.number),
        title=f"Request {asked.number} of {asked.team} {says}",
        lines=tuple(_lines(event)),
        link=f"requests/{asked.number}/",
        happened_at=event.at,
        team=asked.team,
        cost_center=asked.team.cost_center,
    )


def _lines(event: RequestEvent) -> Iterator[str]:
    asked = event.request
    about = f", {about_suspensions.called(asked.subscription)}" if asked.subscription else ""
    yield f"{asked.get_kind_display().capitalize()}{about}. Asked by {asked.requested_by.name}."
    if event.text:
        yield f"{event.by}: {event.text}"
    elif event.person_id:
        yield f"By {event.by}."
    if asked.runs_out_on and asked.state == RequestState.SUBMITTED:
        yield f"Without it the limit is likely reached on {asked.runs_out_on:%-d %B %Y}."
    if event.kind == EventKind.FAILED and asked.error:
        yield asked.error


def _concerned(event: RequestEvent) -> set[int]:
    """Who asked and the team's owners; where it failed those too who run the gateway."""
    found = {event.request.requested_by_id, *people.owners(event.request.team_id)}
    if event.kind == EventKind.FAILED:
        found |= people.of_roles(Role.ADMIN)
    return found


def _waiting_for(event: RequestEvent, at: datetime) -> set[int]:
    """Who may decide now, as far as this version's waiting was not told to them before."""
    asked = event.request
    actors = people.actors(_candidates(asked))
    found = {one.person_id for one in actors if deciders.may_decide(one, asked, at=at).allowed}
    if event.kind == EventKind.APPROVED_PART:
        return found - _told(asked)
    if event.kind == EventKind.ESCALATED and not _needs(asked).exclude(escalated_to=None).exists():
        found |= people.of_roles(Role.ADMIN)
    return found - {event.person_id}


def _candidates(asked: QuotaRequest) -> set[int]:
    """Everybody who might be allowed to: approvers, groups, the cost center's owner, stand-ins."""
    needs = _needs(asked)
    named = {id for pair in needs.values_list("group", "escalated_to") for id in pair if id}
    members = GroupMember.objects.filter(group_id__in=named).values_list("person_id", flat=True)
    found = {*people.of_roles(*roles.APPROVING), *members}
    owner = asked.team.cost_center.owner_id
    if owner is not None and needs.filter(whose=Whose.OWNER).exists():
        found |= {owner}
    return found | people.stand_ins(found)


def _needs(asked: QuotaRequest) -> models.QuerySet[ApprovalNeed]:
    rows: models.QuerySet[ApprovalNeed] = ApprovalNeed.objects.filter(
        request=asked, version=asked.version
    )
    return rows


def _told(asked: QuotaRequest) -> set[int]:
    start = f"request:{asked.pk}:v{asked.version}:{Topic.REQUEST_WAITING}:"
    rows = Delivery.objects.filter(notice__key__startswith=start).exclude(person=None)
    return {person for person in rows.values_list("person_id", flat=True) if person}

"""Addresses that notices are posted to: of the tenant, kept by administrators, or of one team,
kept by its owners too."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from governance.channels import wire
from governance.models import Delivery, Endpoint, EndpointKind, Notice
from governance.rules import addresses, signing
from governance.rules.topics import FOR_ENDPOINTS, Topic
from inventory.models import Part, Team, TeamMember
from tenancy import access, audit, scope
from tenancy.access import Actor
from tenancy.models import Role
from tenancy.refusals import Invalid, Refused

Kind = EndpointKind
#: Of the tenant, and of each team.
MOST = 10


class NotKept(Refused):
    code = "not-allowed"
    status = 403
    text = "Endpoints of {whose} are for {who}. Ask one of them."


class TooMany(Refused):
    code = "too-many-endpoints"
    status = 409
    text = f"There are {MOST} endpoints already. Remove one first."


@dataclass(frozen=True, slots=True)
class Wanted:
    """An endpoint as somebody wants it. ``url`` None: as it is."""

    name: str
    kind: EndpointKind
    url: str | None
    topics: tuple[Topic, ...]
    active: bool = True


def listed(actor: Actor, team: Team | None) -> tuple[Endpoint, ...]:
    """The endpoints of a team, or the tenant's own, by name."""
    return tuple(access.many(Endpoint, actor).filter(team=team).select_related("team"))


def seen_by(actor: Actor) -> Any:
    """All endpoints that the actor may see."""
    return access.many(Endpoint, actor).select_related("team")


def one(actor: Actor, number: int) -> Endpoint:
    """The endpoint of this number.

    Raises:
        NotFound: there is none, or it is not the actor's to see.
    """
    return access.one(Endpoint, actor, pk=number)


def may_keep(actor: Actor, team: Team | None) -> bool:
    """Whether the actor may change endpoints of the team, or with None those of the tenant."""
    if actor.role is Role.ADMIN:
        return True
    if team is None:
        return False
    owners = TeamMember.objects.filter(team=team, person_id=actor.person_id, part=Part.OWNER)
    return owners.exists()


def require(actor: Actor, team: Team | None) -> None:
    """Let those go on who may keep these endpoints.

    Raises:
        NotKept: the actor may not.
    """
    if not may_keep(actor, team):
        whose, who = "the tenant", "administrators"
        if team is not None:
            whose, who = team.name, "its owners and administrators"
        raise NotKept(whose=whose, who=who)


def add(actor: Actor, team: Team | None, wanted: Wanted, *, at: datetime) -> Endpoint:
    """A new endpoint of a team, or with None of the tenant.

    Raises:
        NotKept, TooMany.
        BadAddress: the address is of another form, or does not lead to a public place.
        Invalid: it has no name, or is told of nothing.
    """
    require(actor, team)
    if Endpoint.objects.filter(team=team).count() >= MOST:
        raise TooMany()
    row = Endpoint(team=team)
    _apply(row, wanted, by=actor.email, at=at)
    row.save()
    _record("endpoint.add", row, actor, at=at, after=_plain(row))
    return row


def change(actor: Actor, row: Endpoint, wanted: Wanted, *, at: datetime) -> Endpoint:
    """Have an endpoint as wanted; its kind stays.

    Raises:
        NotKept, BadAddress, Invalid: as `add`.
    """
    require(actor, row.team)
    before = _plain(row)
    _apply(row, wanted, by=actor.email, at=at)
    if _plain(row) != before or wanted.url is not None:
        row.save()
        _record("endpoint.change", row, actor, at=at, before=before, after=_plain(row))
    return row


def remove(actor: Actor, row: Endpoint, *, at: datetime) -> None:
    """Take an endpoint away, with the log of what was delivered to it.

    Raises:
        NotKept: the actor may not.
    """
    require(actor, row.team)
    before = _plain(row)
    _record("endpoint.remove", row, actor, at=at, before=before)
    Delivery.objects.filter(endpoint=row).delete()
    row.delete()


def rotate(actor: Actor, row: Endpoint, *, at: datetime) -> str:
    """A new secret, to be shown once; for a day notices are signed with the old one too.

    Raises:
        NotKept: the actor may not.
    """
    require(actor, row.team)
    row.generation, row.rotated_at = row.generation + 1, at
    row.save(update_fields=["generation", "rotated_at"])
    _record("endpoint.rotate", row, actor, at=at, after={"generation": row.generation})
    return _secret(row, row.generation)


def show_secret(actor: Actor, row: Endpoint, *, at: datetime) -> str:
    """The secret in force, to whoever keeps the endpoint; that it was shown is in the audit log.

    Raises:
        NotKept: the actor may not.
    """
    require(actor, row.team)
    _record("endpoint.show-secret", row, actor, at=at, after={"generation": row.generation})
    return _secret(row, row.generation)


def secrets(row: Endpoint, *, at: datetime) -> tuple[str, ...]:
    """What a notice is signed with now: the newest first, and one that was changed lately."""
    newest = _secret(row, row.generation)
    lately = row.rotated_at is not None and at < row.rotated_at + signing.BOTH_FOR
    return (newest, _secret(row, row.generation - 1)) if lately else (newest,)


def try_out(actor: Actor, row: Endpoint, *, at: datetime) -> Delivery:
    """Have a test sent at the next cycle; the log shows what came of it. Twice at once is once.

    Raises:
        NotKept: the actor may not.
    """
    require(actor, row.team)
    notice, _ = Notice.objects.get_or_create(
        key=f"test:{row.pk}:{at.isoformat()}",
        defaults={
            "topic": Topic.TEST.value,
            "subject_kind": "endpoint",
            "subject_key": str(row.pk),
            "team": row.team,
            "title": f"A test of {row.name}",
            "lines": [f"{actor.name} asked for it. Nothing has happened."],
            "link": page(row),
            "happened_at": at,
            "recorded_at": at,
        },
    )
    delivery, _ = Delivery.objects.get_or_create(
        notice=notice,
        endpoint=row,
        defaults={"channel": row.kind, "recorded_at": at, "first_due_at": at, "due_at": at},
    )
    return delivery


def page(row: Endpoint) -> str:
    """The path of the page on which an endpoint is kept, below the tenant's."""
    if row.team is None:
        return "notifications/endpoints/"
    return f"teams/{row.team.slug}/notifications/"


def shown_address(row: Endpoint) -> str:
    """An endpoint's address without its path, which for Teams and Slack is a secret."""
    return addresses.target(row.url).shown


def _apply(row: Endpoint, wanted: Wanted, *, by: str, at: datetime) -> None:
    name = " ".join(wanted.name.split())[:80]
    if not name:
        raise Invalid(field="name", fix="Give it a name.")
    if not wanted.topics or set(wanted.topics) - set(FOR_ENDPOINTS):
        raise Invalid(field="topics", fix="Choose at least one thing it is told of.")
    if wanted.url is not None:
        wire.check(wanted.url)
        row.url = wanted.url
    elif not row.url:
        raise Invalid(field="url", fix="Give its address.")
    row.name, row.kind, row.active = name, wanted.kind.value, wanted.active
    row.topics = [topic.value for topic in FOR_ENDPOINTS if topic in wanted.topics]
    row.set_by, row.set_at = by, at


def _secret(row: Endpoint, generation: int) -> str:
    return signing.secret(
        settings.SECRET_KEY, tenant=scope.tenant_id(), endpoint=row.pk, generation=generation
    )


def _plain(row: Endpoint) -> dict[str, Any]:
    """What the audit log keeps: of the address its host alone."""
    return {
        "name": row.name,
        "kind": row.kind,
        "team": row.team.slug if row.team else None,
        "host": addresses.target(row.url).netloc,
        "topics": row.topics,
        "active": row.active,
    }


def _record(action: str, row: Endpoint, actor: Actor, *, at: datetime, **values: Any) -> None:
    audit.record(action, f"endpoint {row.pk}: {row.name}", by=actor.email, at=at, **values)


def topics_of(values: Iterable[str]) -> tuple[Topic, ...]:
    """Topics by their names.

    Raises:
        Invalid: one of them is none that an endpoint can be told of.
    """
    known = {topic.value: topic for topic in FOR_ENDPOINTS}
    try:
        return tuple(known[value] for value in values)
    except KeyError as error:
        raise Invalid(field="topics", fix=f"{error.args[0]!r} is no topic.") from None

"""How a person wants to be told: by topic, in Apportion and by mail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from governance.models import Preference
from governance.rules.topics import ABOUT, FOR_PEOPLE, About, Timing, Topic
from tenancy import audit, scope
from tenancy.access import Actor


@dataclass(frozen=True, slots=True)
class Wish:
    """How one person wants to be told of one topic."""

    topic: Topic
    inbox: bool
    email: Timing

    @property
    def about(self) -> About:
        """The topic in words."""
        return ABOUT[self.topic]


def of(actor: Actor) -> tuple[Wish, ...]:
    """The actor's wishes, by topic; what was not chosen is as a topic says."""
    chosen = {row.topic: _wish(row) for row in Preference.visible_to(actor)}
    return tuple(chosen.get(topic) or usual(topic) for topic in FOR_PEOPLE)


def of_people(people: Iterable[int], topic: Topic) -> dict[int, Wish]:
    """By person id, how each wants to be told of a topic, in the tenant in scope."""
    wanted = set(people)
    rows = Preference.objects.filter(topic=topic.value, person_id__in=wanted)
    return dict.fromkeys(wanted, usual(topic)) | {row.person_id: _wish(row) for row in rows}


def usual(topic: Topic) -> Wish:
    """How one is told who has chosen nothing."""
    return Wish(topic, inbox=True, email=ABOUT[topic].timing)


def choose(actor: Actor, wishes: Iterable[Wish], *, at: datetime) -> None:
    """Have the actor told so from now on; topics that are not named stay as they are.

    What is waiting already goes as it was meant to.
    """
    before = {wish.topic: wish for wish in of(actor)}
    changed = [wish for wish in wishes if before[wish.topic] != wish]
    if not changed:
        return
    for wish in changed:
        Preference.objects.update_or_create(
            tenant_id=scope.tenant_id(),
            person_id=actor.person_id,
            topic=wish.topic.value,
            defaults={"inbox": wish.inbox, "email": wish.email.value},
        )
    audit.record(
        "notifications.choose",
        f"notifications of {actor.email}",
        by=actor.email,
        at=at,
        before=_plain(before[wish.topic] for wish in changed),
        after=_plain(changed),
    )


def _wish(row: Preference) -> Wish:
    return Wish(Topic(row.topic), inbox=row.inbox, email=Timing(row.email))


def _plain(wishes: Iterable[Wish]) -> dict[str, Mapping[str, object]]:
    return {wish.topic.value: {"inbox": wish.inbox, "email": wish.email.value} for wish in wishes}

"""What happened to a request, and what made one version of it another, in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from governance.models import EventKind, RequestEvent

#: What a version is made of, by the names it is kept under, in the reader's words.
_PARTS = {
    "kind": "Kind",
    "subscription": "Subscription",
    "gateway": "Gateway",
    "product": "Tier",
    "unit": "Counted in",
    "span": "Period",
    "amount": "Amount",
    "until": "Ends",
    "display_name": "Name",
    "environment": "Environment",
    "application": "Application",
    "reason": "What it is for",
    "expected": "What it should bring",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One part of what is asked that another version said otherwise."""

    part: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Happened:
    """One entry of the timeline. ``who`` is a person's name, or Apportion."""

    kind: EventKind
    says: str
    who: str
    at: datetime
    version: int
    text: str
    changes: tuple[Change, ...]


def timeline(events: Sequence[RequestEvent]) -> tuple[Happened, ...]:
    """All that happened, oldest first."""
    return tuple(
        Happened(
            kind=EventKind(one.kind),
            says=EventKind(one.kind).label,
            who=who(one),
            at=one.at,
            version=one.version,
            text=one.text,
            changes=_changes(one.details),
        )
        for one in events
    )


def changed_since(events: Sequence[RequestEvent], seen: int) -> tuple[Happened, ...]:
    """What made later versions of the one that was seen, oldest first."""
    return timeline([one for one in events if one.version > seen and one.kind == EventKind.AMENDED])


def who(event: RequestEvent) -> str:
    """Whose doing it was: a person's name, or the product's."""
    return event.person.name if event.person else event.by


def _changes(details: object) -> tuple[Change, ...]:
    changed = details.get("changed") if isinstance(details, Mapping) else None
    if not isinstance(changed, Mapping):
        return ()
    return tuple(
        Change(_PARTS[name], *(_worded(name, one.get(side)) for side in ("before", "after")))
        for name, one in changed.items()
        if name in _PARTS and isinstance(one, Mapping)
    )


def _worded(name: str, value: object) -> str:
    """A kept value as people write it: ``5000`` for ``5000.0000``."""
    if value in (None, ""):
        return "nothing"
    text = str(value)
    if name == "amount":
        try:
            return f"{Decimal(text):,.4f}".rstrip("0").rstrip(".")
        except InvalidOperation:
            return text
    return text

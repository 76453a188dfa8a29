"""What an event of usage is: one call that another gateway answered, checked field by field. Pure.

Everything that is wrong with an event is told at once, each with its field and what to give.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from billing.rules.event_bodies import Fault, Odd, Told
from billing.rules.event_tokens import Tokens
from billing.rules.token_classes import NOT_TOKENS, TokenClass
from inventory.rules.dimensions import LONGEST, Dimension

#: The most of anything that one call can have: sums of an hour stay far within what is kept.
MOST = 1_000_000_000_000
MOST_TRIES = 1_000_000
MOST_MILLISECONDS = 2_147_483_647
#: Texts that say which call it was, with the longest that is kept.
TEXTS: Mapping[str, int] = {
    "gateway": 62,
    "source": 256,
    "id": 128,
    "subscription": 256,
    "host": 255,
    "deployment": 256,
    "model": 128,
    "model_version": 64,
    "deployment_type": 64,
    "region": 64,
    "product": LONGEST,
    "api": LONGEST,
    "operation": LONGEST,
    "backend": LONGEST,
}
REQUIRED = ("gateway", "source", "id")
#: What the caller may tell with a call, and the dimension that it is.
METADATA: Mapping[str, Dimension] = {
    "application": Dimension.APPLICATION,
    "use_case": Dimension.USE_CASE,
    "agent": Dimension.AGENT,
    "environment": Dimension.ENVIRONMENT,
    "tenant": Dimension.CLIENT_TENANT,
    "user_group": Dimension.USER_GROUP,
    "cost_center": Dimension.COST_CENTER,
}
#: Numbers of `usage`, and what is said about them.
COUNTS = (
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "audio_prompt_tokens",
    "cached_audio_tokens",
    "audio_completion_tokens",
    "image_prompt_tokens",
    "image_completion_tokens",
)
INCLUDED = ("prompt_includes_cached", "completion_includes_reasoning")
TRIES = ("retries", "agent_steps", "tool_calls")
FIELDS = (
    *TEXTS,
    "time",
    "status",
    "cache_hit",
    "streaming",
    "latency_ms",
    "usage",
    "quantities",
    "metadata",
    *TRIES,
)
#: The values of the dimension, by what is told: as the gateway's log has them.
_STREAMED = {None: "", True: "streamed", False: "whole"}
_WAYS = ("product", "api", "operation", "region", "backend")
_INSTANT = re.compile(
    r"\A([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})\Z"
)
#: What no text may hold: control characters, and halves of a pair that stand alone.
_UNWRITABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One call. ``quantities`` are by token class, disjoint; empty texts were not told."""

    source: str
    id: str
    gateway: str
    at: datetime
    subscription: str = ""
    host: str = ""
    deployment: str = ""
    model: str = ""
    model_version: str = ""
    deployment_type: str = ""
    region: str = ""
    dimensions: dict[str, str] = field(default_factory=dict)
    quantities: dict[str, int] = field(default_factory=dict)
    status: int = 200
    cache_hit: bool = False
    milliseconds: int | None = None
    prompt_tokens: int = 0
    retries: int = 0
    agent_steps: int = 0
    tool_calls: int = 0

    @property
    def digest(self) -> str:
        """Of all it tells: two events of one digest are the same, however they were written."""
        # What was not told is left out, so that a field added later changes no digest.
        took = {"milliseconds": self.milliseconds}
        every = {one.name: getattr(self, one.name) for one in fields(self)}
        told: dict[str, Any] = {name: value for name, value in every.items() if value}
        told |= {name: value for name, value in took.items() if value is not None}
        told["at"] = self.at.isoformat()
        text = json.dumps(told, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def event(index: int, told: Told) -> Event | tuple[Fault, ...]:
    """The event that was told, or everything that is wrong with it."""
    top = _Part(told, index)
    texts = {name: top.text(name, longest) for name, longest in TEXTS.items()}
    at = top.instant("time")
    top.name("subscription", texts["subscription"])
    status = top.whole("status", most=599, least=100, default=200)
    cache_hit = top.flag("cache_hit", default=False)
    streaming = top.flag("streaming", default=None)
    took = top.whole("latency_ms", most=MOST_MILLISECONDS, default=None)
    tries = {name: top.whole(name, most=MOST_TRIES, default=0) or 0 for name in TRIES}
    usage, quantities = top.part("usage"), top.part("quantities")
    metadata = top.part("metadata")
    tokens = _tokens(usage)
    counted = tokens.classes() | _counted(quantities)
    about = {one.value: metadata.text(name, LONGEST) for name, one in METADATA.items()}
    top.end(FIELDS)
    metadata.end(METADATA)
    if cache_hit and counted:
        fix = "A call that the gateway's cache answered used none: leave usage and quantities out."
        top.fault("usage", fix)
    faults = (*top.faults, *usage.faults, *quantities.faults, *metadata.faults)
    if faults or at is None:
        return faults
    about |= {name: texts[name] for name in _WAYS} | {"streaming": _STREAMED[streaming]}
    return Event(
        source=texts["source"],
        id=texts["id"],
        gateway=texts["gateway"],
        at=at,
        subscription=texts["subscription"],
        host=texts["host"].lower(),
        deployment=texts["deployment"] or texts["model"],
        model=texts["model"],
        model_version=texts["model_version"],
        deployment_type=texts["deployment_type"],
        region=texts["region"],
        dimensions={name: value for name, value in about.items() if value},
        quantities={one.value: count for one, count in counted.items()},
        status=status or 200,
        cache_hit=bool(cache_hit),
        milliseconds=took,
        prompt_tokens=tokens.prompt,
        **tries,
    )


def untimely(index: int, one: Event, *, since: datetime, until: datetime) -> Fault | None:
    """What keeps the time of an event from being taken: from ``since`` to ``until`` it is."""
    if one.at > until:
        fix = f"{one.at.isoformat()} has not come yet. Check the clock and the offset from UTC."
        return Fault(index, "time", fix)
    if one.at < since:
        fix = f"Usage of this gateway is taken from {since.isoformat()} on."
        return Fault(index, "time", fix)
    return None


def _tokens(usage: _Part) -> Tokens:
    """What is told of tokens; none where it cannot be so."""
    counts = {name: usage.whole(name, most=MOST, default=None) for name in COUNTS}
    included = {name: usage.flag(name, default=True) for name in INCLUDED}
    usage.end((*COUNTS, *INCLUDED))
    told: dict[str, Any] = {name: count for name, count in counts.items() if count is not None}
    tokens = Tokens(**told, **{name: bool(value) for name, value in included.items()})
    for name, fix in () if usage.faults else tokens.mismatches:
        usage.fault(name, fix)
    return Tokens() if usage.faults else tokens


def _counted(quantities: _Part) -> dict[TokenClass, int]:
    """What is told of other units than tokens, by class."""
    counts = {name: quantities.whole(name, most=MOST, default=0) for name in NOT_TOKENS}
    quantities.end(NOT_TOKENS)
    return {TokenClass(name): count for name, count in counts.items() if count}


class _Part:
    """An object of an event: its fields are read one by one, and what is wrong is kept."""

    def __init__(self, told: Told, index: int, under: str = "") -> None:
        self._told, self._index, self._under = told, index, under
        self.faults: list[Fault] = []
        for name in told.doubled:
            self.fault(name, "Give it once.")

    def fault(self, name: str, fix: str) -> None:
        """Keep what is wrong with a field."""
        self.faults.append(Fault(self._index, f"{self._under}{_shown(name)}", fix))

    def text(self, name: str, longest: int) -> str:
        """The text of a field without the blanks round it; empty where it is not told."""
        value = self._told.get(name)
        if value is None and name not in REQUIRED:
            return ""
        if not isinstance(value, str) or isinstance(value, Odd):
            self.fault(name, f"Give a text of at most {longest} characters.")
        elif _UNWRITABLE.search(value):
            self.fault(name, "Leave out control characters and halves of a surrogate pair.")
        elif len(value.strip()) > longest:
            self.fault(name, f"Give at most {longest} characters; these are {len(value.strip())}.")
        elif name in REQUIRED and not value.strip():
            self.fault(name, "Give it: it is blank.")
        else:
            return value.strip()
        return ""

    def name(self, name: str, value: str) -> None:
        """Refuse what could not stand in an address."""
        if "/" in value or value in (".", ".."):
            self.fault(name, "Give a name without a slash: it stands in addresses.")

    def whole(self, name: str, *, most: int, least: int = 0, default: int | None) -> int | None:
        """The whole number of a field, or what stands for one that is not told."""
        value = self._told.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            fix = f"Give a whole number from {least} to {most}, as a JSON number, not {_of(value)}."
            self.fault(name, fix)
            return default
        return value

    def flag(self, name: str, *, default: bool | None) -> bool | None:
        """Whether something is so."""
        value = self._told.get(name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.fault(name, f"Give true or false, not {_of(value)}.")
        return default

    def instant(self, name: str) -> datetime | None:
        """The instant of a field, in UTC."""
        value = self._told.get(name)
        found = _INSTANT.match(value) if isinstance(value, str) else None
        if found:
            day, time, part, zone = found.groups()
            text = f"{day}T{time}{(part or '')[:7]}{zone.upper()}"
            try:
                return datetime.fromisoformat(text).astimezone(UTC)
            except (ValueError, OverflowError):
                pass
        fix = "Give an instant with its offset from UTC, such as 2026-11-01T09:30:00Z"
        self.fault(name, f"{fix}, not {_of(value)}." if name in self._told else f"{fix}.")
        return None

    def part(self, name: str) -> _Part:
        """An object within; empty where it is not told."""
        value = self._told.get(name)
        if value is not None and not isinstance(value, Told):
            self.fault(name, f"Give an object, not {_of(value)}.")
        told = value if isinstance(value, Told) else Told()
        return _Part(told, self._index, f"{self._under}{name}.")

    def end(self, known: Any) -> None:
        """Refuse every field that is none of these."""
        for name in self._told:
            if name not in known:
                self.fault(name, f"There is no such field. There are: {', '.join(known)}.")


def _of(value: object) -> str:
    """A value in a sentence, however long or deep it is."""
    match value:
        case None:
            return "nothing"
        case dict():
            return "an object"
        case list():
            return "an array"
        case Odd():
            return str.__str__(value)[:40]
        case bool():
            return "true" if value else "false"
    return _shown(json.dumps(value))


def _shown(text: str) -> str:
    return _UNWRITABLE.sub("?", text)[:60]

"""What was pushed, read strictly: JSON as written, and events out of their envelopes. Pure.

An event comes as plain JSON, alone, in an array or in ``{"events": [...]}``, or as a CloudEvent
(1.0): structured, in a batch, or in binary mode with its attributes in ``ce-`` headers. Whichever
way, it ends as one mapping of names to what was told. Nothing is rounded, cut or guessed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

MOST_EVENTS = 1000
MOST_BYTES = 1_000_000
#: The type of a CloudEvent that tells of usage.
TYPE = "apportion.usage.v1"
_VERSION = "1.0"
#: Attributes of a CloudEvent that say nothing about usage: let pass, not kept.
_BESIDE = frozenset(
    {
        "subject",
        "dataschema",
        "traceparent",
        "tracestate",
        "partitionkey",
        "sequence",
        "sequencetype",
        "recordedtime",
        "correlationid",
        "causationid",
    }
)
_ATTRIBUTES = frozenset({"specversion", "id", "source", "type", "time", "datacontenttype"})
#: The longest whole number that is read as one: more digits are none that could be counted.
_DIGITS = 19


class Form(Enum):
    """How a request carries events, by its media type."""

    PLAIN = "application/json"
    STRUCTURED = "application/cloudevents+json"
    BATCH = "application/cloudevents-batch+json"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with which field of which event, and what to give; no index: the request."""

    index: int | None
    field: str
    fix: str

    @property
    def place(self) -> str:
        """Such as ``events.3.usage.prompt_tokens``."""
        parts = ("events", str(self.index)) if self.index is not None else ()
        return ".".join((*parts, *((self.field,) if self.field else ()))) or "events"


class Odd(str):
    """A number that is no whole one from 0 on, as it was written: 1.5, -1, NaN, 1e400."""


class Told(dict[str, Any]):
    """A JSON object, and the names that it has more than once."""

    doubled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bodies:
    """The events of a request in their order, each with its index, and what cannot be read."""

    events: tuple[tuple[int, Told], ...]
    faults: tuple[Fault, ...]


def read(body: bytes, form: Form, attributes: Mapping[str, str]) -> Bodies:
    """The events of a request's body.

    ``attributes`` are those of ``ce-`` headers, without that prefix; with any, a plain body is
    the data of one CloudEvent.
    """
    document = _document(body)
    if isinstance(document, Fault):
        return Bodies((), (document,))
    if form is Form.PLAIN and attributes:
        told = Told(attributes)
        told["data"] = document
        return _gathered([_opened(0, told)])
    listed = _listed(document, form)
    if isinstance(listed, Fault):
        return Bodies((), (listed,))
    if len(listed) > MOST_EVENTS:
        fix = f"There are {len(listed)} events. Send at most {MOST_EVENTS} at once."
        return Bodies((), (Fault(None, "events", fix),))
    return _gathered([_event(index, one, form) for index, one in enumerate(listed)])


def _document(body: bytes) -> object:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        return Fault(None, "", f"Send JSON in UTF-8: byte {error.start + 1} is not.")
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_int=_whole, parse_float=Odd, parse_constant=Odd
        )
    except RecursionError:
        return Fault(None, "", "Send an event as it is described: this is nested too deep.")
    except ValueError as error:
        return Fault(None, "", f"Send well-formed JSON: {error}.")


def _object(pairs: list[tuple[str, Any]]) -> Told:
    told = Told(pairs)
    if len(told) < len(pairs):
        names = [name for name, _ in pairs]
        told.doubled = tuple(sorted({name for name in names if names.count(name) > 1}))
    return told


def _whole(text: str) -> int | Odd:
    return int(text) if len(text) <= _DIGITS and not text.startswith("-") else Odd(text)


def _listed(document: object, form: Form) -> Sequence[object] | Fault:
    match form, document:
        case Form.BATCH, list():
            return document
        case Form.BATCH, _:
            return Fault(None, "events", "A batch is an array of CloudEvents.")
        case Form.STRUCTURED, Told():
            return [document]
        case Form.PLAIN, list():
            return document
        case Form.PLAIN, Told() if "events" in document:
            return _wrapped(document)
        case Form.PLAIN, Told():
            return [document]
    return Fault(None, "events", "Send an event as a JSON object.")


def _wrapped(document: Told) -> Sequence[object] | Fault:
    if others := sorted((set(document) - {"events"}) | set(document.doubled)):
        return Fault(None, others[0], "Beside `events`, once, there is no other field.")
    listed = document["events"]
    return listed if isinstance(listed, list) else Fault(None, "events", "Give an array of events.")


def _event(index: int, one: object, form: Form) -> Told | tuple[Fault, ...]:
    if not isinstance(one, Told):
        return (Fault(index, "", "Give an event as a JSON object."),)
    if form is Form.PLAIN and "specversion" not in one:
        return one
    return _opened(index, one)


def _opened(index: int, envelope: Told) -> Told | tuple[Fault, ...]:
    """The event in a CloudEvent: its data, with the id, source and time of the envelope."""
    faults = [*_unlike(index, envelope)]
    data = envelope.get("data")
    if not isinstance(data, Told):
        return (*faults, Fault(index, "data", "Give the event's data as a JSON object."))
    for name in ("id", "source", "time"):
        if name in envelope and name in data and data[name] != envelope[name]:
            fix = f"Give `{name}` once: the attribute of the CloudEvent says something else."
            faults.append(Fault(index, f"data.{name}", fix))
    if faults:
        return tuple(faults)
    told = Told(data)
    told.doubled = data.doubled
    told.update({name: envelope[name] for name in ("id", "source", "time") if name in envelope})
    return told


def _unlike(index: int, envelope: Told) -> Iterable[Fault]:
    """What keeps a CloudEvent from being one of usage."""
    for name in envelope.doubled:
        yield Fault(index, name, "Give it once.")
    if envelope.get("specversion") != _VERSION:
        yield Fault(index, "specversion", f'Give "{_VERSION}".')
    if envelope.get("type") != TYPE:
        yield Fault(index, "type", f'Give "{TYPE}".')
    kind = envelope.get("datacontenttype", "application/json")
    if not isinstance(kind, str) or kind.partition(";")[0].strip().lower() != "application/json":
        yield Fault(index, "datacontenttype", "Give application/json, or leave it out.")
    for name in envelope:
        if name not in _ATTRIBUTES | _BESIDE | {"data"}:
            known = ", ".join(sorted(_ATTRIBUTES | _BESIDE))
            yield Fault(index, name, f"There is no such attribute here. There are: {known}, data.")


def _gathered(found: Sequence[Told | tuple[Fault, ...]]) -> Bodies:
    events = tuple((index, one) for index, one in enumerate(found) if isinstance(one, Told))
    faults = tuple(fault for one in found if not isinstance(one, Told) for fault in one)
    return Bodies(events, faults)

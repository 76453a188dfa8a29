"""The hand-written labels, read from their file; nothing here knows the parser's rules."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path

from billing.rules.meters.meanings import (
    Capability,
    Context,
    MeterClass,
    Modality,
    Scope,
    Tier,
    UnitKind,
    Vendor,
)
from billing.rules.meters.reading import Reading, Unread

_FILE = Path(__file__).with_name("labels.txt")
_KINDS: tuple[type[StrEnum], ...] = (
    Capability,
    Modality,
    MeterClass,
    Scope,
    Tier,
    Context,
    UnitKind,
)


@dataclass(frozen=True, slots=True)
class Label:
    """What a person says that a name says."""

    vendor: Vendor
    model: str | None
    version: str | None
    meter_class: MeterClass
    scope: Scope
    capability: Capability = Capability.CHAT
    modality: Modality = Modality.TEXT
    tier: Tier = Tier.STANDARD
    context: Context = Context.ANY
    unit: UnitKind = UnitKind.TOKEN
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Labelled:
    """A real meter and its label; None where it must stay unread."""

    product: str
    name: str
    unit: str
    label: Label | None


def said_by(reading: Reading | Unread) -> Label | None:
    """A reading as a label, to be compared; None for what was not read."""
    if isinstance(reading, Unread):
        return None
    return Label(**{field.name: getattr(reading, field.name) for field in fields(Label)})


def all_labels() -> list[Labelled]:
    """Every label of the file, in its order."""
    product, found = "", []
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            product = line.removeprefix("## ").strip()
        elif line and not line.startswith("#"):
            name, unit, *says = (part.strip() for part in line.split(" | "))
            label = None if says == ["unread"] else _label(*says)
            found.append(Labelled(product, name, unit, label))
    return found


def _label(whose: str, says: str) -> Label:
    vendor, _, model = whose.partition("/")
    model, _, version = model.partition("@")
    chosen: dict[str, StrEnum] = {}
    marks = []
    for word in says.split(", "):
        if word.startswith("+"):
            marks.append(word[1:])
        else:
            slot, value = _member(word)
            assert slot not in chosen, f"{says!r} says {slot} twice"
            chosen[slot] = value
    return Label(
        vendor=Vendor(vendor),
        model=None if model == "*" else model,
        version=version or None,
        marks=tuple(sorted(marks)),
        **chosen,  # type: ignore[arg-type] # each slot's member is of its own enum, by _member
    )


def _member(word: str) -> tuple[str, StrEnum]:
    slots = ("capability", "modality", "meter_class", "scope", "tier", "context", "unit")
    found = [
        (slot, kind(word))
        for slot, kind in zip(slots, _KINDS, strict=True)
        if word in [member.value for member in kind]
    ]
    assert len(found) == 1, f"{word!r} is not one thing: {found}"
    return found[0]

"""What speaks for and against a meter's name pricing what a deployment serves. Pure.

Nothing is alike by spelling: a name says the model or it does not. What it leaves open is a
doubt, what it says otherwise speaks against it; each in plain words that can be shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from billing.rules.meters.meanings import Capability, Context, Scope, Tier
from billing.rules.meters.reading import Reading

#: Bands that say the size of an old model: several of its versions have it, at other prices.
_SIZES = frozenset({Context.K4, Context.K8, Context.K16, Context.K32, Context.K128})
#: What is done beside a deployment's calls: its training, or the tools of any model.
BESIDE = frozenset({Capability.TRAINING, Capability.CODE_INTERPRETER, Capability.FILE_SEARCH})
_TOOLS = BESIDE - {Capability.TRAINING}


class Kind(Enum):
    """Whether the model is served as published or as a customer tuned it."""

    PUBLISHED = "as published"
    TUNED = "fine-tuned"


@dataclass(frozen=True, slots=True)
class Served:
    """What a deployment serves. Of a tuned one, model and version are those it was made from.

    ``version`` is Azure's (``2025-12-11``, ``0613``, ``1``), empty where it is not known.
    """

    model: str
    version: str
    scope: Scope
    tier: Tier = Tier.STANDARD
    region: str = ""
    kind: Kind = Kind.PUBLISHED


#: The most confidence there is where several meters fit alike.
MOST_OF_SEVERAL = Decimal("0.5")


class Doubt(Enum):
    """What a name can leave open or say otherwise, and how much confidence that takes.

    SEVERAL takes nothing away by itself: it bounds what is left, at `MOST_OF_SEVERAL`.
    """

    NO_VERSION = Decimal("0.02"), "the name says no version"
    ONE_BAND = Decimal("0.03"), "the model has one price for short and long context"
    REGIONAL_UNSAID = Decimal("0.2"), "no scope is named; the oldest names mean regional"
    AS_INPUT = Decimal("0.3"), "no meter of its own is listed; charged as input"
    VERSION_UNKNOWN = Decimal("0.3"), "the deployment's version is not known"
    SCOPE_UNSAID = Decimal("0.4"), "no scope is named"
    MARKED = Decimal("0.5"), "the name says more than usage tells"
    SEVERAL = Decimal(0), "another meter fits as well"
    OTHER_VERSION = Decimal("0.6"), "another version"
    OTHER_SCOPE = Decimal("0.6"), "another scope"
    OTHER_TIER = Decimal("0.6"), "another tier"
    SIZE_ALONE = Decimal("0.6"), "the size of an old model is no version"

    @property
    def taken(self) -> Decimal:
        """How much confidence it takes."""
        return self.value[0]

    @property
    def says(self) -> str:
        return self.value[1]

    @property
    def is_against(self) -> bool:
        """Whether the name says something else: such a meter is shown, and never proposed."""
        return self in _AGAINST


_AGAINST = frozenset({Doubt.OTHER_VERSION, Doubt.OTHER_SCOPE, Doubt.OTHER_TIER, Doubt.SIZE_ALONE})


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing a name says of a deployment; no doubt: it says exactly that."""

    says: str
    doubt: Doubt | None = None


def concerns(served: Served, says: Reading) -> bool:
    """Whether a name says this model, put to this use; never one that is nearly the same."""
    if says.capability in _TOOLS:
        return says.model is None
    if says.model != served.model.lower():
        return False
    if served.kind is Kind.TUNED:
        return says.capability in (Capability.TUNED, Capability.TRAINING)
    return says.capability is not Capability.TUNED and says.capability not in BESIDE


def evidence(served: Served, says: Reading) -> tuple[Evidence, ...]:
    """What a name that concerns the deployment says of it, what speaks for it first."""
    found = (*_model(served, says), *_scope(served, says), _tier(served, says), *_band(says))
    marks = [Evidence(f"{Doubt.MARKED.says}: {', '.join(says.marks)}", Doubt.MARKED)]
    listed = [Evidence(f"listed for {served.region}")] if served.region else []
    return tuple(
        sorted((*found, *listed, *(marks if says.marks else [])), key=lambda one: bool(one.doubt))
    )


def _model(served: Served, says: Reading) -> Iterator[Evidence]:
    if says.model is None:
        yield Evidence(f"{says.capability} is priced for every model alike")
        return
    tuned = ", fine-tuned" if served.kind is Kind.TUNED else ""
    yield Evidence(f"the name says {says.model}{tuned}")
    yield _version(served, says)


def _version(served: Served, says: Reading) -> Evidence:
    if says.version is None and _is_size_alone(says):
        return Evidence(f"{Doubt.SIZE_ALONE.says}: {says.context}", Doubt.SIZE_ALONE)
    if says.version is None:
        return Evidence(Doubt.NO_VERSION.says, Doubt.NO_VERSION)
    if not served.version:
        told = f"{Doubt.VERSION_UNKNOWN.says}, the name says {says.version}"
        return Evidence(told, Doubt.VERSION_UNKNOWN)
    if says.version in _spellings(served.version):
        return Evidence(f"version {served.version}: {says.version}")
    told = f"{Doubt.OTHER_VERSION.says}: {says.version}, not {served.version}"
    return Evidence(told, Doubt.OTHER_VERSION)


def _is_size_alone(says: Reading) -> bool:
    """Whether the band stands for a size that the model's own name does not have."""
    return says.context in _SIZES and says.context.lower() not in (says.model or "")


def _spellings(version: str) -> tuple[str, ...]:
    """How names write a version: ``2026-02-10`` as ``0210`` or ``02102026``, ``0613`` as it is."""
    digits = version.replace("-", "")
    if len(digits) == len("YYYYMMDD"):
        year, day = digits[:4], digits[4:]
        return day, day + year
    return (digits,)


def _scope(served: Served, says: Reading) -> Iterator[Evidence]:
    if says.scope is served.scope:
        yield Evidence(f"{says.scope}, as it is deployed")
    elif says.scope is not Scope.UNSAID:
        told = f"{Doubt.OTHER_SCOPE.says}: {says.scope}, not {served.scope}"
        yield Evidence(told, Doubt.OTHER_SCOPE)
    elif served.scope is Scope.REGIONAL:
        yield Evidence(Doubt.REGIONAL_UNSAID.says, Doubt.REGIONAL_UNSAID)
    else:
        yield Evidence(Doubt.SCOPE_UNSAID.says, Doubt.SCOPE_UNSAID)


def _tier(served: Served, says: Reading) -> Evidence:
    if says.tier is served.tier or says.capability in _TOOLS:
        return Evidence(f"{says.tier} tier")
    return Evidence(f"{Doubt.OTHER_TIER.says}: {says.tier}, not {served.tier}", Doubt.OTHER_TIER)


def _band(says: Reading) -> Iterator[Evidence]:
    if says.context in (Context.SHORT, Context.LONG):
        yield Evidence(f"{says.context}")

"""Which names of meters say the hours of a deployment, and which its pay-as-you-go tokens. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from billing.rules.capacity import Kind
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
from billing.rules.meters.reading import Reading
from billing.rules.token_classes import TokenClass

Of = TypeVar("Of")
Readings = Sequence[tuple[Of, Reading]]
#: The meter of the units that are deployed, told from older ones of bought throughput.
_MANAGED = "managed"
_TOKENS = {
    MeterClass.INPUT: TokenClass.INPUT,
    MeterClass.CACHED_INPUT: TokenClass.CACHED_INPUT,
    MeterClass.OUTPUT: TokenClass.OUTPUT,
}


@dataclass(frozen=True, slots=True)
class Deployed:
    """A model as it is deployed: of a tuned one, model and version are its base's."""

    model: str
    version: str
    scope: Scope


def by_the_hour(kind: Kind, deployed: Deployed, readings: Readings[Of]) -> tuple[Of, ...]:
    """The meters that say exactly the hours of a deployment; several: a person must choose."""
    if kind is Kind.HOSTING:
        return _versioned(
            deployed,
            [
                (of, says)
                for of, says in readings
                if (says.meter_class, says.unit) == (MeterClass.HOSTED, UnitKind.HOUR)
            ],
        )
    vendors = _vendors(deployed, readings)
    return tuple(
        of
        for of, says in readings
        if (says.capability, says.meter_class) == (Capability.PROVISIONED, MeterClass.CAPACITY)
        and says.unit is UnitKind.HOUR
        and says.scope is deployed.scope
        and _MANAGED in says.marks
        and (not vendors or says.vendor in vendors)
    )


def by_the_token(deployed: Deployed, readings: Readings[Of]) -> dict[TokenClass, Of]:
    """What the same model's tokens would be charged by without capacity, of the same scope.

    Of standard text tokens in short context; a class of which two meters fit is left out.
    """
    found: dict[TokenClass, Of] = {}
    for meter_class, token_class in _TOKENS.items():
        fitting = _versioned(deployed, [one for one in readings if _plain(one[1], meter_class)])
        if len(fitting) == 1:
            found[token_class] = fitting[0]
    return found


def reserved(scope: Scope, readings: Readings[Of]) -> tuple[Of, ...]:
    """The meters under which throughput units are bought for a term.

    The list gives a commitment's price at the meter of the hours that it covers, or at one of
    a product of its own.
    """
    return tuple(
        of
        for of, says in readings
        if says.capability is Capability.PROVISIONED
        and says.meter_class in (MeterClass.RESERVATION, MeterClass.CAPACITY)
        and (says.unit, says.scope) == (UnitKind.HOUR, scope)
        and _MANAGED in says.marks
    )


def _plain(says: Reading, meter_class: MeterClass) -> bool:
    return (
        (says.capability, says.modality) == (Capability.CHAT, Modality.TEXT)
        and (says.meter_class, says.tier) == (meter_class, Tier.STANDARD)
        and says.context in (Context.ANY, Context.SHORT)
        and not says.marks
    )


def _vendors(deployed: Deployed, readings: Readings[Of]) -> frozenset[Vendor]:
    """Who sells the model, by the meters that name it; none: not known, and not guessed."""
    return frozenset(says.vendor for _, says in readings if says.model == deployed.model.lower())


def _versioned(deployed: Deployed, fitting: Iterable[tuple[Of, Reading]]) -> tuple[Of, ...]:
    """Of the model's meters in its scope those of its snapshot, else those that name none."""
    same = [
        (of, says)
        for of, says in fitting
        if says.model == deployed.model.lower() and says.scope is deployed.scope
    ]
    digits = deployed.version.replace("-", "")
    spellings = (digits[4:], digits[4:] + digits[:4])
    dated = [of for of, says in same if says.version in spellings]
    return tuple(dated or [of for of, says in same if says.version is None])

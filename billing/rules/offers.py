"""What the price list offers for calls: models with the meters of their token classes. Pure.

Meters whose names say the same model, snapshot and size are one family. Nothing is chosen here
where two families or two meters say the same: that is told to whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

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
from billing.rules.token_classes import LONG, TokenClass

Of = TypeVar("Of")


class DeploymentType(StrEnum):
    """The types of deployments that are paid by use, as Azure names them."""

    GLOBAL = "GlobalStandard"
    DATA_ZONE = "DataZoneStandard"
    REGIONAL = "Standard"
    GLOBAL_BATCH = "GlobalBatch"
    DATA_ZONE_BATCH = "DataZoneBatch"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def scope(self) -> Scope:
        """Where its calls may be served."""
        match self:
            case DeploymentType.GLOBAL | DeploymentType.GLOBAL_BATCH:
                return Scope.GLOBAL
            case DeploymentType.DATA_ZONE | DeploymentType.DATA_ZONE_BATCH:
                return Scope.DATA_ZONE
            case DeploymentType.REGIONAL:
                return Scope.REGIONAL

    @property
    def tier(self) -> Tier:
        """How its calls are served."""
        batch = (DeploymentType.GLOBAL_BATCH, DeploymentType.DATA_ZONE_BATCH)
        return Tier.BATCH if self in batch else Tier.STANDARD


_LABELS = {
    DeploymentType.GLOBAL: "Global Standard",
    DeploymentType.DATA_ZONE: "Data Zone Standard",
    DeploymentType.REGIONAL: "Regional Standard",
    DeploymentType.GLOBAL_BATCH: "Global Batch",
    DeploymentType.DATA_ZONE_BATCH: "Data Zone Batch",
}
_CLASSES: Mapping[MeterClass, TokenClass] = {
    MeterClass.INPUT: TokenClass.INPUT,
    MeterClass.EMBEDDED: TokenClass.INPUT,
    MeterClass.CACHED_INPUT: TokenClass.CACHED_INPUT,
    MeterClass.CACHE_WRITE: TokenClass.CACHE_WRITE,
    MeterClass.OUTPUT: TokenClass.OUTPUT,
}
#: Bands that tell the size of a model, not of a call.
_SIZES = frozenset({Context.K4, Context.K8, Context.K16, Context.K32, Context.K128})
_MANAGED = ("managed",)


@dataclass(frozen=True, slots=True)
class Family(Generic[Of]):
    """A model as it is offered: by token class, whose names say it (one, where all is well).

    ``variant`` is the snapshot or the size that the names say, empty where they say none.
    """

    vendor: Vendor
    model: str
    variant: str
    meters: Mapping[TokenClass, tuple[Of, ...]]

    @property
    def name(self) -> str:
        """What it is asked for by: ``gpt-5.2``, ``gpt-4o@0806``."""
        return f"{self.model}@{self.variant}" if self.variant else self.model


def families(
    kind: DeploymentType, readings: Iterable[tuple[Of, Reading]]
) -> tuple[Family[Of], ...]:
    """Every model that is offered in deployments of a type, by name."""
    vendors: dict[tuple[str, str], Vendor] = {}
    found: dict[tuple[str, str], dict[TokenClass, tuple[Of, ...]]] = {}
    for of, says in readings:
        token_class = _token_class(says)
        if token_class and says.model and (says.scope, says.tier) == (kind.scope, kind.tier):
            key = (says.model, _variant(says))
            vendors.setdefault(key, says.vendor)
            meters = found.setdefault(key, {})
            meters[token_class] = (*meters.get(token_class, ()), of)
    return tuple(Family(vendors[key], *key, meters) for key, meters in sorted(found.items()))


def asked_for(name: str, offered: Sequence[Family[Of]]) -> tuple[Family[Of], ...]:
    """The family of this name, or all snapshots and sizes of the model of this name."""
    wanted = name.strip().lower()
    exact = tuple(one for one in offered if one.name == wanted)
    return exact or tuple(one for one in offered if one.model == wanted)


def hourly_units(
    scope: Scope, vendor: Vendor, readings: Iterable[tuple[Of, Reading]]
) -> tuple[Of, ...]:
    """The meters by which PTUs for a vendor's models are paid by the hour."""
    return tuple(
        of
        for of, says in readings
        if _are_units(says, scope, vendor)
        and (says.meter_class, says.unit) == (MeterClass.CAPACITY, UnitKind.HOUR)
    )


def reserved_units(
    scope: Scope, vendor: Vendor, readings: Iterable[tuple[Of, Reading]]
) -> tuple[Of, ...]:
    """The meters of which reservations of such PTUs are bought."""
    return tuple(
        of
        for of, says in readings
        if _are_units(says, scope, vendor) and says.meter_class is MeterClass.RESERVATION
    )


def _are_units(says: Reading, scope: Scope, vendor: Vendor) -> bool:
    return (
        says.capability is Capability.PROVISIONED
        and says.scope is scope
        and says.marks == _MANAGED
        and says.vendor in (vendor, Vendor.ANY)
    )


def _token_class(says: Reading) -> TokenClass | None:
    """The class of a call's tokens that a meter prices; None for whatever else it prices."""
    plain = says.capability in (Capability.CHAT, Capability.EMBEDDING) and not says.marks
    if not plain or says.modality not in (Modality.TEXT, Modality.ANY):
        return None
    token_class = _CLASSES.get(says.meter_class)
    if token_class and says.context is Context.LONG:
        return LONG[token_class]
    return token_class


def _variant(says: Reading) -> str:
    size = says.context.lower() if says.context in _SIZES else ""
    if size and says.model and says.model.endswith(f"-{size}"):
        size = ""
    return "-".join(filter(None, (says.version, size)))

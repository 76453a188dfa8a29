"""Which meters of the catalogue could price a deployment."""

from __future__ import annotations

from dataclasses import dataclass

from billing.models import Meter
from billing.rules.meters import matching, reading
from billing.rules.meters.matching import Served
from billing.rules.meters.meanings import Scope
from billing.rules.meters.reading import Reading
from billing.rules.token_classes import TokenClass
from inventory.models import Deployment

#: Deployment types as Azure names them, and how their tokens are priced.
SKUS = {
    "GlobalStandard": Scope.GLOBAL,
    "DataZoneStandard": Scope.DATA_ZONE,
    "Standard": Scope.REGIONAL,
}


@dataclass(frozen=True, slots=True)
class Candidates:
    """The meters whose names say exactly one deployment's model, type and token class."""

    token_class: TokenClass
    meters: tuple[Meter, ...]

    @property
    def only(self) -> Meter | None:
        """The meter, where there is exactly one."""
        return self.meters[0] if len(self.meters) == 1 else None


def candidates(deployment: Deployment) -> tuple[Candidates, ...]:
    """For each token class, the meters of the deployment's region that say it exactly.

    Empty for a deployment whose model or type is not known from Azure.
    """
    scope = SKUS.get(deployment.sku)
    if scope is None or not deployment.model or not deployment.region:
        return ()
    served = Served(deployment.model, deployment.version, scope)
    found = matching.matches(served, _readings(deployment.region))
    return tuple(Candidates(token_class, tuple(meters)) for token_class, meters in found.items())


def _readings(region: str) -> list[tuple[Meter, Reading]]:
    """The meters of a region whose names can be read."""
    meters = list(Meter.objects.filter(region=region))
    says = [
        reading.read(meter.product_name, meter.meter_name, unit_of_measure=meter.unit_of_measure)
        for meter in meters
    ]
    return [
        (meter, name) for meter, name in zip(meters, says, strict=True) if isinstance(name, Reading)
    ]

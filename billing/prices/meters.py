"""Which meters of the catalogue could price a deployment."""

from __future__ import annotations

from dataclasses import dataclass

from billing.models import Meter
from billing.rules import meter_names
from billing.rules.meter_names import Scope, Tier
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
    found: dict[TokenClass, list[Meter]] = {token_class: [] for token_class in TokenClass}
    region = Meter.objects.filter(
        region=deployment.region, product_name__in=meter_names.OPENAI_PRODUCTS
    )
    for meter in region:
        says = meter_names.read(meter.product_name, meter.meter_name)
        if says and (says.model, says.scope, says.tier) == (
            deployment.model.lower(),
            scope,
            Tier.STANDARD,
        ):
            found[says.token_class].append(meter)
    return tuple(Candidates(token_class, tuple(meters)) for token_class, meters in found.items())

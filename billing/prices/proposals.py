"""Which meter should price each deployment's token classes, beside the one that does.

The rules are in `billing.rules.meters.proposing`; here they meet the tenant's deployments.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from billing.models import Meter, MeterMapping
from billing.prices import meters
from billing.rules.meters import proposing
from billing.rules.meters.proposing import Deployed, Proposal
from billing.rules.token_classes import TokenClass
from inventory.models import Deployment

#: The classes that are asked for, by a deployment's id.
Classes = Mapping[int, Collection[TokenClass]]


@dataclass(frozen=True, slots=True)
class Proposed:
    """A deployment's class: the mapping in force, if there is one, and what is proposed."""

    deployment: Deployment
    token_class: TokenClass
    proposal: Proposal[Meter]
    mapping: MeterMapping | None

    @property
    def meter(self) -> Meter | None:
        """The meter that is proposed."""
        return self.proposal.best.of if self.proposal.best else None

    @property
    def is_proposed(self) -> bool:
        """Whether there is something to confirm: a meter, or that capacity covers the class."""
        return self.meter is not None or self.proposal.covered

    @property
    def differs(self) -> bool:
        """Whether the mapping in force is another than the one that is proposed."""
        if self.mapping is None or not self.is_proposed:
            return False
        return self.mapping.meter_id != (self.meter.pk if self.meter else None)


def of_tenant(*, at: datetime, used: Classes) -> tuple[Proposed, ...]:
    """Every deployment's classes of the tenant in scope: those that its meters charge for, those
    that are mapped, and those in ``used``. By deployment, then class.

    What is not in Azure any more is there where it is mapped or used.
    """
    return _of(list(Deployment.objects.select_related("gateway")), at=at, used=used)


def of_deployment(
    deployment: Deployment, *, at: datetime, used: Collection[TokenClass] = ()
) -> tuple[Proposed, ...]:
    """The same of one deployment."""
    return _of([deployment], at=at, used={deployment.pk: used})


def _of(deployments: list[Deployment], *, at: datetime, used: Classes) -> tuple[Proposed, ...]:
    mapped = in_force(at, deployments)
    wanted = {one.pk: {*used.get(one.pk, ()), *mapped.get(one.pk, {})} for one in deployments}
    shown = [one for one in deployments if one.vanished_at is None or wanted[one.pk]]
    shelves = meters.shelves({one.region for one in shown if one.model and one.region})
    return tuple(
        Proposed(
            one, proposal.token_class, proposal, mapped.get(one.pk, {}).get(proposal.token_class)
        )
        for one in shown
        for proposal in _propose(one, shelves, wanted[one.pk])
    )


def in_force(
    at: datetime, deployments: Collection[Deployment]
) -> dict[int, dict[TokenClass, MeterMapping]]:
    """The mappings that hold at an instant, by deployment and class."""
    found: dict[int, dict[TokenClass, MeterMapping]] = {}
    rows = MeterMapping.objects.filter(deployment__in=deployments, effective_from__lte=at)
    for row in rows.select_related("meter").order_by("effective_from"):
        found.setdefault(row.deployment_id, {})[TokenClass(row.token_class)] = row
    return found


def _propose(
    deployment: Deployment, shelves: Mapping[str, meters.Shelf], used: Collection[TokenClass]
) -> tuple[Proposal[Meter], ...]:
    shelf = shelves.get(deployment.region)
    said = shelf.of(deployment.base_model or deployment.model) if shelf else []
    return proposing.propose(_deployed(deployment), said, used=used)


def _deployed(deployment: Deployment) -> Deployed:
    return Deployed(
        model=deployment.model,
        version=deployment.version,
        sku=deployment.sku,
        region=deployment.region,
        base_model=deployment.base_model,
        base_version=deployment.base_version,
    )

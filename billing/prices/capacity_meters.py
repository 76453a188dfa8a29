"""Which meter prices the hours of a deployment: confirmed by a person or the tenant's rule."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from billing.models import BillingSettings, CapacityMapping, Meter, Price, PriceType
from billing.price_terms import LIST_CURRENCY
from billing.prices import meters
from billing.prices.mapping import ALWAYS
from billing.rules import capacity_meters as rules
from billing.rules.capacity import Kind, Term, kind_of, scope_of
from billing.rules.capacity_meters import Deployed
from billing.rules.token_classes import TokenClass
from inventory.models import Deployment, DeploymentState
from tenancy import audit, scope
from tenancy.refusals import Refused

RULE = "rule: the only meter that says it"
_HOURS = re.compile(r"\s*\d+\s*/?\s*hours?\s*", re.IGNORECASE)


class NotByTheHour(Refused):
    code = "not-by-the-hour"
    status = 400
    field = "meter"
    text = "{meter} is sold per {unit}. Choose a meter whose unit is an hour."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A deployment while it is of a type that is paid by the hour, and the meters that say so."""

    deployment: Deployment
    sku: str
    kind: Kind
    meters: tuple[Meter, ...]

    @property
    def only(self) -> Meter | None:
        """The meter, where there is exactly one: several are for a person to choose from."""
        return self.meters[0] if len(self.meters) == 1 else None


def by_the_hour() -> tuple[Wanted, ...]:
    """Every deployment and type of the tenant in scope that is paid by the hour, in order."""
    seen = (
        DeploymentState.objects.order_by("deployment_id", "sku")
        .values_list("deployment_id", "sku")
        .distinct()
    )
    deployments = Deployment.objects.select_related("gateway").in_bulk({one for one, _ in seen})
    wanted = [
        (deployments[one], sku, kind)
        for one, sku in seen
        if (kind := kind_of(sku, base_model=deployments[one].base_model))
    ]
    readings = meters.readings({deployment.region for deployment, _, _ in wanted})
    return tuple(
        Wanted(
            deployment,
            sku,
            kind,
            rules.by_the_hour(kind, _deployed(deployment, sku), readings[deployment.region]),
        )
        for deployment, sku, kind in wanted
    )


def by_the_token(
    deployments: Iterable[tuple[Deployment, str]],
) -> dict[int, dict[TokenClass, Meter]]:
    """By deployment id, what its model's tokens cost without capacity, in the same scope."""
    wanted = list(deployments)
    readings = meters.readings({deployment.region for deployment, _ in wanted})
    return {
        deployment.pk: rules.by_the_token(_deployed(deployment, sku), readings[deployment.region])
        for deployment, sku in wanted
    }


def confirm(
    deployment: Deployment,
    sku: str,
    meter: Meter,
    *,
    from_instant: datetime,
    by: str,
    at: datetime,
    reason: str,
) -> CapacityMapping:
    """From an instant on, this meter prices the deployment's hours while it is of the type.

    The same again changes nothing.

    Raises:
        NotByTheHour: the meter is sold by another unit.
    """
    if not _HOURS.fullmatch(meter.unit_of_measure):
        raise NotByTheHour(meter=meter.meter_name, unit=meter.unit_of_measure)
    row, created = CapacityMapping.objects.get_or_create(
        tenant_id=scope.tenant_id(),
        deployment=deployment,
        sku=sku,
        effective_from=from_instant,
        defaults={"meter": meter, "confirmed_by": by, "reason": reason},
    )
    before = None if created else row.meter
    if before == meter:
        return row
    row.meter, row.confirmed_by, row.reason = meter, by, reason
    row.save(update_fields=["meter", "confirmed_by", "reason"])
    audit.record(
        "capacity-meter.confirm",
        f"{deployment.host}/{deployment.name} {sku}",
        by=by,
        at=at,
        before={"meter": before.azure_id, "name": before.meter_name} if before else None,
        after={"meter": meter.azure_id, "name": meter.meter_name, "from": from_instant},
        reason=reason,
    )
    return row


def mapped() -> frozenset[tuple[int, str]]:
    """The deployments, by id, and types of the tenant in scope that have a meter."""
    return frozenset(CapacityMapping.objects.values_list("deployment_id", "sku"))


def held() -> dict[tuple[int, str], tuple[CapacityMapping, ...]]:
    """By deployment id and type, the meters of the tenant in scope, the oldest first."""
    found: dict[tuple[int, str], tuple[CapacityMapping, ...]] = {}
    for row in CapacityMapping.objects.select_related("meter").order_by("effective_from"):
        key = (row.deployment_id, row.sku)
        found[key] = (*found.get(key, ()), row)
    return found


def confirm_by_rule(*, at: datetime) -> int:
    """Confirm each only meter that fits, where the tenant lets a rule do so; how many."""
    chosen = BillingSettings.objects.first()
    if chosen is None or chosen.confirm_from_confidence is None:
        return 0
    known = mapped()
    confirmed = 0
    for wanted in by_the_hour():
        if wanted.only and (wanted.deployment.pk, wanted.sku) not in known:
            confirm(
                wanted.deployment,
                wanted.sku,
                wanted.only,
                from_instant=ALWAYS,
                by=RULE,
                at=at,
                reason=f"“{wanted.only.meter_name}” says {wanted.kind.label}, {wanted.sku}.",
            )
            confirmed += 1
    return confirmed


def reservation_prices(of: Iterable[Meter], term: Term, *, at: datetime) -> tuple[Price, ...]:
    """What the list asks at an instant for a whole term, at each of the meters: the newest first.

    Prices of reservations are never doubted, so that nobody decides on them.
    """
    newest = (
        Price.objects.filter(
            meter__in=of,
            price_type=PriceType.RESERVATION,
            reservation_term=term,
            tier_minimum_units=0,
            currency=LIST_CURRENCY,
            effective_from__lte=at,
        )
        .select_related("meter")
        .order_by("meter_id", "-effective_from", "-run_id", "-id")
        .distinct("meter_id")
    )
    return tuple(sorted(newest, key=lambda price: price.effective_from, reverse=True))


def _deployed(deployment: Deployment, sku: str) -> Deployed:
    return Deployed(
        deployment.base_model or deployment.model,
        deployment.base_version or deployment.version,
        scope_of(sku),
    )

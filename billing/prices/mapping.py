"""Mapping: which meter prices a deployment's token class. Confirmed, never guessed.

A person confirms a meter, or the tenant has switched on the rule that does it where a name says
exactly the deployment's model, type and class and no other meter of the region does. Whatever
is not mapped is unpriced, and shown as such.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from billing import marking, price_terms
from billing.models import BillingSettings, ExchangeRate, Meter, MeterMapping
from billing.prices import meters
from billing.rules.token_classes import TokenClass
from inventory.models import Deployment
from tenancy import audit, runs, scope
from tenancy.runs import Contention
from tenancy.scope import TenantRef

STEP = "map_meters"
RULE = "rule: exact name"
#: A first mapping prices all usage there is: it dates from before any.
ALWAYS = datetime(2020, 1, 1, tzinfo=UTC)


def confirm(
    deployment: Deployment,
    token_class: TokenClass,
    meter: Meter,
    *,
    from_instant: datetime,
    by: str,
    at: datetime,
    reason: str,
) -> MeterMapping:
    """From an instant on, this meter prices the deployment's token class; its days are re-rated.

    The same mapping again changes nothing.
    """
    row, created = MeterMapping.objects.get_or_create(
        tenant_id=scope.tenant_id(),
        deployment=deployment,
        token_class=token_class,
        effective_from=from_instant,
        defaults={"meter": meter, "confirmed_by": by, "reason": reason},
    )
    before = None if created else row.meter
    if not created and before == meter:
        return row
    row.meter, row.confirmed_by, row.reason = meter, by, reason
    row.save(update_fields=["meter", "confirmed_by", "reason"])
    marking.mark_days(deployments=[deployment.pk], since=from_instant)
    audit.record(
        "mapping.confirm",
        f"{deployment.host}/{deployment.name} {token_class}",
        by=by,
        at=at,
        before={"meter": before.azure_id, "name": before.meter_name} if before else None,
        after={"meter": meter.azure_id, "name": meter.meter_name, "from": from_instant},
        reason=reason,
    )
    return row


def confirm_exact(*, at: datetime) -> int:
    """Confirm what the tenant in scope lets the rule confirm; how many mappings that made."""
    confirmable = _confirmable()
    for deployment, token_class, meter in confirmable:
        confirm(
            deployment,
            token_class,
            meter,
            from_instant=ALWAYS,
            by=RULE,
            at=at,
            reason=f"“{meter.meter_name}” says {deployment.model}, {deployment.sku}.",
        )
    return len(confirmable)


def _confirmable() -> list[tuple[Deployment, TokenClass, Meter]]:
    """What has no mapping yet, with the one meter that says it exactly; none if the rule is off."""
    chosen = BillingSettings.objects.first()
    if chosen is None or chosen.confirm_from_confidence is None:
        return []
    mapped = set(MeterMapping.objects.values_list("deployment_id", "token_class"))
    unmapped = [
        deployment
        for deployment in Deployment.objects.exclude(model="")
        if any((deployment.pk, token_class) not in mapped for token_class in TokenClass)
    ]
    return [
        (deployment, found.token_class, found.only)
        for deployment in unmapped
        for found in meters.candidates(deployment)
        if found.only and (deployment.pk, found.token_class) not in mapped
    ]


def sync(tenant: TenantRef, *, at: datetime, contention: Contention) -> int:
    """Map what the tenant lets the rule map; how many mappings that made.

    Recorded as a run where there is anything the rule may map.

    Raises:
        Busy, Superseded: another run of this step is under way.
    """
    with scope.of(tenant):
        if not _confirmable():
            return 0
    with runs.of_tenant(tenant, STEP, contention=contention) as run:
        with scope.of(tenant):
            run.hold()
            made = confirm_exact(at=at)
        run.count(written=made)
    return made


def unit_costs(
    gateway_id: int, deployment: str, *, at: datetime, currency: str
) -> dict[TokenClass, Decimal]:
    """What a single token of each class of a deployment costs at an instant, estimated.

    In the billing currency, at the meter, price and exchange rate in force; a class that has
    none is absent.
    """
    rows = MeterMapping.objects.filter(
        deployment__gateway_id=gateway_id, deployment__name=deployment, effective_from__lte=at
    ).order_by("effective_from")
    named = {TokenClass(row.token_class): row for row in rows}
    terms = price_terms.at((row.meter_id for row in named.values() if row.meter_id), at)
    costs: dict[TokenClass, Decimal] = {}
    for token_class, row in named.items():
        term = terms.get(row.meter_id) if row.meter_id else None
        if term and term.unit_price is not None and term.currency:
            rate = _rate(term.currency, currency, at=at)
            if rate is not None:
                costs[token_class] = term.unit_price * rate / row.units_per_price
    return costs


def _rate(from_currency: str, to_currency: str, *, at: datetime) -> Decimal | None:
    if from_currency == to_currency:
        return Decimal(1)
    row = (
        ExchangeRate.objects.filter(
            from_currency=from_currency, to_currency=to_currency, effective_from__lte=at
        )
        .order_by("-effective_from")
        .first()
    )
    return row.rate if row else None

"""Mapping: which meter prices a deployment's token class. Confirmed, never guessed.

A person confirms a meter, or the tenant has switched on the rule that does it where a name says
exactly the deployment's model, type and class and no other meter of the region does. Whatever
is not mapped is unpriced, and shown as such.
"""

from __future__ import annotations

from datetime import UTC, datetime

from billing import marking
from billing.models import BillingSettings, Meter, MeterMapping
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
    if before == meter:
        return row
    row.meter, row.confirmed_by, row.reason = meter, by, reason
    row.save(update_fields=["meter", "confirmed_by", "reason"])
    marking.mark_days(deployment=deployment, since=from_instant)
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
    chosen = BillingSettings.objects.first()
    if chosen is None or not chosen.confirm_exact_matches:
        return 0
    mapped = set(MeterMapping.objects.values_list("deployment_id", "token_class"))
    made = 0
    for deployment in Deployment.objects.exclude(model=""):
        for found in meters.candidates(deployment):
            if found.only is None or (deployment.pk, found.token_class) in mapped:
                continue
            confirm(
                deployment,
                found.token_class,
                found.only,
                from_instant=ALWAYS,
                by=RULE,
                at=at,
                reason=f"“{found.only.meter_name}” says {deployment.model}, {deployment.sku}.",
            )
            made += 1
    return made


def sync(tenant: TenantRef, *, at: datetime, contention: Contention) -> int:
    """Map what the tenant lets the rule map, recorded as a run; how many mappings that made.

    Raises:
        Busy, Superseded: another run of this step is under way.
    """
    with runs.of_tenant(tenant, STEP, contention=contention) as run:
        with scope.of(tenant):
            run.hold()
            made = confirm_exact(at=at)
        run.count(written=made)
    return made

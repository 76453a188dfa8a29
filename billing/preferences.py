"""A tenant's choices about rating."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from billing.models import BillingSettings
from tenancy import audit, scope


def set_rule(confidence: Decimal | None, *, by: str, at: datetime) -> None:
    """Have proposed meters of at least this confidence confirmed without asking; None: never.

    For the tenant in scope. Confidence is between 0.5 and 1.

    Raises:
        ValidationError: it is not.
    """
    row, _ = BillingSettings.objects.get_or_create(tenant_id=scope.tenant_id())
    before = row.confirm_from_confidence
    if before == confidence:
        return
    row.confirm_from_confidence = confidence
    row.full_clean(validate_unique=False, validate_constraints=False)
    row.save(update_fields=["confirm_from_confidence"])
    audit.record(
        "billing.confirm-from-confidence",
        "billing settings",
        by=by,
        at=at,
        before={"confidence": before},
        after={"confidence": confidence},
    )

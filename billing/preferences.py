"""A tenant's choices about rating."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from billing.models import BillingSettings
from tenancy import audit, scope


class Rule(Enum):
    """Whether the tenant lets the exact-name rule confirm meters."""

    ON = True
    OFF = False


def set_rule(*, confirm_exact_matches: Rule, by: str, at: datetime) -> None:
    """Let the exact-name rule confirm meters, or not, for the tenant in scope."""
    row, _ = BillingSettings.objects.get_or_create(tenant_id=scope.tenant_id())
    if row.confirm_exact_matches is confirm_exact_matches.value:
        return
    row.confirm_exact_matches = confirm_exact_matches.value
    row.save(update_fields=["confirm_exact_matches"])
    audit.record(
        "billing.exact-match-rule",
        "billing settings",
        by=by,
        at=at,
        after={"confirm_exact_matches": confirm_exact_matches.value},
    )

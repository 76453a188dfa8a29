"""Suspensions that stand: what Apportion itself has switched off, since when and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.models import Suspension


@dataclass(frozen=True, slots=True)
class Standing:
    """A suspension that has not been lifted, with what it rests on."""

    subscription: str
    gateway: str
    since: datetime
    reason: str
    evidence: dict[str, Any]


def standing() -> tuple[Standing, ...]:
    """The suspensions of the tenant in scope that stand, newest first."""
    rows = Suspension.objects.filter(lifted_at=None).select_related("subscription__gateway")
    return tuple(
        Standing(
            subscription=row.subscription.name,
            gateway=row.subscription.gateway.name,
            since=row.since,
            reason=row.reason,
            evidence=row.evidence,
        )
        for row in rows
    )

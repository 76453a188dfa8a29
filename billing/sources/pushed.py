"""Usage events that another gateway pushed, summed by the hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from billing.rules.token_classes import TokenClass
from billing.sources.seam import Hour, Totals
from inventory.gateways import GatewayRef
from inventory.models import UsageSource
from inventory.rules.dimensions import Dimension
from tenancy.scope import TenantRef


class PushedEvents:
    """See the module's text."""

    kind = UsageSource.EVENTS
    tells = frozenset(Dimension)
    counts = frozenset({"requests", "successful_requests"})
    classes = frozenset({TokenClass.UNCLASSIFIED})

    def read(
        self,
        tenant: TenantRef,
        gateway: GatewayRef,
        *,
        start: datetime,
        end: datetime,
        bucket: timedelta,
    ) -> Sequence[Hour]:
        raise NotImplementedError

    def totals(
        self, tenant: TenantRef, gateway: GatewayRef, *, start: datetime, end: datetime
    ) -> Totals:
        raise NotImplementedError

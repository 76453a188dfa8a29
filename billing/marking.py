"""Days whose cost has to be computed anew.

Whatever changes an amount (usage, a price, a mapping, an exchange rate) marks local days; rating
takes the marked days. Usage marks its own in the statement that replaces a window.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from inventory.models import Deployment
from tenancy import scope, tenants

_LOCK = 7419


def begin() -> None:
    """Let rating of the tenant in scope wait until this transaction ends; call before marking.

    Else a day that is marked already could be rated, and its mark taken, just before the change
    that this transaction brings can be seen.
    """
    _lock("SELECT pg_advisory_xact_lock_shared(%s, %s)")


def rest() -> None:
    """Wait for those who mark days of the tenant in scope, and let others wait for this
    transaction: for rating alone."""
    _lock("SELECT pg_advisory_xact_lock(%s, %s)")


def mark_days(*, since: datetime, deployment: Deployment | None = None) -> None:
    """Have every local day with usage since an instant rated again, in the tenant in scope."""
    begin()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_daytorate (tenant_id, day)"
            " SELECT DISTINCT %(tenant)s, (bucket_start AT TIME ZONE %(zone)s)::date"
            "   FROM billing_usage"
            "  WHERE tenant_id = %(tenant)s AND bucket_start >= %(since)s"
            "    AND (%(deployment)s::bigint IS NULL OR deployment_id = %(deployment)s)"
            "  ORDER BY 2"
            " ON CONFLICT (tenant_id, day) DO NOTHING",
            {
                "tenant": scope.tenant_id(),
                "zone": tenants.billing().zone,
                "since": since,
                "deployment": deployment.pk if deployment else None,
            },
        )


def _lock(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, [_LOCK, scope.tenant_id() % 2**31])

"""Days whose cost has to be computed anew.

Whatever changes an amount (usage, a price, a mapping, an exchange rate) marks local days; rating
takes the marked days. Usage marks its own in the statement that replaces a window.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from inventory.models import Deployment
from tenancy import scope, tenants


def mark_days(*, since: datetime, deployment: Deployment | None = None) -> None:
    """Have every local day with usage since an instant rated again, in the tenant in scope."""
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

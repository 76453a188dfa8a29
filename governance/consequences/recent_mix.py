"""What a subscription's or a team's calls of late cost: at their own mix, and at a dearer one."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from django.db import connection

from governance.rules import consequences as rule
from governance.rules.consequences import Bought, Mix
from inventory.models import Subscription, Team
from tenancy import periods, scope

_BOUGHT = Path(__file__).with_name("recent_mix.sql").read_text()


def of(subject: Subscription | Team, *, at: datetime, zone: str) -> Mix:
    """Over the last 30 whole local days, or as many as there are since its first use in them.

    Estimated, in the tenant's billing currency.
    """
    today = periods.local_day(at, zone)
    with connection.cursor() as cursor:
        cursor.execute(
            _BOUGHT,
            {
                "tenant": scope.tenant_id(),
                "subscription": subject.pk if isinstance(subject, Subscription) else None,
                "team": subject.pk if isinstance(subject, Team) else None,
                "since": today - timedelta(days=rule.RECENT_DAYS),
                "until": today,
            },
        )
        rows = cursor.fetchall()
    first = rows[0][-1] if rows else today
    return rule.mix([Bought(*told) for *told, _ in rows], days=(today - first).days)

"""Deployments' days whose cost has to be computed anew.

Whatever changes an amount (usage, a price, a mapping, a sheet, an exchange rate) marks the local
days of the deployments it touches; rating takes what is marked. Usage marks its own in the
statement that replaces a window.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import connection

from billing import kept
from tenancy import scope, tenants

_LOCK = 7419
_MARK = """
INSERT INTO billing_daytorate (tenant_id, day, deployment_id)
SELECT DISTINCT %(tenant)s, (bucket_start AT TIME ZONE %(zone)s)::date, deployment_id
  FROM (SELECT deployment_id, bucket_start
          FROM (SELECT tenant_id, deployment_id, bucket_start FROM billing_usage
                 UNION ALL
                SELECT tenant_id, deployment_id, bucket_start FROM billing_classusage) used
         WHERE tenant_id = %(tenant)s
           AND bucket_start >= %(since)s
           AND (%(until)s::timestamptz IS NULL OR bucket_start < %(until)s)
           AND (%(deployments)s::bigint[] IS NULL OR deployment_id = ANY(%(deployments)s))
         GROUP BY 1, 2) buckets
 ORDER BY 2, 3
    ON CONFLICT (tenant_id, day, deployment_id) DO NOTHING
"""


_MARK_SPANS = Path(__file__).with_name("mark_spans.sql").read_text()


@dataclass(frozen=True, slots=True)
class Span:
    """When a deployment's class is priced anew: half-open, UTC; ``until`` None: to this day."""

    deployment_id: int
    token_class: str
    since: datetime
    until: datetime | None


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


def mark_days(
    *,
    since: datetime,
    until: datetime | None = None,
    deployments: Collection[int] | None = None,
) -> None:
    """Have the local days with usage in ``since`` to before ``until`` rated again.

    Of the given deployments, or of all of the tenant in scope. Days of which the hours were let
    go stand as they are.
    """
    begin()
    with connection.cursor() as cursor:
        cursor.execute(
            _MARK,
            {
                "tenant": scope.tenant_id(),
                "zone": tenants.billing().zone,
                "since": max(since, kept.since()),
                "until": until,
                "deployments": None if deployments is None else sorted(deployments),
            },
        )


def mark_spans(spans: Sequence[Span]) -> None:
    """Have the local days on which a class was used in its span rated again.

    Of the tenant in scope. Days of which the hours were let go stand as they are.
    """
    begin()
    if not spans:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _MARK_SPANS,
            {
                "tenant": scope.tenant_id(),
                "zone": tenants.billing().zone,
                "first": max(kept.since(), min(span.since for span in spans)),
                "deployments": [span.deployment_id for span in spans],
                "classes": [span.token_class for span in spans],
                "since": [span.since for span in spans],
                "until": [span.until for span in spans],
            },
        )


def _lock(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, [_LOCK, scope.tenant_id() % 2**31])

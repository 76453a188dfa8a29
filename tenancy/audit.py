"""The audit log: who changed what, when and why; append-only and hash-chained per tenant.

The database refuses the application UPDATE and DELETE on it; `verify` finds any record that
was changed or removed by other means.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from tenancy import scope
from tenancy.models import AuditRecord


@dataclass(frozen=True, slots=True)
class Break:
    """A place where the chain does not hold."""

    number: int
    says: str


def record(
    action: str,
    subject: str,
    *,
    by: str,
    at: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> AuditRecord:
    """Add a record for the tenant in scope, in the transaction that makes the change."""
    _one_at_a_time()
    last = AuditRecord.objects.order_by("-number").first()
    entry = AuditRecord(
        number=last.number + 1 if last else 1,
        at=at,
        actor=by,
        action=action,
        subject=subject,
        before=_plain(before),
        after=_plain(after),
        reason=reason,
        previous_digest=last.digest if last else "",
    )
    entry.digest = _seal(entry)
    entry.save(force_insert=True)
    return entry


def verify() -> Iterator[Break]:
    """Every place where the chain of the tenant in scope is broken; nothing if it holds."""
    number, digest = 0, ""
    for entry in AuditRecord.objects.order_by("number").iterator():
        if entry.number != number + 1:
            yield Break(entry.number, f"records {number + 1} to {entry.number - 1} are missing")
        elif entry.previous_digest != digest:
            yield Break(entry.number, "does not follow the record before it")
        if entry.digest != _seal(entry):
            yield Break(entry.number, "was changed after it was written")
        number, digest = entry.number, entry.digest


def _one_at_a_time() -> None:
    """Serialise writers of one tenant's chain until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(7417, %s)", [scope.tenant_id() % 2**31])


def _plain(values: dict[str, Any] | None) -> dict[str, Any] | None:
    """The values as they will be read back from JSON, so that the seal can be recomputed."""
    if values is None:
        return None
    plain: dict[str, Any] = json.loads(json.dumps(values, cls=DjangoJSONEncoder))
    return plain


def _seal(entry: AuditRecord) -> str:
    content = [
        entry.number,
        entry.at.isoformat(),
        entry.actor,
        entry.action,
        entry.subject,
        entry.before,
        entry.after,
        entry.reason,
        entry.previous_digest,
    ]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()

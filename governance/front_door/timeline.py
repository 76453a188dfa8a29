"""What happened to a request, in order: written by the verbs, read by pages and notifications."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from governance.models import EventKind, QuotaRequest, RequestEvent
from tenancy import access, audit
from tenancy.access import Actor

#: Who did what nobody decided: a date that passed, a policy that asks nobody.
NOBODY = "Apportion"


def add(
    request: QuotaRequest,
    kind: EventKind,
    *,
    by: Actor | None,
    at: datetime,
    text: str = "",
    details: dict[str, Any] | None = None,
) -> RequestEvent:
    """Write down one thing that happened to a request's present version, and audit it."""
    name = by.email if by else NOBODY
    event: RequestEvent = RequestEvent.objects.create(
        request=request,
        kind=kind,
        version=request.version,
        person_id=by.person_id if by else None,
        by=name,
        at=at,
        text=text.strip(),
        details=details or {},
    )
    audit.record(
        f"request.{kind.value.replace('_', '-')}",
        f"request {request.number}",
        by=name,
        at=at,
        after={"state": request.state, "version": request.version, **event.details},
        reason=event.text,
    )
    return event


def of(actor: Actor, request: QuotaRequest) -> tuple[RequestEvent, ...]:
    """All that happened to a request the actor may see, oldest first."""
    rows = access.many(RequestEvent, actor).filter(request=request)
    return tuple(rows.select_related("person").order_by("id"))

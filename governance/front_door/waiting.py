"""What waits for somebody: requests to decide on, and questions about their own to answer."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from django.db import connection
from django.db.models import Q, QuerySet

from governance import roles
from governance.approvers import deciders
from governance.models import QuotaRequest, RequestState
from tenancy import access, scope
from tenancy.access import Actor

_WAITING = Path(__file__).with_name("waiting.sql").read_text()


def count(actor: Actor, *, at: datetime) -> int:
    """How many requests `of` has, by one question to the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            _WAITING,
            {
                "tenant": scope.tenant_id(),
                "person": actor.person_id,
                "at": at,
                "whole": actor.sees_whole_tenant,
                "approves": actor.role in roles.APPROVING,
                "approving": sorted(role.value for role in roles.APPROVING),
            },
        )
        return int(cursor.fetchone()[0])


def of(actor: Actor, *, at: datetime) -> QuerySet[QuotaRequest]:
    """The submitted requests that somebody may decide on now, and their own with a question."""
    to_decide = [one.pk for one in deciders.waiting_for(actor, at=at)]
    question = Q(state=RequestState.QUESTION, requested_by_id=actor.person_id)
    rows: QuerySet[QuotaRequest] = access.many(QuotaRequest, actor)
    return rows.filter(Q(pk__in=to_decide) | question)

"""What has waited too long: requests are ended, escalated, reminded of; and looked at anew.

A step of its own in the sync ledger. Each thing is done once, however often the step runs: what was
done is written down with when to do it next.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import QuerySet

from governance.consequences import asked, whatif
from governance.front_door import timeline
from governance.models import (
    UNDECIDED,
    ApprovalNeed,
    EventKind,
    QuotaRequest,
    RequestState,
)
from tenancy import runs, scope
from tenancy.runs import Contention
from tenancy.scope import TenantRef

STEP = "lapse_requests"
#: Of a request whose policies say nothing.
_USUAL_PAUSE = 24
#: How many open requests are looked at anew in one run, those that run out first before.
_MOST = 500


def lapse(tenant: TenantRef, *, at: datetime, contention: Contention) -> int:
    """One run for a tenant; how many requests were ended, escalated or reminded of.

    Raises:
        Busy, Superseded: another run is under way.
    """
    with runs.of_tenant(tenant, STEP, contention=contention) as run:
        with scope.of(tenant):
            run.hold()
            done = due(at=at)
        # What was told of holds the audit log until it is kept: nothing waits for others in there.
        with scope.of(tenant):
            run.hold()
            run.count(read=look_again(at=at), written=done)
    return done


def due(*, at: datetime) -> int:
    """End, escalate and remind of what has waited too long in the tenant in scope; how many."""
    waiting = QuotaRequest.objects.filter(state__in=UNDECIDED)
    done = 0
    for row in _free(waiting.filter(expires_at__lte=at)):
        _expire(row, at=at)
        done += 1
    for row in _free(waiting.filter(escalate_at__lte=at)):
        _escalate(row, at=at)
        done += 1
    for row in _free(waiting.filter(remind_at__lte=at)):
        _remind(row, at=at)
        done += 1
    return done


def look_again(*, at: datetime) -> int:
    """Say anew when the limits of open requests run out; how many were looked at.

    An inbox in which what runs out first comes first is only right on today's forecast. Who is
    being decided on this moment is left for the next time.
    """
    open_ones = QuotaRequest.objects.filter(state__in=UNDECIDED).order_by("runs_out_on", "number")
    rows = open_ones.select_related("team__cost_center", "subscription__gateway", "product")[:_MOST]
    found = {row.pk: whatif.of(asked.of_request(row), at=at).runs_out_on for row in rows}
    versions = {row.pk: row.version for row in rows if found[row.pk] != row.runs_out_on}
    changed = []
    for row in _free(QuotaRequest.objects.filter(pk__in=versions, state__in=UNDECIDED)):
        if row.version == versions[row.pk]:
            row.runs_out_on = found[row.pk]
            changed.append(row)
    QuotaRequest.objects.bulk_update(changed, ["runs_out_on"])
    return len(rows)


def _expire(row: QuotaRequest, *, at: datetime) -> None:
    row.state, row.decided_at = RequestState.EXPIRED, at
    row.save(update_fields=["state", "decided_at"])
    timeline.add(row, EventKind.EXPIRED, by=None, at=at)


def _escalate(row: QuotaRequest, *, at: datetime) -> None:
    """Let others decide too, where the policies name some; tell it in any case."""
    to: set[str] = set()
    for need in _needs(row, "policy__escalate_to"):
        group = need.policy.escalate_to if need.policy else None
        if group is not None:
            need.escalated_to = group
            need.save(update_fields=["escalated_to"])
            to.add(group.name)
    row.escalate_at = None
    row.save(update_fields=["escalate_at"])
    timeline.add(row, EventKind.ESCALATED, by=None, at=at, details={"to": sorted(to)})


def _remind(row: QuotaRequest, *, at: datetime) -> None:
    pauses = [need.policy.remind_after_hours for need in _needs(row, "policy") if need.policy]
    row.remind_at = at + timedelta(hours=max(min(pauses, default=_USUAL_PAUSE), 1))
    row.save(update_fields=["remind_at"])
    timeline.add(row, EventKind.REMINDED, by=None, at=at)


def _needs(row: QuotaRequest, *related: str) -> QuerySet[ApprovalNeed]:
    rows: QuerySet[ApprovalNeed] = ApprovalNeed.objects.filter(request=row, version=row.version)
    return rows.select_related(*related)


def _free(rows: QuerySet[QuotaRequest]) -> Iterable[QuotaRequest]:
    """Those rows, locked; who is being decided on this moment is left for the next time."""
    return rows.select_for_update(skip_locked=True, no_key=True).order_by("number")

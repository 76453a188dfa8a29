"""What was granted before: the last increases of a subject, and how much came of late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Q, QuerySet, Sum

from governance.models import Approval, Level, Override, Span, Unit
from governance.rules.spans import Every
from inventory.models import Subscription, Team


@dataclass(frozen=True, slots=True)
class Increase:
    """More that was granted before. ``decided_by`` is empty where a policy approved at once."""

    at: datetime
    amount: Decimal
    unit: Unit
    every: Every
    until: datetime | None
    request: int
    decided_by: tuple[str, ...]


def last(subject: Subscription | Team, *, most: int) -> tuple[Increase, ...]:
    """The last increases, newest first, each with the names of who decided."""
    rows = _of(subject).filter(amount__gt=0).select_related("request")
    found = list(rows.order_by("-recorded_at", "-id")[:most])
    names: dict[int, list[str]] = {}
    version = {row.request_id: row.request.version for row in found}
    for one in Approval.objects.filter(request_id__in=version).select_related("person"):
        if one.version == version[one.request_id]:
            names.setdefault(one.request_id, []).append(one.person.name or one.person.email)
    return tuple(
        Increase(
            at=row.recorded_at,
            amount=row.amount,
            unit=Unit(row.unit),
            every=Every(row.span),
            until=row.effective_until,
            request=row.request.number,
            decided_by=tuple(names.get(row.request_id, ())),
        )
        for row in found
    )


def since(
    subject: Subscription | Team, unit: Unit, every: Every, *, granted_from: datetime, at: datetime
) -> Decimal:
    """What of a limit in force at an instant was granted from another on; less counts as less."""
    in_force = Q(effective_until__isnull=True) | Q(effective_until__gt=at)
    rows = _of(subject).filter(in_force, unit=unit, span=Span(every.value), effective_from__lte=at)
    found = rows.filter(recorded_at__gte=granted_from).aggregate(sum=Sum("amount"))["sum"]
    return found or Decimal(0)


def _of(subject: Subscription | Team) -> QuerySet[Override]:
    level = Level.TEAM if isinstance(subject, Team) else Level.SUBSCRIPTION
    return Override.objects.filter(**{level.value: subject})

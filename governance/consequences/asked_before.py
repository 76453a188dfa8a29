"""What was asked for before, as routes count it: what is open, granted, or was and is over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from governance.consequences.asked import FOR_MORE, OF_A_LIMIT, Asked
from governance.models import (
    EventKind,
    QuotaRequest,
    RequestEvent,
    RequestKind,
    RequestState,
    Unit,
)
from governance.rules.routing import BASE_DAYS, Earlier, Target
from governance.rules.spans import A_MONTH_HAS, Every
from inventory.models import Subscription, Team
from tenancy import periods
from tenancy.money import EXACT

#: Under which name a request's events keep what its route was found by.
TOLD = "routing"
#: What was asked for and is not to be counted: it came to nothing, or is not asked yet.
_CAME_TO_NOTHING = (
    RequestState.DRAFT,
    RequestState.REJECTED,
    RequestState.WITHDRAWN,
    RequestState.EXPIRED,
)
_COUNTED = (*OF_A_LIMIT, RequestKind.TIER, RequestKind.SUBSCRIPTION)
_MONTHLY = (Unit.CURRENCY.value, Every.MONTH.value)


def rows(
    team: Team,
    subscription: Subscription | None,
    *,
    days: int,
    at: datetime,
    request_id: int | None = None,
) -> list[QuotaRequest]:
    """What was asked for a team, or for the same subscription, in the last days, oldest first.

    As of `told_rows`; with the request of ``request_id``, whatever it is.
    """
    subject = Q(team=team)
    if subscription is not None:
        subject |= Q(subscription=subscription)
    since = at - timedelta(days=days)
    recent = Q(submitted_at__gte=since) | Q(overrides__recorded_at__gte=since)
    counted = subject & recent & Q(kind__in=_COUNTED) & ~Q(state__in=_CAME_TO_NOTHING)
    return list(told_rows(QuotaRequest.objects.filter(counted | Q(pk=request_id))))


def told_rows(rows: QuerySet[QuotaRequest]) -> QuerySet[QuotaRequest]:
    """Requests with what their routes were found by (``told``), and what was granted of them."""
    sent = RequestEvent.objects.filter(
        request=OuterRef("pk"),
        version=OuterRef("version"),
        kind__in=(EventKind.SUBMITTED, EventKind.AMENDED),
    ).order_by("-id")
    return rows.annotate(
        told=Subquery(sent.values(f"details__{TOLD}")[:1]),
        granted=F("overrides__amount"),
        granted_at=F("overrides__recorded_at"),
        granted_until=F("overrides__effective_until"),
    ).order_by("submitted_at", "id")


def counts(row: QuotaRequest) -> bool:
    """Whether a request is one that later ones are counted with."""
    return row.kind in _COUNTED and row.state not in _CAME_TO_NOTHING


def earlier(row: QuotaRequest, *, at: datetime, zone: str) -> Earlier:
    """A row of `told_rows` as something asked before ``at``."""
    sent = row.submitted_at or row.created_at
    amount, change, target = monthly_amount(row), row.amount, target_of_row(row)
    granted, granted_at, in_base = _granted(row, at=at)
    if row.kind == RequestKind.DECREASE:
        change = Decimal(0)
    if row.kind == RequestKind.TIER:
        change, in_base = amount, True
        if row.state == RequestState.APPLIED and amount is not None:
            granted, granted_at = amount, row.decided_at
    return Earlier(
        at=sent,
        team=row.team_id,
        target=target,
        amount=None if amount is None else max(amount, Decimal(0)),
        change=None if change is None else max(change, Decimal(0)),
        temporary_days=days_from(row.until, sent, zone) or 0,
        granted=granted,
        granted_at=granted_at,
        in_base=in_base,
    )


def monthly_amount(row: QuotaRequest) -> Decimal | None:
    """More a month in the billing currency that a row of `told_rows` asked for; None: unknown."""
    if row.kind in (RequestKind.DECREASE, RequestKind.REACTIVATION):
        return Decimal(0)
    if row.kind in FOR_MORE and row.amount is not None and row.unit == Unit.CURRENCY:
        return a_month(row.amount, Every(row.span))
    return number(told_of(row).get("amount"))


def told_of(row: QuotaRequest) -> Mapping[str, Any]:
    """What the route of a row of `told_rows` was found by; empty where it was not kept."""
    told = getattr(row, "told", None)
    return told if isinstance(told, dict) else {}


def target_of(asked: Asked) -> Target | None:
    """Which limit is asked about; None of a subscription that is not there yet."""
    if asked.kind is RequestKind.SUBSCRIPTION:
        return None
    here = asked.subscription
    subject = f"subscription {here.pk}" if here else f"team {asked.team.pk}"
    limit = (asked.unit.value, asked.every.value) if asked.kind in OF_A_LIMIT else _MONTHLY
    return Target(subject, *limit)


def target_of_row(row: QuotaRequest) -> Target | None:
    """As `target_of`, of a request."""
    if row.kind == RequestKind.SUBSCRIPTION:
        return None
    one = row.subscription_id
    subject = f"subscription {one}" if one else f"team {row.team_id}"
    limit = (row.unit, row.span) if row.kind in OF_A_LIMIT else _MONTHLY
    return Target(subject, *limit)


def number(text: object) -> Decimal | None:
    """An amount as it was kept."""
    return None if text is None else Decimal(str(text))


def days_from(until: datetime | None, since: datetime, zone: str) -> int | None:
    """How many local days, both counted, from one instant to before another; None: for good."""
    if until is None:
        return None
    last = periods.local_day(until - timedelta(microseconds=1), zone)
    return (last - periods.local_day(since, zone)).days + 1


def a_month(amount: Decimal, every: Every) -> Decimal:
    """So much for each of a limit's periods, in a month."""
    return EXACT.multiply(amount, A_MONTH_HAS[every])


def _granted(row: QuotaRequest, *, at: datetime) -> tuple[Decimal, datetime | None, bool]:
    """What a request has put into its limit that is there at ``at``, since when, and whether the
    limit before the last days has it."""
    since, until = getattr(row, "granted_at", None), getattr(row, "granted_until", None)
    if since is None or since > at or (until is not None and until <= at):
        return Decimal(0), None, False
    return row.granted, since, since < at - timedelta(days=BASE_DAYS)  # type: ignore[attr-defined]  # annotated

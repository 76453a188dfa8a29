"""Suspensions in force, and what was done at the gateway: with the evidence it rested on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from governance.models import (
    Action,
    ActionOutcome,
    EnforcementSettings,
    Mode,
    Suspension,
    Verb,
)
from inventory.models import Subscription
from tenancy import access
from tenancy.access import Actor

#: How many acts of one subscription are told, newest first.
MOST = 50


@dataclass(frozen=True, slots=True)
class Held:
    """A subscription that Apportion suspended, and has not served again yet."""

    subscription_id: int
    subscription: str
    since: datetime
    reason: str
    evidence: dict[str, Any] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Act:
    """One act at the gateway, intended or done. ``evidence`` is what it rested on."""

    verb: Verb
    outcome: ActionOutcome
    reason: str
    intended_at: datetime
    finished_at: datetime | None
    verified_at: datetime | None
    request_id: str
    error: str
    evidence: dict[str, Any] = field(hash=False)


def in_force(subscription_ids: Iterable[int]) -> dict[int, Held]:
    """By subscription id, Apportion's suspensions of the tenant in scope that still hold."""
    rows = Suspension.objects.filter(subscription_id__in=set(subscription_ids), lifted_at=None)
    return {row.subscription_id: _held(row) for row in _with_names(rows)}


def standing() -> tuple[Held, ...]:
    """All of Apportion's suspensions of the tenant in scope that still hold, oldest first."""
    return tuple(_held(row) for row in _with_names(Suspension.objects.filter(lifted_at=None)))


def acts(actor: Actor, subscription: Subscription) -> tuple[Act, ...]:
    """What was done at the gateway about a subscription the actor may see, newest first."""
    rows = access.many(Action, actor).filter(subscription=subscription).order_by("-id")[:MOST]
    return tuple(_act(row) for row in rows)


def mode() -> Mode:
    """Whether enforcement is on, a dry run or off for the tenant in scope."""
    chosen = EnforcementSettings.objects.first() or EnforcementSettings()
    return Mode(chosen.mode)


def _with_names(rows: QuerySet[Suspension]) -> QuerySet[Suspension]:
    return rows.select_related("subscription").order_by("id")


def _held(row: Suspension) -> Held:
    return Held(
        subscription_id=row.subscription_id,
        subscription=str(row.subscription),
        since=row.since,
        reason=row.reason,
        evidence=row.evidence,
    )


def _act(row: Action) -> Act:
    return Act(
        verb=Verb(row.verb),
        outcome=ActionOutcome(row.outcome),
        reason=row.reason,
        intended_at=row.intended_at,
        finished_at=row.finished_at,
        verified_at=row.verified_at,
        request_id=row.request_id,
        error=row.error,
        evidence=row.evidence,
    )

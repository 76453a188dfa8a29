"""Carrying out what was approved: at the gateway where it needs that, and told on the request.

A level-triggered step: the approved request is the intent, and each cycle takes up whatever is
approved and not applied yet. What it asks of the gateway (`at_gateway`) can be asked twice, so
that a cycle which dies anywhere is finished by the next. What passes is tried again, later and
later; what needs a person makes the request *failed*, from which `again` brings it back.

No call to the gateway is made inside a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any  # what an event keeps

from django.db.models import F

from billing import attribution
from connectors.failures import Changed, ConnectorError, Partial, Transient
from connectors.session import AzureSession
from governance import decisions, roles, suspensions
from governance.front_door import at_gateway, timeline
from governance.front_door.at_gateway import Carried, NotAsAsked, Wanted
from governance.limits import quotas
from governance.limits.binding import NO_LIMIT, Limit
from governance.models import (
    EnforcementSettings,
    EventKind,
    Hardness,
    Mode,
    Override,
    QuotaRequest,
    RequestKind,
    RequestState,
    Suspension,
)
from governance.rules import backoff, desired
from governance.rules.desired import Desired
from inventory import azure, gateways, subscriptions, teams
from inventory.gateways import GatewayRef
from inventory.models import Subscription
from inventory.ownership import Attribution
from tenancy import access, clock, money, periods, runs, scope, tenants
from tenancy.access import Actor
from tenancy.refusals import Refused
from tenancy.runs import Contention, Recorded, Superseded
from tenancy.scope import TenantRef

STEP = "apply_requests"
_Act = Callable[[AzureSession, GatewayRef, Wanted], Carried]


class Outcome(StrEnum):
    """What became of an approved request in one cycle. LATER: it stays approved."""

    APPLIED = "applied"
    FAILED = "failed"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one request, in words."""

    number: int
    outcome: Outcome
    says: str


class StillOver(Refused):
    code = "hard-limit-reached"
    text = "{name} is not served again: {limits}. Ask for more first."


class NotFailed(Refused):
    code = "request-not-failed"
    text = "Request {number} is {state}: only one that failed to apply is applied again."


class _Waits(Refused):
    """Not a failure: something of ours has to happen before."""

    code = "request-waits"
    text = "{says}"


@dataclass(frozen=True, slots=True)
class _Cycle:
    tenant: TenantRef
    run: Recorded
    gateways: dict[int, GatewayRef]
    mode: Mode
    stale_after: timedelta
    at: datetime


def apply(tenant: TenantRef, *, at: datetime, contention: Contention) -> tuple[Done, ...]:
    """Carry out what is approved and due for a tenant, by number. Twice is once.

    Raises:
        Busy, Superseded: another cycle is under way.
    """
    with scope.of(tenant):
        if not _due(at):
            return ()
    with runs.of_tenant(tenant, STEP, contention=contention) as run:
        with scope.of(tenant):
            run.hold()
            due = _due(at)
            chosen = EnforcementSettings.objects.first() or EnforcementSettings()
            cycle = _Cycle(
                tenant=tenant,
                run=run,
                gateways={ref.id: ref for ref in gateways.all_of_tenant()},
                mode=Mode(chosen.mode),
                stale_after=timedelta(minutes=chosen.stale_after_minutes),
                at=at,
            )
        done = tuple(_carry_out(cycle, one) for one in due)
        run.count(read=len(due), written=_count(done, Outcome.APPLIED))
        if undone := _count(done, Outcome.FAILED, Outcome.LATER):
            run.note(failed=_count(done, Outcome.FAILED), later=undone)
    return done


def again(actor: Actor, request: QuotaRequest, *, at: datetime) -> None:
    """Have a request that failed to apply carried out again; its approval stands.

    Raises:
        NotAllowed: the actor neither approves nor administers.
        NotFailed: it has not failed.
    """
    access.require(actor, *roles.APPROVING, verb="have requests applied again")
    failed = QuotaRequest.objects.filter(pk=request.pk, state=RequestState.FAILED)
    if not failed.update(state=RequestState.APPROVED, error="", tries=0, tried_at=None):
        state = QuotaRequest.objects.values_list("state", flat=True).get(pk=request.pk)
        raise NotFailed(number=request.number, state=RequestState(state).label)
    request.state = RequestState.APPROVED
    timeline.add(request, EventKind.AGAIN, by=actor, at=at)


def _due(at: datetime) -> tuple[QuotaRequest, ...]:
    rows = QuotaRequest.objects.filter(state=RequestState.APPROVED).order_by("number")
    related = rows.select_related("team", "product", "subscription__gateway")
    return tuple(one for one in related if backoff.due(one.tries, one.tried_at, at=at))


def _carry_out(cycle: _Cycle, request: QuotaRequest) -> Done:
    try:
        return _attempt(cycle, request)
    except Superseded:
        raise
    except _Waits as waits:
        return _put_off(cycle, request, str(waits), tries=0)
    except (Transient, Partial, Changed, NotAsAsked) as error:
        return _put_off(cycle, request, str(error), tries=1)
    except (ConnectorError, Refused) as error:
        with scope.of(cycle.tenant):
            cycle.run.hold()
            _become(cycle, request, RequestState.FAILED, says=str(error))
        return Done(request.number, Outcome.FAILED, str(error))


def _attempt(cycle: _Cycle, request: QuotaRequest) -> Done:
    subscription = request.subscription
    match RequestKind(request.kind):
        case RequestKind.INCREASE | RequestKind.TEMPORARY | RequestKind.DECREASE:
            return _override(cycle, request)
        case RequestKind.SUBSCRIPTION if request.gateway_id:
            return _carry(cycle, request, request.gateway_id, at_gateway.new_subscription)
        case RequestKind.TIER if subscription:
            return _carry(cycle, request, subscription.gateway_id, at_gateway.tier)
        case RequestKind.REACTIVATION if subscription:
            allowed = partial(_refuse_over_limit, cycle, subscription)
            act = partial(at_gateway.reactivation, allowed=allowed)
            return _carry(cycle, request, subscription.gateway_id, act)
        case _:
            raise AssertionError("the database lets no request be without its subject")


def _carry(cycle: _Cycle, request: QuotaRequest, gateway_id: int, act: _Act) -> Done:
    gateway = cycle.gateways[gateway_id]
    with azure.session_as(gateway.credential) as session:
        carried = act(session, gateway, at_gateway.wanted(cycle.tenant, request))
    return _record(cycle, gateway, request, carried)


def _override(cycle: _Cycle, request: QuotaRequest) -> Done:
    """A changed limit is in force by its row; what waits for it at the gateway is enforcement's."""
    with scope.of(cycle.tenant):
        cycle.run.hold()
        if not Override.objects.filter(request=request).exists():
            raise _Waits(says="Its change of the limit is not written down yet.")
        says = " ".join(
            ("The limit is changed.", *_still_suspended(cycle, _concerned(request, cycle.at)))
        )
        _become(cycle, request, RequestState.APPLIED, says=says)
    return Done(request.number, Outcome.APPLIED, says)


def _concerned(request: QuotaRequest, at: datetime) -> tuple[Subscription, ...]:
    if request.subscription:
        return (request.subscription,)
    return teams.subscriptions_of(request.team, on=_today(at))


def _still_suspended(cycle: _Cycle, concerned: Sequence[Subscription]) -> list[str]:
    """Why each that Apportion suspended stays so.

    Raises:
        _Waits: one is about to be served again.
    """
    held = suspensions.in_force(one.pk for one in concerned)
    reasons = []
    for one in sorted((one for one in concerned if one.pk in held), key=str):
        decided = decisions.of_subscription(one.pk, at=cycle.at, stale_after=cycle.stale_after)
        if decided is None or decided.situation.observed != "suspended":
            continue
        if decided.decision.desired is Desired.REFUSED:
            reasons.append(f"{one} stays suspended: {_limits_reached(one.pk, cycle.at)}.")
        elif decided.decision.desired is Desired.LEAVE:
            reasons.append(f"{one} stays suspended for now: {decided.says}.")
        elif cycle.mode is not Mode.ON:
            reasons.append(f"{one} stays suspended: enforcement is {cycle.mode.label}.")
        else:
            raise _Waits(says=f"The limit is changed; {one} is served again in a moment.")
    return reasons


def _refuse_over_limit(cycle: _Cycle, subscription: Subscription) -> None:
    """Let pass what no hard limit holds back; whoever suspended it, a person has decided."""
    with scope.of(cycle.tenant):
        cycle.run.hold()
        decided = decisions.of_subscription(
            subscription.pk, at=cycle.at, stale_after=cycle.stale_after
        )
        if decided is None:
            return
        served = desired.decide(replace(decided.situation, observed="active"))
        if served.desired is Desired.REFUSED:
            raise StillOver(name=subscription, limits=_limits_reached(subscription.pk, cycle.at))


def _limits_reached(subscription_id: int, at: datetime) -> str:
    found = quotas.of([subscription_id], at=at).get(subscription_id, NO_LIMIT)
    reached = [one for one in found.limits if one.reached and one.hardness == Hardness.HARD]
    return "; ".join(map(_said, reached))


def _said(limit: Limit) -> str:
    """A limit that is reached, whose it is, and in figures."""
    if limit.money is None:
        figures = f"{limit.used:,.0f} of {limit.limit:,.0f} tokens"
    else:
        used = money.rounded(money.of(limit.used, limit.currency)).amount
        figures = f"{used:f} of {money.rounded(limit.money).amount:f} {limit.currency}, estimated,"
    return f"the limit of {limit.source} is reached, {figures} in the {limit.every}"


def _record(cycle: _Cycle, gateway: GatewayRef, request: QuotaRequest, carried: Carried) -> Done:
    """Keep what is so at the gateway now, and whatever follows from it."""
    with scope.of(cycle.tenant):
        cycle.run.hold()
        row = subscriptions.record(gateway.id, carried.read.subscription, at=clock.now())
        if request.kind == RequestKind.SUBSCRIPTION:
            _hand_to_team(cycle, request, row)
        if request.kind == RequestKind.REACTIVATION:
            Suspension.objects.filter(subscription=row, lifted_at=None).update(
                lifted_at=cycle.at, lifted_because=f"{request} was approved"
            )
        details = {
            "subscription": row.name,
            "product": carried.read.subscription.product,
            "state": carried.read.subscription.state,
            "azure_request": carried.request_id,
        }
        _become(cycle, request, RequestState.APPLIED, says=carried.says, details=details)
    return Done(request.number, Outcome.APPLIED, carried.says)


def _hand_to_team(cycle: _Cycle, request: QuotaRequest, row: Subscription) -> None:
    """The new subscription is the team's from today on, for what it was asked for."""
    waiting = QuotaRequest.objects.filter(pk=request.pk, state=RequestState.APPROVED)
    waiting.filter(subscription=None).update(subscription=row)
    to = Attribution(
        team=request.team, environment=request.environment, application=request.application
    )
    attribution.assign(
        row,
        to,
        from_day=_today(cycle.at),
        by=timeline.NOBODY,
        at=cycle.at,
        reason=f"{request} was approved.",
    )


def _become(
    cycle: _Cycle,
    request: QuotaRequest,
    state: RequestState,
    *,
    says: str,
    details: dict[str, Any] | None = None,
) -> None:
    """Let an approved request be applied or failed, once, and tell so."""
    failed = state is RequestState.FAILED
    approved = QuotaRequest.objects.filter(pk=request.pk, state=RequestState.APPROVED)
    if not approved.update(
        state=state, error=says if failed else "", tried_at=cycle.at, tries=F("tries") + 1
    ):
        return
    request.state = state
    kind = EventKind.FAILED if failed else EventKind.APPLIED
    timeline.add(request, kind, by=None, at=cycle.at, text=says, details=details)


def _put_off(cycle: _Cycle, request: QuotaRequest, says: str, *, tries: int) -> Done:
    """It stays approved, and why is shown; after a failure (``tries`` 1) it waits longer."""
    with scope.of(cycle.tenant):
        cycle.run.hold()
        approved = QuotaRequest.objects.filter(pk=request.pk, state=RequestState.APPROVED)
        approved.update(error=says, tried_at=cycle.at, tries=F("tries") + tries)
    return Done(request.number, Outcome.LATER, says)


def _today(at: datetime) -> date:
    return periods.local_day(at, tenants.billing().zone)


def _count(done: Iterable[Done], *outcomes: Outcome) -> int:
    return sum(one.outcome in outcomes for one in done)

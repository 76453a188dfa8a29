"""Enforcement: make the gateway's state agree with the decided one.

A level-triggered reconciler. Each cycle decides for every subscription anew, and acts only where
the gateway differs: it writes down an intent, asks the gateway for the present state, decides
again on that, changes it with the version tag it saw, reads back, and records the outcome. A
crash between any two leaves an intent that the next cycle settles.

No call to the gateway is made inside a transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from connectors import apim
from connectors.failures import Changed, ConnectorError, Transient, Unreachable
from connectors.records import ObservedSubscription, StateChange, SubscriptionState
from connectors.session import AzureSession
from governance import decisions
from governance.decisions import Decided
from governance.models import Action, ActionOutcome, EnforcementSettings, Mode, Suspension, Verb
from governance.rules import guards
from governance.rules.desired import Desired
from inventory import azure, gateways, subscriptions
from inventory.gateways import GatewayRef
from tenancy import audit, clock, money, runs, scope
from tenancy.refusals import Refused
from tenancy.runs import Contention, Recorded
from tenancy.scope import TenantRef

STEP = "enforce"
ACTOR = "Apportion"


class TooManySuspensions(Refused):
    code = "too-many-suspensions"
    text = (
        "{wanted} subscriptions would be suspended in one cycle; at most {most} may be without a"
        " person. Nothing was suspended. Look at prices and quotas, then raise the number in the"
        " enforcement settings if it is right."
    )


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one decision that differed from the gateway."""

    decided: Decided
    outcome: ActionOutcome
    error: str = ""


def enforce(tenant: TenantRef, *, at: datetime, contention: Contention) -> tuple[Done, ...]:
    """One cycle for a tenant: decide, guard, act, verify, record. Twice is once.

    Raises:
        Busy, Superseded: another cycle is under way.
        TooManySuspensions: the guard held; reactivations were still done.
    """
    with scope.of(tenant):
        chosen = EnforcementSettings.objects.first() or EnforcementSettings()
        if chosen.mode == Mode.OFF:
            return ()
    with runs.of_tenant(tenant, STEP, contention=contention) as run:
        with scope.of(tenant):
            run.hold()
            _settle_old_intents(at=at)
            stale_after = timedelta(minutes=chosen.stale_after_minutes)
            everything = decisions.of_tenant(at=at, stale_after=stale_after)
            refs = {ref.id: ref for ref in gateways.all_of_tenant()}
            differing = [
                _with_crossing(one)
                for one in everything
                if (one.differs or one.reactivated_by_others) and refs[one.gateway_id].service
            ]
        held, allowed = _guarded(differing, chosen)
        cycle = _Cycle(tenant, run, Mode(chosen.mode), stale_after, at)
        done = tuple(_act_on(cycle, refs[one.gateway_id], one) for one in allowed)
        run.count(read=len(everything), written=_count(done, ActionOutcome.DONE))
        if failed := _count(done, ActionOutcome.FAILED, ActionOutcome.INTENDED):
            run.note(failed=failed)
        if held:
            raise TooManySuspensions(wanted=len(held), most=chosen.most_suspensions)
    return done


@dataclass(frozen=True, slots=True)
class _Cycle:
    tenant: TenantRef
    run: Recorded
    mode: Mode
    stale_after: timedelta
    at: datetime


def _guarded(
    differing: list[Decided], chosen: EnforcementSettings
) -> tuple[list[Decided], list[Decided]]:
    """What must wait for a person, and what may be done."""
    refused = [one for one in differing if one.decision.desired is Desired.REFUSED]
    if guards.too_many(len(refused), most=chosen.most_suspensions):
        return refused, [one for one in differing if one not in refused]
    return [], differing


def _with_crossing(one: Decided) -> Decided:
    """The decision with the hour in which the limit was crossed, where it was."""
    if one.decision.desired is not Desired.REFUSED:
        return one
    return replace(one, crossed_at=decisions.crossing(one))


def _act_on(cycle: _Cycle, gateway: GatewayRef, one: Decided) -> Done:
    if cycle.mode is not Mode.ON:
        return _withhold(cycle, one)
    intent = _intend(cycle, one)
    try:
        with azure.session_as(gateway.credential) as session:
            return _carry_out(cycle, session, gateway, one, intent)
    except _OutcomeUnknown as error:  # the intent stays open: the next cycle settles it
        return Done(one, ActionOutcome.INTENDED, str(error))
    except (ConnectorError, Refused) as error:
        with scope.of(cycle.tenant):
            _finish(intent, ActionOutcome.FAILED, error=str(error))
        return Done(one, ActionOutcome.FAILED, str(error))


def _carry_out(
    cycle: _Cycle, session: AzureSession, gateway: GatewayRef, one: Decided, intent: Action
) -> Done:
    """Change the gateway, once more after somebody else's change of the same subscription."""
    for attempt in (1, 2):
        seen = apim.subscription(session, gateway.apim(), one.name)
        fresh = _decide_again(cycle, one, seen)
        if fresh is None or not fresh.differs:
            return _overtaken(cycle, fresh or one, intent)
        if fresh.decision.desired is not one.decision.desired:
            raise _Turned()
        try:
            change, after = _change(session, gateway, fresh, seen.etag)
        except Changed:
            if attempt == 2:
                raise
            continue
        return _record(cycle, replace(fresh, crossed_at=one.crossed_at), intent, change, after)
    raise AssertionError("the loop returns or raises")


def _change(
    session: AzureSession, gateway: GatewayRef, one: Decided, etag: str
) -> tuple[StateChange, ObservedSubscription]:
    """Change the gateway and read it back.

    Raises:
        _OutcomeUnknown: the change was sent, and whether it was made cannot be said.
    """
    sent = False
    try:
        change = apim.set_state(
            session,
            gateway.apim(),
            one.name,
            state=_target(one),
            comment=_comment(one),
            etag=etag,
        )
        sent = True
        return change, apim.subscription(session, gateway.apim(), one.name)
    except ConnectorError as error:
        lost = isinstance(error, Transient) and not isinstance(error, Unreachable)
        if sent or lost:
            raise _OutcomeUnknown(says=error) from error
        raise


def _overtaken(cycle: _Cycle, one: Decided, intent: Action) -> Done:
    """The gateway is as it should be already: somebody else was there first."""
    with scope.of(cycle.tenant):
        if one.reactivated_by_others:
            _lift_suspension(one, at=cycle.at, because="it was found active at the gateway")
        _finish(intent, ActionOutcome.OVERTAKEN, error="The gateway was found as it should be.")
    return Done(one, ActionOutcome.OVERTAKEN)


class _OutcomeUnknown(Refused):
    code = "outcome-unknown"
    text = "{says} Whether the gateway has changed is not known; the next cycle reads it."


class _Turned(Refused):
    code = "decision-turned"
    text = "What should be done changed while it was being done; the next cycle decides."


def _decide_again(cycle: _Cycle, one: Decided, seen: ObservedSubscription) -> Decided | None:
    """The decision on the state the gateway has just told, and on figures as they are now."""
    with scope.of(cycle.tenant):
        cycle.run.hold()
        subscriptions.record_state(
            one.subscription_id,
            state=seen.subscription.state,
            comment=seen.subscription.state_comment,
            at=cycle.at,
        )
        if _suspended_by_others(seen):
            _lift_suspension(one, at=cycle.at, because="somebody else has suspended it since")
        return decisions.of_subscription(
            one.subscription_id, at=cycle.at, stale_after=cycle.stale_after
        )


def _suspended_by_others(seen: ObservedSubscription) -> bool:
    """Whether a person suspended it after us, and without our comment: theirs to serve again."""
    ours = (seen.subscription.state_comment or "").startswith(ACTOR)
    return seen.subscription.state == SubscriptionState.SUSPENDED and not ours


def _record(
    cycle: _Cycle,
    one: Decided,
    intent: Action,
    change: StateChange,
    after: ObservedSubscription,
) -> Done:
    verified = after.subscription.state == _target(one)
    with scope.of(cycle.tenant):
        subscriptions.record_state(
            one.subscription_id,
            state=after.subscription.state,
            comment=after.subscription.state_comment,
            at=cycle.at,
        )
        if one.decision.desired is Desired.REFUSED:
            _open_suspension(cycle, one)
        else:
            _lift_suspension(one, at=cycle.at, because=one.says)
        _finish(intent, ActionOutcome.DONE, request_id=change.request_id or "", verified=verified)
        audit.record(
            f"subscription.{intent.verb}",
            f"{one.gateway}/{one.name}",
            by=ACTOR,
            at=cycle.at,
            before={"state": one.situation.observed},
            after={"state": after.subscription.state, **_plain(one.evidence())},
            reason=one.says,
        )
    return Done(one, ActionOutcome.DONE)


def _open_suspension(cycle: _Cycle, one: Decided) -> None:
    Suspension.objects.get_or_create(
        tenant_id=cycle.tenant.id,
        subscription_id=one.subscription_id,
        lifted_at=None,
        defaults={
            "reason": one.says,
            "evidence": _plain(one.evidence()),
            "since": cycle.at,
        },
    )


def _lift_suspension(one: Decided, *, at: datetime, because: str) -> None:
    Suspension.objects.filter(subscription_id=one.subscription_id, lifted_at=None).update(
        lifted_at=at, lifted_because=because
    )


def _intend(cycle: _Cycle, one: Decided) -> Action:
    with scope.of(cycle.tenant):
        cycle.run.hold()
        return _action(cycle, one, ActionOutcome.INTENDED)


def _withhold(cycle: _Cycle, one: Decided) -> Done:
    """Record what a dry run would have done, once for as long as it would."""
    verb = _verb(one)
    with scope.of(cycle.tenant):
        cycle.run.hold()
        newest = Action.objects.filter(subscription_id=one.subscription_id).first()
        same = newest and (newest.outcome, newest.verb) == (ActionOutcome.WITHHELD, verb)
        if not same:
            _action(cycle, one, ActionOutcome.WITHHELD)
    return Done(one, ActionOutcome.WITHHELD)


def _action(cycle: _Cycle, one: Decided, outcome: ActionOutcome) -> Action:
    action: Action = Action.objects.create(
        subscription_id=one.subscription_id,
        verb=_verb(one),
        quota_id=one.bound.quota_id if one.bound else None,
        reason=one.says,
        evidence=_plain(one.evidence()),
        outcome=outcome,
        intended_at=cycle.at,
        finished_at=None if outcome is ActionOutcome.INTENDED else cycle.at,
    )
    return action


def _finish(
    intent: Action,
    outcome: ActionOutcome,
    *,
    error: str = "",
    request_id: str = "",
    verified: bool = False,
) -> None:
    now = clock.now()
    Action.objects.filter(pk=intent.pk, outcome=ActionOutcome.INTENDED).update(
        outcome=outcome,
        finished_at=now,
        error=error,
        request_id=request_id,
        verified_at=now if verified else None,
    )


def _settle_old_intents(*, at: datetime) -> None:
    """Intents of a cycle that died: whether they were carried out, this cycle will read."""
    open_intents = Action.objects.filter(outcome=ActionOutcome.INTENDED)
    for intent in open_intents.select_related("subscription__gateway"):
        if intent.verb == Verb.SUSPEND:
            # The gateway may have been changed already: it must stay ours to reactivate.
            Suspension.objects.get_or_create(
                tenant_id=scope.tenant_id(),
                subscription_id=intent.subscription_id,
                lifted_at=None,
                defaults={
                    "reason": intent.reason,
                    "evidence": intent.evidence,
                    "since": intent.intended_at,
                },
            )
        _finish(intent, ActionOutcome.OVERTAKEN, error="The cycle ended before its outcome.")
        audit.record(
            f"subscription.{intent.verb}",
            f"{intent.subscription.gateway}/{intent.subscription}",
            by=ACTOR,
            at=at,
            after={"state": "not known: the cycle ended before it was read", **intent.evidence},
            reason=intent.reason,
        )


def _verb(one: Decided) -> Verb:
    return Verb.SUSPEND if one.decision.desired is Desired.REFUSED else Verb.ACTIVATE


def _target(one: Decided) -> SubscriptionState:
    if one.decision.desired is Desired.REFUSED:
        return SubscriptionState.SUSPENDED
    return SubscriptionState.ACTIVE


def _comment(one: Decided) -> str:
    """What the gateway shows beside the subscription's state: our name, why, and on what."""
    return f"{ACTOR}: {one.says}{_figures(one)}."


def _figures(one: Decided) -> str:
    if one.bound is None or one.situation.limit is None:
        return ""
    period = f"in {one.evidence()['period']} ({one.zone})"
    if one.used is None or one.limit is None:
        return f"; {one.situation.used:,.0f} of {one.situation.limit:,.0f} tokens {period}"
    spent, limit = money.rounded(one.used), money.rounded(one.limit)
    return f"; {spent.amount:f} of {limit.amount:f} {one.currency} {period}, estimated"


def _plain(evidence: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(evidence, cls=DjangoJSONEncoder))
    return plain


def _count(done: Iterable[Done], *outcomes: ActionOutcome) -> int:
    return sum(one.outcome in outcomes for one in done)

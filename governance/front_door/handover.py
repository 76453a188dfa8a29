"""Handing over the key of a new subscription: made here, set at the gateway, shown once.

The keys that the gateway makes are never asked for. Whoever takes the key gets one that was made
for them at that moment; nothing of it is kept, and it is in no log. That it was handed over, to
whom and when, is on the request and in the audit log. A run of the ledger is the lock: of two who
ask at once one gets a key, and one that dies can be asked for again.

No call to the gateway is made inside a transaction, nor may the caller have one open.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from connectors import apim
from connectors.failures import Changed
from connectors.records import Secret
from connectors.session import AzureSession
from governance.front_door import timeline
from governance.models import (
    EventKind,
    QuotaRequest,
    RequestEvent,
    RequestKind,
    RequestState,
)
from inventory import azure, gateways, ownership
from inventory.gateways import GatewayRef
from inventory.models import Part, Subscription, TeamMember
from tenancy import access, periods, runs, scope, tenants
from tenancy.access import Actor
from tenancy.models import Role
from tenancy.refusals import NotFound, Refused
from tenancy.runs import Contention

STEP = "hand_over_key"


class Standing(StrEnum):
    """Whether a request's key can be taken. NONE: it brings no key, or not yet."""

    NONE = "none"
    OPEN = "open"
    OTHERS = "others"
    TAKEN = "taken"


class NoKey(Refused):
    code = "no-key-to-hand-over"
    text = "Request {number} has no key to hand over: only an applied one for a new subscription."


class NotForYou(Refused):
    code = "key-not-yours"
    status = 403
    text = "The key of request {number} is for {requester}, or an owner of team {team}."


class GoneElsewhere(Refused):
    code = "subscription-gone-elsewhere"
    text = "{name} is no longer {team}'s. Its key is for whoever it belongs to now."


class AlreadyHandedOver(Refused):
    code = "key-handed-over"
    text = (
        "The key of request {number} was handed over on {at:%d %b %Y at %H:%M} UTC to {to}. If it"
        " was lost, an administrator can allow it once more; the key of before then stops working."
    )


class NothingHandedOver(Refused):
    code = "key-not-handed-over"
    text = "The key of request {number} has not been handed over since it was last allowed."


@dataclass(frozen=True, slots=True)
class Waiting:
    """What can be said of a request's key to whoever may see the request."""

    request: QuotaRequest
    standing: Standing
    taken_by: str = ""
    taken_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A key, to be shown once: it is nowhere else."""

    number: int
    subscription: str
    gateway: str
    key: Secret


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a key is set; safe to use after the transaction that read it has ended."""

    subscription: str
    gateway: GatewayRef


def hand_over(actor: Actor, number: int, *, at: datetime) -> HandedOver:
    """Make a key for the subscription that request ``number`` brought, set it and give it out.

    The primary key of before stops working. Call it in no scope.

    Raises:
        NotFound: there is no such request, or it is not the actor's to see.
        NoKey, NotForYou, GoneElsewhere, AlreadyHandedOver
        Busy: it is being handed over at this moment.
        ConnectorError: the gateway did not take it; nothing was given out.
    """
    with scope.of(actor.tenant):
        _takeable(actor, number, at=at)
    with runs.of_tenant(actor.tenant, STEP, str(number), contention=Contention.GIVE_WAY) as run:
        with scope.of(actor.tenant):
            run.hold()
            place = _takeable(actor, number, at=at)
        key = Secret(secrets.token_hex(16))
        with azure.session_as(place.gateway.credential) as session:
            request_id = _set(session, place, key)
        with scope.of(actor.tenant):
            run.hold()
            _takeable(actor, number, at=at)
            timeline.add(
                _one(actor, number),
                EventKind.HANDED_OVER,
                by=actor,
                at=at,
                details={"subscription": place.subscription, "azure_request": request_id},
            )
        run.count(written=1)
    return HandedOver(number, place.subscription, place.gateway.name, key)


def allow_again(actor: Actor, number: int, *, at: datetime, reason: str) -> None:
    """Let a key that was handed over be taken once more; in the actor's scope.

    Raises:
        NotFound: there is no such request, or it is not the actor's to see.
        NotAllowed: the actor is no administrator.
        NothingHandedOver: it can be taken as things stand.
    """
    request = _one(actor, number)
    access.require(actor, Role.ADMIN, verb="allow a key to be handed over again")
    if _taken(request) is None:
        raise NothingHandedOver(number=number)
    timeline.add(request, EventKind.KEY_AGAIN, by=actor, at=at, text=reason)


def taken(request: QuotaRequest) -> bool:
    """Whether a request's key was handed over, and not allowed once more since."""
    return _taken(request) is not None


def waiting(actor: Actor, number: int) -> Waiting:
    """What can be said of a request's key; in the actor's scope.

    Raises:
        NotFound: there is no such request, or it is not the actor's to see.
    """
    request = _one(actor, number)
    if _subscription(request) is None:
        return Waiting(request, Standing.NONE)
    if (taken := _taken(request)) is None:
        mine = _is_for(actor, request)
        return Waiting(request, Standing.OPEN if mine else Standing.OTHERS)
    return Waiting(request, Standing.TAKEN, taken.by, taken.at)


def _takeable(actor: Actor, number: int, *, at: datetime) -> _Place:
    """Where the key is set, if the actor may take it now; in the actor's scope."""
    request = _one(actor, number)
    subscription = _subscription(request)
    if subscription is None:
        raise NoKey(number=number)
    if not _is_for(actor, request):
        raise NotForYou(number=number, requester=request.requested_by.name, team=request.team.name)
    today = periods.local_day(at, tenants.billing().zone)
    if ownership.owner_on(subscription, today) != request.team:
        raise GoneElsewhere(name=subscription.name, team=request.team.name)
    if taken := _taken(request):
        raise AlreadyHandedOver(number=number, at=taken.at.astimezone(UTC), to=taken.by)
    return _Place(subscription.name, gateways.named(subscription.gateway.name))


def _set(session: AzureSession, place: _Place, key: Secret) -> str:
    """Set the key at the gateway, once more after somebody else's change; Azure's request id."""
    service, name = place.gateway.apim(), place.subscription
    for attempt in (1, 2):
        seen = apim.subscription(session, service, name)
        try:
            done = apim.set_primary_key(session, service, name, key=key, etag=seen.etag)
        except Changed:
            if attempt == 2:
                raise
            continue
        return done.request_id or ""
    raise AssertionError("the loop returns or raises")


def _one(actor: Actor, number: int) -> QuotaRequest:
    rows = access.many(QuotaRequest, actor)
    related = rows.select_related("team", "requested_by", "subscription__gateway")
    found: QuotaRequest | None = related.filter(number=number).first()
    if found is None:
        raise NotFound(kind=QuotaRequest._meta.verbose_name)
    return found


def _subscription(request: QuotaRequest) -> Subscription | None:
    """The subscription that the request brought, if it is one for that and applied."""
    asked = (request.kind, request.state)
    applied = asked == (RequestKind.SUBSCRIPTION, RequestState.APPLIED)
    return request.subscription if applied else None


def _is_for(actor: Actor, request: QuotaRequest) -> bool:
    if request.requested_by_id == actor.person_id:
        return True
    owners = TeamMember.objects.filter(team=request.team, part=Part.OWNER)
    return owners.filter(person_id=actor.person_id).exists()


def _taken(request: QuotaRequest) -> RequestEvent | None:
    """When and by whom the key was taken, unless it may be taken again."""
    kinds = (EventKind.HANDED_OVER, EventKind.KEY_AGAIN)
    newest = RequestEvent.objects.filter(request=request, kind__in=kinds).order_by("-id").first()
    return newest if newest and newest.kind == EventKind.HANDED_OVER else None

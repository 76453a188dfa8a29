"""Usage events of other gateways: taken whole or not at all, each once, kept as they came.

They are the record that `billing.sources.pushed` reads; what is stored here marks the hours of its
calls as due, so that late events, too, reach usage and cost. An event is known by its source and
its id: the same again changes nothing, another one under the same id is refused.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any  # what a statement takes

from django.db import connection

from billing import kept, windows
from billing.models import PushedEvent
from billing.rules import event_bodies, events
from billing.rules.event_bodies import Fault, Form
from billing.rules.events import Event
from inventory import deployments, gateways
from inventory.deployments import Described, Key
from inventory.gateways import GatewayRef
from inventory.models import UsageSource
from tenancy import scope
from tenancy.refusals import Refused

#: How far ahead of the product's clock another's may be.
AHEAD = timedelta(hours=1)
#: How long after they came events are read again: by then what stored them has ended. A reading
#: that began before that leaves the mark.
SETTLED = timedelta(minutes=1)
#: How many faults are told at once.
MOST_FAULTS = 50
_LOCK = 7420
#: Pushes of one tenant that name the same source wait for each other; others mostly do not.
_LANES = 64
_HOLD = "SELECT pg_advisory_xact_lock(%s, %s)"
_KNOWN = """
SELECT source, event_id, digest
  FROM billing_pushedevent
 WHERE tenant_id = %(tenant)s AND gateway_id = ANY(%(gateways)s)
   AND (source, event_id) IN (SELECT * FROM unnest(%(sources)s::text[], %(ids)s::text[]))
"""


@dataclass(frozen=True, slots=True)
class Pushed:
    """How many events of a request are new, and how many were known."""

    accepted: int
    repeated: int


class Faulty(Refused):
    """Everything that is wrong with a request's events, in their order."""

    code = "events-faulty"
    status = 400
    text = "{count} faults; nothing was stored. First: {first}"

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=_place))
        super().__init__(count=len(faults), first=f"{self.faults[0].place}: {self.faults[0].fix}")


class NotPushed(Refused):
    code = "usage-not-pushed"
    status = 409
    text = (
        "The usage of {gateway} is read from its {source}, and sources are never added together:"
        " nothing was stored. Push for a gateway whose usage source is 'events'."
    )


class Differs(Refused):
    code = "event-differs"
    status = 409
    text = (
        "Event {event_id} of {source} is known with other content; nothing was stored. An event is"
        " sent once, when its call has ended, and again only as it was."
    )


def _place(fault: Fault) -> int:
    return -1 if fault.index is None else fault.index


def push(body: bytes, form: Form, attributes: Mapping[str, str], *, at: datetime) -> Pushed:
    """Take the events of one request for gateways of the tenant in scope: all or none.

    Within a transaction, which the refusals must end. ``attributes`` are those that a CloudEvent
    has in headers, by name.

    Raises:
        Faulty: an event cannot be taken as it is; names every fault.
        NotPushed: a gateway's usage is read from another source.
        Differs: an event is known by its source and id, and with other content.
    """
    found, faults = _read(event_bodies.read(body, form, attributes))
    known = {ref.name: ref for ref in gateways.all_of_tenant()}
    faults += [*_out_of_place(found, known, at=at)]
    if faults:
        raise Faulty(faults)
    for name in {one.gateway for _, one in found}:
        _require_pushed(known[name])
    wanted = _each_once([one for _, one in found])
    new = _unknown(wanted, [ref.id for ref in known.values()])
    _store(new, known, at=at)
    return Pushed(accepted=len(new), repeated=len(found) - len(new))


def _read(bodies: event_bodies.Bodies) -> tuple[list[tuple[int, Event]], list[Fault]]:
    found, faults = [], [*bodies.faults]
    for index, told in bodies.events:
        one = events.event(index, told)
        if isinstance(one, Event):
            found.append((index, one))
        else:
            faults += one
    return found, faults


def _out_of_place(
    found: Sequence[tuple[int, Event]], known: Mapping[str, GatewayRef], *, at: datetime
) -> list[Fault]:
    """Events of gateways that are not there, or of times whose usage is not taken."""
    since, faults = kept.first_hour(), []
    for index, one in found:
        ref = known.get(one.gateway)
        if ref is None:
            fix = f"There is no gateway '{one.gateway}'. Give its name as it is connected."
            faults.append(Fault(index, "gateway", fix))
            continue
        from_then = max(since, ref.usage_from)
        late = events.untimely(index, one, since=from_then, until=at + AHEAD)
        faults += [late] if late else []
    return faults


def _require_pushed(ref: GatewayRef) -> None:
    if ref.usage_source is not UsageSource.EVENTS:
        raise NotPushed(gateway=ref.name, source=ref.usage_source.label)


def _each_once(found: Sequence[Event]) -> dict[tuple[str, str], Event]:
    """The events by what they are known by.

    Raises:
        Differs: a request has two of one source and id that are not the same.
    """
    wanted: dict[tuple[str, str], Event] = {}
    for one in found:
        held = wanted.setdefault((one.source, one.id), one)
        if held is not one and held.digest != one.digest:
            raise Differs(event_id=one.id, source=one.source)
    return wanted


def _unknown(wanted: Mapping[tuple[str, str], Event], gateway_ids: Sequence[int]) -> list[Event]:
    """Those that are not stored yet, at whichever gateway; nobody else stores them meanwhile.

    Raises:
        Differs: one is stored with other content.
    """
    tenant = scope.tenant_id()
    lanes = {zlib.crc32(source.encode()) % _LANES for source, _ in wanted}
    with connection.cursor() as cursor:
        for lane in sorted(lanes):
            cursor.execute(_HOLD, [_LOCK, (tenant * _LANES + lane) % 2**31])
        values: dict[str, Any] = {
            "tenant": tenant,
            "gateways": list(gateway_ids),
            "sources": [source for source, _ in wanted],
            "ids": [id for _, id in wanted],
        }
        cursor.execute(_KNOWN, values)
        stored = {(source, id): digest for source, id, digest in cursor.fetchall()}
    for (source, id), digest in stored.items():
        if wanted[source, id].digest != digest:
            raise Differs(event_id=id, source=source)
    return [one for key, one in wanted.items() if key not in stored]


def _store(new: Sequence[Event], known: Mapping[str, GatewayRef], *, at: datetime) -> None:
    """Keep new events, what they tell of deployments, and that their hours are to be read."""
    rows = [_row(one, known[one.gateway].id, at=at) for one in new]
    PushedEvent.objects.bulk_create(rows, batch_size=500)
    for name in sorted({one.gateway for one in new}):
        ours = [one for one in new if one.gateway == name]
        deployments.describe(known[name].id, _described(ours), at=at)
        windows.due_again(known[name].id, [one.at for one in ours], at=at + SETTLED)


def _row(one: Event, gateway_id: int, *, at: datetime) -> PushedEvent:
    return PushedEvent(
        gateway_id=gateway_id,
        source=one.source,
        event_id=one.id,
        at=one.at,
        received_at=at,
        subscription=one.subscription,
        host=one.host,
        deployment=one.deployment,
        model=one.model,
        dimensions=one.dimensions,
        quantities=one.quantities,
        status=one.status,
        cache_hit=one.cache_hit,
        retries=one.retries,
        agent_steps=one.agent_steps,
        tool_calls=one.tool_calls,
        prompt_tokens=one.prompt_tokens,
        milliseconds=one.milliseconds,
        digest=one.digest,
    )


def _described(new: Sequence[Event]) -> dict[Key, Described]:
    """What events tell of their deployments; of several that tell, the last one counts."""
    told: dict[Key, dict[str, str]] = {}
    for one in new:
        said = {
            "model": one.model,
            "version": one.model_version,
            "sku": one.deployment_type,
            "region": one.region,
        }
        known = told.setdefault((one.host, one.deployment), {})
        known.update({name: value for name, value in said.items() if value})
    return {key: Described(**said) for key, said in told.items()}

"""Model deployments: found by account host and name, with what only usage knows; their history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q, Window
from django.db.models.functions import Lead

from inventory.models import Deployment, DeploymentState, Origin

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A deployment as its account lists it now; a capacity of None is not told."""

    key: Key
    sku: str
    capacity: int | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From ``start`` to before ``end`` a deployment had this SKU and capacity."""

    deployment_id: int
    sku: str
    capacity: int
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What usage tells of a deployment that no account lists; empty: not told."""

    model: str = ""
    version: str = ""
    sku: str = ""
    region: str = ""


def ids_by_key(gateway_id: int, keys: Iterable[Key], *, at: datetime) -> dict[Key, int]:
    """The id of each (host, name) at a gateway of the tenant in scope.

    A source that tells no host means the one deployment of that name, if no other has it. One that
    the accounts do not list is kept as found in usage, with no model: unpriced, not lost.
    """
    wanted = set(keys)
    known = _reachable(gateway_id)
    # Once more after new ones: a name that only one host had may have become ambiguous.
    while missing := sorted(key for key in wanted if _folded(key) not in known):
        _keep_as_found(gateway_id, missing, at=at)
        known = _reachable(gateway_id)
    return {key: known[_folded(key)] for key in wanted}


def describe(gateway_id: int, told: Mapping[Key, Described], *, at: datetime) -> None:
    """Keep what usage tells of deployments of a gateway of the tenant in scope.

    Only of those that no account lists, and only what is not known of them yet: the region in
    Azure's short form, such as swedencentral.
    """
    ids = ids_by_key(gateway_id, told, at=at)
    rows = Deployment.objects.filter(id__in=ids.values(), origin=Origin.USAGE)
    found = {row.pk: row for row in rows}
    for key in sorted(told, key=lambda key: ids[key]):
        row = found.get(ids[key])
        for name, value in _said(told[key]).items():
            if row is not None and value and not getattr(row, name):
                rows.filter(id=row.pk, **{name: ""}).update(**{name: value})


def _said(one: Described) -> dict[str, str]:
    region = one.region.replace(" ", "").lower()
    return {"model": one.model, "version": one.version, "sku": one.sku, "region": region}


def states(since: datetime, until: datetime) -> tuple[Span, ...]:
    """What was deployed from ``since`` to before ``until``, cut to it; of the tenant in scope.

    By deployment and start, without the times at which there was none. The newest state holds on.
    """
    following = Window(Lead("from_instant"), [F("deployment_id")], F("from_instant").asc())
    rows = (
        DeploymentState.objects.filter(from_instant__lt=until)
        .annotate(until=following)
        .filter(Q(until=None) | Q(until__gt=since))
        .order_by("deployment_id", "from_instant")
        .values_list("deployment_id", "sku", "capacity", "from_instant", "until")
    )
    return tuple(
        Span(
            deployment_id=deployment_id,
            sku=sku,
            capacity=capacity,
            start=max(start, since),
            end=min(end or until, until),
        )
        for deployment_id, sku, capacity, start, end in rows
        if capacity
    )


def record_states(gateway_id: int, listed: Iterable[Present], *, at: datetime) -> int:
    """Keep what changed at a gateway since the newest states; how many changes that were.

    A new deployment counts from its creation where Azure tells it, what vanished ends at ``at``.
    A capacity that is not told is no change. The same again changes nothing.
    """
    known = _known(gateway_id)
    present = {known[_folded(one.key)]: one for one in listed}
    newest = _newest(gateway_id)
    changed = [
        _state(id, one.sku, one.capacity, _since(one, newest.get(id), at))
        for id, one in present.items()
        if one.capacity is not None and not _holds(newest.get(id), one.sku, one.capacity)
    ]
    gone = [
        _state(id, held.sku, 0, at)
        for id, held in newest.items()
        if held.capacity and id not in present
    ]
    DeploymentState.objects.bulk_create(
        [*changed, *gone],
        update_conflicts=True,
        unique_fields=["tenant", "deployment", "from_instant"],
        update_fields=["sku", "capacity"],
    )
    return len(changed) + len(gone)


def _newest(gateway_id: int) -> dict[int, DeploymentState]:
    rows = DeploymentState.objects.filter(deployment__gateway_id=gateway_id)
    latest = rows.order_by("deployment_id", "-from_instant").distinct("deployment_id")
    return {row.deployment_id: row for row in latest}


def _holds(newest: DeploymentState | None, sku: str, capacity: int) -> bool:
    return newest is not None and (newest.sku, newest.capacity) == (sku, capacity)


def _since(one: Present, newest: DeploymentState | None, at: datetime) -> datetime:
    """When it was made, if it was not there before and that is told; else now."""
    made = one.created_at
    if made is None or made >= at or (newest and newest.capacity):
        return at
    return made if newest is None or made > newest.from_instant else at


def _state(deployment_id: int, sku: str, capacity: int, start: datetime) -> DeploymentState:
    return DeploymentState(
        deployment_id=deployment_id, sku=sku, capacity=capacity, from_instant=start
    )


def _known(gateway_id: int) -> dict[Key, int]:
    rows = Deployment.objects.filter(gateway_id=gateway_id).order_by("-origin", "-id")
    return {_folded((host, name)): id for host, name, id in rows.values_list("host", "name", "id")}


def _reachable(gateway_id: int) -> dict[Key, int]:
    """All that is known, and by its name alone what only one host has."""
    known = _known(gateway_id)
    return known | _without_host(known)


def _keep_as_found(gateway_id: int, keys: Iterable[Key], *, at: datetime) -> None:
    Deployment.objects.bulk_create(
        [
            Deployment(
                gateway_id=gateway_id,
                host=host.lower(),
                name=name,
                origin=Origin.USAGE,
                seen_at=at,
            )
            for host, name in keys
        ],
        ignore_conflicts=True,
    )


def _without_host(known: Mapping[Key, int]) -> dict[Key, int]:
    """By a name alone, the deployment of that name, where only one host has it."""
    hosts = Counter(name for host, name in known if host)
    return {("", name): id for (host, name), id in known.items() if host and hosts[name] == 1}


def _folded(key: Key) -> Key:
    return (key[0].lower(), key[1].lower())

"""Series: the ways in which a subscription calls a deployment, each with an id.

How many there are is bounded: beyond `BillingSettings.most_series` for one subscription and
deployment, what is new is held together in one series of each way of streaming, of which all else
is ``(more)``. Nothing of its usage is lost, only what told it apart.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from django.db import connection

from billing.models import BillingSettings
from inventory.rules.dimensions import LONGEST, OVERFLOW, Dimension
from tenancy import scope

#: The values of all dimensions, in the order of `Dimension`.
Values = tuple[str, ...]
NOTHING_TOLD: Values = ("",) * len(Dimension)
#: What is held together beyond the bound. Any name may be made up: who pushes events gives those of
#: products and APIs, too. Whether a call was streamed has three values, which no source adds to.
_BOUNDED = frozenset(Dimension) - {Dimension.STREAMING}
_COLUMNS = ", ".join(one.value for one in Dimension)
_FIND = """
SELECT subscription_id, deployment_id, digest, id
  FROM billing_series
 WHERE tenant_id = %(tenant)s AND gateway_id = %(gateway)s
   AND (subscription_id, deployment_id, digest) IN (
       SELECT * FROM unnest(%(subscriptions)s::bigint[], %(deployments)s::bigint[],
                            %(digests)s::text[]))
"""
_COUNT = """
SELECT subscription_id, deployment_id, count(*)
  FROM billing_series
 WHERE tenant_id = %(tenant)s AND gateway_id = %(gateway)s
   AND subscription_id = ANY(%(subscriptions)s)
 GROUP BY 1, 2
"""
_ADD = f"""
INSERT INTO billing_series
       (tenant_id, gateway_id, subscription_id, deployment_id, digest, {_COLUMNS})
SELECT %(tenant)s, %(gateway)s, *
  FROM unnest(%(subscriptions)s::bigint[], %(deployments)s::bigint[], %(digests)s::text[],
              {", ".join(f"%({one.value})s::text[]" for one in Dimension)})
    ON CONFLICT (tenant_id, gateway_id, subscription_id, deployment_id, digest) DO NOTHING
"""  # noqa: S608 - names of our own


class Key(NamedTuple):
    """What a series is known by: ids of the gateway's subscription and deployment, dimensions."""

    subscription: int
    deployment: int
    values: Values = NOTHING_TOLD


def ids(gateway_id: int, keys: Iterable[Key]) -> dict[Key, int]:
    """The id of each key's series at a gateway of the tenant in scope; new ones are added."""
    wanted = {key: _cleaned(key) for key in keys}
    known = _known(gateway_id, set(wanted.values()))
    missing = sorted(set(wanted.values()) - set(known))
    if missing:
        bounded = _bounded(gateway_id, missing)
        _add(gateway_id, set(bounded.values()))
        known |= _known(gateway_id, set(bounded.values()))
        known |= {key: known[held] for key, held in bounded.items()}
    return {key: known[clean] for key, clean in wanted.items()}


def digest(values: Values) -> str:
    """What an index can hold of the dimensions' values."""
    told = "\x1f".join(values).encode("utf-8", "replace")
    return hashlib.md5(told, usedforsecurity=False).hexdigest()


def collapsed(values: Values) -> Values:
    """The values of the series that holds together what is beyond the bound."""
    return tuple(
        OVERFLOW if one in _BOUNDED else value for one, value in zip(Dimension, values, strict=True)
    )


def _cleaned(key: Key) -> Key:
    """No value is longer than is kept, and none has a NUL, which PostgreSQL has no text for."""
    values = tuple(value.replace("\x00", "").strip()[:LONGEST] for value in key.values)
    return key._replace(values=values)


def _known(gateway_id: int, keys: Collection[Key]) -> dict[Key, int]:
    by_digest = {(key.subscription, key.deployment, digest(key.values)): key for key in keys}
    with connection.cursor() as cursor:
        cursor.execute(_FIND, _columns(gateway_id, list(by_digest.values())))
        return {by_digest[row[0], row[1], row[2]]: int(row[3]) for row in cursor.fetchall()}


def _bounded(gateway_id: int, missing: Collection[Key]) -> dict[Key, Key]:
    """Under which key each new one is held."""
    settings = BillingSettings.objects.first() or BillingSettings()
    room: Counter[tuple[int, int]] = Counter()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, _columns(gateway_id, list(missing)))
        for subscription, deployment, count in cursor.fetchall():
            room[subscription, deployment] = count
    held = {}
    for key in missing:
        pair = (key.subscription, key.deployment)
        if room[pair] < settings.most_series:
            room[pair] += 1
            held[key] = key
        else:
            held[key] = key._replace(values=collapsed(key.values))
    return held


def _add(gateway_id: int, keys: Collection[Key]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ADD, _columns(gateway_id, sorted(keys)))


def _columns(gateway_id: int, keys: list[Key]) -> dict[str, Any]:
    told = {one.value: [key.values[place] for key in keys] for place, one in enumerate(Dimension)}
    return {
        "tenant": scope.tenant_id(),
        "gateway": gateway_id,
        "subscriptions": [key.subscription for key in keys],
        "deployments": [key.deployment for key in keys],
        "digests": [digest(key.values) for key in keys],
        **told,
    }

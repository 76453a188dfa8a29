"""Model deployments: finding them by account host and name, and keeping what only usage knows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from inventory.models import Deployment, Origin

Key = tuple[str, str]


def ids_by_key(gateway_id: int, keys: Iterable[Key], *, at: datetime) -> dict[Key, int]:
    """The id of each (host, name) at a gateway of the tenant in scope.

    One that the accounts do not list is kept as found in usage, with no model: unpriced, not lost.
    """
    wanted = set(keys)
    known = _known(gateway_id)
    missing = sorted(key for key in wanted if _folded(key) not in known)
    if missing:
        Deployment.objects.bulk_create(
            [
                Deployment(
                    gateway_id=gateway_id,
                    host=host.lower(),
                    name=name,
                    origin=Origin.USAGE,
                    seen_at=at,
                )
                for host, name in missing
            ],
            ignore_conflicts=True,
        )
        known = _known(gateway_id)
    return {key: known[_folded(key)] for key in wanted}


def _known(gateway_id: int) -> dict[Key, int]:
    rows = Deployment.objects.filter(gateway_id=gateway_id).order_by("-origin", "-id")
    return {_folded((host, name)): id for host, name, id in rows.values_list("host", "name", "id")}


def _folded(key: Key) -> Key:
    return (key[0].lower(), key[1].lower())

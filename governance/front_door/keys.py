"""Asking once: a program's own key makes one request, however often it is sent.

Of key and body only digests are kept, with the request that they made. A key is its person's: the
same text from somebody else is another key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.db import connection

from governance.models import QuotaRequest
from tenancy import scope
from tenancy.access import Actor
from tenancy.refusals import Refused

_HOLD = "SELECT pg_advisory_xact_lock(7421, hashtext(%s))"


class KeyReused(Refused):
    code = "key-reused"
    text = (
        "This Idempotency-Key asked for something else before: request {number}. Take a new key for"
        " another request, and the same body for the same."
    )


class Came(Enum):
    """What became of a key: it made its request now, or had made it before."""

    NOW = "now"
    BEFORE = "before"


@dataclass(frozen=True, slots=True)
class Key:
    """Digests of a key and of the body that was sent with it, as lower-case hexadecimal text."""

    digest: str
    body: str

    @classmethod
    def of(cls, text: str, body: Any) -> Key:
        """Of a key's text and a body as it was read: spelling and order of names do not count."""
        said = json.dumps(body, sort_keys=True, default=str)
        return cls(_digest(text), _digest(said))


def once(
    key: Key | None, make: Callable[[], QuotaRequest], *, by: Actor
) -> tuple[QuotaRequest, Came]:
    """What the key's first use made, or made now; without a key it is always made now.

    Whoever sends the same key at the same moment waits until the first transaction ends. A use
    that is refused is forgotten with it.

    Raises:
        KeyReused: the key was used with another body.
        whatever ``make`` raises.
    """
    if key is None:
        return make(), Came.NOW
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [f"{scope.tenant_id()}:{by.person_id}:{key.digest}"])
    mine = QuotaRequest.objects.filter(requested_by_id=by.person_id)
    found = mine.filter(key_digest=key.digest).first()
    if found is None:
        made = make()
        mine.filter(pk=made.pk).update(key_digest=key.digest, body_digest=key.body)
        return made, Came.NOW
    if found.body_digest != key.body:
        raise KeyReused(number=found.number)
    return found, Came.BEFORE


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

"""How a generic webhook is signed, so that its receiver can tell our notices from others'. Pure.

The scheme is the usual one of ``t=…,v1=…``: HMAC-SHA256 over the time of sending, a full stop and
the body as it was sent. While a secret is being changed there is a ``v1`` for the new and for the
old one, and a receiver takes a notice that either of its secrets made.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import timedelta

HEADER = "Apportion-Signature"
#: How far the time of a signature may be from the receiver's.
TOLERANCE = timedelta(minutes=5)
#: How long after a change of secret notices are signed with the old one too.
BOTH_FOR = timedelta(hours=24)
_PREFIX = "whsec_"


def secret(master: str, *, tenant: int, endpoint: int, generation: int) -> str:
    """The secret of an endpoint: made of the installation's key, and stored nowhere."""
    said = f"apportion webhook|{tenant}|{endpoint}|{generation}"
    return _PREFIX + hmac.new(master.encode(), said.encode(), hashlib.sha256).hexdigest()


def signature(body: bytes, *, secrets: Sequence[str], timestamp: int) -> str:
    """The header's value. ``timestamp`` is in seconds since 1970, UTC."""
    made = ",".join(f"v1={_digest(one, timestamp, body)}" for one in secrets)
    return f"t={timestamp},{made}"


def is_ours(
    header: str,
    body: bytes,
    *,
    secret: str,
    now: int,
    tolerance: timedelta = TOLERANCE,
) -> bool:
    """Whether a signature was made with this secret over this body, and lately.

    ``now`` is in seconds since 1970, UTC. What a receiver does; docs/notifications.md has it too.
    """
    parts = [part.partition("=")[::2] for part in header.split(",")]
    stamps = [value for name, value in parts if name.strip() == "t"]
    if len(stamps) != 1 or not (stamps[0].isascii() and stamps[0].isdecimal()):
        return False
    timestamp = int(stamps[0][:18])
    if abs(now - timestamp) > tolerance.total_seconds():
        return False
    expected = _digest(secret, timestamp, body).encode()
    given = [value.strip().encode() for name, value in parts if name.strip() == "v1"]
    return any(hmac.compare_digest(expected, one) for one in given)


def _digest(secret: str, timestamp: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()

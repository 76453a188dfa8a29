"""The signed webhook: a CloudEvent in JSON, with an HMAC over it and the time of sending."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from governance.channels import wire
from governance.channels.message import Message, address_of
from governance.rules import signing


def send(url: str, message: Message, *, secrets: Sequence[str], at: datetime) -> int:
    """Post a notice; the status of the answer.

    Raises:
        NotTaken: the receiver did not take it.
    """
    content = body(message)
    stamp = int(at.timestamp())
    headers = {
        "Content-Type": "application/cloudevents+json; charset=utf-8",
        signing.HEADER: signing.signature(content, secrets=secrets, timestamp=stamp),
    }
    return wire.post(url, content, headers, at=at)


def body(message: Message) -> bytes:
    """The event. ``id`` is the same at every try, so that a receiver can drop what it has."""
    event = {
        "specversion": "1.0",
        "id": f"{message.tenant}.{message.number}",
        "source": address_of(message.tenant, ""),
        "type": f"apportion.{message.topic}",
        "subject": f"{message.subject_kind}/{message.subject_key}",
        "time": message.happened_at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {
            "tenant": message.tenant,
            "team": message.team,
            "title": message.title,
            "lines": list(message.lines),
            "link": message.link,
        },
    }
    return json.dumps(event, ensure_ascii=False).encode()

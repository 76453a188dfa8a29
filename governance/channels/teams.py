"""Microsoft Teams: an adaptive card for a workflow that is started by a webhook request."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from governance.channels import wire
from governance.channels.message import Message

#: Signs that Teams reads as formatting in a text block.
_MARKED = str.maketrans({sign: f"\\{sign}" for sign in "\\*_[]()#~`>"})


def send(url: str, message: Message, *, at: datetime) -> int:
    """Post a notice; the status of the answer, usually 202.

    Raises:
        NotTaken: the workflow did not take it.
    """
    return wire.post(url, body(message), {"Content-Type": "application/json"}, at=at)


def body(message: Message) -> bytes:
    """A message with one adaptive card, as the template *Post to a channel* takes it."""
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": [
            _text(message.title, weight="Bolder", size="Medium"),
            _text(f"{message.tenant_name} · {message.about}", isSubtle=True, spacing="None"),
            *(_text(line, spacing="Small") for line in message.lines),
        ],
    }
    if message.can_be_opened:
        card["actions"] = [
            {"type": "Action.OpenUrl", "title": "Open in Apportion", "url": message.link}
        ]
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return json.dumps({"type": "message", "attachments": [attachment]}, ensure_ascii=False).encode()


def _text(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "TextBlock", "text": text.translate(_MARKED), "wrap": True, **more}

"""Slack: blocks for an incoming webhook."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from governance.channels import wire
from governance.channels.message import Message

#: What Slack takes in one text; longer ones are cut.
_MOST_HEAD, _MOST_TEXT = 150, 2900
#: Slack's own way of writing what would mean something in its texts.
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def send(url: str, message: Message, *, at: datetime) -> int:
    """Post a notice; the status of the answer.

    Raises:
        NotTaken: Slack did not take it.
    """
    return wire.post(url, body(message), {"Content-Type": "application/json"}, at=at)


def body(message: Message) -> bytes:
    """A header, what happened, and a button to the page; ``text`` is what a notification shows."""
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(message.title[:_MOST_HEAD])},
        {"type": "context", "elements": [_plain(f"{message.tenant_name} · {message.about}")]},
    ]
    if message.lines:
        text = "\n".join(message.lines)[:_MOST_TEXT]
        blocks.append({"type": "section", "text": _plain(text)})
    if message.can_be_opened:
        button = {"type": "button", "text": _plain("Open in Apportion"), "url": message.link}
        blocks.append({"type": "actions", "elements": [button]})
    told = {"text": message.title.translate(_ESCAPED), "blocks": blocks}
    return json.dumps(told, ensure_ascii=False).encode()


def _plain(text: str) -> dict[str, Any]:
    """Text in which nothing is formatting and nobody is mentioned."""
    return {"type": "plain_text", "text": text, "emoji": False}

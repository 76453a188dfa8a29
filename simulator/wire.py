"""What comes in and what goes out, and the table that connects the two."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

# Bodies on this wire are JSON of any shape: what it holds is checked where it is read.
Json = Any


@dataclass(frozen=True, slots=True)
class Ask:
    """One request; header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    base: str = ""
    late_seconds: float = 0.0

    def json(self) -> dict[str, Json]:
        """The body as a JSON object; anything else is refused with 400."""
        try:
            found = json.loads(self.body or b"{}")
        except ValueError as error:
            raise Refusal(400, "InvalidRequestContent", f"The body is not JSON: {error}") from None
        if not isinstance(found, dict):
            raise Refusal(400, "InvalidRequestContent", "The body is not a JSON object.")
        return found

    def form(self) -> dict[str, str]:
        """The body as form fields."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def link(self, **changed: str) -> str:
        """The absolute address of this request with some query values changed."""
        query = {**self.query, **changed}
        return f"{self.base}{self.path}?{urlencode(query)}"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Json:
        """The body read back as JSON."""
        return json.loads(self.body)

    def with_json(self, content: Json) -> Reply:
        """The same answer with another body."""
        return Reply(self.status, json.dumps(content).encode(), self.headers)


class Refusal(Exception):
    """An error answer in Azure's shape: ``{"error": {"code", "message"}}``."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Json = None,
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        content = {"error": {"code": code, "message": message}} if body is None else body
        self.reply = answer(content, status=status, headers=headers)


def answer(content: Json, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A JSON answer with the request ids that Azure gives."""
    ids = {"x-ms-request-id": str(uuid.uuid4()), "x-ms-correlation-request-id": str(uuid.uuid4())}
    kind = {"content-type": "application/json; charset=utf-8"}
    return Reply(status, json.dumps(content).encode(), {**kind, **ids, **(headers or {})})


Handler = Callable[[Ask, Mapping[str, str]], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """Methods and a path pattern; ``{name}`` matches one segment, case of the rest is ignored."""

    methods: tuple[str, ...]
    pattern: re.Pattern[str]
    handler: Handler


def route(methods: str, path: str, handler: Handler) -> Route:
    """A route from a readable path such as ``/{tenant}/oauth2/v2.0/token``."""
    parts = re.split(r"(\{\w+\})", path)
    regex = "".join(f"(?P<{p[1:-1]}>[^/]+)" if p.startswith("{") else re.escape(p) for p in parts)
    return Route(tuple(methods.split()), re.compile(f"^{regex}/?$", re.IGNORECASE), handler)


def dispatch(routes: Iterable[Route], ask: Ask) -> Reply:
    """The answer of the first route that fits, or an error in Azure's shape."""
    allowed: list[str] = []
    for candidate in routes:
        found = candidate.pattern.match(ask.path)
        if found is None:
            continue
        if ask.method not in candidate.methods:
            allowed.extend(candidate.methods)
            continue
        try:
            return candidate.handler(ask, found.groupdict())
        except Refusal as refusal:
            return refusal.reply
    if allowed:
        reply = Refusal(405, "MethodNotAllowed", f"{ask.method} is not supported here.").reply
        return Reply(405, reply.body, {**reply.headers, "allow": ", ".join(sorted(set(allowed)))})
    return Refusal(404, "NotFound", f"Nothing is served at {ask.path}.").reply


@dataclass(frozen=True, slots=True)
class Page:
    """A slice of a list and the address of the next one."""

    items: tuple[Json, ...]
    total: int
    next_link: str | None


def page(ask: Ask, items: list[Json], size: int) -> Page:
    """The slice that ``$skip`` and ``$top`` ask for, at most ``size`` items."""
    skip = _whole(ask, "$skip", 0)
    top = _whole(ask, "$top", len(items))
    upto = min(skip + size, skip + top, len(items))
    more = upto < len(items) and top > size
    left = {"$top": str(top - size)} if "$top" in ask.query else {}
    link = ask.link(**{"$skip": str(upto)}, **left) if more else None
    return Page(tuple(items[skip:upto]), len(items), link)


def _whole(ask: Ask, name: str, default: int) -> int:
    text = ask.query.get(name)
    if text is None:
        return default
    if not text.isdigit():
        raise Refusal(400, "InvalidQueryParameterValue", f"{name} must be a whole number: {text!r}")
    return int(text)

"""Faults on order: what goes wrong, on which requests, how often.

The kinds that a client sees as a broken answer are made here; those that the services
themselves must take part in (late rows, lost writes, moved etags) are only announced here.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator import spoiled
from simulator.wire import Ask, Json, Refusal, Reply


class Kind(enum.Enum):
    """What goes wrong."""

    STATUS = "status"
    LATENCY = "latency"
    RESET = "reset"
    TRUNCATE = "truncate"
    PARTIAL = "partial"
    LATE = "late"
    DUPLICATE_PAGE = "duplicate_page"
    DROP_NEXT_LINK = "drop_next_link"
    FOREIGN_NEXT_LINK = "foreign_next_link"
    LINK_LOOP = "link_loop"
    ETAG_RACE = "etag_race"
    DROP_WRITE = "drop_write"
    EXPIRE_TOKENS = "expire_tokens"
    MISSING_TABLE = "missing_table"
    MISSING_COLUMN = "missing_column"
    NO_TABLES = "no_tables"
    NO_ROWS = "no_rows"
    TWO_TABLES = "two_tables"
    ROWS_TWICE = "rows_twice"
    DROP_COLUMN = "drop_column"
    RENAME_COLUMN = "rename_column"
    RETYPE_COLUMN = "retype_column"
    NULL_COLUMN = "null_column"


@dataclass(slots=True)
class Fault:
    """A fault, the requests it fits and how often it still strikes."""

    kind: Kind
    method: str = ""
    path_prefix: str = ""
    body: str = ""
    times: int = 1
    after: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON of the order

    def number(self, name: str, default: float) -> float:
        """A number of the order."""
        return float(self.details.get(name, default))

    def text(self, name: str, default: str) -> str:
        """A text of the order."""
        return str(self.details.get(name, default))

    def fits(self, ask: Ask) -> bool:
        """Whether the fault is about this request."""
        if self.method and self.method.upper() != ask.method:
            return False
        if self.body and self.body.encode() not in ask.body:
            return False
        if self.kind is Kind.DUPLICATE_PAGE and "$skip" not in ask.query:
            return False
        return ask.path.lower().startswith(self.path_prefix.lower())


class Faults:
    """Faults in the order they were given; each strikes until its times are used up."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()
        self._pages: dict[str, dict[int, list[Json]]] = {}

    def order(self, wanted: Mapping[str, Any]) -> Fault:  # Any: JSON of the order
        """Add a fault; an unknown kind is refused with the kinds there are."""
        match, rest = dict(wanted.get("match") or {}), dict(wanted)
        name = str(rest.pop("kind", ""))
        if name not in {kind.value for kind in Kind}:
            known = ", ".join(kind.value for kind in Kind)
            raise Refusal(400, "UnknownFault", f"No fault {name!r}. There are: {known}.")
        rest.pop("match", None)
        fault = Fault(
            Kind(name),
            method=str(match.get("method", "")),
            path_prefix=str(match.get("path_prefix", "")),
            body=str(match.get("body", "")),
            times=int(rest.pop("times", 1)),
            after=int(rest.pop("after", 0)) or max(int(rest.pop("page", 1)) - 1, 0),
            details=rest,
        )
        with self._lock:
            self._waiting.append(fault)
        return fault

    def waiting(self) -> int:
        """How many faults have not struck as often as they shall."""
        with self._lock:
            return len(self._waiting)

    def clear(self) -> None:
        """No faults any more."""
        with self._lock:
            self._waiting.clear()
            self._pages.clear()

    def take(self, ask: Ask) -> Fault | None:
        """The fault that strikes this request, if any; it is counted."""
        with self._lock:
            for fault in self._waiting:
                if not fault.fits(ask):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self._waiting.remove(fault)
                return fault
        return None

    def spoil(self, fault: Fault | None, ask: Ask, reply: Reply) -> Reply:
        """The answer as the fault leaves it."""
        before = self._remember(ask, reply) if self._repeats(fault) else []
        match fault.kind if fault else None:
            case Kind.PARTIAL:
                return partial(reply)
            case Kind.DROP_NEXT_LINK:
                return _relinked(reply, None)
            case Kind.FOREIGN_NEXT_LINK:
                foreign = fault.text("url", "https://attacker.example/steal") if fault else ""
                return _relinked(reply, foreign)
            case Kind.LINK_LOOP:
                return _relinked(reply, ask.link())
            case Kind.DUPLICATE_PAGE if before:
                return _repeated(reply, before)
            case _:
                return reply if fault is None else _reshaped(fault, reply)

    def _repeats(self, fault: Fault | None) -> bool:
        """Whether pages have to be kept, because one of them will be given again."""
        with self._lock:
            wanted = [*self._waiting, *([fault] if fault else [])]
        return any(f.kind is Kind.DUPLICATE_PAGE for f in wanted)

    def _remember(self, ask: Ask, reply: Reply) -> list[Json]:
        """The items of the page before this one; this one is kept for the next."""
        skip = ask.query.get("$skip", "0")
        found = _items(reply) if skip.isdigit() else None
        if found is None:
            return []
        with self._lock:
            pages = self._pages.setdefault(ask.path, {})
            pages[int(skip)] = found
            return pages.get(max((s for s in pages if s < int(skip)), default=-1), [])


def _reshaped(fault: Fault, reply: Reply) -> Reply:
    """The answer of a query in the shape that the fault gives it; other answers as they are."""
    reshape = _SHAPES.get(fault.kind)
    if reshape is None:
        return reply
    try:
        return reshape(fault, reply)
    except Refusal as refusal:
        return refusal.reply


_SHAPES: dict[Kind, Callable[[Fault, Reply], Reply]] = {
    Kind.NO_TABLES: lambda _fault, reply: spoiled.without_tables(reply),
    Kind.NO_ROWS: lambda _fault, reply: spoiled.without_rows(reply),
    Kind.TWO_TABLES: lambda _fault, reply: spoiled.with_two_tables(reply),
    Kind.ROWS_TWICE: lambda _fault, reply: spoiled.with_rows_twice(reply),
    Kind.DROP_COLUMN: lambda fault, reply: spoiled.without_column(reply, fault.text("name", "")),
    Kind.RENAME_COLUMN: lambda fault, reply: spoiled.with_column_renamed(
        reply, fault.text("name", ""), fault.text("to", "")
    ),
    Kind.RETYPE_COLUMN: lambda fault, reply: spoiled.with_column_as(
        reply, fault.text("name", ""), fault.text("type", "string")
    ),
    Kind.NULL_COLUMN: lambda fault, reply: spoiled.with_column_null(reply, fault.text("name", "")),
}


def refused(fault: Fault) -> Reply | None:
    """The answer of a fault that keeps the request from being served; None if it is served."""
    match fault.kind:
        case Kind.STATUS:
            status = int(fault.number("status", 503))
            wait = fault.details.get("retry_after")
            headers = {} if wait is None else {"Retry-After": str(wait)}
            code = fault.text("code", _CODES.get(status, "InternalServerError"))
            message = fault.text("message", "The service is not available. Try again later.")
            return Refusal(status, code, message, headers=headers).reply
        case Kind.EXPIRE_TOKENS:
            return Refusal(
                401,
                "ExpiredAuthenticationToken",
                "The access token expiry time is earlier than the current time.",
                headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
            ).reply
        case Kind.MISSING_TABLE:
            name = fault.text("name", "ApiManagementGatewayLlmLog")
            return semantic_error(f"'where' operator: Failed to resolve table expression '{name}'")
        case Kind.MISSING_COLUMN:
            name = fault.text("name", "DeploymentName")
            return semantic_error(f"Failed to resolve scalar expression named '{name}'")
        case _:
            return None


def semantic_error(message: str, code: str = "SEM0100") -> Reply:
    """The answer of Log Analytics to a query that names what is not there."""
    return query_error("SemanticError", code, "A semantic error occurred.", message)


def query_error(kind: str, code: str, summary: str, message: str) -> Reply:
    """A refusal of a query, nested as Log Analytics nests it."""
    innermost = {"code": code, "message": f"{message}"}
    inner = {"code": kind, "message": summary, "innererror": innermost}
    outer = {
        "code": "BadArgumentError",
        "message": "The request had some invalid properties",
        "innererror": inner,
    }
    return Refusal(400, "BadArgumentError", message, body={"error": outer}).reply


_CODES = {
    429: "TooManyRequests",
    500: "InternalServerError",
    502: "BadGateway",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
    403: "AuthorizationFailed",
    409: "Conflict",
}


def _items(reply: Reply) -> list[Json] | None:
    if reply.status != 200 or not reply.headers.get("content-type", "").startswith(
        "application/json"
    ):
        return None
    content = reply.json()
    if not isinstance(content, dict):
        return None
    found = content.get("value", content.get("Items"))
    return found if isinstance(found, list) else None


def _relinked(reply: Reply, link: str | None) -> Reply:
    content = reply.json()
    name = "NextPageLink" if "Items" in content else "nextLink"
    if link is None and name == "nextLink":
        content.pop(name, None)
    else:
        content[name] = link
    return reply.with_json(content)


def _repeated(reply: Reply, before: list[Json]) -> Reply:
    content = reply.json()
    content["Items" if "Items" in content else "value"] = before
    return reply.with_json(content)


def partial(reply: Reply) -> Reply:
    """The first half of the rows of an answer, with the note that they are not all."""
    content = reply.json()
    for table in content.get("tables", []):
        table["rows"] = table["rows"][: len(table["rows"]) // 2]
    content["error"] = partial_error("The query was stopped before it had read all data.")
    return reply.with_json(content)


def partial_error(message: str) -> dict[str, Json]:
    """The note that Log Analytics puts beside rows that are not all of them."""
    inner = {"code": "-2133196797", "message": message, "severity": 2, "severityName": "Error"}
    return {
        "code": "PartialError",
        "message": "There were some errors when processing your query.",
        "details": [{"code": "EngineError", "message": message, "innererror": inner}],
    }

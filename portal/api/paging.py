"""Lists, a page at a time, in an order that rows added meanwhile do not shift.

A page goes on after the last row's key, not at a number, so that walking a list sees every row
exactly once. The cursor is that key, signed together with what was asked for: it fits the same
question of the same tenant and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.core import signing
from django.db.models import Model, Q, QuerySet
from rest_framework.request import Request

from tenancy import scope
from tenancy.refusals import Refused

Row = TypeVar("Row", bound=Model)
Item = TypeVar("Item")
Key = tuple[str, ...]


class BadCursor(Refused):
    code = "bad-cursor"
    status = 400
    field = "cursor"
    text = "The cursor does not belong to this list. Start again without it."


@dataclass(frozen=True, slots=True)
class Slice:
    """Which rows to fetch: those after a key, at most so many."""

    after: Key | None
    most: int


def asked(request: Request, query: dict[str, Any]) -> Slice:
    """The slice that a request asks for, and one row more, to see whether there is a next page.

    Raises:
        BadCursor: the cursor is none of ours, or another list's.
    """
    return Slice(_read(request, query.get("cursor")), query["page_size"] + 1)


def page(
    request: Request, asked: Slice, found: Sequence[Item], key: Callable[[Item], Key]
) -> tuple[Sequence[Item], str | None]:
    """The rows to show of those found, and the address of the next page."""
    shown = found[: asked.most - 1]
    if len(found) < asked.most:
        return shown, None
    cursor = _signer(request).sign_object(key(shown[-1]))
    others = {name: value for name, value in request.query_params.items() if name != "cursor"}
    return shown, request.build_absolute_uri(f"?{urlencode({**others, 'cursor': cursor})}")


def rows(
    request: Request, query: dict[str, Any], found: QuerySet[Row], order: Sequence[str]
) -> tuple[list[Row], str | None]:
    """A page of a query set. ``order`` names columns or annotations; together they are unique.

    Raises:
        BadCursor: the cursor is none of ours, or another list's.
    """
    part = asked(request, query)
    if part.after is not None:
        found = found.filter(_after(order, part.after))
    fetched = list(found.order_by(*order)[: part.most])
    shown, link = page(request, part, fetched, lambda row: _key(row, order))
    return list(shown), link


def _key(row: Any, order: Sequence[str]) -> Key:
    values = []
    for name in order:
        value = row
        for step in name.split("__"):
            value = getattr(value, step)
        values.append(value.isoformat() if hasattr(value, "isoformat") else str(value))
    return tuple(values)


def _after(order: Sequence[str], key: Key) -> Q:
    """Rows that come later: the first part says it to the index, the rest says it exactly."""
    later = Q()
    for place, name in enumerate(order):
        same = dict(zip(order[:place], key[:place], strict=True))
        later |= Q(**same, **{f"{name}__gt": key[place]})
    return Q(**{f"{order[0]}__gte": key[0]}) & later


def _read(request: Request, cursor: str | None) -> Key | None:
    if cursor is None:
        return None
    try:
        return tuple(_signer(request).unsign_object(cursor))
    except signing.BadSignature:
        raise BadCursor() from None


def _signer(request: Request) -> signing.Signer:
    """Binds a cursor to the tenant, the list and its filters; the page's size may change."""
    filters = sorted(
        (name, value)
        for name, value in request.query_params.items()
        if name not in {"cursor", "page_size"}
    )
    return signing.Signer(salt=f"api:{scope.tenant_id()}:{request.path}:{urlencode(filters)}")

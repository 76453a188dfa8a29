"""Programs that ask: each a client with the token of one person of the small world."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.test import Client

from tests import world as small_world
from tests.world import World

ROOT = "/api/v1/"


@dataclass(frozen=True)
class Program:
    """Asks with one token; addresses are below ``/api/v1/`` unless they are whole."""

    token: str

    def ask(self, address: str, /, *, headers: dict[str, str] | None = None, **query: Any) -> Any:
        path = address if address.startswith(("/", "http")) else ROOT + address
        if query:
            path += "?" + urlencode(query, doseq=True)
        return _wire().get(
            path, headers={"Authorization": f"Bearer {self.token}", **(headers or {})}
        )

    def read(self, address: str, /, **query: Any) -> Any:
        """The answer's content, which must be a success; amounts stay text."""
        answer = self.ask(address, **query)
        assert answer.status_code == 200, answer.content
        return json.loads(answer.content, parse_float=Decimal)

    def send(
        self,
        address: str,
        body: Any,
        /,
        *,
        of: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> Any:
        """Post a body, as JSON unless it is bytes or of another media type."""
        plain = of != "application/json" or isinstance(body, bytes)
        data = body if plain else json.dumps(body, default=str)
        return _wire().post(
            ROOT + address,
            data,
            content_type=of,
            headers={"Authorization": f"Bearer {self.token}", **(headers or {})},
        )

    def walk(self, address: str, /, **query: Any) -> list[list[dict[str, Any]]]:
        """Every page of a list, following `next`."""
        page = self.read(address, **query)
        pages = [page["results"]]
        while page["next"]:
            assert len(pages) < 100, "the list has no end"
            page = self.read(page["next"])
            pages.append(page["results"])
        return pages

    def all(self, address: str, /, **query: Any) -> list[dict[str, Any]]:
        """Every row of a list."""
        return [row for page in self.walk(address, **query) for row in page]


@cache
def _wire() -> Client:
    """One client for all programs: it holds no state, and making one loads every middleware."""
    return Client(raise_request_exception=False)


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    """The world's own instant, inside its billing month."""
    with time_machine.travel(small_world.NOW, tick=False):
        yield


@pytest.fixture
def program(world: World) -> Callable[..., Program]:
    """A program of a person, with all scopes unless some are named."""

    def of(name: str, *scopes: str) -> Program:
        return Program(world.token(name, *scopes))

    return of


def problem(answer: Any, status: int) -> dict[str, Any]:
    """The problem details of an answer refused with this status."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = json.loads(answer.content)
    assert document["status"] == status
    assert document["detail"]
    return document


def faults(answer: Any, status: int = 400) -> list[str]:
    """The fields that an answer names as at fault."""
    return [fault["field"] for fault in problem(answer, status)["errors"]]

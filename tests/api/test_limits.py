"""A token may ask so often in a minute; the limit is never what takes the API down."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import caches

from portal.api import throttling
from tests.api.conftest import Program, problem

Asking = Callable[..., Program]


@pytest.fixture
def three_a_minute(settings: Any) -> None:
    settings.APPORTION = settings.APPORTION.model_copy(update={"api_requests_per_minute": 3})


@pytest.fixture
def counting(broker: str, settings: Any) -> Iterator[None]:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": broker}}
    caches["default"].clear()
    yield
    caches["default"].close()


def test_who_asks_too_often_is_told_when_to_come_back(
    program: Asking, counting: None, three_a_minute: None
) -> None:
    dan = program("dan")
    assert [dan.ask("teams/").status_code for _ in range(3)] == [200, 200, 200]
    answer = dan.ask("costs/?month=2026-11")
    problem(answer, 429)
    assert 1 <= int(answer["Retry-After"]) <= 60


def test_one_token_does_not_use_up_anothers(
    program: Asking, counting: None, three_a_minute: None
) -> None:
    first, second = program("dan"), program("dan")
    assert [first.ask("teams/").status_code for _ in range(4)] == [200, 200, 200, 429]
    assert second.ask("teams/").status_code == 200


def test_without_redis_everybody_is_answered_and_the_log_says_so_once(
    program: Asking, three_a_minute: None, caplog: pytest.LogCaptureFixture
) -> None:
    throttling._told["window"] = -1
    dan = program("dan")
    with caplog.at_level(logging.WARNING, logger="portal.api.throttling"):
        answers = [dan.ask("teams/").status_code for _ in range(5)]
    assert answers == [200] * 5
    assert [record.message[:22] for record in caplog.records] == ["Redis does not answer,"]


def test_pushing_counts_like_asking(program: Asking, counting: None, three_a_minute: None) -> None:
    dan = program("dan")
    assert [dan.send("usage-events/", {}).status_code for _ in range(4)] == [400, 400, 400, 429]
    assert dan.ask("teams/").status_code == 429

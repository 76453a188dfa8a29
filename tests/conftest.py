"""What every test may use: the database, the two tenants, the broker, and Azure on loopback."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connections
from django.test.client import ClientHandler

from portal import embedded
from portal.celery import app
from tests import bed
from tests import world as small_world
from tests.azure import Azure, opened
from tests.world import World

_CHAIN = (
    "_view_middleware",
    "_template_response_middleware",
    "_exception_middleware",
    "_middleware_chain",
)


@pytest.fixture(scope="session", autouse=True)
def one_middleware_chain() -> Iterator[None]:
    """The middleware is loaded once a worker, as a server does, not once a client.

    A test that overrides a setting gets a chain of its own, made under that setting.
    """
    as_configured = vars(settings)["_wrapped"]
    load = ClientHandler.load_middleware
    first: dict[str, Any] = {}

    def load_once(handler: ClientHandler, is_async: bool = False) -> None:
        if vars(settings)["_wrapped"] is not as_configured:
            load(handler, is_async)
            return
        if not first:
            load(handler, is_async)
            first.update(vars(handler))
        for name in _CHAIN:
            setattr(handler, name, first[name])

    patched = pytest.MonkeyPatch()
    patched.setattr(ClientHandler, "load_middleware", load_once)
    yield
    patched.undo()


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """pytest-django's own names for workers' databases: not used."""


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """This worker's copy of the migrated template, as the application role."""
    with django_db_blocker.unblock():
        bed.attach()
    yield
    with django_db_blocker.unblock():
        connections.close_all()


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Real transactions: what the test commits is there for every connection, until it ends."""
    with django_db_blocker.unblock():
        yield
        connections.close_all()
        bed.empty()


@pytest.fixture(scope="session")
def standing_world(django_db_setup: None, django_db_blocker: Any) -> World:
    """The world, committed once in this worker's second database."""
    with django_db_blocker.unblock(), bed.inhabited():
        return small_world.build()


@pytest.fixture
def _inhabited(standing_world: World, django_db_blocker: Any) -> Iterator[World | None]:
    """The second database, unless the test has begun its transaction in the first already."""
    if connections["default"].in_atomic_block:
        yield None
        return
    with django_db_blocker.unblock(), bed.inhabited():
        yield copy.deepcopy(standing_world)


@pytest.fixture
def world(_inhabited: World | None, db: None) -> World:
    """Two tenants, their people and a few rows of everything; as new in each test."""
    return _inhabited or small_world.build()


@pytest.fixture
def lasting_world(standing_world: World, django_db_blocker: Any) -> Iterator[World]:
    """The standing world in real transactions, for tests that commit no change to it."""
    with django_db_blocker.unblock(), bed.inhabited():
        yield copy.deepcopy(standing_world)
        connections.close_all()


@pytest.fixture
def committed_world(committed: None) -> World:
    """The same, committed: for threads, workers and other connections."""
    return small_world.build()


@pytest.fixture
def clock_at(settings: Any) -> Callable[[datetime], None]:
    """Moves the product's clock, so that doors read about this instant."""

    def moved(instant: datetime) -> None:
        offset = int((instant - datetime.now(UTC)).total_seconds())
        settings.APPORTION = settings.APPORTION.model_copy(update={"clock_offset_seconds": offset})

    return moved


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of this worker's own Redis."""
    with embedded.redis(tmp_path_factory.mktemp("redis")) as running:
        yield running.url


@pytest.fixture
def queue(broker: str) -> Iterator[redis.Redis]:
    """The product's task queue on this worker's broker, empty at first; no worker reads it."""
    was = app.conf.broker_url
    with redis.Redis.from_url(broker) as client:
        client.flushdb()
        _send_to(broker)
        yield client
        _send_to(was)


def _send_to(url: str) -> None:
    celery: Any = app
    celery.amqp._producer_pool = celery._pool = None  # else the connections of before go on
    celery.conf.broker_url = url


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    """This worker's simulated Azure; use `azure`, which puts it back between tests."""
    with opened(tmp_path_factory.mktemp("azure")) as running:
        yield running


@pytest.fixture
def azure(cloud: Azure, settings: Any) -> Iterator[Azure]:
    """Azure on loopback as it was at the start, with the product's settings pointing at it."""
    cloud.start_again()
    settings.APPORTION = settings.APPORTION.model_copy(update=cloud.settings())
    yield cloud
    cloud.forgive()

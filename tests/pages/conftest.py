"""The pages of an eventful month: through Django's client, and in Chromium on loopback."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from playwright.sync_api import Browser, sync_playwright

from tests.pages import eventful
from tests.world import NOW, World

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture
def at_noon(settings: Any) -> None:
    """The product's clock stands where the world's does."""
    moved = int((NOW - datetime.now(UTC)).total_seconds())
    settings.APPORTION = settings.APPORTION.model_copy(update={"clock_offset_seconds": moved})


@pytest.fixture
def month(world: World, at_noon: None) -> World:
    """The small world with an eventful November."""
    eventful.make(world)
    return world


@pytest.fixture
def committed_month(committed_world: World, at_noon: None) -> World:
    """The same, committed, for a server with connections of its own."""
    eventful.make(committed_world)
    return committed_world


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Pages are listed by what asserts on them."""


@pytest.fixture
def site(committed_month: World) -> Iterator[str]:
    """The eventful month on a free port of loopback; gives its address."""
    with served() as address:
        yield address


@contextmanager
def served() -> Iterator[str]:
    """The running product on a free port of loopback; gives its address."""
    from portal.wsgi import application  # noqa: PLC0415 - needs the settings of the run

    server = ThreadedWSGIServer(("127.0.0.1", 0), _Quiet, connections_override=None)
    server.set_app(application)
    server.block_on_close = False  # a browser keeps its connections open
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser, for one module: its event loop must not outlive the browser tests."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("No Chromium or Chrome: the pages were not looked at in a browser.")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # The loop of the browser's driver runs in this thread; the ORM calls here are not in it.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()

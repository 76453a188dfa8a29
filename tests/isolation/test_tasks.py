"""Every task of the worker: it works for the tenant it was given, and for nobody else."""

from __future__ import annotations

import base64
import contextlib
import inspect
import json
from typing import Any

import pytest
import redis

from connectors.failures import ConnectorError
from portal.celery import app
from tenancy.models import Run
from tenancy.refusals import NotFound, Refused
from tests.isolation.state import digests
from tests.world import Place, World

ROOMS = ("tenancy.", "inventory.", "billing.", "governance.")
NOBODY = 9_999_999


def _tasks() -> list[str]:
    app.loader.import_default_modules()
    app.finalize()
    return sorted(name for name in app.tasks if name.startswith(ROOMS))


def _parameters(name: str) -> list[str]:
    return list(inspect.signature(app.tasks[name].run).parameters)


FOR_A_TENANT = [name for name in _tasks() if _parameters(name)]


def _arguments(name: str, tenant: int, place: Place) -> dict[str, Any]:
    known = {
        "tenant_id": tenant,
        "gateway": place.gateway.name,
        "lane": "fresh",
        "first": "2026-11-03",
        "last": "2026-11-04",
    }
    unknown = [given for given in _parameters(name) if given not in known]
    assert not unknown, f"the task {name} takes {unknown[0]!r}: say here what it is"
    return {given: known[given] for given in _parameters(name)}


def test_there_are_tasks_and_each_says_for_whom() -> None:
    assert len(FOR_A_TENANT) >= 4
    for name in FOR_A_TENANT:
        assert _parameters(name)[0] == "tenant_id", f"{name} must be told its tenant first"


@pytest.mark.parametrize("name", FOR_A_TENANT)
def test_an_unknown_tenant_is_refused(name: str, world: World) -> None:
    before = digests(world)
    with pytest.raises(NotFound):
        app.tasks[name].run(**_arguments(name, NOBODY, world.contoso))
    assert digests(world) == before


@pytest.mark.parametrize("name", FOR_A_TENANT)
def test_a_task_of_one_tenant_touches_nothing_of_the_other(
    name: str, world: World, queue: redis.Redis
) -> None:
    """Given the other's names too, as a mix-up in a queue would."""
    before = digests(world, world.contoso)
    for place in (world.fabrikam, world.contoso):
        _run(name, _arguments(name, world.fabrikam.ref.id, place))
    assert digests(world, world.contoso) == before
    assert {arguments[0] for arguments in _sent(queue)} <= {world.fabrikam.ref.id}


def test_the_beat_asks_for_each_tenant_by_its_id(world: World, queue: redis.Redis) -> None:
    for name in ("inventory.sync_inventory", "billing.sync_usage"):
        app.tasks[name].run()
    wanted = [[place.ref.id, place.gateway.name] for place in (world.contoso, world.fabrikam)]
    fresh = [[*one, "fresh"] for one in wanted]  # nothing older of the world's hours is due
    assert sorted(_sent(queue)) == sorted(wanted + fresh)


@pytest.mark.parametrize("name", FOR_A_TENANT)
def test_a_task_leaves_no_scope_behind(name: str, world: World, queue: redis.Redis) -> None:
    _run(name, _arguments(name, world.fabrikam.ref.id, world.fabrikam))
    assert Run._base_manager.count() == 0


def _run(name: str, arguments: dict[str, Any]) -> None:
    """No credentials are there, so that a task that would call Azure is refused before."""
    with contextlib.suppress(Refused, ConnectorError):
        app.tasks[name].run(**arguments)


def _sent(queue: redis.Redis) -> list[Any]:
    """The positional arguments of every task in the queue."""
    messages: Any = queue.lrange("celery", 0, -1)
    return [json.loads(base64.b64decode(json.loads(one)["body"]))[0] for one in messages]

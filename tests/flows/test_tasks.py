"""The worker's doors: each task called as beat would, twice; and once by a real worker."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import current_app

from billing.tasks import rate_tenant, sync_gateway_usage
from governance.tasks import enforce_tenant
from inventory.tasks import sync_gateway
from portal.celery import app
from portal.schedule import BEAT
from tenancy import runs
from tenancy.refusals import NotFound
from tenancy.runs import Contention
from tests.flows.conftest import environment
from tests.flows.forks import until
from tests.flows.steps import Steps, everything, rows

LEDGERS = ("tenancy_run", "tenancy_installationrun", "billing_usagefeed", "billing_usagewindow")
CHECKOUT = Path(__file__).resolve().parents[2]


def _times(table: dict[str, list[str]]) -> dict[str, list[str]]:
    """Without the tables that say when the inventory was seen last."""
    return {name: kept for name, kept in table.items() if not name.startswith("inventory_")}


def test_every_task_of_a_tenant_can_be_called_twice(contoso: Steps) -> None:
    before = _times(everything(*LEDGERS))

    for _ in range(2):
        for task, arguments in (
            (sync_gateway, (contoso.ref.id, contoso.gateway)),
            (sync_gateway_usage, (contoso.ref.id, contoso.gateway)),
            (rate_tenant, (contoso.ref.id,)),
            (enforce_tenant, (contoso.ref.id,)),
        ):
            assert task.apply(args=arguments, throw=True).successful()

    assert _times(everything(*LEDGERS)) == before
    assert {row for (row,) in rows("SELECT outcome FROM tenancy_run")} == {"succeeded"}


def test_a_task_gives_way_to_a_run_under_way(contoso: Steps) -> None:
    with runs.of_tenant(contoso.ref, "enforce", contention=Contention.TAKE_OVER):
        contoso.limit("subscription4", "0.0001")
        assert enforce_tenant.apply(args=(contoso.ref.id,), throw=True).successful()

    assert contoso.state("subscription4") == "active"


@pytest.mark.parametrize(
    ("task", "arguments"),
    [
        (sync_gateway, (4711, "apim-contoso")),
        (sync_gateway_usage, (4711, "apim-contoso")),
        (rate_tenant, (4711,)),
        (enforce_tenant, (4711,)),
    ],
)
def test_a_task_for_a_tenant_that_is_not_there_does_nothing(
    contoso: Steps, task: Any, arguments: tuple[Any, ...]
) -> None:
    before = everything()

    with pytest.raises(NotFound):
        task.apply(args=arguments, throw=True)

    assert everything() == before


def test_a_task_reaches_no_gateway_of_another_tenant(contoso: Steps) -> None:
    with pytest.raises(NotFound):
        sync_gateway_usage.apply(args=(contoso.ref.id, "apim-fabrikam"), throw=True)


@pytest.fixture
def worker(
    contoso: Steps, broker: str, pointed: dict[str, Any], tmp_path: Path
) -> Iterator[Callable[[str], None]]:
    """A real worker on a real broker; gives what sends it a task."""
    ready, log = tmp_path / "ready", tmp_path / "log"
    told = environment(pointed) | {
        "APPORTION_REDIS_URL": broker,
        "APPORTION_READY_FILE": str(ready),
    }
    command = [sys.executable, "-m", "celery", "-A", "portal", "worker", "-l", "info", "-P", "solo"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--without-gossip", "--without-mingle"],
            cwd=CHECKOUT,
            env=os.environ | environment(pointed) | told,
            stdout=out,
            stderr=out,
        )
    try:
        until(lambda: ready.exists() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield lambda name: _send(broker, name)
    finally:
        process.terminate()
        process.wait(30)


def _send(broker: str, name: str) -> None:
    with app.connection_for_write(broker) as connection:
        app.send_task(name, connection=connection)


@pytest.mark.slow  # starts a worker process
def test_a_worker_takes_beats_tasks_for_every_tenant_and_suspends(
    contoso: Steps, fabrikam: Steps, worker: Callable[[str], None]
) -> None:
    contoso.limit("subscription4", "0.0001")
    fabrikam.limit("support-bot", "0.0001")
    for _ in range(2):
        for name in ("billing.sync_usage", "billing.rate", "governance.enforce"):
            worker(name)

    until(lambda: len(_ended("enforce")) == 4)

    assert {outcome for _step, outcome in _ended("")} == {"succeeded"}
    assert contoso.state("subscription4") == "suspended"
    assert fabrikam.state("support-bot") == "suspended"
    assert len(contoso.azure.requests("subscriptions", "PATCH")) == 2


def test_beat_names_only_tasks_that_there_are() -> None:
    app.loader.import_default_modules()
    assert {entry.task for entry in BEAT} <= set(current_app.tasks)


def _ended(step: str) -> list[tuple[str, str]]:
    found = "SELECT step, outcome FROM tenancy_run WHERE outcome <> 'running' AND step LIKE %s"
    return rows(found, f"{step}%")

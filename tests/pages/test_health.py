"""What supervisors and load balancers are told."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client


@pytest.fixture
def _with_broker(settings: Any, broker: str) -> None:
    settings.APPORTION = settings.APPORTION.model_copy(update={"redis_url": broker})


def test_a_process_that_answers_is_alive_without_any_service() -> None:
    assert Client().get("/healthz").json() == {"status": "alive"}


@pytest.mark.usefixtures("db", "_with_broker")
def test_ready_with_database_schema_and_broker() -> None:
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {"database": "ok", "migrations": "ok", "redis": "ok"},
    }


@pytest.mark.usefixtures("db")
def test_not_ready_without_the_broker_and_names_the_setting() -> None:
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    checks = answer.json()["checks"]
    assert checks["database"] == "ok"
    assert "APPORTION_REDIS_URL" in checks["redis"]


@pytest.mark.usefixtures("db", "_with_broker")
def test_not_ready_while_a_migration_waits(settings: Any) -> None:
    settings.MIGRATION_MODULES = {"auth": "django.contrib.contenttypes.migrations"}
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert "migrate" in answer.json()["checks"]["migrations"]


@pytest.mark.usefixtures("committed", "_with_broker")
def test_not_ready_where_the_database_is_out_of_reach() -> None:
    reached = connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"] = "/nowhere"
    try:
        answer = Client().get("/readyz")
    finally:
        connection.settings_dict["HOST"] = reached
    assert answer.status_code == 503
    assert "APPORTION_DATABASE_URL" in answer.json()["checks"]["database"]

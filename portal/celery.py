"""The worker's and beat's application."""

import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import beat_init, celeryd_init, worker_ready
from kombu.exceptions import OperationalError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("apportion")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["inventory", "billing", "governance"])


@celeryd_init.connect
@beat_init.connect
def need_broker(**_: Any) -> None:
    """End with one line where no broker answers; one that goes away later is waited for."""
    with app.connection_for_write() as connection:
        try:
            connection.ensure_connection(max_retries=3, interval_start=0, interval_step=1)
        except OperationalError as error:
            raise SystemExit(
                f"No broker answers at {connection.as_uri()}: {error}. Check APPORTION_REDIS_URL."
            ) from None


@worker_ready.connect
@beat_init.connect
def say_ready(**_: Any) -> None:
    """Touch the file the supervisor waits for."""
    if name := os.environ.get("APPORTION_READY_FILE"):
        Path(name).touch()

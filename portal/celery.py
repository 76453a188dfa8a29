"""The worker's and beat's application."""

import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("apportion")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["inventory", "billing", "governance"])


@worker_ready.connect
@beat_init.connect
def say_ready(**_: Any) -> None:
    """Touch the file the supervisor waits for."""
    if name := os.environ.get("APPORTION_READY_FILE"):
        Path(name).touch()

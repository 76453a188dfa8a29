"""Asking the worker to do at once what beat would have it do later: the one way from a door.

What is asked for is a task by its name; if it is lost, the next beat does the same.
"""

from __future__ import annotations

from celery import current_app
from kombu.exceptions import OperationalError

from tenancy.refusals import Refused


class NoWorker(Refused):
    code = "no-broker"
    status = 503
    text = "The task queue does not answer. Nothing was asked for; try again in a minute."


def ask(task: str, *arguments: object) -> None:
    """Send a task to the worker.

    Raises:
        NoWorker: the queue does not answer.
    """
    with current_app.connection_for_write() as connection:
        try:
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
            current_app.send_task(task, list(arguments), connection=connection)
        except OperationalError:
            raise NoWorker() from None

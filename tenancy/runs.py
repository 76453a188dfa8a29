"""The sync ledger: one row for each run of a step, with window, rows, outcome and error.

A run is also a fence. At most one run of a step and subject is under way; a newer one takes
over from one that has not been heard of for `SILENCE`, or at a person's word, and the older can
then write nothing more: `Run.hold` fails inside the transaction that would have written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.db import IntegrityError, models, transaction

from tenancy import clock, scope
from tenancy.models import InstallationRun, Outcome, Run, RunFields
from tenancy.refusals import Refused
from tenancy.scope import TenantRef

SILENCE = timedelta(minutes=2)


class Contention(Enum):
    """What to do when another run of the same step and subject is under way."""

    GIVE_WAY = "give way"
    TAKE_OVER = "take over"


class Busy(Refused):
    code = "run-under-way"
    status = 409
    text = "{step} {subject} is already running since {since:%H:%M:%S} UTC."


class Superseded(Refused):
    code = "run-superseded"
    status = 409
    text = "A newer run of {step} {subject} has taken over; this one changed nothing more."


class Recorded:
    """A run under way. Set its counts and window; they are stored when it ends."""

    def __init__(self, row: RunFields, tenant: TenantRef | None) -> None:
        self.row = row
        self.tenant = tenant

    def hold(self) -> None:
        """Keep the fence: call first in each transaction that writes what the run brought.

        Raises:
            Superseded: a newer run has taken over.
        """
        rows = _table(self.row).filter(pk=self.row.pk, outcome=Outcome.RUNNING)
        if not rows.update(beat_at=clock.now()):
            raise Superseded(step=self.row.step, subject=self.row.subject)

    def window(self, start: datetime, end: datetime) -> None:
        """The instants the run covers."""
        self.row.window_start, self.row.window_end = start, end

    def count(self, *, read: int = 0, written: int = 0) -> None:
        """Add to the rows read from outside and written here."""
        self.row.rows_read += read
        self.row.rows_written += written

    def note(self, **detail: Any) -> None:
        """Add to the run's details."""
        self.row.detail = {**self.row.detail, **detail}


@contextmanager
def of_tenant(
    tenant: TenantRef, step: str, subject: str = "", *, contention: Contention
) -> Iterator[Recorded]:
    """Record a run of a step for a tenant. Not inside a transaction: the work calls outside.

    Raises:
        Busy: another run is under way and ``contention`` is to give way.
    """
    with scope.of(tenant):
        row = _begin(Run, step, subject, contention)
    run = Recorded(row, tenant)
    try:
        yield run
    except BaseException as error:
        with scope.of(tenant):
            _end(run.row, Outcome.FAILED, error)
        raise
    with scope.of(tenant):
        _end(run.row, Outcome.SUCCEEDED)


@contextmanager
def of_installation(step: str, *, contention: Contention) -> Iterator[Recorded]:
    """Record a run of a step that serves every tenant.

    Raises:
        Busy: another run is under way and ``contention`` is to give way.
    """
    run = Recorded(_begin(InstallationRun, step, "", contention), None)
    try:
        yield run
    except BaseException as error:
        _end(run.row, Outcome.FAILED, error)
        raise
    _end(run.row, Outcome.SUCCEEDED)


def latest(step: str, *, subject: str | None = None) -> Run | None:
    """The newest run of a step for the tenant in scope."""
    rows = Run.objects.filter(step=step)
    newest: Run | None = (rows if subject is None else rows.filter(subject=subject)).first()
    return newest


def latest_success(step: str) -> Run | None:
    """The newest run of a step for the tenant in scope that came to its end."""
    newest: Run | None = Run.objects.filter(step=step, outcome=Outcome.SUCCEEDED).first()
    return newest


def _begin(kind: type[RunFields], step: str, subject: str, contention: Contention) -> RunFields:
    now = clock.now()
    under_way = kind._default_manager.filter(step=step, subject=subject, outcome=Outcome.RUNNING)
    for other in under_way:
        if contention is Contention.GIVE_WAY and other.beat_at > now - SILENCE:
            raise Busy(step=step, subject=subject, since=other.started_at)
    under_way.update(outcome=Outcome.SUPERSEDED, finished_at=now, error="A newer run took over.")
    try:
        with transaction.atomic():
            return kind._default_manager.create(
                step=step, subject=subject, started_at=now, beat_at=now
            )
    except IntegrityError:  # another began in this very moment
        raise Busy(step=step, subject=subject, since=now) from None


def _end(row: RunFields, outcome: Outcome, error: BaseException | None = None) -> None:
    """Store how the run ended, unless a newer one has taken over."""
    _table(row).filter(pk=row.pk, outcome=Outcome.RUNNING).update(
        outcome=outcome,
        finished_at=max(clock.now(), row.started_at),
        window_start=row.window_start,
        window_end=row.window_end,
        rows_read=row.rows_read,
        rows_written=row.rows_written,
        detail=row.detail,
        error_code=getattr(error, "code", type(error).__name__ if error else ""),
        error=str(error) if error else "",
    )


def _table(row: RunFields) -> models.QuerySet[Any]:
    return type(row)._default_manager.all()

"""Reading the sync ledger: the newest run of each step, and all of them page by page."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from tenancy import access
from tenancy.access import Actor
from tenancy.models import InstallationRun, Outcome, Run, RunFields

PAGE = 25


@dataclass(frozen=True, slots=True)
class Entry:
    """One run of a step. ``subject`` is the gateway it worked on, empty for the whole tenant."""

    step: str
    subject: str
    outcome: Outcome
    started_at: datetime
    finished_at: datetime | None
    window_start: datetime | None
    window_end: datetime | None
    rows_read: int
    rows_written: int
    error_code: str
    error: str
    detail: dict[str, Any] = field(hash=False)

    @property
    def took(self) -> timedelta | None:
        return None if self.finished_at is None else self.finished_at - self.started_at


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list, newest first. Numbers count from 1."""

    entries: tuple[Entry, ...]
    number: int
    pages: int
    total: int


def newest(actor: Actor) -> tuple[Entry, ...]:
    """The newest run of each step and subject that the actor may see, by step and subject."""
    rows = access.many(Run, actor).order_by("step", "subject", "-id").distinct("step", "subject")
    return tuple(_entry(row) for row in rows)


def history(actor: Actor, *, step: str = "", outcome: str = "", number: int = 1) -> Page:
    """The runs that the actor may see, newest first, of one step or outcome where one is named.

    A page past the end is the last one.
    """
    rows: QuerySet[Run] = access.many(Run, actor).order_by("-id")
    if step:
        rows = rows.filter(step=step)
    if outcome:
        rows = rows.filter(outcome=outcome)
    total = rows.count()
    pages = max(1, -(-total // PAGE))
    number = max(1, min(number, pages))
    start = (number - 1) * PAGE
    return Page(tuple(_entry(row) for row in rows[start : start + PAGE]), number, pages, total)


def newest_of_installation(step: str) -> Entry | None:
    """The newest run of a step that serves every tenant."""
    row = InstallationRun.objects.filter(step=step).first()
    return _entry(row) if row else None


def installation_succeeded_at(step: str) -> datetime | None:
    """When a step that serves every tenant last succeeded; None: never."""
    rows = InstallationRun.objects.filter(step=step, outcome=Outcome.SUCCEEDED)
    instant: datetime | None = rows.values_list("finished_at", flat=True).first()
    return instant


def _entry(row: RunFields) -> Entry:
    return Entry(
        step=row.step,
        subject=row.subject,
        outcome=Outcome(row.outcome),
        started_at=row.started_at,
        finished_at=row.finished_at,
        window_start=row.window_start,
        window_end=row.window_end,
        rows_read=row.rows_read,
        rows_written=row.rows_written,
        error_code=row.error_code,
        error=row.error,
        detail=row.detail,
    )

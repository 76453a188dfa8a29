"""What is confirmed when several requests are approved together: a row of figures for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from governance.admin import request_lines
from governance.front_door.desk import Batch, Candidate
from governance.limits.binding import Limit
from governance.models import QuotaRequest

_UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Row:
    """One request, each figure as it is shown; ``why_not``: why it is not among those approved."""

    request: QuotaRequest
    key: str
    subject: str
    change: str
    used: str
    before: str
    after: str
    growth: str
    runs_out: str
    why_not: str


def rows(candidates: Sequence[Candidate]) -> tuple[Row, ...]:
    """A row for each, in the order they were chosen from."""
    return tuple(_row(one) for one in candidates)


def usage_through(batch: Batch) -> datetime | None:
    """Up to when usage was read for the least fresh of the figures; None: never for one."""
    read = [one.consequences.usage_through for one in batch.together]
    known = [one for one in read if one is not None]
    return min(known) if known and len(known) == len(read) else None


def _row(one: Candidate) -> Row:
    found = one.consequences
    return Row(
        request=one.request,
        key=one.key,
        subject=request_lines.subject(one.request),
        change=request_lines.change(one.request, currency=found.currency, zone=found.zone),
        used=request_lines.rounded(found.used, found.unit, found.currency),
        before=_limit(found.before, found.currency),
        after=_limit(found.after, found.currency),
        growth=_UNKNOWN if one.growth is None else f"{one.growth:+.0f} %",
        runs_out=request_lines.spoken(found.runs_out_on) if found.runs_out_on else _UNKNOWN,
        why_not=one.why_not,
    )


def _limit(limit: Limit | None, currency: str) -> str:
    return request_lines.quantity(limit.limit, limit.unit, currency) if limit else "none"

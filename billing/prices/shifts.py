"""What a change does to meters' prices: from when to when they differ.

The days of usage in those spans are marked to be rated again, and no others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from django.db import connection

from billing import marking, price_terms
from billing.marking import Span
from billing.price_terms import Term
from tenancy import scope

_SPANS = Path(__file__).with_name("shifted_spans.sql").read_text()
_FIRST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Shift:
    """A half-open span in which a meter's price is another than it was; ``until`` None: no end."""

    meter_id: int
    since: datetime
    until: datetime | None


@contextmanager
def marked(meters: Collection[int] | None = None) -> Iterator[None]:
    """Mark the days whose price the block changes, of the tenant in scope.

    Looked at are these meters, or all that the tenant's mappings name, before and after.
    """
    marking.begin()
    before = price_terms.of_meters(meters)
    yield
    after = price_terms.of_meters(meters)
    mark(
        [
            shift
            for meter in before.keys() | after.keys()
            for shift in between(before.get(meter, ()), after.get(meter, ()))
        ]
    )


def between(before: Sequence[Term], after: Sequence[Term]) -> tuple[Shift, ...]:
    """The spans in which one meter's terms differ in anything, in order."""
    edges = sorted(
        {term.starts for term in (*before, *after)}
        | {term.ends for term in (*before, *after) if term.ends is not None}
    )
    found: list[Shift] = []
    for number, since in enumerate(edges):
        until = edges[number + 1] if number + 1 < len(edges) else None
        was, becomes = _said(before, since), _said(after, since)
        if was == becomes:
            continue
        meter = (was or becomes).meter_id  # type: ignore[union-attr]  # unlike, so not both None
        if found and found[-1].until == since:
            found[-1] = replace(found[-1], until=until)
        else:
            found.append(Shift(meter, since, until))
    return tuple(found)


def _said(terms: Sequence[Term], instant: datetime) -> Term | None:
    """What holds at an instant, whenever it began."""
    term = next((term for term in terms if term.holds(instant)), None)
    return term and replace(term, starts=_FIRST, ends=None)


def mark(shifts: Sequence[Shift]) -> None:
    """Mark the days of usage that a mapping prices by one of these meters in its span."""
    marking.begin()
    if not shifts:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _SPANS,
            {
                "tenant": scope.tenant_id(),
                "meters": [shift.meter_id for shift in shifts],
                "since": [shift.since for shift in shifts],
                "until": [shift.until for shift in shifts],
            },
        )
        spans = [Span(*row) for row in cursor.fetchall()]
    marking.mark_spans(spans)

"""Usage that the gateway's log does not carry, taken from a file, by the hour and class.

What a file names (a gateway's bucket of time and a class) is replaced whole, so that importing
it twice is importing it once, and a corrected file corrects. Nothing of a file is taken if
anything in it is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.db import connection
from django.db.models import Q

from billing import kept, marking, series
from billing.models import Usage
from billing.rules.measured import APART, Column, Draft, Fault, Line
from billing.series import Key
from inventory.models import Deployment, Gateway, Subscription, UsageSource
from tenancy import audit, periods, scope, tenants
from tenancy.refusals import Refused

_REPLACE = Path(__file__).with_name("replace_measured.sql").read_text()
_COLUMNS = (
    "gateway_id, bucket_start, series_id, subscription_id, deployment_id, token_class, quantity"
)
_STAGE = f"""
CREATE TEMP TABLE measured_stage ON COMMIT DROP AS
SELECT {_COLUMNS} FROM billing_classusage WITH NO DATA
"""  # noqa: S608 - names of our own


class Faulty(Refused):
    """Every fault of a file, in the order of its rows."""

    code = "usage-file-faulty"
    status = 400
    field = "file"
    text = "{count} faults in the file; nothing was imported. First: {first}"

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: fault.row))
        super().__init__(count=len(self.faults), first=self.faults[0])


@dataclass(frozen=True, slots=True)
class _Row:
    """A line with the ids of what it names."""

    line: Line
    gateway: int
    subscription: int
    deployment: int

    @property
    def key(self) -> tuple[int, Key]:
        return (self.gateway, Key(self.subscription, self.deployment))

    @property
    def place(self) -> tuple[datetime, int, int]:
        return (self.line.start, self.subscription, self.deployment)


def replace(draft: Draft, *, source: str, by: str, at: datetime) -> int:
    """Take a file's usage in the tenant in scope; how many rows changed.

    The same again changes nothing. ``source`` names the file in the audit log.

    Raises:
        Faulty: anything in it is wrong; nothing is taken.
    """
    marking.begin()
    rows = _checked(draft, at=at)
    if not rows:
        return 0
    held = _series(rows)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.measured_stage")
        cursor.execute(_STAGE)
        with cursor.copy(f"COPY measured_stage ({_COLUMNS}) FROM STDIN") as copy:
            for row in rows:
                ids = (row.gateway, row.line.start, held[row.key], row.subscription, row.deployment)
                copy.write_row((*ids, row.line.token_class.value, row.line.quantity))
        cursor.execute(_REPLACE, {"tenant": scope.tenant_id(), "zone": tenants.billing().zone})
        changed = int(cursor.fetchone()[0])
    if changed:
        audit.record("usage.import", source, by=by, at=at, after=_told(rows, changed))
    return changed


def _series(rows: Sequence[_Row]) -> dict[tuple[int, Key], int]:
    """The series of each row: a file tells nothing beside subscription and deployment."""
    found = {}
    for gateway in {row.gateway for row in rows}:
        keys = {row.key[1] for row in rows if row.gateway == gateway}
        found.update({(gateway, key): id for key, id in series.ids(gateway, keys).items()})
    return found


def _told(rows: Sequence[_Row], changed: int) -> dict[str, object]:
    quantities: Counter[str] = Counter()
    for row in rows:
        quantities[row.line.token_class.value] += row.line.quantity
    starts = [row.line.start for row in rows]
    return {
        "lines": len(rows),
        "changed": changed,
        "from": min(starts),
        "through": max(starts),
        "quantities": dict(sorted(quantities.items())),
    }


def _checked(draft: Draft, *, at: datetime) -> list[_Row]:
    """The lines with their ids, if nothing at all is wrong."""
    names = _Names(at)
    found = [_row(line, names) for line in draft.lines]
    rows = [one for one in found if isinstance(one, _Row)]
    faults = [fault for one in found if not isinstance(one, _Row) for fault in one]
    faults += [*draft.faults, *_same_place(rows), *_logged(rows)]
    if faults:
        raise Faulty(faults)
    return rows


def _row(line: Line, names: _Names) -> _Row | tuple[Fault, ...]:
    faults = list(_untimely(line, names.bucket, names.since, names.at))
    gateway = names.gateways.get(line.gateway)
    if gateway is None:
        return (*faults, Fault(line.row, Column.GATEWAY, f"there is no {line.gateway!r}."))
    if gateway in names.pushed:
        says = f"the usage of {line.gateway} is pushed: push this, too, as quantities of an event."
        return (*faults, Fault(line.row, Column.GATEWAY, says))
    subscription = names.subscriptions.get((gateway, line.subscription.lower()))
    if subscription is None:
        says = f"{line.gateway} has no subscription {line.subscription!r}."
        faults.append(Fault(line.row, Column.SUBSCRIPTION, says))
    deployed = names.deployments.get((gateway, line.deployment.lower()), [])
    if len(deployed) != 1:
        says = f"{line.gateway} has no deployment {line.deployment!r}."
        if deployed:
            says = "several accounts have it: give it as host/name."
        faults.append(Fault(line.row, Column.DEPLOYMENT, says))
    if faults or subscription is None:
        return tuple(faults)
    return _Row(line, gateway, subscription, deployed[0])


def _untimely(line: Line, bucket: timedelta, since: datetime, at: datetime) -> Iterator[Fault]:
    if periods.floor(line.start, bucket) != line.start:
        minutes = bucket // timedelta(minutes=1)
        yield Fault(line.row, Column.START, f"is not the start of a bucket of {minutes} minutes.")
    if line.start > at:
        yield Fault(line.row, Column.START, "has not come yet.")
    if line.start < since:
        says = "is of a day whose hours were let go: it stands as it was rated."
        yield Fault(line.row, Column.START, says)


class _Names:
    """What a file can name, by one query each, and what time it can tell of."""

    def __init__(self, at: datetime) -> None:
        self.at, self.since = at, kept.since()
        self.bucket = tenants.billing().bucket(around=at)
        self.gateways = dict(Gateway.objects.values_list("name", "id"))
        #: Those whose events are all there is: reading them again would undo what a file brought.
        pushed = Gateway.objects.filter(usage_source=UsageSource.EVENTS)
        self.pushed = frozenset(pushed.values_list("id", flat=True))
        self.subscriptions = {
            (gateway, name.lower()): id
            for gateway, name, id in Subscription.objects.values_list("gateway_id", "name", "id")
        }
        self.deployments: dict[tuple[int, str], list[int]] = {}
        known = Deployment.objects.values_list("gateway_id", "host", "name", "id")
        for gateway, host, name, id in known.order_by("id"):
            for spelled in (name, f"{host}/{name}"):
                self.deployments.setdefault((gateway, spelled.lower()), []).append(id)


def _same_place(rows: Iterable[_Row]) -> Iterator[Fault]:
    """Two spellings of one deployment are one, which a file may name once."""
    first: dict[tuple[object, ...], Line] = {}
    for row in rows:
        key = (*row.place, row.line.token_class)
        if key in first and first[key].key != row.line.key:
            says = f"names the same deployment as row {first[key].row}. Give it once."
            yield Fault(row.line.row, Column.DEPLOYMENT, says)
        first.setdefault(key, row.line)


def _logged(rows: Iterable[_Row]) -> Iterator[Fault]:
    """Parts of a prompt or an answer whose tokens the log has counted whole."""
    parts = [row for row in rows if row.line.token_class not in APART]
    if not parts:
        return
    counted = Usage.objects.filter(
        Q(input_tokens__gt=0) | Q(output_tokens__gt=0),
        bucket_start__in={row.line.start for row in parts},
    ).values_list("bucket_start", "subscription_id", "deployment_id")
    logged = set(counted)
    for row in parts:
        if row.place in logged:
            says = "is among the tokens that the log counts for this hour: it would be twice."
            yield Fault(row.line.row, Column.CLASS, says)

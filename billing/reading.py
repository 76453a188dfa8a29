"""How the hours of each gateway's usage stand, for people and programs; and reading them again.

What reads them is `billing.usage`; an hour that is due again is found there by itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from django.db.models import Case, Count, F, Q, QuerySet, Value, When

from billing import kept, sources, windows
from billing.models import UsageFeed, UsageWindow, WindowState
from billing.rules.token_classes import COMMON
from billing.rules.windows import HOUR
from billing.sources.seam import COUNTS
from billing.stored import hour_of
from inventory.models import Gateway, UsageSource
from inventory.rules.dimensions import Dimension
from tenancy import access, periods, tenants
from tenancy.access import Actor
from tenancy.refusals import Invalid

#: How far back the strip of hours goes, and the most hours that are read again at once.
STRIP_DAYS = 7
MOST_AGAIN = 1_000
State = WindowState
_DAY = timedelta(days=1)
_COUNTED = {
    "requests": "calls",
    "successful_requests": "successful calls",
    "throttled_requests": "throttled calls",
    "refused_requests": "refused calls",
    "client_errors": "errors of the caller",
    "server_errors": "errors of the server",
    "cache_hits": "answers from the cache",
    "uncovered_requests": "calls without tokens",
    "retries": "retries",
    "agent_steps": "steps of agents",
    "tool_calls": "calls of tools",
}
#: What a source cannot say of tokens, beyond what its seam tells.
_LIMITS = {
    UsageSource.LLM_LOG: "Cached input is counted as input and reasoning as output: the log does "
    "not tell them apart.",
    UsageSource.METRICS: "Sums of many calls: what a single call used, and how long it took, is "
    "not told.",
    UsageSource.EVENTS: "Told as far as whoever pushes the events tells it.",
}


class Which(StrEnum):
    """Which hours to list beside those of one state."""

    TROUBLED = "troubled"
    LATE = "late"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which hours: of a gateway, in a state or of a kind, that begin in a span. None: any."""

    gateway: str = ""
    which: WindowState | Which = Which.ALL
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hour:
    """How one hour stands; ``state`` None: it is not laid out, or has not begun."""

    start: datetime
    state: WindowState | None
    late_rows: int = 0


@dataclass(frozen=True, slots=True)
class GatewayReading:
    """How one gateway is read: its source with what that can tell, and how its hours stand.

    ``through`` None: it was never read. ``strip`` has a day of UTC in each row, oldest first.
    """

    name: str
    source: str
    limits: str
    tells: tuple[str, ...]
    cannot_tell: tuple[str, ...]
    counts: tuple[str, ...]
    cannot_count: tuple[str, ...]
    classes: tuple[str, ...]
    through: datetime | None
    reads_from: datetime
    states: Mapping[WindowState, int] = field(hash=False)
    late: int
    strip: tuple[tuple[Hour, ...], ...]

    @property
    def hours(self) -> int:
        return sum(self.states.values())


def gateways(actor: Actor, *, at: datetime) -> tuple[GatewayReading, ...]:
    """How each gateway that the actor may see is read, by name, at an instant."""
    rows = access.many(Gateway, actor).order_by("name")
    through = dict(UsageFeed.objects.values_list("gateway_id", "through"))
    counted = _counted(actor)
    strips = _strips(actor, at)
    return tuple(
        _reading(row, through.get(row.pk), counted[row.pk], strips[row.pk], at) for row in rows
    )


def names(actor: Actor) -> tuple[str, ...]:
    """The names of the gateways that the actor may see."""
    return tuple(access.many(Gateway, actor).order_by("name").values_list("name", flat=True))


def named(actor: Actor, name: str) -> tuple[str, ...]:
    """The one gateway of this name, or all of them where it is empty.

    Raises:
        Invalid: the actor sees no such gateway.
    """
    found = names(actor)
    if name and name not in found:
        raise Invalid(field="gateway", fix="There is none like it.")
    return (name,) if name else found


def hours(actor: Actor, asked: Asked) -> QuerySet[UsageWindow]:
    """The hours that were asked for and the actor may see, not in any order."""
    rows = access.many(UsageWindow, actor).select_related("gateway")
    if asked.gateway:
        rows = rows.filter(gateway__name=asked.gateway)
    if asked.since:
        rows = rows.filter(start__gte=asked.since)
    if asked.until:
        rows = rows.filter(start__lt=asked.until)
    return rows.filter(_meant(asked.which))


def of_day(gateway: str, day: date) -> Asked:
    """The hours of a gateway that a local day of the tenant in scope touches."""
    zone = tenants.billing().zone
    since = hour_of(periods.midnight(day, zone))
    return Asked(gateway, since=since, until=periods.midnight(day + _DAY, zone))


def worst_first(rows: QuerySet[UsageWindow]) -> QuerySet[UsageWindow]:
    """What waits for a person first, then what failed, then the rest; newest first in each."""
    order = (WindowState.QUARANTINED, WindowState.FAILED, WindowState.PARTIAL)
    ranks = [When(state=state, then=Value(rank)) for rank, state in enumerate(order)]
    return rows.annotate(rank=Case(*ranks, default=Value(len(order)))).order_by(
        "rank", "-start", "gateway__name"
    )


def set_aside(actor: Actor) -> int:
    """How many hours wait for a person."""
    return hours(actor, Asked(which=WindowState.QUARANTINED)).count()


def read_again(actor: Actor, asked: Asked, *, by: str, at: datetime) -> int:
    """Have hours read again at the next cycle, set aside or not; how many there are.

    Raises:
        Invalid: there are none, or too many at once.
        LetGo: one of them lies before what is kept.
    """
    return _again(hours(actor, asked), field="from", by=by, at=at)


def read_these_again(actor: Actor, ids: Sequence[int], *, by: str, at: datetime) -> int:
    """The same of hours by their number.

    Raises:
        Invalid: one of them is none, or not the actor's to see; or there are too many at once.
        LetGo: one of them lies before what is kept.
    """
    wanted = set(ids)
    rows = hours(actor, Asked()).filter(id__in=wanted)
    if rows.count() != len(wanted):
        raise Invalid(field="windows", fix="Give numbers of hours as the list has them.")
    return _again(rows, field="windows", by=by, at=at)


def _again(rows: QuerySet[UsageWindow], *, field: str, by: str, at: datetime) -> int:
    found = list(rows.order_by("start").values_list("id", "start")[: MOST_AGAIN + 1])
    if not found:
        raise Invalid(field=field, fix="There is no such hour. Choose hours of the list.")
    if len(found) > MOST_AGAIN:
        raise Invalid(field=field, fix=f"That is too much at once. Choose at most {MOST_AGAIN:,}.")
    kept.require(found[0][1])
    return windows.read_again([number for number, _ in found], by=by, at=at)


def _meant(which: WindowState | Which) -> Q:
    match which:
        case Which.ALL:
            return Q()
        case Which.LATE:
            return Q(late_rows__gt=0)
        case Which.TROUBLED:
            states = (WindowState.QUARANTINED, WindowState.FAILED, WindowState.PARTIAL)
            return Q(state__in=states) | Q(late_rows__gt=0)
        case _:
            return Q(state=which)


def _counted(actor: Actor) -> defaultdict[int, Counter[WindowState | Which]]:
    """By gateway: how many hours are in each state, and how many had late rows."""
    found = defaultdict[int, Counter[WindowState | Which]](Counter)
    rows = access.many(UsageWindow, actor).values_list("gateway_id", "state").order_by()
    late = Count("id", filter=Q(late_rows__gt=0))
    for gateway, state, count, with_late in rows.annotate(Count("id"), late=late):
        found[gateway][WindowState(state)] += count
        found[gateway][Which.LATE] += with_late
    return found


def _strips(actor: Actor, at: datetime) -> defaultdict[int, dict[datetime, Hour]]:
    rows = access.many(UsageWindow, actor).filter(start__gte=_strip_from(at))
    found = defaultdict[int, dict[datetime, Hour]](dict)
    for gateway, start, state, late in rows.values_list(
        "gateway_id", "start", "state", F("late_rows")
    ).order_by():
        hour = hour_of(start)
        found[gateway][hour] = Hour(hour, WindowState(state), late)
    return found


def _strip_from(at: datetime) -> datetime:
    today = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - (STRIP_DAYS - 1) * _DAY


def _reading(
    row: Gateway,
    through: datetime | None,
    counted: Counter[WindowState | Which],
    strip: Mapping[datetime, Hour],
    at: datetime,
) -> GatewayReading:
    kind = UsageSource(row.usage_source)
    source = sources.of(kind)
    days = [_strip_from(at) + number * _DAY for number in range(STRIP_DAYS)]
    return GatewayReading(
        name=row.name,
        source=kind.label,
        limits=_LIMITS[kind],
        tells=tuple(one.label for one in Dimension if one in source.tells),
        cannot_tell=tuple(one.label for one in Dimension if one not in source.tells),
        counts=tuple(_COUNTED[one] for one in COUNTS if one in source.counts),
        cannot_count=tuple(_COUNTED[one] for one in COUNTS if one not in source.counts),
        classes=tuple(one.label for one in (*COMMON, *sorted(source.classes))),
        through=through,
        reads_from=row.usage_from,
        states={state: counted[state] for state in WindowState if counted[state]},
        late=counted[Which.LATE],
        strip=tuple(
            tuple(strip.get(hour, Hour(hour, None)) for hour in _hours_of(day)) for day in days
        ),
    )


def _hours_of(day: datetime) -> tuple[datetime, ...]:
    return tuple(day + number * HOUR for number in range(24))

"""How usage is read, hour by hour, and what the sources say of it beside what is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from billing import comparing
from billing import reading as hours
from billing.comparing import Compared
from billing.documents import comparison_csv
from billing.reading import Asked, GatewayReading, Hour, State, Which
from portal import figures, rights, worker
from portal.tenant_scope import TenantRequest
from portal.views import asked
from tenancy import clock
from tenancy.refusals import Invalid

if TYPE_CHECKING:
    from billing.models import UsageWindow

ROWS, DAYS = 50, 62
_LEFT, _TOP, _WIDE, _HIGH = 58, 18, 24, 20
_DAY = timedelta(days=1)
_LATE = "late"
#: Tone and mark of each state: what it says is never said by colour alone.
_STATES: dict[str, tuple[str, str, str]] = {
    State.COMPLETE: ("good", "", "complete"),
    _LATE: ("late", "+", "complete, with late rows"),
    State.PENDING: ("quiet", "·", "not read yet"),
    State.LOADING: ("quiet", "…", "being read"),
    State.PARTIAL: ("warn", "÷", "answered in part"),
    State.FAILED: ("bad", "×", "failed"),
    State.QUARANTINED: ("aside", "!", "set aside"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One hour of the strip, ready to be drawn."""

    x: int
    y: int
    tone: str
    mark: str
    title: str


@dataclass(frozen=True, slots=True)
class Strip:
    """The last days of a gateway by hour; ``says`` is the same in words."""

    cells: tuple[Cell, ...]
    days: tuple[tuple[int, str], ...]
    across: tuple[tuple[int, str], ...]
    says: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A gateway as the page shows it."""

    gateway: GatewayReading
    states: tuple[tuple[str, str, int], ...]
    strip: Strip


@dataclass(frozen=True, slots=True)
class Listed:
    """An hour in the list."""

    window: UsageWindow
    tone: str
    mark: str
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """A day beside its source; ``again`` says whether reading it again can help."""

    compared: Compared
    again: bool


@require_http_methods(["GET", "HEAD", "POST"])
def reading(request: TenantRequest) -> HttpResponse:
    """How each gateway is read, and the hours to look at; posted to, hours to read again."""
    rights.see_reading(request.actor)
    if request.method == "POST":
        return _read_again(request)
    wanted = _wanted(request)
    rows = hours.worst_first(hours.hours(request.actor, wanted))
    page = Paginator(rows, ROWS).get_page(asked.page(request))
    gateways = hours.gateways(request.actor, at=clock.now())
    filters = {name: request.GET.get(name, "") for name in ("gateway", "state", "day")}
    return render(
        request,
        "usage/reading.html",
        {
            "gateways": [_shown(one) for one in gateways],
            "names": [one.name for one in gateways],
            "legend": list(_STATES.values()),
            "states": [(one.value, _STATES[one][2]) for one in State],
            "page": page,
            "listed": [_listed(row) for row in page],
            "aside": sum(one.states.get(State.QUARANTINED, 0) for one in gateways),
            "asked": filters,
            "filters": urlencode({name: value for name, value in filters.items() if value}),
            "may_change": rights.may_read_again(request.actor),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def compared(request: TenantRequest) -> HttpResponse:
    """Each day beside its source; posted to, days to compare now or to read again."""
    rights.see_reading(request.actor)
    if request.method == "POST":
        return _act(request)
    rows = _comparisons(request)
    page = Paginator(rows, DAYS).get_page(asked.page(request))
    filters = {name: request.GET.get(name, "") for name in ("gateway", "show", "from", "to")}
    first, last = comparing.latest(at=clock.now())
    return render(
        request,
        "usage/reading_compared.html",
        {
            "page": page,
            "rows": [_row(comparing.of(one)) for one in page],
            "names": hours.names(request.actor),
            "first": first,
            "last": last,
            "asked": filters,
            "filters": urlencode({name: value for name, value in filters.items() if value}),
            "may_change": rights.may_read_again(request.actor),
        },
    )


@require_safe
def compared_csv(request: TenantRequest) -> HttpResponse:
    """The same days as CSV, all that the filters leave."""
    rights.see_reading(request.actor)
    found = [comparing.of(row) for row in _comparisons(request)]
    response = HttpResponse(comparison_csv.render(found), content_type=comparison_csv.CONTENT_TYPE)
    response["Content-Disposition"] = 'attachment; filename="compared-with-the-source.csv"'
    return response


def _read_again(request: TenantRequest) -> HttpResponse:
    rights.read_again(request.actor)
    by, at = request.actor.email, clock.now()
    if given := request.POST.get("window", ""):
        if not (given.isascii() and given.isdecimal() and len(given) <= 18):
            raise Invalid(field="window", fix="Choose an hour of the list.")
        count = hours.read_these_again(request.actor, [int(given)], by=by, at=at)
    else:
        wanted = Asked(gateway=_text(request.POST.get("gateway", "")), which=State.QUARANTINED)
        count = hours.read_again(request.actor, wanted, by=by, at=at)
    _say_again(request, count)
    return redirect(f"{reverse('reading')}?{request.GET.urlencode()}".rstrip("?"))


def _act(request: TenantRequest) -> HttpResponse:
    rights.read_again(request.actor)
    gateway = _text(request.POST.get("gateway", ""))
    if request.POST.get("act") == "compare":
        first, last = (_required(request, name) for name in ("from", "to"))
        comparing.require(first, last)
        for name in hours.named(request.actor, gateway):
            tenant = request.actor.tenant.id
            worker.ask(comparing.TASK, tenant, name, first.isoformat(), last.isoformat())
        messages.success(request, "The days are being compared. Look again in a minute.")
        return redirect("compared")
    wanted, by = hours.of_day(gateway, _required(request, "day")), request.actor.email
    _say_again(request, hours.read_again(request.actor, wanted, by=by, at=clock.now()))
    return redirect(f"{reverse('reading')}?{urlencode({'gateway': gateway, 'state': 'all'})}")


def _say_again(request: TenantRequest, count: int) -> None:
    many = "1 hour is" if count == 1 else f"{count:,} hours are"
    messages.success(request, f"{many} read again at the next cycle, within a few minutes.")


def _wanted(request: TenantRequest) -> Asked:
    day = _day(request.GET.get("day", ""), "day")
    since = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None
    return Asked(
        gateway=_text(request.GET.get("gateway", "")),
        which=_which(request.GET.get("state", "")),
        since=since,
        until=since + _DAY if since else None,
    )


def _which(given: str) -> State | Which:
    if not given:
        return Which.TROUBLED
    if given in State.values:
        return State(given)
    if given in tuple(Which):
        return Which(given)
    raise Invalid(field="state", fix="Choose one of the list, or none.")


def _comparisons(request: TenantRequest) -> Any:  # rows of billing's own, which `of` reads
    rows = comparing.listed(
        request.actor,
        gateway=_text(request.GET.get("gateway", "")),
        first=_day(request.GET.get("from", ""), "from"),
        last=_day(request.GET.get("to", ""), "to"),
    )
    show = request.GET.get("show", "")
    if show not in ("", "differing"):
        raise Invalid(field="show", fix="Choose one of the list, or none.")
    return comparing.differing(rows) if show else rows


def _required(request: TenantRequest, name: str) -> date:
    found = _day(request.POST.get(name, ""), name)
    if found is None:
        raise Invalid(field=name, fix="Give a day such as 2026-11-01.")
    return found


def _day(text: str, field: str) -> date | None:
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if not 2000 <= found.year < 2200:
        raise Invalid(field=field, fix="Give a day such as 2026-11-01.")
    return found


def _text(given: str) -> str:
    return given.replace("\0", "")[:200]


def _shown(gateway: GatewayReading) -> Shown:
    order = [state for state in _STATES if state in gateway.states]
    states = [
        (_STATES[state][0], _STATES[state][2], gateway.states[State(state)]) for state in order
    ]
    if gateway.late:
        states.append(("late", "with late rows", gateway.late))
    return Shown(gateway, tuple(states), _strip(gateway))


def _strip(gateway: GatewayReading) -> Strip:
    days = [(_TOP + number * _HIGH + 14, day[0].start) for number, day in enumerate(gateway.strip)]
    counted = Counter(_kind(hour) for day in gateway.strip for hour in day if hour.state)
    said = ", ".join(f"{counted[kind]} {_STATES[kind][2]}" for kind in _STATES if counted[kind])
    return Strip(
        cells=tuple(_cells(gateway.strip)),
        days=tuple((y, f"{start.day} {start:%b}") for y, start in days),
        across=tuple((_LEFT + hour * _WIDE, f"{hour:02}:00") for hour in range(0, 24, 6)),
        says=f"The hours of {gateway.name} of the last seven days: {said or 'none is known yet'}.",
    )


def _cells(days: tuple[tuple[Hour, ...], ...]) -> Iterator[Cell]:
    for row, day in enumerate(days):
        for column, hour in enumerate(day):
            tone, mark, label = _STATES.get(_kind(hour), ("none", "", "nothing known"))
            title = f"{figures.instant(hour.start)}: {label}"
            yield Cell(_LEFT + column * _WIDE, _TOP + row * _HIGH, tone, mark, title)


def _kind(hour: Hour) -> str:
    if hour.state is State.COMPLETE and hour.late_rows:
        return _LATE
    return hour.state or ""


def _listed(row: UsageWindow) -> Listed:
    tone, mark, label = _STATES[_kind(Hour(row.start, State(row.state), row.late_rows))]
    return Listed(row, tone, mark, label)


def _row(one: Compared) -> Row:
    return Row(one, again=not one.agrees and min(one.difference) >= 0)

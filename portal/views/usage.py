"""Usage broken down by any dimension, narrowed step by step; everything stands in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing import breakdown, freshness
from billing.breakdown import Breakdown, By, Telling
from billing.documents import breakdown_csv
from portal import figures, plots
from portal.figures import Figure, Reckoning, Used
from portal.plots import Point
from portal.tenant_scope import TenantRequest
from portal.views import asked
from portal.views.asked import Month
from tenancy import clock, periods, tenants
from tenancy.access import Actor
from tenancy.money import Basis
from tenancy.periods import Period
from tenancy.refusals import Invalid
from tenancy.tenants import Billing

ROWS = 50
#: Of a file.
MOST_ROWS = 50_000
#: The longest range of days.
LONGEST = timedelta(days=366)
_DAY = timedelta(days=1)
_TENTH = Decimal("0.1")
#: Where a click on a value leads: the first of these that is not known yet.
_NEXT = (
    By.TEAM,
    By.APPLICATION,
    By.SUBSCRIPTION,
    By.MODEL,
    By.CALLER_APPLICATION,
    By.USE_CASE,
    By.OPERATION,
    By.TOKEN_CLASS,
)
_GROUPS: Mapping[str, tuple[By, ...]] = {
    "Recorded here": (By.TEAM, By.COST_CENTER, By.ENVIRONMENT, By.APPLICATION),
    "The way through the gateway": (
        By.SUBSCRIPTION,
        By.GATEWAY,
        By.PRODUCT,
        By.API,
        By.OPERATION,
        By.DEPLOYMENT,
        By.MODEL,
        By.REGION,
        By.BACKEND,
        By.STREAMING,
    ),
    "Sent with the calls": (
        By.CALLER_APPLICATION,
        By.USE_CASE,
        By.AGENT,
        By.CALLER_ENVIRONMENT,
        By.CLIENT_TENANT,
        By.USER_GROUP,
        By.CALLER_COST_CENTER,
    ),
    "Otherwise": (By.TOKEN_CLASS, By.DAY),
}


@dataclass(frozen=True, slots=True)
class OfDays(Reckoning):
    """Figures of a range of days that is no month."""

    def says(self) -> str:
        """Basis, days, zone and freshness in a few words."""
        fresh = figures.instant(self.through) if self.through else "never"
        return f"{self.basis}, {_days(self.period)} ({self.period.zone}), usage through {fresh}"


@dataclass(frozen=True, slots=True)
class Question:
    """What the address asks for. ``month`` None: the days are no calendar month."""

    by: By
    days: Period
    month: Month | None
    only: Mapping[By, str]

    def address(self, **changed: str | None) -> str:
        """The same question with parts changed, or (None) left out."""
        given: dict[str, str | None] = {one.value: key for one, key in self.only.items()}
        given |= {"by": self.by.value, **self._when(), **changed}
        return "?" + urlencode({name: text for name, text in given.items() if text is not None})

    def _when(self) -> dict[str, str]:
        if self.month:
            return {"month": self.days.key}
        return {
            "from": self.days.first_day.isoformat(),
            "through": self.days.last_day.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Shown:
    """A row as the page has it; ``address`` narrows to its value."""

    row: breakdown.Row
    address: str
    label: str
    cost: Figure
    used: Used


@dataclass(frozen=True, slots=True)
class Narrowed:
    """One value that is narrowed to, and the address without it."""

    label: str
    value: str
    without: str


@require_safe
def usage(request: TenantRequest) -> HttpResponse:
    """The page."""
    now, billing, actor = clock.now(), tenants.billing(), request.actor
    question = _question(request, billing, now=now)
    page = asked.page(request)
    found = _found(actor, question, billing, after=(page - 1) * ROWS, most=ROWS)
    told = breakdown.telling(actor)
    fresh = freshness.of({one.gateway_id for one in told})
    kind = Reckoning if question.month else OfDays
    reckoning = kind(Basis.ESTIMATED, question.days, billing.currency, fresh.usage_through)
    column = figures.column([row.cost for row in found.rows], reckoning)
    whole = figures.one(found.total.cost, reckoning, figures.NO_DATA)
    return render(
        request,
        "usage/usage.html",
        {
            "question": question,
            "days": _days(question.days),
            "before": question.address(month=question.days.previous().key),
            "after": question.address(month=question.days.next().key),
            "groups": _GROUPS,
            "narrowed": _narrowed(question),
            "reckoning": reckoning,
            "fresh": fresh,
            "found": found,
            "rows": _rows(found, column.figures, question, actor),
            "total": whole,
            "plot": _plot(found, question),
            "told": told,
            "silent": _silent(told, question.by),
            "pages": _pages(page, found.found, question),
            "csv": f"usage.csv{question.address()}",
            "all": question.address(**{one.value: None for one in question.only}),
        },
    )


@require_safe
def usage_csv(request: TenantRequest) -> HttpResponse:
    """The same rows, all of them, as a file."""
    billing = tenants.billing()
    question = _question(request, billing, now=clock.now())
    found = _found(request.actor, question, billing, after=0, most=MOST_ROWS)
    days = question.days
    response = HttpResponse(
        breakdown_csv.render(
            found,
            [question.by],
            first_day=days.first_day,
            end_day=days.end_day,
            zone=billing.zone,
            currency=billing.currency,
        ),
        content_type=breakdown_csv.CONTENT_TYPE,
    )
    name = f"usage-by-{question.by}-{days.first_day}-{days.last_day}.csv".replace("_", "-")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _question(request: TenantRequest, billing: Billing, *, now: datetime) -> Question:
    first = By.TEAM if request.actor.sees_whole_tenant else By.SUBSCRIPTION
    chosen = request.GET.get("by", first.value)
    if chosen not in set(By):
        raise Invalid(field="by", fix="Choose one of the list.")
    only: dict[By, str] = {
        one: request.GET[one.value].replace("\0", "")[:400]
        for one in By
        if one is not By.DAY and one.value in request.GET
    }
    days = _range(request, billing, now=now)
    month = periods.month_of_day(days.first_day, billing.zone)
    return Question(
        by=By(chosen),
        days=days,
        month=Month.of(month, now=now) if days == month else None,
        only=only,
    )


def _range(request: TenantRequest, billing: Billing, *, now: datetime) -> Period:
    """The days of ``from`` and ``through``, the last one too; without them those of a month."""
    if not (request.GET.get("from") or request.GET.get("through")):
        return asked.month(request, billing, now=now)
    first, last = _day(request, "from"), _day(request, "through")
    if last < first:
        raise Invalid(field="through", fix="Give a day that is not before the first one.")
    if last - first >= LONGEST:
        raise Invalid(field="through", fix=f"Ask for at most {LONGEST.days} days at once.")
    return Period(first, last + _DAY, billing.zone)


def _day(request: TenantRequest, name: str) -> date:
    try:
        day = date.fromisoformat(request.GET.get(name, ""))
    except ValueError:
        day = date.min
    if not 2000 <= day.year < 2200:
        raise Invalid(field=name, fix="Give a day such as 2026-11-01.")
    return day


def _found(
    actor: Actor, question: Question, billing: Billing, *, after: int, most: int
) -> Breakdown:
    return breakdown.by(
        actor,
        [question.by],
        first_day=question.days.first_day,
        end_day=question.days.end_day,
        currency=billing.currency,
        only=question.only,
        after=after,
        most=most,
    )


def _rows(
    found: Breakdown, costs: Sequence[Figure], question: Question, actor: Actor
) -> tuple[Shown, ...]:
    then = _next(question, actor)
    rows = []
    for row, cost in zip(found.rows, costs, strict=True):
        (value,) = row.values
        share = (row.share * 100).quantize(_TENTH, rounding=ROUND_HALF_EVEN)
        if question.by is By.DAY:
            label = figures.day(date.fromisoformat(value.key))
            within = {"from": value.key, "through": value.key, "month": None}
            address = question.address(by=then.value, **within)
        else:
            label = value.label
            address = question.address(**{"by": then.value, question.by.value: value.key})
        rows.append(Shown(row, address, label, cost, Used(share)))
    return tuple(rows)


def _next(question: Question, actor: Actor) -> By:
    """What to break down by once the rows' dimension is known."""
    known = {*question.only, question.by}
    return next(
        (
            one
            for one in _NEXT
            if one not in known and (actor.sees_whole_tenant or one is not By.TEAM)
        ),
        By.DAY,
    )


def _narrowed(question: Question) -> tuple[Narrowed, ...]:
    return tuple(
        Narrowed(
            one.label,
            breakdown.value(one, key).label,
            question.address(**{one.value: None}),
        )
        for one, key in question.only.items()
    )


def _plot(found: Breakdown, question: Question) -> plots.Plot | None:
    """A bar for each day of a month, where it is broken down by day."""
    if question.by is not By.DAY or question.month is None or found.total.cost is None:
        return None
    points = [
        Point(date.fromisoformat(row.values[0].key), row.cost.amount)
        for row in found.rows
        if row.cost is not None
    ]
    return plots.daily(points, question.days)


def _silent(told: Sequence[Telling], by: By) -> tuple[Telling, ...]:
    """The gateways whose source does not tell what it is broken down by."""
    return tuple(one for one in told if by in one.not_by)


@dataclass(frozen=True, slots=True)
class Pages:
    """The page that is shown, and the addresses of its neighbours."""

    number: int
    last: int
    before: str
    after: str


def _pages(number: int, found: int, question: Question) -> Pages:
    last = max(1, -(-found // ROWS))
    return Pages(
        number,
        last,
        question.address(page=str(number - 1)) if number > 1 else "",
        question.address(page=str(number + 1)) if number < last else "",
    )


def _days(period: Period) -> str:
    """``November 2026`` of a month, else its first and last day."""
    if period == periods.month_of_day(period.first_day, period.zone):
        return figures.month(period)
    if period.first_day == period.last_day:
        return figures.day(period.first_day)
    return f"{figures.day(period.first_day)} to {figures.day(period.last_day)}"

"""Alerts: that a threshold of a quota or a budget is reached, or is likely to be.

Rows, once for each kind, subject, unit, period and threshold; `notifications` reads and tells them.
An alert ends when it is so no longer, and may begin anew. While usage is stale none begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import QuerySet

from billing import forecasts
from billing.forecasts import Outlook, Percentile
from governance import budgets, fresh
from governance.budgets import BudgetStanding
from governance.fresh import Fresh
from governance.limits import quotas
from governance.limits.binding import Limit
from governance.models import Alert, AlertKind, EnforcementSettings, Level, Unit
from governance.rules import alerting, spans
from governance.rules.alerting import Begins, Watched
from governance.rules.spans import Every, Stretch
from governance.rules.thresholds import THRESHOLDS
from tenancy import access, money, runs, scope
from tenancy.access import Actor
from tenancy.money import EXACT, Basis, Money
from tenancy.runs import Contention
from tenancy.scope import TenantRef

_FORECASTS: dict[Level, Callable[..., dict[int, Outlook]]] = {
    Level.SUBSCRIPTION: forecasts.of_subscriptions,
    Level.TEAM: forecasts.of_teams,
    Level.COST_CENTER: forecasts.of_cost_centers,
}
STEP = "watch"
Kind = AlertKind
#: The threshold that is all of a limit.
ALL = alerting.ALL
#: In the evidence of an alert that is told with the one of this higher threshold.
TOLD_WITH = "told_with"


@dataclass(frozen=True, slots=True)
class Key:
    """What an alert is about: there is at most one open of each, and each threshold."""

    kind: AlertKind
    level: Level
    subject_id: int
    unit: Unit
    every: Every
    period: datetime


@dataclass(frozen=True, slots=True)
class Watch:
    """What a look at everything changed."""

    begun: int
    ended: int


def watch(tenant: TenantRef, *, at: datetime, contention: Contention) -> Watch:
    """Let a tenant's alerts be as things are at an instant; twice is once.

    Raises:
        Busy, Superseded: another run of this step is under way.
    """
    with runs.of_tenant(tenant, STEP, contention=contention) as run, scope.of(tenant):
        run.hold()
        done = look(at=at)
        run.count(written=done.begun + done.ended)
    return done


def look(*, at: datetime) -> Watch:
    """The same for the tenant in scope, in the caller's transaction."""
    open_now = {_key(row): row.pk for row in Alert.objects.filter(resolved_at=None)}
    chosen = EnforcementSettings.objects.first() or EnforcementSettings()
    read = fresh.of_tenant(at=at, stale_after=timedelta(minutes=chosen.stale_after_minutes))
    watched = [*_quotas(read, at=at), *_budgets(read, at=at)]
    found = alerting.moves(watched, open_now)
    ended = Alert.objects.filter(id__in=[open_now[one] for one in found.end])
    rows = [_row(one, at) for one in found.begin]
    Alert.objects.bulk_create(rows)
    return Watch(begun=len(rows), ended=ended.update(resolved_at=at))


def seen_by(actor: Actor, *, kind: AlertKind | None = None, only_open: bool) -> QuerySet[Alert]:
    """The alerts of what the actor may see, newest first: all, or those that hold."""
    rows = access.many(Alert, actor).select_related(
        "subscription__gateway", "product", "team", "cost_center"
    )
    rows = rows.filter(kind=kind.value) if kind else rows
    rows = rows.filter(resolved_at=None) if only_open else rows
    return rows.order_by("-fired_at", "-id")


def named(alert: Alert) -> str:
    """Its subject as one calls it: a subscription with its gateway."""
    subject = alert.subject
    gateway = getattr(subject, "gateway", None)
    return f"{gateway.name}/{subject}" if gateway else str(subject)


def title(alert: Alert) -> str:
    """What it says, without its subject."""
    match AlertKind(alert.kind):
        case AlertKind.QUOTA_USED:
            return f"{alert.threshold} % of the {alert.span}'s quota is used"
        case AlertKind.QUOTA_FORECAST:
            return f"the {alert.span}'s quota is likely to run out"
        case AlertKind.BUDGET_USED:
            return f"{alert.threshold} % of the {alert.span}'s budget is spent"
        case AlertKind.BUDGET_FORECAST:
            return f"the {alert.span}'s budget is likely to be passed"


def period(alert: Alert, zone: str) -> Stretch:
    """The period it is about."""
    return spans.at(alert.period, Every(alert.span), zone)


def _quotas(read: Fresh, *, at: datetime) -> Iterator[Watched[Key]]:
    """Every limit of the tenant, once: how much of it is used, and whether it will run out."""
    limits = {
        _about(limit, id): limit
        for id, binding in quotas.of_tenant(at=at).items()
        for limit in binding.limits
    }
    ahead = _ahead(limits, at=at)
    for key, limit in limits.items():
        stale = (key.level, key.subject_id) not in read
        marks = alerting.reached(limit.used, limit.limit, limit.thresholds)
        yield Watched(key, marks, stale, _used(limit))
        if key in ahead:
            likely = _expected(ahead[key], limit) >= limit.limit
            told = {**_used(limit), **_forecast(ahead[key], limit)}
            forecast = replace(key, kind=AlertKind.QUOTA_FORECAST)
            yield Watched(forecast, _all_if(likely), stale, told)


def _budgets(read: Fresh, *, at: datetime) -> Iterator[Watched[Key]]:
    """Every budget in force: how much of it is spent, and whether it will be passed."""
    for one in budgets.standing(at=at):
        level, id = one.whose
        period = one.period
        key = Key(AlertKind.BUDGET_USED, level, id, Unit.CURRENCY, period.every, period.start)
        stale, told = one.whose not in read, _spent(one)
        marks = alerting.reached(one.spent, one.amount, one.budget.thresholds or THRESHOLDS)
        yield Watched(key, marks, stale, told)
        if one.budget.forecast_alert and one.forecast is not None:
            likely = one.spent < one.amount < one.forecast
            expected = {**told, "expected": _money(one.forecast, one.currency)}
            forecast = replace(key, kind=AlertKind.BUDGET_FORECAST)
            yield Watched(forecast, _all_if(likely), stale, expected)


def _about(limit: Limit, subscription: int) -> Key:
    """A product's limit is of each subscription by itself."""
    own = limit.level in (Level.SUBSCRIPTION, Level.PRODUCT)
    return Key(
        kind=AlertKind.QUOTA_USED,
        level=Level.SUBSCRIPTION if own else limit.level,
        subject_id=subscription if own else limit.subject_id,
        unit=limit.unit,
        every=limit.every,
        period=limit.period.start,
    )


def _ahead(limits: Mapping[Key, Limit], *, at: datetime) -> dict[Key, Outlook]:
    """Forecasts of the limits that may run out: one query for each level, unit and period."""
    groups: dict[tuple[Level, Unit, Stretch], list[Key]] = {}
    for key, limit in limits.items():
        within = {"start": limit.period.start, "end": limit.period.end, "at": at}
        if key.every is not Every.HOUR and alerting.worth_forecasting(
            limit.used, limit.limit, **within
        ):
            groups.setdefault((key.level, key.unit, limit.period), []).append(key)
    found: dict[Key, Outlook] = {}
    for (level, unit, period), keys in groups.items():
        told = _FORECASTS[level](
            [key.subject_id for key in keys],
            first_day=period.first_day,
            end_day=period.end_day,
            unit=forecasts.Unit(unit.value),
            at=at,
        )
        known = ((key, told[key.subject_id]) for key in keys)
        found |= {key: outlook for key, outlook in known if outlook.forecast.known_days}
    return found


def _expected(outlook: Outlook, limit: Limit) -> Decimal:
    """What is used of a limit at its period's end (P50), counted on from what is used."""
    more = EXACT.subtract(outlook.forecast.total(Percentile.P50), outlook.forecast.so_far)
    return EXACT.add(limit.used, more)


def _all_if(likely: bool) -> frozenset[int]:  # noqa: FBT001  # a condition, turned into marks
    return frozenset({alerting.ALL}) if likely else frozenset()


def _used(limit: Limit) -> dict[str, str]:
    return {
        "used": _much(limit.used, limit),
        "limit": _much(limit.limit, limit),
        "percent": _percent(limit.percent),
        "limit of": limit.source,
        "basis": Basis.ESTIMATED.value if limit.unit is Unit.CURRENCY else Basis.OBSERVED.value,
    }


def _forecast(outlook: Outlook, limit: Limit) -> dict[str, str]:
    likely = outlook.forecast.runs_out(limit.limit, limit.used).likely
    return {
        "expected": _much(_expected(outlook, limit), limit),
        "runs out on": likely.isoformat() if likely else "",
        "basis": Basis.ESTIMATED.value,
    }


def _spent(one: BudgetStanding) -> dict[str, str]:
    through = one.outlook.usage_through
    return {
        "spent": _money(one.spent, one.currency),
        "budget": _money(one.amount, one.currency),
        "percent": _percent(one.percent),
        "basis": one.outlook.basis.value,
        "usage through": through.isoformat() if through else "",
    }


def _much(amount: Decimal, limit: Limit) -> str:
    return f"{amount:,.0f} tokens" if limit.unit is Unit.TOKENS else _money(amount, limit.currency)


def _money(amount: Decimal, currency: str) -> str:
    return f"{money.rounded(Money(amount, currency)).amount:,} {currency}"


def _percent(share: Decimal | None) -> str:
    return "" if share is None else f"{share:.1f}"


def _row(one: Begins[Key], at: datetime) -> Alert:
    key = one.key
    told = {} if one.told_with is None else {TOLD_WITH: one.told_with}
    alert = Alert(
        kind=key.kind.value,
        unit=key.unit.value,
        span=key.every.value,
        period=key.period,
        threshold=one.threshold,
        fired_at=at,
        evidence={**one.evidence, **told},
    )
    setattr(alert, f"{key.level.value}_id", key.subject_id)
    return alert


def _key(row: Alert) -> tuple[Key, int]:
    key = Key(
        kind=AlertKind(row.kind),
        level=row.level,
        subject_id=getattr(row, f"{row.level.value}_id"),
        unit=Unit(row.unit),
        every=Every(row.span),
        period=row.period,
    )
    return key, row.threshold

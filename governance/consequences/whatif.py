"""What a change would do, before it is asked for and while it is decided: figures, no verdict.

All of it is estimated, in the tenant's billing currency or in tokens, by local days of its zone.
Every question costs a constant number of queries. Nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from billing import forecasts
from billing.forecasts import Outlook, Percentile, RunsOut
from billing.rules.forecast import Ahead
from governance import budgets
from governance.consequences import asked as asking
from governance.consequences import granted, recent_mix, shares
from governance.consequences.asked import Asked
from governance.consequences.figures import Consequences, Expected
from governance.consequences.shares import Share
from governance.limits import quotas, tiers
from governance.limits.binding import NO_LIMIT, Binding, Limit
from governance.limits.tiers import TierLimit
from governance.models import Level, RequestKind, Unit
from governance.rules import consequences as rule
from governance.rules import spans
from governance.rules.consequences import Mix, More, Steps
from governance.rules.spans import Every, Stretch
from inventory import ownership, teams
from inventory.models import Subscription, Team
from tenancy import periods, tenants
from tenancy.money import EXACT
from tenancy.tenants import Billing

#: How far back granted overrides are no part of the base that a change is compared with.
RECENTLY = timedelta(days=30)
#: How many of the last increases are told.
LAST_INCREASES = 5
_OWN = (Level.SUBSCRIPTION, Level.PRODUCT)
_NOTHING, _DAY = Decimal(0), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Read:
    """What is known of the subject, of its limits, and of the tier that is wanted."""

    at: datetime
    subject: Subscription | Team | None
    binding: Binding
    before: Limit | None
    period: Stretch
    outlook: Outlook | None
    mix: Mix
    tier: tuple[TierLimit, ...]
    billing: Billing

    @property
    def used(self) -> Decimal:
        """What is used of the limit; where there is none, of the period."""
        if self.before:
            return self.before.used
        return self.outlook.forecast.so_far if self.outlook else _NOTHING


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What is forecast; nothing where nothing is known."""

    expected: Expected | None = None
    at_its_end: Expected | None = None
    without: RunsOut | None = None
    with_change: RunsOut | None = None


def of(asked: Asked, *, at: datetime) -> Consequences:
    """What it would do if it were so from ``at`` on.

    Raises:
        NoTenant: no tenant's scope is open.
    """
    read = _read(asked, at=at)
    after = _after(asked, read)
    ahead = _ahead(asked, read, after)
    monthly, dearer = _monthly(asked, read)
    base = _base(read)
    limit = read.before or after
    return Consequences(
        at=at,
        kind=asked.kind,
        unit=limit.unit if limit else asked.unit,
        currency=read.billing.currency,
        zone=read.billing.zone,
        period=limit.period if limit else read.period,
        before=read.before,
        after=after,
        used=read.used,
        expected=ahead.expected,
        at_its_end=ahead.at_its_end,
        without=ahead.without,
        with_change=ahead.with_change,
        ends=asked.until(read.billing.zone),
        monthly_change=monthly,
        dearer_change=dearer,
        base=base,
        forecast_percent=_percent(ahead.expected, base),
        a_month=read.mix.a_month,
        a_month_dearer=read.mix.a_month_dearer,
        dearest=read.mix.dearest,
        shares=_shares(asked, read, monthly),
        increases=granted.last(read.subject, most=LAST_INCREASES) if read.subject else (),
        tier=read.tier,
        unpriced_tokens=read.outlook.unpriced_tokens if read.outlook else 0,
        usage_through=read.outlook.usage_through if read.outlook else None,
    )


def _read(asked: Asked, *, at: datetime) -> _Read:
    billing = tenants.billing()
    subject = _subject(asked)
    binding = _binding(subject, at=at, today=periods.local_day(at, billing.zone))
    before = _before(asked, binding)
    period = before.period if before else spans.at(at, asked.every, billing.zone)
    return _Read(
        at=at,
        subject=subject,
        binding=binding,
        before=before,
        period=period,
        outlook=_outlook(subject, before, period, before.unit if before else asked.unit, at=at),
        mix=recent_mix.of(subject, at=at, zone=billing.zone) if subject else Mix(),
        tier=tiers.limits(asked.product, at=at) if asked.product else (),
        billing=billing,
    )


def _subject(asked: Asked) -> Subscription | Team | None:
    """Whose use it is about; of a subscription that is not there yet nobody's."""
    if asked.kind in asking.OF_A_LIMIT:
        return asked.subscription or asked.team
    return None if asked.kind is RequestKind.SUBSCRIPTION else asked.subscription


def _binding(subject: Subscription | Team | None, *, at: datetime, today: date) -> Binding:
    """What limits the subscription, or one of the team's that its team limits."""
    match subject:
        case None:
            return NO_LIMIT
        case Subscription():
            return quotas.of([subject.pk], at=at).get(subject.pk, NO_LIMIT)
        case Team():
            owned = teams.subscriptions_of(subject, on=today)
            found = quotas.of([one.pk for one in owned], at=at).values()
            of_team = (one for one in found if any(_of_team(limit) for limit in one.limits))
            return next(of_team, NO_LIMIT)


def _of_team(limit: Limit) -> bool:
    return limit.level is Level.TEAM


def _before(asked: Asked, binding: Binding) -> Limit | None:
    """The limit that the change is about."""
    if asked.kind is RequestKind.REACTIVATION:
        return binding.tightest
    if asked.kind in asking.OF_A_LIMIT and asked.subscription is None:
        kinds = (one for one in binding.limits if _of_team(one))
        return next((one for one in kinds if (one.unit, one.every) == _kind(asked)), None)
    return binding.its(*_kind(asked))


def _kind(asked: Asked) -> tuple[Unit, Every]:
    return asked.unit, asked.every


def _outlook(
    subject: Subscription | Team | None,
    before: Limit | None,
    period: Stretch,
    unit: Unit,
    *,
    at: datetime,
) -> Outlook | None:
    """The forecast of whatever the limit counts; none by the hour."""
    if subject is None or period.every is Every.HOUR:
        return None
    days = {"first_day": period.first_day, "end_day": period.end_day}
    counted = forecasts.Unit(unit.value)
    match before.level if before else None:
        case Level.COST_CENTER if before:
            center = before.subject_id
            return forecasts.of_cost_center(center, **days, unit=counted, at=at)
        case Level.TEAM if before:
            return forecasts.of_team(before.subject_id, **days, unit=counted, at=at)
    if isinstance(subject, Team):
        return forecasts.of_team(subject.pk, **days, unit=counted, at=at)
    return forecasts.of_subscriptions([subject.pk], **days, unit=counted, at=at)[subject.pk]


def _after(asked: Asked, read: _Read) -> Limit | None:
    """The limit as it would be."""
    before = read.before
    match asked.kind:
        case RequestKind.REACTIVATION:
            return before
        case RequestKind.SUBSCRIPTION:
            return _of_tier(asked, read) or _first_of_tier(read)
        case RequestKind.TIER:
            own = before is not None and before.level is Level.SUBSCRIPTION
            return before if own else _of_tier(asked, read)
    if before is None:
        return None
    extra = before.extra + asked.change
    whole = max(before.base + extra + before.carried, _NOTHING)
    ends = [one for one in (before.extra_until, asked.until(read.billing.zone)) if one]
    return replace(before, extra=extra, extra_until=min(ends, default=None), limit=whole)


def _of_tier(asked: Asked, read: _Read) -> Limit | None:
    """The tier's limit of this kind; what was granted to the subscription stays."""
    found = next((one for one in read.tier if (one.unit, one.every) == _kind(asked)), None)
    if found is None:
        return None
    limit = found.of_somebody(used=read.used, at=read.at, billing=read.billing)
    if read.before is None:
        return limit
    extra = read.before.extra
    whole = max(limit.base + extra, _NOTHING)
    return replace(limit, extra=extra, extra_until=read.before.extra_until, limit=whole)


def _first_of_tier(read: _Read) -> Limit | None:
    first = next(iter(read.tier), None)
    return first.of_somebody(used=_NOTHING, at=read.at, billing=read.billing) if first else None


def _ahead(asked: Asked, read: _Read, after: Limit | None) -> _Ahead:
    """What is expected, and when the limit is reached without and with the change."""
    outlook = read.outlook
    if outlook is None or not outlook.forecast.known_days:
        return _Ahead()
    told = outlook.forecast
    turns = asked.last_day + _DAY if asked.last_day else None
    within = [one for one in told.days if turns and one.day < turns < outlook.end_day]
    last = within[-1] if within else None
    before = read.before
    steps = Steps(after.limit, turns, before.limit if before else _NOTHING) if after else None
    return _Ahead(
        expected=_expected(outlook, told.days[-1] if told.days else None, read.used),
        at_its_end=_expected(outlook, last, read.used) if last else None,
        without=told.runs_out(before.limit, read.used) if before else None,
        with_change=rule.runs_out(told, steps, used=read.used) if steps else None,
    )


def _expected(outlook: Outlook, by: Ahead | None, used: Decimal) -> Expected:
    """What is used by the end of a day, counted on from what is used; the period over: that."""
    if by is None:
        return Expected(outlook.last_day, used, used, used)
    more = used - outlook.forecast.so_far
    told = (EXACT.add(by.at(one), more) for one in Percentile)
    return Expected(by.day, *(EXACT.quantize(amount, rule.KEPT) for amount in told))


def _monthly(asked: Asked, read: _Read) -> tuple[Decimal | None, Decimal | None]:
    """How much more a month it allows, at the recent mix and at the dearer one."""
    match asked.kind:
        case RequestKind.REACTIVATION:
            return _NOTHING, _NOTHING
        case RequestKind.SUBSCRIPTION:
            most = tiers.most_a_month((one.unit, one.every, one.limit) for one in read.tier)
            return most, most
        case RequestKind.TIER:
            more = _more_of_tier(read)
            return more, more
    change = rule.a_month(asked.change, asked.every)
    if asked.unit is Unit.CURRENCY:
        return change, change
    return _times(change, read.mix.a_token), _times(change, read.mix.a_token_dearer)


def _more_of_tier(read: _Read) -> Decimal | None:
    """The most a month of the wanted tier less that of the present one, own limits staying."""
    own = {(one.unit, one.every): one for one in read.binding.limits if one.level in _OWN}
    stays = {kind: one for kind, one in own.items() if one.level is Level.SUBSCRIPTION}
    then = [(*kind, one.limit) for kind, one in stays.items()]
    then += [
        (one.unit, one.every, one.limit + (own[kind].extra if kind in own else _NOTHING))
        for one in read.tier
        for kind in [(one.unit, one.every)]
        if kind not in stays
    ]
    now = tiers.most_a_month((*kind, one.limit) for kind, one in own.items())
    most = tiers.most_a_month(then)
    return None if now is None or most is None else most - now


def _shares(asked: Asked, read: _Read, monthly: Decimal | None) -> tuple[Share, ...]:
    """The budgets it counts for, without and with it."""
    today = periods.local_day(read.at, read.billing.zone)
    owner = ownership.on(asked.subscription, today) if asked.subscription else None
    whose = budgets.of_owner(owner) if owner else budgets.of_team(asked.team)
    more = _more(asked, read, monthly)
    return shares.of({one: [more] for one in whose}, at=read.at)


def _more(asked: Asked, read: _Read, monthly: Decimal | None) -> More:
    """What it allows in cost for each of its periods.

    Less than before allows nothing more, nor does more of a limit that is not there.
    """
    if asked.kind not in asking.OF_A_LIMIT:
        return More(None if monthly is None else max(monthly, _NOTHING), Every.MONTH)
    change = max(asked.change, _NOTHING) if read.before else _NOTHING
    cost = change if asked.unit is Unit.CURRENCY else _times(change, read.mix.a_token)
    until = asked.last_day + _DAY if asked.last_day else None
    return More(cost if change else _NOTHING, asked.every, until)


def _base(read: _Read) -> Decimal | None:
    """The limit without what is left over and what was granted of late."""
    before = read.before
    if before is None or read.subject is None:
        return None
    recent = granted.since(
        read.subject, before.unit, before.every, granted_from=read.at - RECENTLY, at=read.at
    )
    return before.base + before.extra - recent


def _percent(expected: Expected | None, base: Decimal | None) -> Decimal | None:
    return budgets.percent(expected.p50, base) if expected and base else None


def _times(amount: Decimal, each: Decimal | None) -> Decimal | None:
    """The product, as finely as costs are kept."""
    if each is None:
        return None
    return EXACT.quantize(EXACT.multiply(amount, each), rule.KEPT)

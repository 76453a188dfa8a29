"""What limits a subscription, against a model of it in plain Python, for whatever was said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.limits import quotas
from governance.limits.binding import Limit
from governance.models import Hardness, Rollover, Subject, Unit
from governance.rules.spans import Every
from tenancy import scope
from tests.flows import limited
from tests.flows.limited import Shop

ZONES = ("Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "UTC")
#: Around the change of clocks in Berlin, a change of months, weeks and (by override) years.
FIRST = date(2026, 10, 20)
BEGIN = datetime(2026, 10, 20, tzinfo=UTC)
DAY, QUARTER = timedelta(days=1), timedelta(minutes=15)
#: Long before everything, before this year, or within what is looked at.
STARTS = st.one_of(
    st.just(datetime(2024, 12, 1, tzinfo=UTC)),
    st.just(datetime(2026, 9, 1, tzinfo=UTC)),
    st.integers(0, 20 * 24).map(lambda hours: BEGIN + timedelta(hours=hours)),
)


@dataclass(frozen=True)
class SaidQuota:
    """``subject``: 0 to 2 a subscription, 3 the product, 4 to 6 a team, 7 and 8 a cost center."""

    subject: int
    unit: Unit
    every: Every
    limit: Decimal | None
    hardness: Hardness
    rollover: Rollover
    start: datetime
    end: datetime | None

    @property
    def kind(self) -> tuple[int, Unit, Every]:
        return (self.subject, self.unit, self.every)


@dataclass(frozen=True)
class SaidMore:
    subject: int
    unit: Unit
    every: Every
    amount: Decimal
    start: datetime
    end: datetime | None


@dataclass(frozen=True)
class Day:
    subscription: int
    day: date
    cost: Decimal | None
    tokens: int


@dataclass(frozen=True)
class Bucket:
    subscription: int
    start: datetime
    tokens: int


@dataclass(frozen=True)
class Owned:
    subscription: int
    day: date
    team: int | None
    center: int | None


@dataclass(frozen=True)
class Said:
    """All that is known of a tenant."""

    zone: str
    quotas: list[SaidQuota]
    more: list[SaidMore]
    days: list[Day]
    buckets: list[Bucket]
    owned: list[Owned]


@dataclass(frozen=True)
class Applies:
    """What the model says of one limit: the same figures as a `Limit`."""

    subject: int
    unit: Unit
    every: Every
    base: Decimal
    extra: Decimal
    extra_until: datetime | None
    carried: Decimal
    limit: Decimal
    used: Decimal
    unpriced: int
    hard: bool

    @property
    def rank(self) -> tuple[bool, Decimal]:
        share = self.used / self.limit if self.limit else Decimal("Infinity")
        return (self.hard and self.used >= self.limit, share)


#: The cost centers of the teams, and the first owners: as `limited.shop` makes them.
CENTERS, OWNERS = (0, 0, 1), (0, 0, 1)


class Model:
    """The definition, as slowly and plainly as it can be written."""

    def __init__(self, said: Said) -> None:
        self.said = said
        self.zone = ZoneInfo(said.zone)

    def limits(self, subscription: int, at: datetime) -> list[Applies]:
        today = at.astimezone(self.zone).date()
        team, center = self.owner(subscription, today)
        own = self.in_force(subscription, at)
        tier = {kind: quota for kind, quota in self.in_force(3, at).items() if kind not in own}
        found = [*own.values(), *tier.values()]
        if team is not None:
            found += self.in_force(4 + team, at).values()
        if center is not None:
            found += self.in_force(7 + center, at).values()
        return [self.applies(quota, subscription, at) for quota in found]

    def in_force(self, subject: int, at: datetime) -> dict[tuple[Unit, Every], SaidQuota]:
        found: dict[tuple[Unit, Every], SaidQuota] = {}
        by_start: dict[tuple[Unit, Every, datetime], SaidQuota] = {}
        for quota in self.said.quotas:  # in the order in which they were written down
            if quota.subject == subject:
                by_start[(quota.unit, quota.every, quota.start)] = quota
        for _, quota in sorted(by_start.items(), key=lambda item: item[0][2]):
            if quota.start <= at and (quota.end is None or quota.end > at):
                found[(quota.unit, quota.every)] = quota
        return {kind: quota for kind, quota in found.items() if quota.limit is not None}

    def applies(self, quota: SaidQuota, subscription: int, at: datetime) -> Applies:
        counts = subscription if quota.subject == 3 else quota.subject
        more = [
            one
            for one in self.said.more
            if (one.subject, one.unit, one.every) == (counts, quota.unit, quota.every)
            and one.start <= at
            and (one.end is None or one.end > at)
        ]
        start = self.start(quota.every, at)
        used, unpriced = self.used(counts, quota, start, at)
        assert quota.limit is not None
        carried = self.carried(counts, quota, start)
        extra = sum((one.amount for one in more), Decimal(0))
        return Applies(
            quota.subject,
            quota.unit,
            quota.every,
            quota.limit,
            extra,
            min((one.end for one in more if one.end), default=None),
            carried,
            max(quota.limit + extra + carried, Decimal(0)),
            used,
            unpriced,
            quota.hardness is Hardness.HARD,
        )

    def carried(self, counts: int, quota: SaidQuota, start: datetime) -> Decimal:
        if quota.rollover is Rollover.NONE or quota.limit is None:
            return Decimal(0)
        end = start - timedelta(microseconds=1)
        before = self.start(quota.every, end)
        if quota.start > before:
            return Decimal(0)
        return max(quota.limit - self.used(counts, quota, before, end)[0], Decimal(0))

    def used(
        self, counts: int, quota: SaidQuota, start: datetime, at: datetime
    ) -> tuple[Decimal, int]:
        """Of days: through the one that holds the instant."""
        if quota.every is Every.HOUR:
            return self.used_in_hour(counts, quota.unit, start)
        first, last = start.astimezone(self.zone).date(), at.astimezone(self.zone).date()
        days = [
            one
            for one in self.said.days
            if first <= one.day <= last and self.is_of(counts, one.subscription, one.day)
        ]
        unpriced = sum(one.tokens for one in days if one.cost is None)
        if quota.unit is Unit.TOKENS:
            return Decimal(sum(one.tokens for one in days)), unpriced
        return sum((one.cost for one in days if one.cost is not None), Decimal(0)), unpriced

    def used_in_hour(self, counts: int, unit: Unit, start: datetime) -> tuple[Decimal, int]:
        cost, tokens, unpriced = Decimal(0), 0, 0
        for one in self.said.buckets:
            day = one.start.astimezone(self.zone).date()
            if not start <= one.start < start + timedelta(hours=1):
                continue
            if not self.is_of(counts, one.subscription, day):
                continue
            each = self.cost_each(day)
            tokens += one.tokens
            if each is None:
                unpriced += one.tokens
            else:
                cost += each * one.tokens
        return (Decimal(tokens) if unit is Unit.TOKENS else cost), unpriced

    def cost_each(self, day: date) -> Decimal | None:
        """What a token of the only priced class came to on a day."""
        priced = [one for one in self.said.days if one.day == day and one.cost is not None]
        if not priced:
            return None
        return sum((one.cost or Decimal(0) for one in priced), Decimal(0)) / sum(
            one.tokens for one in priced
        )

    def is_of(self, counts: int, subscription: int, day: date) -> bool:
        if counts < 3:
            return counts == subscription
        team, center = self.owner(subscription, day)
        return (
            counts == (4 + team if team is not None else -1)
            if counts < 7
            else (counts == (7 + center if center is not None else -1))
        )

    def owner(self, subscription: int, day: date) -> tuple[int | None, int | None]:
        team: int | None = OWNERS[subscription]
        center: int | None = None
        since = date(2024, 12, 1)
        for one in self.said.owned:
            if one.subscription == subscription and since <= one.day <= day:
                since, team, center = one.day, one.team, one.center
        if center is None and team is not None:
            center = CENTERS[team]
        return team, center

    def start(self, every: Every, at: datetime) -> datetime:
        local = at.astimezone(self.zone)
        if every is Every.HOUR:
            past = timedelta(
                minutes=local.minute, seconds=local.second, microseconds=local.microsecond
            )
            return at - past
        day = local.date()
        first = {
            Every.DAY: day,
            Every.WEEK: day - day.weekday() * DAY,
            Every.MONTH: day.replace(day=1),
            Every.YEAR: day.replace(month=1, day=1),
        }[every]
        return datetime(first.year, first.month, first.day, tzinfo=self.zone).astimezone(UTC)


amounts = st.integers(0, 40).map(Decimal)
kinds = (st.sampled_from(list(Unit)), st.sampled_from(list(Every)))
ends = st.one_of(st.none(), st.integers(1, 12 * 24))


@st.composite
def said_quotas(draw: st.DrawFn) -> SaidQuota:
    unit, every, start = draw(kinds[0]), draw(kinds[1]), draw(STARTS)
    limit = draw(st.one_of(st.none(), amounts))
    end = draw(ends)
    return SaidQuota(
        draw(st.sampled_from([0, 0, 0, 1, 2, 3, 3, 4, 4, 5, 6, 7, 8])),
        unit,
        every,
        limit * 100 if limit is not None and unit is Unit.TOKENS else limit,
        draw(st.sampled_from(list(Hardness))),
        draw(st.sampled_from(list(Rollover))),
        start,
        None if end is None else max(start, BEGIN) + timedelta(hours=end),
    )


@st.composite
def said_more(draw: st.DrawFn) -> SaidMore:
    unit, start, end = draw(kinds[0]), draw(STARTS), draw(ends)
    amount = draw(st.integers(-20, 20).filter(bool).map(Decimal))
    return SaidMore(
        draw(st.sampled_from([0, 0, 1, 4, 4, 5])),
        unit,
        draw(kinds[1]),
        amount * 100 if unit is Unit.TOKENS else amount,
        start,
        None if end is None else max(start, BEGIN) + timedelta(hours=end),
    )


day_numbers = st.integers(0, 20).map(lambda number: FIRST + number * DAY)
said_days = st.builds(
    Day,
    st.integers(0, 2),
    st.one_of(day_numbers, st.just(date(2025, 12, 31)), st.just(date(2026, 2, 3))),
    st.one_of(st.none(), amounts.map(lambda one: one / 4)),
    st.sampled_from([100, 400, 1600]),
)
days_used = st.lists(
    said_days, max_size=12, unique_by=lambda one: (one.subscription, one.day, one.cost is None)
)
said_owned = st.builds(
    Owned,
    st.integers(0, 2),
    day_numbers,
    st.one_of(st.none(), st.integers(0, 2)),
    st.one_of(st.none(), st.integers(0, 1)),
)


@st.composite
def everything(draw: st.DrawFn) -> tuple[Said, datetime]:
    minutes = draw(st.integers(0, 21 * 24 * 60))
    at = BEGIN + timedelta(minutes=minutes)
    near = st.integers(-10, 4).map(lambda quarters: _quarter(at) + quarters * QUARTER)
    zone = draw(st.sampled_from(ZONES))
    today = at.astimezone(ZoneInfo(zone)).date()
    said = Said(
        zone,
        draw(st.lists(said_quotas(), min_size=1, max_size=10)),
        draw(st.lists(said_more(), max_size=4)),
        [one for one in draw(days_used) if one.day <= today],  # nothing ahead of its time
        draw(
            st.lists(
                st.builds(Bucket, st.integers(0, 2), near, st.sampled_from([100, 700])),
                max_size=6,
                unique_by=lambda one: (one.subscription, one.start),
            )
        ),
        draw(st.lists(said_owned, max_size=4)),
    )
    return said, at


def _quarter(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)


@pytest.mark.slow  # each example is a tenant with all of its rows
@given(drawn=everything())
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_database_says_what_the_model_says(db: None, drawn: tuple[Said, datetime]) -> None:
    said, at = drawn
    with transaction.atomic():
        ref = limited.tenant(said.zone)
        with scope.of(ref):
            made = limited.shop(said.zone)
            _write(made, said)
            found = quotas.of([one.pk for one in made.subscriptions], at=at)
            alone = [quotas.of([one.pk], at=at).get(one.pk) for one in made.subscriptions]
            for number, subscription in enumerate(made.subscriptions):
                expected = Model(said).limits(number, at)
                limits = found[subscription.pk].limits if subscription.pk in found else ()
                assert alone[number] == found.get(subscription.pk)
                _agree(made, limits, expected)
        transaction.set_rollback(True)


def _write(made: Shop, said: Said) -> None:
    subjects: tuple[Subject, ...] = (
        *made.subscriptions,
        made.product,
        *made.teams,
        *made.centers,
    )
    for quota in said.quotas:
        made.limit(
            subjects[quota.subject],
            quota.limit,
            since=quota.start,
            until=quota.end,
            unit=quota.unit,
            every=quota.every,
            hardness=quota.hardness,
            rollover=quota.rollover,
        )
    for more in said.more:
        made.more(
            subjects[more.subject],  # type: ignore[arg-type]  # a subscription or a team
            more.amount,
            since=more.start,
            until=more.end,
            unit=more.unit,
            span=more.every,
        )
    for one in said.days:
        made.use(made.subscriptions[one.subscription], one.day, one.cost, one.tokens)
    for bucket in said.buckets:
        made.bucket(made.subscriptions[bucket.subscription], bucket.start, bucket.tokens)
    for owned in said.owned:
        made.give(
            made.subscriptions[owned.subscription],
            None if owned.team is None else made.teams[owned.team],
            owned.day,
            None if owned.center is None else made.centers[owned.center],
        )


def _agree(made: Shop, limits: tuple[Limit, ...], expected: list[Applies]) -> None:
    subjects = (*made.subscriptions, made.product, *made.teams, *made.centers)

    def key(one: Limit | Applies) -> tuple[str, int, str, str]:
        if isinstance(one, Limit):
            return (one.level, one.subject_id, one.unit, one.every)
        subject = subjects[one.subject]
        level = ("subscription", "product", "team", "cost_center")[
            (one.subject >= 3) + (one.subject >= 4) + (one.subject >= 7)
        ]
        return (level, subject.pk, one.unit, one.every)

    by_key = {key(one): one for one in expected}
    assert {key(one) for one in limits} == set(by_key)
    assert len(limits) == len(expected)
    for one in limits:
        model = by_key[key(one)]
        assert (one.base, one.extra, one.extra_until) == (
            model.base,
            model.extra,
            model.extra_until,
        )
        assert _near(one.carried, model.carried)
        assert _near(one.limit, model.limit)
        assert _near(one.used, model.used)
        assert one.unpriced_tokens == model.unpriced
    ranks = [by_key[key(one)].rank for one in limits]
    for first, second in pairwise(ranks):
        assert first[0] >= second[0]
        assert first[0] > second[0] or first[1] >= second[1] or _near(first[1], second[1])


def _near(one: Decimal, other: Decimal) -> bool:
    """The same but for a division's last digits."""
    return one == other or abs(one - other) < Decimal("0.0000000001")

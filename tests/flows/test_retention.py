"""What is let go of usage, for two tenants that keep it for different times, and what stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection

from billing import kept, marking, measured, retention, stored, windows
from billing.models import (
    BillingSettings,
    ClassUsage,
    ClosedMonth,
    DayToRate,
    MeterMapping,
    ProposedAdjustment,
    PushedEvent,
    RatedDay,
    Usage,
    UsageDay,
    UsageWindow,
    WindowState,
)
from billing.prices.mapping import ALWAYS
from billing.rules.measured import Draft, Line
from billing.rules.token_classes import TokenClass
from billing.rules.windows import HOUR
from billing.sources.seam import COUNTS, Hour
from billing.windows import Wanted
from portal.embedded import Role
from tenancy import scope
from tenancy.models import AuditRecord, InstallationRun
from tenancy.runs import Contention
from tests import bed
from tests.flows.november import rate
from tests.isolation.catalog import RULES
from tests.world import Place, World
from tests.world_usage import told_of

#: Far enough back for the database to let go of it, whenever the tests run.
AT = datetime(2025, 12, 10, 12, tzinfo=UTC)
MONTHS = [datetime(2025, month, 1, tzinfo=UTC) for month in range(2, 12)]
#: Instants of every month that lie about its edges in Berlin, in India and in UTC.
NEAR = (
    timedelta(0),
    timedelta(hours=4),
    timedelta(hours=19),
    timedelta(days=14),
    timedelta(minutes=-30),
)
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


def test_months_are_counted_in_utc() -> None:
    before_utc = datetime.fromisoformat("2026-01-01T00:30+01:00")
    assert retention.months_before(before_utc, 0) == datetime(2025, 12, 1, tzinfo=UTC)
    assert retention.months_before(AT, 12) == datetime(2024, 12, 1, tzinfo=UTC)
    assert retention.months_before(AT, -2) == datetime(2026, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "month", "first"),
    [
        ("UTC", "2025-11-01", "2025-11-01"),
        ("Europe/Berlin", "2025-11-01", "2025-11-02"),  # winter time since the 26th
        ("Europe/Berlin", "2025-04-01", "2025-04-02"),  # summer time since the 30th
        ("America/New_York", "2025-11-01", "2025-11-01"),
        ("Asia/Kolkata", "2025-06-01", "2025-06-02"),
        ("Asia/Kathmandu", "2025-06-01", "2025-06-02"),
        ("Australia/Lord_Howe", "2025-10-01", "2025-10-02"),
        ("Pacific/Kiritimati", "2025-06-01", "2025-06-02"),
        ("Pacific/Pago_Pago", "2025-06-01", "2025-06-01"),
    ],
)
def test_a_day_is_kept_if_all_of_it_is(zone: str, month: str, first: str) -> None:
    until = datetime.fromisoformat(month).replace(tzinfo=UTC)
    assert retention.first_whole_day(until, zone) == date.fromisoformat(first)


@pytest.fixture
def both(committed_world: World) -> Iterator[World]:
    """Both tenants with usage round every edge of ten months, rated."""
    for place in (committed_world.contoso, committed_world.fabrikam):
        with scope.of(place.ref):
            DayToRate.objects.all().delete()
            _used(place)
            marking.mark_days(since=ALWAYS)
        rate(place)
    yield committed_world
    with psycopg.connect(bed.url(Role.SUPERUSER), autocommit=True) as direct:
        for table in _tables("detached_billing_usage%"):
            direct.execute(f"DROP TABLE {table}".encode())


def _used(place: Place) -> None:
    subscription = place.houses[0].subscription
    row: dict[str, Any] = {
        "series": told_of(subscription, place.deployment),
        "gateway": place.gateway,
        "subscription": subscription,
        "deployment": place.deployment,
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT billing_usage_months(%s, %s)", [MONTHS[0], MONTHS[-1]])
    for month in MONTHS:
        for after in NEAR:
            start = month + after
            if start >= MONTHS[0]:
                start = start.replace(minute=start.minute // 30 * 30, second=0)
                Usage.objects.create(**row, bucket_start=start, input_tokens=1000, requests=1)
        ClassUsage.objects.create(
            **row, bucket_start=month, token_class=TokenClass.PAGES, quantity=7
        )
        UsageWindow.objects.create(
            gateway=place.gateway, start=month, end=month + HOUR, due_at=month
        )
    PushedEvent.objects.create(
        gateway=place.gateway, source="urn:x", event_id="old", at=MONTHS[0], received_at=MONTHS[0],
        quantities={"input": 1}, digest="0" * 64,
    )  # fmt: skip


def keep(place: Place, months: int | None) -> None:
    with scope.of(place.ref):
        BillingSettings.objects.update(usage_retention_months=months)


def maintain(at: datetime = AT) -> retention.LetGo:
    return retention.maintain(at=at, contention=Contention.GIVE_WAY)


def held(place: Place) -> list[datetime]:
    """The buckets of last year that the tenant has."""
    with scope.of(place.ref):
        rows = Usage.objects.filter(bucket_start__lt=datetime(2026, 1, 1, tzinfo=UTC))
        return sorted(rows.values_list("bucket_start", flat=True))


def kept_from(place: Place) -> date | None:
    with scope.of(place.ref):
        return kept.first_day()


def sums(place: Place) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The days as they stand: what they cost, and what was observed."""
    with scope.of(place.ref):
        rated = RatedDay.objects.order_by("day", "token_class", "quantity")
        days = UsageDay.objects.order_by("day", "series")
        return (
            list(rated.values_list("day", "series", "token_class", "quantity", "cost", "price")),
            list(days.values_list("day", "series", "requests", "latency")),
        )


def _tables(like: str) -> list[str]:
    with psycopg.connect(bed.url(Role.SUPERUSER)) as direct:
        query = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE %s ORDER BY 1"
        return [name for (name,) in direct.execute(query, [like]).fetchall()]


def test_each_tenant_keeps_what_it_chose_and_every_day_stands(both: World) -> None:
    contoso, fabrikam = both.contoso, both.fabrikam
    keep(contoso, 3)
    keep(fabrikam, 6)
    before = {place.ref.slug: sums(place) for place in (contoso, fabrikam)}
    assert before["contoso"][0]
    september, june = datetime(2025, 9, 1, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC)
    expected = (
        [at for at in held(contoso) if at >= september],
        [at for at in held(fabrikam) if at >= june],
    )

    done = maintain()

    assert [month.month for month in done.months] == [2, 3, 4, 5]
    assert done.moved == ("contoso", "fabrikam")
    assert done.waiting == ()
    assert (held(contoso), held(fabrikam)) == expected
    assert kept_from(contoso) == date(2025, 9, 2)
    assert kept_from(fabrikam) == date(2025, 6, 2)
    assert {place.ref.slug: sums(place) for place in (contoso, fabrikam)} == before
    with scope.of(contoso.ref):
        assert not ClassUsage.objects.filter(bucket_start__lt=september).exists()
        assert not PushedEvent.objects.filter(event_id="old").exists()
        assert AuditRecord.objects.filter(action="usage.let-go").count() == 1
    run = InstallationRun.objects.get(step=retention.STEP)
    assert run.outcome == "succeeded"
    assert run.detail["months"] == ["2025-02", "2025-03", "2025-04", "2025-05"]
    assert run.detail["tenants_moved"] == 2


def test_again_lets_go_of_nothing_more(both: World) -> None:
    keep(both.contoso, 3)
    keep(both.fabrikam, 3)
    assert maintain().moved == ("contoso", "fabrikam")
    again = maintain()
    assert (again.months, again.moved, again.rows) == ((), (), 0)


def test_a_month_that_went_for_all_is_not_deleted_row_by_row(both: World) -> None:
    for place in (both.contoso, both.fabrikam):
        keep(place, 3)
        with scope.of(place.ref):
            ClassUsage.objects.all().delete()
            PushedEvent.objects.all().delete()
    done = maintain()
    assert done.rows == 0
    assert done.months[-1] == date(2025, 8, 1)
    with psycopg.connect(bed.url(Role.SUPERUSER)) as direct:
        found = direct.execute(
            "SELECT DISTINCT tenant_id FROM detached_billing_usage_2025_08"
        ).fetchall()
    assert {row[0] for row in found} == {both.contoso.ref.id, both.fabrikam.ref.id}


def test_who_keeps_everything_keeps_everything(both: World) -> None:
    keep(both.contoso, 3)
    before = held(both.fabrikam)
    done = maintain()
    assert done.months == ()
    assert done.moved == ("contoso",)
    assert held(both.fabrikam) == before
    assert kept_from(both.fabrikam) is None


def test_less_than_three_months_are_never_kept(both: World) -> None:
    keep(both.contoso, 1)
    maintain()
    assert kept_from(both.contoso) == date(2025, 9, 2)


def test_a_day_that_waits_to_be_rated_keeps_its_month_for_all(both: World) -> None:
    contoso, fabrikam = both.contoso, both.fabrikam
    keep(contoso, 3)
    keep(fabrikam, 3)
    with scope.of(contoso.ref):
        DayToRate.objects.create(day=date(2025, 3, 3), deployment=contoso.deployment)
    before = held(contoso)
    done = maintain()
    assert done.waiting == ("contoso",)
    assert done.months == ()
    assert kept_from(contoso) is None
    assert held(contoso) == before
    rate(contoso)
    assert maintain().months[-1] == date(2025, 8, 1)


def test_a_price_that_changes_long_ago_leaves_the_days_that_were_let_go(both: World) -> None:
    contoso = both.contoso
    keep(contoso, 3)
    maintain()
    first = date(2025, 9, 2)
    before = [row for row in sums(contoso)[0] if row[0] < first]
    with scope.of(contoso.ref):
        MeterMapping.objects.update(effective_from=ALWAYS)
        marking.mark_days(since=ALWAYS)
        span = marking.Span(contoso.deployment.pk, TokenClass.INPUT, ALWAYS, None)
        marking.mark_spans([span])
        assert min(DayToRate.objects.values_list("day", flat=True)) >= first
        # Even a mark that somebody left: a rating without the hours would find nothing used.
        DayToRate.objects.create(day=date(2025, 8, 30), deployment=contoso.deployment)
    rate(contoso)
    assert [row for row in sums(contoso)[0] if row[0] < first] == before
    with scope.of(contoso.ref):
        assert not DayToRate.objects.filter(day__lt=first).exists()


def test_a_closed_month_that_is_kept_in_part_is_compared_by_what_was_rated(both: World) -> None:
    contoso = both.contoso
    with scope.of(contoso.ref):
        ProposedAdjustment.objects.all().delete()
        ClosedMonth.objects.create(first_day=date(2025, 9, 1), closed_by="dan", closed_at=AT)
    keep(contoso, 3)
    maintain()
    with scope.of(contoso.ref):
        DayToRate.objects.create(day=date(2025, 9, 15), deployment=contoso.deployment)
    rate(contoso)
    with scope.of(contoso.ref):
        assert list(ProposedAdjustment.objects.all()) == []


def test_hours_that_were_let_go_are_not_read_and_hold_nothing_back(both: World) -> None:
    contoso = both.contoso
    keep(contoso, 3)
    maintain()
    with scope.of(contoso.ref):
        first = kept.first_hour()
        assert first == datetime(2025, 9, 1, 22, tzinfo=UTC)
        assert not UsageWindow.objects.filter(end__lte=datetime(2025, 9, 1, tzinfo=UTC)).exists()
        everything = Wanted(BEGINNING, AT, anyway=True)
        lease = windows.claim(
            contoso.gateway.name, contoso.gateway.pk, everything, at=AT, after=BEGINNING, most=999,
            contention=Contention.TAKE_OVER,
        )  # fmt: skip
        assert lease is not None
        assert lease.start >= first


def test_an_hour_that_was_read_stays_read(both: World) -> None:
    contoso = both.contoso
    with scope.of(contoso.ref):
        row = UsageWindow.objects.get(start=MONTHS[0])
        UsageWindow.objects.filter(pk=row.pk).update(
            state=WindowState.FAILED, through=row.end, read_at=row.end, reads=1
        )
    keep(contoso, 3)
    maintain()
    with scope.of(contoso.ref):
        after = UsageWindow.objects.get(pk=row.pk)
    assert (after.state, after.due_at) == (WindowState.COMPLETE, None)


def _hour(place: Place, start: datetime, tokens: int) -> Hour:
    return Hour(
        start=start,
        subscription=place.houses[0].subscription.name,
        host=place.deployment.host,
        deployment=place.deployment.name,
        tokens=(tokens, 0, 0, 0),
        total=tokens,
        counts=(1,) + (0,) * (len(COUNTS) - 1),
    )


def _store(place: Place, start: datetime, hours: list[Hour]) -> None:
    stored.replace(place.gateway.pk, hours, start=start, end=start + HOUR, classes=(), at=AT)


def test_nothing_is_stored_of_hours_that_were_let_go(both: World) -> None:
    contoso = both.contoso
    keep(contoso, 3)
    maintain()
    start = datetime(2025, 8, 30, 9, tzinfo=UTC)
    with pytest.raises(kept.LetGo, match="2025-09-02"), scope.of(contoso.ref):
        _store(contoso, start, [_hour(contoso, start, 5)])
    assert "billing_usage_2025_08" in _tables("billing_usage_2025%")  # Fabrikam keeps it
    assert not any(at < datetime(2025, 9, 1, tzinfo=UTC) for at in held(contoso))


def test_the_hour_in_which_the_first_day_begins_marks_that_day_alone(both: World) -> None:
    """India's days begin at 18:30 UTC: the hour has a half of a day that stands as it was rated."""
    fabrikam = both.fabrikam
    keep(fabrikam, 3)
    maintain()
    with scope.of(fabrikam.ref):
        assert kept.since() == datetime(2025, 9, 1, 18, 30, tzinfo=UTC)
        start = kept.first_hour()
        halves = [start, start + timedelta(minutes=30)]
        DayToRate.objects.all().delete()
        _store(fabrikam, start, [_hour(fabrikam, half, 5) for half in halves])
        assert set(DayToRate.objects.values_list("day", flat=True)) == {date(2025, 9, 2)}


def test_a_file_cannot_bring_what_was_let_go(both: World) -> None:
    contoso = both.contoso
    keep(contoso, 3)
    maintain()
    line = Line(
        row=2, start=datetime(2025, 8, 1, tzinfo=UTC), gateway=contoso.gateway.name,
        subscription=contoso.houses[0].subscription.name, deployment=contoso.deployment.name,
        token_class=TokenClass.PAGES, quantity=1,
    )  # fmt: skip
    with pytest.raises(measured.Faulty, match="let go"), scope.of(contoso.ref):
        measured.replace(Draft((line,), ()), source="x.csv", by="dan", at=AT)


def test_months_are_made_ahead(committed_world: World) -> None:
    maintain(datetime(2031, 12, 31, 23, tzinfo=UTC))
    made = _tables("billing_usage_203%")
    with psycopg.connect(bed.url(Role.SUPERUSER), autocommit=True) as direct:
        for table in made:
            direct.execute(f"DROP TABLE {table}".encode())
    assert made == ["billing_usage_2031_12", "billing_usage_2032_01", "billing_usage_2032_02"]


def test_a_detached_month_is_out_of_reach_and_stays_under_guard(both: World) -> None:
    keep(both.contoso, 3)
    keep(both.fabrikam, 3)
    maintain()
    detached = _tables("detached_billing_usage%")
    assert len(detached) == 7
    with psycopg.connect(bed.url(Role.APP)) as direct:
        direct.execute("SELECT set_config('apportion.tenant', %s, true)", ["1"])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            direct.execute("SELECT * FROM detached_billing_usage_2025_08")
    with psycopg.connect(bed.url(Role.SUPERUSER)) as direct:
        assert {name: rule(direct) for name, rule in RULES.items()} == {name: [] for name in RULES}


def test_a_month_that_comes_again_goes_again(both: World) -> None:
    keep(both.contoso, 3)
    keep(both.fabrikam, 3)
    maintain()
    with psycopg.connect(bed.url(Role.APP)) as direct:
        direct.execute("SELECT billing_usage_months('2025-08-05Z', '2025-08-05Z')")
        direct.commit()
    assert maintain().months == (date(2025, 8, 1),)
    assert "detached_billing_usage_2025_08_2" in _tables("detached%")


def test_the_database_lets_nobody_go_too_far(committed_world: World) -> None:
    with psycopg.connect(bed.url(Role.APP)) as direct:
        for month in ("now()::date - 40", "'2025-02-02'::date"):
            query = f"SELECT billing_usage_let_go(({month}))"
            with pytest.raises(psycopg.errors.RaiseException):
                direct.execute(query.encode())
            direct.rollback()


def test_by_hand(both: World, clock_at: Any, capsys: pytest.CaptureFixture[str]) -> None:
    clock_at(AT)
    keep(both.contoso, 3)
    keep(both.fabrikam, 3)
    call_command("let_usage_go")
    told = capsys.readouterr().out
    assert "2025-08: detached as detached_billing_usage_2025_08" in told
    assert "contoso: hours are kept from a later day on" in told
    assert told.endswith("7 months detached\n")


def test_who_is_writing_is_not_waited_for_long(
    both: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_PATIENCE", "SET LOCAL lock_timeout = '200ms'")
    keep(both.contoso, 3)
    keep(both.fabrikam, 3)
    before = held(both.contoso)
    with psycopg.connect(bed.url(Role.APP)) as direct:  # as usage that is being stored holds it
        lock = "SELECT pg_advisory_xact_lock_shared(%s, %s)"
        direct.execute(lock, [marking._LOCK, both.fabrikam.ref.id])
        with pytest.raises(OperationalError, match="lock timeout"):
            maintain()
        assert (held(both.contoso), kept_from(both.contoso)) == (before, None)
    assert InstallationRun.objects.get(step=retention.STEP).outcome == "failed"
    assert maintain().moved == ("contoso", "fabrikam")

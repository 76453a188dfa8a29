"""Price sheets in the small world: precedence, what is marked, what is refused, what is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import effects, price_terms, rating
from billing.models import (
    DayToRate,
    ExchangeRate,
    Meter,
    MeterMapping,
    Price,
    PriceDecision,
    PriceSheet,
    RatedDay,
    SheetLine,
)
from billing.prices import sheets, shifts
from billing.prices.sheets import Wanted
from billing.rules.sheet_lines import AgreedLine, Kind
from billing.rules.token_classes import TokenClass
from tenancy import scope
from tenancy.models import AuditRecord, InstallationRun, Outcome
from tenancy.refusals import Invalid
from tenancy.runs import Contention
from tests.flows import agreed
from tests.world import NOW, START, World
from tests.world_usage import BUCKET

DAY = timedelta(days=1)
Drawn = dict[str, Any]  # Any: what Hypothesis draws, or fields of a sheet
METER = "0b0e5d1f-0000-4000-8000-000000000001"
TENTH_OFF = AgreedLine(1, Kind.DISCOUNT, product_filter="Azure OpenAI*", percent=Decimal(10))
EXACT = AgreedLine(
    1, Kind.EXACT, METER, price=Decimal("1.50"), unit_of_measure="1M", currency="USD"
)
MARKUP = AgreedLine(1, Kind.MARKUP, percent=Decimal(5))


def wanted(*lines: AgreedLine, name: str = "Contract 2026", **changed: Any) -> Wanted:
    """A sheet from November on."""
    made = Wanted(
        name=name,
        source="Enrollment 77",
        effective_from=datetime(2026, 11, 1, tzinfo=UTC),
        effective_until=None,
        lines=tuple(replace(line, row=row) for row, line in enumerate(lines, 1)),
    )
    return replace(made, **changed)


def put(sheet: Wanted) -> PriceSheet:
    return sheets.apply(sheet, by="dan@example.org", at=NOW)


def marked() -> set[date]:
    return set(DayToRate.objects.values_list("day", flat=True))


def end(sheet: PriceSheet, until: datetime | None) -> PriceSheet:
    return sheets.end(sheet, until=until, by="dan@example.org", at=NOW, reason="Renegotiated.")


@pytest.fixture
def contoso(world: World) -> Iterator[World]:
    """In Contoso's scope, nothing marked."""
    with scope.of(world.contoso.ref):
        DayToRate.objects.all().delete()
        yield world


# Precedence.


def price_at(instant: datetime) -> price_terms.Term:
    meter = Meter.objects.get(azure_id=METER)
    return price_terms.at([meter.pk], instant)[meter.pk]


@pytest.mark.parametrize(
    ("lines", "price"),
    [
        ((TENTH_OFF,), "0.000001575"),
        ((EXACT, TENTH_OFF), "0.0000015"),
        ((MARKUP,), "0.0000018375"),
        ((EXACT, TENTH_OFF, MARKUP), "0.000001575"),
        ((TENTH_OFF, MARKUP), "0.00000165375"),
        ((replace(TENTH_OFF, product_filter="azure openai"),), "0.000001575"),
        ((replace(TENTH_OFF, product_filter="OpenAI"),), "0.00000175"),
        ((replace(TENTH_OFF, product_filter="", meter_filter="*inp*"),), "0.000001575"),
        ((replace(TENTH_OFF, product_filter="%"),), "0.00000175"),
        ((replace(TENTH_OFF, product_filter="Azure_OpenAI"),), "0.00000175"),
        (
            (replace(TENTH_OFF, region="swedencentral"), replace(TENTH_OFF, percent=Decimal(20))),
            "0.000001575",
        ),
        ((TENTH_OFF, replace(TENTH_OFF, percent=Decimal(20))), "0.0000014"),
        ((replace(TENTH_OFF, percent=Decimal(100)),), "0"),
    ],
)
def test_a_price_is_exact_else_discounted_then_marked_up(
    contoso: World, lines: tuple[AgreedLine, ...], price: str
) -> None:
    put(wanted(*lines))
    term = price_at(NOW)
    assert term.unit_price == Decimal(price)
    assert term.list_unit_price == Decimal("0.00000175")


def test_the_newer_sheet_counts_until_it_ends(contoso: World) -> None:
    put(wanted(TENTH_OFF))
    put(
        wanted(
            replace(TENTH_OFF, percent=Decimal(20)),
            name="Promotion",
            effective_from=NOW.replace(hour=0, minute=0) - 5 * DAY,
            effective_until=NOW.replace(hour=0, minute=0) - 2 * DAY,
        )
    )
    days = {back: price_at(NOW - back * DAY).unit_price for back in (6, 5, 3, 1)}
    assert days == {
        6: Decimal("0.000001575"),
        5: Decimal("0.0000014"),
        3: Decimal("0.0000014"),
        1: Decimal("0.000001575"),
    }


TEXTS = ("", "Azure OpenAI", "Azure*", "*open*", "azure openai media", "A%", "Azu_e*", "*\\*", "é*")
NAMES = ("", "gpt*", "*Inp*", "gpt 5 inp", "*glbl", "5_", "*")
REGIONS = ("", "swedencentral", "*europe", "Sweden*")
INSTANTS = [
    datetime(2026, 9, 1, tzinfo=UTC) + number * 6 * timedelta(hours=1) for number in range(9)
]
percents = st.decimals(0, 100, places=4)
prices = st.decimals(0, 10, places=9)


@st.composite
def situations(draw: st.DrawFn) -> dict[str, list[Drawn]]:
    """Meters, list prices with and without doubts, sheets of all kinds; by place, no ids yet."""
    meters = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "product_name": st.sampled_from(
                        ["Azure OpenAI", "Azure OpenAI Media", "AZURE%", "Azu_e\\x"]
                    ),
                    "meter_name": st.sampled_from(["gpt 5 Inp", "gpt 5 Inp glbl", "GPT 5_"]),
                    "region": st.sampled_from(["swedencentral", "westeurope", ""]),
                }
            ),
            min_size=1,
            max_size=3,
        )
    )
    places = st.integers(0, len(meters) - 1)
    stated = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "meter": places,
                    "since": st.sampled_from(INSTANTS),
                    "load": st.integers(0, 2),
                    "price": prices,
                    "doubted": st.booleans(),
                    "verdict": st.sampled_from([None, None, "accepted", "rejected"]),
                }
            ),
            max_size=6,
            unique_by=lambda one: (one["meter"], one["since"], one["load"]),
        )
    )
    line = st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["exact", "discount", "discount", "markup"]),
            "meter": places,
            "product": st.sampled_from(TEXTS),
            "name": st.sampled_from(NAMES),
            "region": st.sampled_from(REGIONS),
            "price": prices,
            "currency": st.sampled_from(["USD", "EUR"]),
            "percent": percents,
        }
    )
    dated = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "since": st.sampled_from(INSTANTS),
                    "lasts": st.sampled_from([None, 0, 1, 2, 5]),
                    "lines": st.lists(line, min_size=1, max_size=4),
                }
            ),
            max_size=4,
        )
    )
    return {"meters": meters, "stated": stated, "sheets": dated}


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(situations())
def test_the_statement_says_what_a_plain_reckoning_says(
    contoso: World, drawn: dict[str, list[Drawn]]
) -> None:
    with transaction.atomic():
        things = _meters(drawn["meters"])
        stated, offers = _prices(drawn["stated"], things), _offers(drawn["sheets"], things)
        found = price_terms.of_meters([thing.id for thing in things])
        for thing in things:
            for instant in (*INSTANTS, INSTANTS[0] - DAY, NOW, INSTANTS[3] + timedelta(minutes=1)):
                term = next((term for term in found.get(thing.id, ()) if term.holds(instant)), None)
                said = term and agreed.Cost(
                    term.unit_price,
                    term.currency,
                    term.list_unit_price,
                    term.sheet_line_id,
                    term.markup_line_id,
                )
                reckoned = agreed.cost(thing, instant, stated, offers)
                assert (said or _NOTHING) == (reckoned or _NOTHING)
        transaction.set_rollback(True)


_NOTHING = agreed.Cost(None, None, None, None, None)


def _meters(drawn: list[Drawn]) -> list[agreed.Thing]:
    made = [
        Meter.objects.create(
            azure_id=f"drawn-{place}", sku_name="", service_name="", unit_of_measure="1", **values
        )
        for place, values in enumerate(drawn)
    ]
    return [agreed.Thing(one.pk, one.product_name, one.meter_name, one.region) for one in made]


def _prices(drawn: list[Drawn], things: list[agreed.Thing]) -> list[agreed.Stated]:
    loads = [
        InstallationRun.objects.create(
            step="sync_prices", outcome=Outcome.SUCCEEDED, started_at=START, beat_at=START
        ).pk
        for _ in range(3)
    ]
    found = []
    for one in drawn:
        row = Price.objects.create(
            meter_id=things[one["meter"]].id,
            effective_from=one["since"],
            currency="USD",
            listed_price=one["price"],
            unit_of_measure="1",
            unit_price=one["price"],
            doubts=[{"rule": "jump", "says": "so"}] if one["doubted"] else [],
            run_id=loads[one["load"]],
        )
        if one["verdict"]:
            PriceDecision.objects.create(
                price=row, verdict=one["verdict"], decided_by="x", decided_at=NOW, reason="x"
            )
        found.append(
            agreed.Stated(
                row.meter_id,
                one["since"],
                row.run_id,
                one["price"],
                one["doubted"],
                one["verdict"],
            )
        )
    return found


def _offers(drawn: list[Drawn], things: list[agreed.Thing]) -> list[agreed.Offer]:
    found = []
    for place, one in enumerate(drawn):
        since, lasts = one["since"], one["lasts"]
        until = None if lasts is None else since + lasts * timedelta(hours=6)
        sheet = PriceSheet.objects.create(
            name=f"drawn {place}",
            effective_from=since,
            effective_until=until,
            source="x",
            applied_by="x",
            applied_at=NOW,
        )
        for number, line in enumerate(one["lines"], 1):
            found.append(_offer(sheet, number, line, things))
    return found


def _offer(sheet: PriceSheet, number: int, line: Drawn, things: list[agreed.Thing]) -> agreed.Offer:
    exact = line["kind"] == "exact"
    row = SheetLine.objects.create(
        sheet=sheet,
        number=number,
        kind=line["kind"],
        meter_id=things[line["meter"]].id if exact else None,
        product_filter="" if exact else line["product"],
        meter_filter="" if exact else line["name"],
        region_filter="" if exact else line["region"],
        currency=line["currency"] if exact else "",
        listed_price=line["price"] if exact else None,
        unit_price=line["price"] if exact else None,
        percent=None if exact else line["percent"],
    )
    return agreed.Offer(
        id=row.pk,
        kind=row.kind,
        since=sheet.effective_from,
        until=sheet.effective_until,
        rank=(sheet.pk, number),
        meter=row.meter_id,
        product=row.product_filter,
        name=row.meter_filter,
        region=row.region_filter,
        currency=row.currency,
        unit_price=row.unit_price,
        percent=row.percent,
    )


# What is marked.


def test_the_days_that_a_sheet_prices_are_marked_and_no_others(contoso: World) -> None:
    put(wanted(TENTH_OFF))
    assert marked() == {BUCKET.date()}


def test_a_sheet_that_prices_no_day_of_usage_marks_none(contoso: World) -> None:
    put(wanted(TENTH_OFF, name="later", effective_from=datetime(2026, 11, 4, tzinfo=UTC)))
    put(wanted(replace(TENTH_OFF, product_filter="Other*"), name="of something else"))
    put(
        wanted(
            TENTH_OFF,
            name="before",
            effective_from=START,
            effective_until=datetime(2026, 11, 3, tzinfo=UTC),
        )
    )
    assert marked() == set()  # in September there is usage, of a class that no meter prices


def test_a_line_that_loses_to_another_marks_nothing(contoso: World) -> None:
    put(wanted(EXACT))
    DayToRate.objects.all().delete()
    put(wanted(TENTH_OFF, name="weaker"))
    assert marked() == set()


def test_a_mapping_that_ended_is_not_marked(contoso: World) -> None:
    other = Meter.objects.create(
        azure_id="other", meter_name="other", product_name="Other", region="", unit_of_measure="1"
    )
    MeterMapping.objects.create(
        deployment=contoso.contoso.deployment,
        token_class=TokenClass.INPUT,
        meter=other,
        effective_from=datetime(2026, 11, 2, tzinfo=UTC),
        confirmed_by="x",
        reason="x",
    )
    put(wanted(TENTH_OFF))
    assert marked() == set()


def test_ending_a_sheet_marks_the_days_between_the_old_end_and_the_new(contoso: World) -> None:
    sheet = put(wanted(TENTH_OFF))
    DayToRate.objects.all().delete()
    end(sheet, datetime(2026, 11, 10, tzinfo=UTC))
    assert marked() == set()
    end(sheet, datetime(2026, 11, 3, tzinfo=UTC))
    assert marked() == {BUCKET.date()}
    DayToRate.objects.all().delete()
    end(sheet, None)
    assert marked() == {BUCKET.date()}


def test_usage_is_rated_by_the_sheet_and_the_list_cost_is_kept(world: World) -> None:
    with scope.of(world.contoso.ref):
        sheet = put(wanted(EXACT, MARKUP))
        lines = {row.kind: row.pk for row in sheet.lines.all()}
    rating.rate(world.contoso.ref, contention=Contention.TAKE_OVER)
    with scope.of(world.contoso.ref):
        row = RatedDay.objects.get(day=BUCKET.date(), subscription=world.search.subscription)
        assert row.sheet_line_id == lines["exact"]
        assert row.markup_line_id == lines["markup"]
        assert row.unit_price == Decimal("0.000001575")
        assert row.list_cost == Decimal("1.75")
        assert row.cost == Decimal("1.575")


def test_a_plan_tells_the_effect_and_leaves_nothing(contoso: World) -> None:
    effect = effects.of(lambda: put(wanted(TENTH_OFF)), at=NOW)
    assert effect.open.before == Decimal("3.50")
    assert effect.open.after == Decimal("3.15")
    assert [(slug, sides.difference) for slug, _name, sides in effect.teams] == [
        ("search", Decimal("-0.175")),
        ("support", Decimal("-0.175")),
    ]
    assert not PriceSheet.objects.filter(name="Contract 2026").exists()
    assert marked() == set()
    assert not AuditRecord.objects.filter(action="price-sheet.apply").exists()


def test_a_sheet_of_one_tenant_prices_nothing_of_another(contoso: World) -> None:
    put(wanted(TENTH_OFF))
    meter = Meter.objects.get(azure_id=METER)
    term = price_terms.at([meter.pk], NOW)[meter.pk]
    assert term.sheet_line_id
    other = next(iter(PriceSheet.objects.values_list("tenant_id", flat=True)))
    assert other == contoso.contoso.ref.id


def test_fabrikam_sees_none_of_contosos_sheets(world: World) -> None:
    with scope.of(world.contoso.ref):
        put(wanted(TENTH_OFF))
    with scope.of(world.fabrikam.ref):
        assert price_at(NOW).sheet_line_id is None
        assert [sheet.name for sheet in PriceSheet.objects.all()] == ["Pilot"]


# The verbs.


def test_the_same_sheet_again_changes_nothing(contoso: World) -> None:
    first = put(wanted(EXACT, MARKUP))
    DayToRate.objects.all().delete()
    records = AuditRecord.objects.count()
    again = put(wanted(replace(EXACT, price=Decimal("1.5000")), MARKUP))
    assert again.pk == first.pk
    assert AuditRecord.objects.count() == records
    assert marked() == set()


@pytest.mark.parametrize(
    "other",
    [
        {"lines": (TENTH_OFF, MARKUP)},
        {"lines": (MARKUP,)},
        {"effective_until": datetime(2026, 12, 1, tzinfo=UTC)},
    ],
)
def test_another_sheet_of_the_same_name_and_start_is_refused(contoso: World, other: Drawn) -> None:
    put(wanted(TENTH_OFF))
    with pytest.raises(sheets.OtherSheet, match="later start"):
        put(wanted(TENTH_OFF, **other))
    assert sheets.lines_of(PriceSheet.objects.get(name="Contract 2026")).count() == 1


def test_both_changes_are_in_the_audit_log(contoso: World) -> None:
    sheet = put(wanted(EXACT, MARKUP, TENTH_OFF))
    until = datetime(2026, 12, 1, tzinfo=UTC)
    end(sheet, until)
    end(sheet, until)
    applied, ended = AuditRecord.objects.filter(action__startswith="price-sheet").order_by("number")
    assert (applied.actor, applied.subject) == ("dan@example.org", "Contract 2026")
    assert applied.after is not None
    assert applied.after["lines"] == {"exact": 1, "markup": 1, "discount": 1}
    assert ended.before == {"until": None}
    assert ended.after is not None
    assert ended.after["until"] == "2026-12-01T00:00:00Z"
    assert ended.reason == "Renegotiated."


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"source": ""}, "source"),
        ({"effective_from": datetime(1999, 1, 1, tzinfo=UTC)}, "effective_from"),
        ({"effective_from": datetime(2026, 11, 1, 0, 30, tzinfo=UTC)}, "effective_from"),
        ({"effective_until": datetime(2026, 11, 1, tzinfo=UTC)}, "effective_until"),
        ({"effective_until": datetime(2026, 12, 1, 0, 0, 1, tzinfo=UTC)}, "effective_until"),
    ],
)
def test_what_is_no_sheet_is_refused_at_its_field(
    contoso: World, changed: Drawn, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        put(wanted(TENTH_OFF, **changed))
    assert refused.value.values["field"] == field


def test_a_half_hour_is_a_start_where_buckets_are_half_hours(world: World) -> None:
    with scope.of(world.fabrikam.ref):
        put(wanted(TENTH_OFF, effective_from=datetime(2026, 10, 31, 18, 30, tzinfo=UTC)))


def test_unknown_meters_and_currencies_without_a_way_are_told_by_row(contoso: World) -> None:
    yen = replace(EXACT, currency="JPY")
    nobody = replace(EXACT, meter_id="nobody's")
    with pytest.raises(sheets.FaultySheet) as refused:
        put(wanted(TENTH_OFF, nobody, yen))
    assert [(fault.row, fault.column) for fault in refused.value.faults] == [
        (2, "MeterId"),
        (3, "Currency"),
    ]
    ExchangeRate.objects.create(
        from_currency="JPY",
        to_currency="USD",
        rate=Decimal("0.007"),
        effective_from=START,
        source="the central bank",
    )
    put(wanted(yen))
    assert price_at(NOW).currency == "JPY"


def test_a_sheet_without_a_line_is_refused(contoso: World) -> None:
    with pytest.raises(sheets.FaultySheet, match="no line"):
        put(wanted())


def test_an_end_is_not_before_the_start_and_has_a_reason(contoso: World) -> None:
    sheet = put(wanted(TENTH_OFF))
    with pytest.raises(sheets.EndsBeforeStart):
        end(sheet, sheet.effective_from - DAY)
    with pytest.raises(Invalid, match="reason"):
        sheets.end(sheet, until=NOW, by="dan", at=NOW, reason=" ")
    end(sheet, sheet.effective_from)
    assert price_at(NOW).sheet_line_id is None


def test_shifts_are_where_terms_differ_and_nowhere_else(contoso: World) -> None:
    meter = Meter.objects.get(azure_id=METER)
    before = price_terms.of_meters([meter.pk])[meter.pk]
    since, until = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 9, tzinfo=UTC)
    put(wanted(TENTH_OFF, effective_from=since, effective_until=until))
    after = price_terms.of_meters([meter.pk])[meter.pk]
    assert shifts.between(before, before) == ()
    assert shifts.between(before, after) == (shifts.Shift(meter.pk, since, until),)
    assert shifts.between(after, before) == (shifts.Shift(meter.pk, since, until),)
    assert shifts.between((), before) == (shifts.Shift(meter.pk, START, None),)

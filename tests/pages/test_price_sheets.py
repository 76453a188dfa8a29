"""The pages of price sheets: who may what, faults by row, the effect first, then the change."""

from __future__ import annotations

import html
import re
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from billing import rating
from billing.documents import price_sheet_csv
from billing.models import DayToRate, PriceSheet, RatedDay
from billing.prices import sheets
from tenancy import scope
from tenancy.runs import Contention
from tests.world import Browser, World
from tests.world_usage import BUCKET

SHEETS = "/t/contoso/prices/sheets/"
NEW = f"{SHEETS}new/"
METER = "0b0e5d1f-0000-4000-8000-000000000001"
TENTH = "Kind,ProductFilter,Percent\r\ndiscount,Azure OpenAI*,10"
GIVEN = {
    "name": "Contract",
    "source": "Enrollment 77",
    "effective_from": "2026-11-01",
    "effective_until": "",
}


@pytest.fixture(autouse=True)
def _at_noon(at_noon: None) -> None:
    """The clock stands where the world's does."""


def text(page: Any) -> str:
    """What one reads, with single spaces and none before a comma."""
    plain = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))
    return re.sub(r" (?=[,.;:])", "", plain)


def hidden(page: Any) -> dict[str, str]:
    """What the plan's form would post."""
    found = re.findall(
        r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.content.decode()
    )
    return {name: html.unescape(value) for name, value in found if name != "csrfmiddlewaretoken"}


def held(world: World, name: str = "Contract") -> PriceSheet | None:
    with scope.of(world.contoso.ref):
        return PriceSheet.objects.filter(name=name).first()


def applied(world: World, lines: str = TENTH) -> PriceSheet:
    plan = world.dan.post(NEW, GIVEN | {"lines": lines})
    assert world.dan.post(NEW, hidden(plan)).status_code == 302
    sheet = held(world)
    assert sheet is not None
    return sheet


@pytest.mark.parametrize("name", ["carol", "dan", "erin", "vic"])
def test_those_over_the_teams_see_the_sheets(world: World, name: str) -> None:
    browser: Browser = getattr(world, name)
    assert "Pilot" in text(browser.get(SHEETS))
    pilot = held(world, "Pilot")
    assert pilot is not None
    page = text(browser.get(f"{SHEETS}{pilot.pk}/"))
    assert "10 % off every meter" in page
    assert ("Show the effect" in page) is (name in {"dan", "erin"})


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_a_team_owner_sees_no_sheet(world: World, name: str) -> None:
    browser: Browser = getattr(world, name)
    pilot = held(world, "Pilot")
    assert pilot is not None
    for place in (SHEETS, NEW, f"{SHEETS}{pilot.pk}/", f"{SHEETS}{pilot.pk}/sheet.csv"):
        assert browser.get(place).status_code == 403


@pytest.mark.parametrize("name", ["carol", "vic"])
def test_only_finance_and_administrators_change_one(world: World, name: str) -> None:
    browser: Browser = getattr(world, name)
    pilot = held(world, "Pilot")
    assert pilot is not None
    assert browser.post(NEW, GIVEN | {"lines": TENTH}).status_code == 403
    until = {"effective_until": "2026-12-01", "reason": "So."}
    assert browser.post(f"{SHEETS}{pilot.pk}/", until).status_code == 403
    assert held(world) is None


def test_a_sheet_shows_its_effect_first_and_is_applied_as_it_was_shown(world: World) -> None:
    plan = world.dan.post(NEW, GIVEN | {"lines": TENTH})
    said = text(plan)
    assert plan.status_code == 200
    assert "1.75 USD → 1.575 USD per 1M; list 1.75 USD" in said
    assert "Search 1.75 1.58 −0.17" in said or "Search 1.75 1.57 −0.18" in said
    assert "All open months 3.50 3.15 −0.35" in said
    assert held(world) is None

    done = world.dan.post(NEW, hidden(plan), follow=True)
    assert "is applied" in text(done)
    sheet = held(world)
    assert sheet is not None
    assert sheet.applied_by == "dan@example.org"
    with scope.of(world.contoso.ref):
        assert DayToRate.objects.filter(day=BUCKET.date()).exists()


def test_a_plan_of_other_lines_applies_nothing(world: World) -> None:
    plan = hidden(world.dan.post(NEW, GIVEN | {"lines": TENTH}))
    page = world.dan.post(NEW, plan | {"lines": TENTH.replace("10", "90")})
    assert "All open months 3.50 0.35" in text(page)
    assert held(world) is None


def test_faults_are_shown_by_row_and_what_was_typed_stays(world: World) -> None:
    lines = f"Kind,MeterId,Price,UnitOfMeasure,Currency,Percent\nexact,nobody,1,1M,USD,\n{'x' * 9}"
    page = world.dan.post(NEW, GIVEN | {"lines": lines})
    said = text(page)
    assert page.status_code == 400
    assert "2 cells cannot be taken" in said
    assert "2 MeterId The price list has no meter nobody." in said
    assert "3 Kind" in said
    assert 'value="Enrollment 77"' in page.content.decode()
    assert "nobody,1,1M" in said
    assert held(world) is None


def test_of_many_faults_the_first_are_shown_with_their_number(world: World) -> None:
    page = world.dan.post(NEW, GIVEN | {"lines": "Kind\n" + "x\n" * 250})
    assert page.content.decode().count("give exact, discount or markup") == sheets.MOST_FAULTS
    assert "250 cells cannot be taken" in text(page)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"name": ""}, "Give 1 to 120 characters"),
        ({"effective_from": "1 November"}, "Give a day such as 2026-11-01"),
        ({"effective_from": "2026-11-01T00:30:00Z"}, "whole 60 minutes"),
        ({"effective_until": "2026-10-01"}, "Give an end after the start"),
        ({"lines": ""}, "The file is empty"),
    ],
)
def test_a_wrong_field_is_told_at_it(world: World, changed: dict[str, str], says: str) -> None:
    page = world.dan.post(NEW, GIVEN | {"lines": TENTH} | changed)
    assert page.status_code == 400
    assert says in text(page)


def test_a_file_is_taken_and_a_great_one_refused(world: World) -> None:
    good = SimpleUploadedFile("sheet.csv", b"\xef\xbb\xbf" + TENTH.replace(",", ";").encode())
    plan = world.dan.post(NEW, GIVEN | {"file": good})
    assert "All open months 3.50 3.15" in text(plan)
    great = SimpleUploadedFile("sheet.csv", b"x" * (price_sheet_csv.LARGEST + 1))
    page = world.dan.post(NEW, GIVEN | {"file": great})
    assert page.status_code == 400
    assert "5,000,001 bytes" in text(page)


def test_azures_own_sheet_tells_what_it_leaves_out(world: World) -> None:
    azure = (
        "meterId,unitPrice,unitOfMeasure,currency,priceType,term\n"
        f"{METER},1.4,1M,USD,Consumption,\n"
        f"{METER},9,1 Hour,USD,Reservation,P1Y\n"
        "storage,1,1 GB/Month,USD,Consumption,\n"
    )
    plan = world.dan.post(NEW, GIVEN | {"lines": azure})
    said = text(plan)
    assert "1 rows left out: of another price type than Consumption." in said
    assert "1 rows left out: of meters that the price list here does not have." in said
    assert "1.75 USD → 1.4 USD per 1M" in said
    assert world.dan.post(NEW, hidden(plan)).status_code == 302
    sheet = held(world)
    assert sheet is not None
    with scope.of(world.contoso.ref):
        assert [line.meter_id for line in sheets.as_agreed(sheets.lines_of(sheet))] == [METER]


def test_an_end_shows_its_effect_first(world: World) -> None:
    sheet = applied(world)
    rating.rate(world.contoso.ref, contention=Contention.TAKE_OVER)
    place = f"{SHEETS}{sheet.pk}/"
    plan = world.dan.post(place, {"effective_until": "2026-11-03", "reason": "Renegotiated."})
    assert "All open months 3.15 3.50 +0.35" in text(plan)
    done = world.dan.post(place, hidden(plan), follow=True)
    assert "ends on 2026-11-03" in text(done)
    again = held(world)
    assert again is not None
    assert f"{again.effective_until:%Y-%m-%d}" == "2026-11-03"


def test_an_end_before_the_start_is_refused(world: World) -> None:
    place = f"{SHEETS}{applied(world).pk}/"
    page = world.dan.post(place, {"effective_until": "2026-10-01", "reason": "So."})
    assert page.status_code == 400
    assert "The sheet begins at 2026-11-01" in text(page)


def test_what_is_downloaded_makes_the_same_sheet(world: World) -> None:
    lines = f"{TENTH}\r\nmarkup,=cmd*,5"
    sheet = applied(world, lines)
    answer = world.dan.get(f"{SHEETS}{sheet.pk}/sheet.csv")
    read = price_sheet_csv.parse(answer.content)
    with scope.of(world.contoso.ref):
        assert read.lines == sheets.as_agreed(sheets.lines_of(sheet))
    assert b",'=cmd*," in answer.content
    again = world.dan.post(NEW, GIVEN | {"lines": answer.content.decode("utf-8-sig")})
    assert "No team's amount of an open month changes" in text(again)


def test_lines_are_found_by_text_and_kind(world: World) -> None:
    place = f"{SHEETS}{applied(world, f'{TENTH}{chr(10)}markup,Other*,5').pk}/"
    assert "1 line found" in text(world.dan.get(f"{place}?kind=markup"))
    assert "1 line found" in text(world.dan.get(f"{place}?text=other"))
    assert "No such line" in text(world.dan.get(f"{place}?kind=markup&text=openai"))
    assert world.dan.get(f"{place}?kind=gift").status_code == 400


def test_why_tells_the_chain(world: World) -> None:
    applied(world, f"{TENTH}\r\ndiscount,,20\r\nmarkup,,5")
    said = text(world.dan.get(f"/t/contoso/prices/meters/{METER}/why/"))
    assert "10 % off product “Azure OpenAI*”; then 5 % on top of every meter" in said
    assert "1.75 USD per 1M in force since 1 Sep 2026 UTC, stated by load" in said
    assert "Held back: 1750 USD per 1M from 15 Sep 2026 UTC. 1,000 times" in said
    assert "Rejected by erin@example.org" in said
    assert "names the product, which is more specific" in said
    assert "1.65375 USD per 1M" in said
    before = text(world.dan.get(f"/t/contoso/prices/meters/{METER}/why/?at=2026-10-01"))
    assert "The list price, as it is." in before
    assert "not yet in force" in before
    assert "From 1 Nov 2026 UTC: 0.00000165375 USD per single unit" in before
    early = text(world.dan.get(f"/t/contoso/prices/meters/{METER}/why/?at=2026-08-01"))
    assert "No price is in force: usage is unpriced." in early


def test_of_a_meter_that_is_none_there_is_no_why(world: World) -> None:
    assert world.dan.get("/t/contoso/prices/meters/nobody/why/").status_code == 404
    assert world.dan.get(f"/t/contoso/prices/meters/{METER}/why/?at=soon").status_code == 400


def test_fabrikam_has_no_sheet_of_contosos(world: World) -> None:
    number = applied(world).pk
    assert world.mallory.get(f"/t/fabrikam/prices/sheets/{number}/").status_code == 404
    assert "Contract" not in text(world.mallory.get("/t/fabrikam/prices/sheets/"))


# Where amounts are shown.


@pytest.fixture
def negotiated(world: World) -> World:
    """Contoso's November, rated at a tenth off with five percent on top."""
    applied(world, f"{TENTH}\r\nmarkup,,5")
    rating.rate(world.contoso.ref, contention=Contention.TAKE_OVER)
    return world


@pytest.mark.parametrize(
    "place",
    [
        "teams/search/",
        "subscriptions/apim-contoso/key-search/",
        "teams/search/statements/2026-11/",
    ],
)
def test_an_amount_says_the_sheet_that_made_it_and_the_list_cost(
    negotiated: World, place: str
) -> None:
    for name in ("alice", "dan"):
        browser: Browser = getattr(negotiated, name)
        page = browser.get(f"/t/contoso/{place}")
        said = text(page)
        assert "sheet “Contract” since 1 Nov 2026 UTC, 5 % on top" in said
        assert "1.65375 USD per 1M" in said
        assert "1.75 USD 1.65" in said
        links = re.findall(r'href="([^"]*/prices/meters/[^"]+/why/[^"]+)"', page.content.decode())
        assert bool(links) is (name == "dan")
        for link in links:
            assert "10 % off product “Azure OpenAI*”" in text(browser.get(html.unescape(link)))


def test_without_a_sheet_the_list_is_not_told_twice(world: World) -> None:
    said = text(world.dan.get("/t/contoso/teams/search/statements/2026-11/"))
    assert "list price since 1 Sep 2026 UTC" in said
    assert "At list" not in said


def test_what_is_no_token_is_priced_by_its_own_unit(world: World) -> None:
    with scope.of(world.contoso.ref):
        row = RatedDay.objects.get(day=BUCKET.date(), subscription=world.search.subscription)
        for token_class, quantity, unit_price, units in (
            ("images", 12, Decimal("0.04"), 1),
            ("audio_seconds", 7200, Decimal("0.36"), 3600),
            ("searches", 1, Decimal("0.014"), 1),
            ("output", 5_000_000, None, 1),
        ):
            row.pk, row.token_class, row.quantity = None, token_class, quantity
            row.unit_price, row.units_per_price = unit_price, units
            row.price_currency = "USD" if unit_price is not None else ""
            row.cost = quantity * unit_price / units if unit_price is not None else Decimal(0)
            row.list_cost = row.cost
            row.save(force_insert=True)
    for place in ("teams/search/", "teams/search/statements/2026-11/"):
        said = text(world.dan.get(f"/t/contoso/{place}"))
        assert "12 images 0.04 USD per image" in said
        assert "7,200 seconds 0.36 USD per 3,600 seconds" in said
        assert "1 search 0.014 USD per search" in said
        assert "not charged by use: its capacity is paid for 5,000,000 capacity paid 0.00" in said


def test_what_is_paid_for_is_told_apart_from_what_has_no_price(world: World) -> None:
    with scope.of(world.contoso.ref):
        row = RatedDay.objects.get(day=BUCKET.date(), subscription=world.search.subscription)
        row.unit_price, row.price_currency, row.price, row.list_cost = None, "", None, None
        for day, cost in ((5, Decimal(0)), (6, None)):
            row.pk, row.day, row.cost = None, BUCKET.date().replace(day=day), cost
            row.save(force_insert=True)
    said = text(world.dan.get("/t/contoso/teams/search/"))
    assert "1,000,000 capacity paid" in said
    assert "1,000,000 tokens have no price" in said

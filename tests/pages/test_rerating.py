"""The page that says what waits to be rated, and what closed months would differ by."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing import marking, rating
from billing.models import DayToRate, PriceSheet, SheetLine
from tenancy import scope
from tests.world import NOW, World

ADDRESS = "/t/contoso/prices/rerating/"


def text(page: object) -> str:
    """What one reads, with single spaces."""
    content: bytes = page.content  # type: ignore[attr-defined]  # an answer that was read whole
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", content.decode()))


def halve(world: World) -> None:
    """Half price from the first of November on; not rated yet."""
    with scope.of(world.contoso.ref):
        sheet = PriceSheet.objects.create(
            name="Half",
            effective_from=datetime(2026, 11, 1, tzinfo=UTC),
            source="a test",
            applied_by="dan@example.org",
            applied_at=NOW,
        )
        SheetLine.objects.create(sheet=sheet, number=1, kind="discount", percent=Decimal(50))
        marking.mark_days(since=sheet.effective_from)


def test_it_says_what_rating_would_change_before_it_does(world: World) -> None:
    halve(world)

    shown = text(world.dan.get(ADDRESS))

    assert re.search(r"Search 1\.75 0\.87 −0\.88|Search 1\.75 0\.88 −0\.87", shown), shown
    assert "All open months 3.50 1.75 −1.75" in shown
    assert "key-search" in shown


def test_it_says_that_nothing_waits(world: World) -> None:
    with scope.of(world.contoso.ref):
        rating.mark_repriced()
        DayToRate.objects.all().delete()

    shown = text(world.dan.get(ADDRESS))

    assert "Nothing waits to be rated." in shown


def test_it_shows_what_closed_months_would_differ_by(world: World) -> None:
    shown = text(world.dan.get(ADDRESS))

    assert "September 2026 0.00 USD in 2 lines" in shown
    assert "0.00175 0.0035 0.00175" in shown


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_it_is_for_those_who_see_the_whole_tenant(world: World, name: str) -> None:
    assert getattr(world, name).get(ADDRESS).status_code == 403


@pytest.mark.parametrize("name", ["carol", "dan", "erin", "vic"])
def test_they_all_may_see_it(world: World, name: str) -> None:
    assert getattr(world, name).get(ADDRESS).status_code == 200


def test_another_tenant_sees_nothing_of_it(world: World) -> None:
    halve(world)

    assert "key-search" not in text(world.mallory.get("/t/fabrikam/prices/rerating/"))
